/** What a visitor takes along: the picture, the drawing, the values, the run, and code for another page. Files are read by other code than wrote them. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layOut } from '../../scripts/dist-layout.mjs';
import { Trace } from '../../www/page/easel/trace.js';
import { embedCode } from '../../www/page/take-away/embed-code.js';
import { filesOf } from '../../www/page/take-away/files.js';
import { encodeNpy } from '../../www/page/take-away/npy.js';
import { takenPicture } from '../../www/page/take-away/picture.js';
import { imagesShown, untilDone } from './browser.js';
import { colourModel, offer } from './models.js';
import { readFrames, readPng } from './png.js';
import { imagesOf, listedModels, noCommandLine, readNpy, runCommandLine } from './reference.js';
import { accessibilityFaults } from './sections.js';
import { fileOf } from './server.js';
import { expectErrors, openVisit, page, serveBody, site, visitSite } from './site.js';

/** As the files have it. */
const SCALE = 8;

/** @typedef {import('../../www/page/take-away/picture.js').TakenPicture} TakenPicture */

/**
 * A small picture that nothing drew.
 * @param {Partial<TakenPicture> & { channels?: number, top?: number }} [changes]
 * @returns {TakenPicture}
 */
function made({ channels = 1, top = 1, ...changes } = {}) {
  const info = { width: 3, height: 4, channels, levels: top + 1, parameters: 1, scales: [{ width: 3, height: 4 }] };
  const levels = Uint8Array.from({ length: channels * 12 }, (_, at) => (at * 37) % (top + 1));
  const model = { name: 'net', title: 'Net', file: 'net.safetensors', bytes: 1, sha256: 'ab', parameters: 1 };
  return { model, info, seed: 5n, image: 2, temperature: 1, levels, forks: [], bits: 2, ...changes };
}

/**
 * @param {TakenPicture} picture
 * @param {string} title
 */
async function fileMade(picture, title) {
  const { make } = /** @type {any} */ (filesOf(picture).find((file) => file.title === title));
  return Buffer.from(await (await make()).arrayBuffer());
}

/**
 * The colours that a picture's levels stand for, pixel by pixel, as a file has them.
 * @param {{ info: { width: number, height: number, channels: number, levels: number }, levels: ArrayLike<number> }} picture
 */
function coloursOf({ info: { width, height, channels, levels: count }, levels }) {
  const size = width * height;
  return Array.from({ length: size }, (_, at) => Array.from({ length: channels }, (_, channel) => Math.round((255 * levels[channel * size + at]) / (count - 1))));
}

/**
 * Every square of a picture is of one colour; these are the colours.
 * @param {{ width: number, height: number, colourAt: (x: number, y: number) => number[] }} picture
 */
function squaresOf({ width, height, colourAt }) {
  const [across, down] = [width / SCALE, height / SCALE];
  return Array.from({ length: across * down }, (_, at) => {
    const [x, y] = [SCALE * (at % across), SCALE * Math.floor(at / across)];
    const [first, ...rest] = [[0, 0], [SCALE - 1, 0], [3, 4], [0, SCALE - 1], [SCALE - 1, SCALE - 1]].map(([right, below]) => colourAt(x + right, y + below));
    for (const other of rest) assert.deepEqual(other, first, `the square at ${x}, ${y} is of one colour`);
    return first;
  });
}

/**
 * What stands there after each frame of an animation.
 * @param {Buffer} file
 */
function composed(file) {
  const { width, height, channels } = readPng(file);
  const { plays, frames } = readFrames(file);
  /** @type {number[][]} */
  const sheet = new Array((width / SCALE) * (height / SCALE)).fill(null);
  const states = frames.map((frame) => {
    assert.deepEqual([frame.x, frame.width, frame.dispose, frame.blend], [0, width, 0, 0]);
    squaresOf(frame).forEach((colour, at) => (sheet[(frame.y / SCALE) * (width / SCALE) + at] = colour));
    return [...sheet];
  });
  return { plays, frames, states, white: Array(channels).fill(255) };
}

describe('an animated PNG', () => {
  for (const [what, changes] of /** @type {const} */ ([['in ink', {}], ['in colour', { channels: 3, top: 255 }]])) {
    test(`${what} has a frame a row and ends on the whole picture`, async () => {
      const picture = made(changes);
      const file = await fileMade(picture, 'Drawing');
      const { plays, frames, states, white } = composed(file);
      assert.equal(plays, 1);
      assert.deepEqual(frames.map(({ y, height }) => [y / SCALE, height / SCALE]), [[0, 4], [0, 1], [1, 1], [2, 1], [3, 1]]);
      const whole = coloursOf(picture);
      states.forEach((state, drawn) => assert.deepEqual(state, [...whole.slice(0, 3 * drawn), ...Array(12 - 3 * drawn).fill(white)], `${drawn} rows`));
      assert.deepEqual(squaresOf(readPng(file)), whole, 'shown where animations are not');
      const took_ms = frames.reduce((sum, { delay_ms }) => sum + delay_ms, 0);
      assert.ok(took_ms > 3000 && took_ms < 5000, `${took_ms} ms`);
    });
  }

  test('of a completion begins with what was given, and draws only the rest', async () => {
    const mask = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1);
    const picture = made({ mask });
    const { frames, states, white } = composed(await fileMade(picture, 'Drawing'));
    const whole = coloursOf(picture);
    assert.deepEqual(frames.map(({ y }) => y / SCALE), [0, 1, 3]);
    assert.deepEqual(states[0], whole.map((colour, at) => (mask[at] ? white : colour)));
    assert.deepEqual(states[2], whole);
  });

  test('of a completion by values hides a pixel of which one value was drawn', async () => {
    const mask = new Uint8Array(36);
    mask[12 + 4] = 1;
    const picture = made({ channels: 3, top: 255, mask });
    const { frames, states, white } = composed(await fileMade(picture, 'Drawing'));
    assert.deepEqual(frames.map(({ y }) => y / SCALE), [0, 1]);
    assert.deepEqual(states[0], coloursOf(picture).map((colour, at) => (at === 4 ? white : colour)));
  });
});

describe('an .npy file', () => {
  // Where the values begin, of arrays whose axes are all 1, as numpy.save has it.
  for (const [axes, start] of [[2, 128], [14, 128], [15, 192]]) {
    test(`of ${axes} axes is what NumPy writes`, async () => {
      const file = Buffer.from(await encodeNpy(Array(axes).fill(1), Uint8Array.of(9)).arrayBuffer());
      assert.equal(file.length, start + 1);
      assert.deepEqual(imagesOf(readNpy(file)), [[9]]);
    });
  }
});

describe('the record of a run', () => {
  /** @param {TakenPicture} picture */
  const recordOf = async (picture) => JSON.parse(String(await fileMade(picture, 'Run')));

  test('names everything that decided the picture', async () => {
    assert.deepEqual(await recordOf(made({ seed: 2n ** 64n - 1n, temperature: 0.8 })), {
      model: { name: 'net', file: 'net.safetensors', sha256: 'ab' },
      seed: '18446744073709551615',
      image: 2,
      temperature: 0.8,
      shape: [1, 1, 4, 3],
      levels: 2,
      bits: 2,
      command: 'pixelrnn sample --model net.safetensors --seed 18446744073709551615 --first 2 --count 1 --temperature 0.8 --out net-seed-18446744073709551615-image-2-again.npy',
    });
  });

  test('has the levels that were kept, where not all were', async () => {
    const { temperature, top_k, top_p, command } = await recordOf(made({ topK: 40, topP: 0.95 }));
    assert.deepEqual({ temperature, top_k, top_p }, { temperature: 1, top_k: 40, top_p: 0.95 });
    assert.ok(command.includes(' --temperature 1 --top-k 40 --top-p 0.95 --out '), command);
  });

  test('of a completion has the mask, and the command the files it needs', async () => {
    const picture = made({ mask: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1) });
    const { mask, command } = await recordOf(picture);
    assert.deepEqual(mask, { shape: [4, 3], rows: ['000', '010', '000', '111'] });
    assert.match(command, /^pixelrnn complete --model net.safetensors --images net-seed-5-image-2.npy --mask net-seed-5-image-2-mask.npy --seed 5 --first 2 --count 1 /);
    assert.deepEqual(filesOf(picture).map(({ name }) => name).filter((name) => command.includes(` ${name}`)), ['net-seed-5-image-2.npy', 'net-seed-5-image-2-mask.npy']);
  });

  test('of a forked picture has the forks', async () => {
    const forks = [{ k: 3, level: 1 }, { k: 7, level: 0 }];
    assert.deepEqual((await recordOf(made({ forks, mask: new Uint8Array(12) }))).forks, forks);
  });

  test('quotes what a shell would take apart, and calls files by plain names', async () => {
    const name = "my 'own' net (2).safetensors";
    const picture = made({ model: { ...made().model, name, file: "my 'own' net.safetensors", own: true } });
    const { command } = await recordOf(picture);
    assert.ok(command.includes(" --model 'my '\\''own'\\'' net.safetensors' "), command);
    assert.ok(command.endsWith(' --out my-own-net-2--seed-5-image-2-again.npy'), command);
  });
});

describe('code for another page', () => {
  test('says no more than it must, and nothing that HTML would take apart', () => {
    assert.equal(
      embedCode(made({ image: 0 }), 'https://example.org/a/pixel-rnn.js'),
      '<script type="module" src="https://example.org/a/pixel-rnn.js"></script>\n<pixel-rnn model="net" seed="5" count="1" controls="min"></pixel-rnn>',
    );
    const odd = made({ temperature: 0.8, model: { ...made().model, name: '"><&' } });
    assert.match(embedCode(odd, 'https://example.org/?a&b') ?? '', /src="https:\/\/example.org\/\?a&amp;b".*\n<pixel-rnn model="&quot;>&lt;&amp;" seed="5" first="2" count="1" temperature="0.8" controls="min">/);
  });

  test('says which levels are kept, where not all are', () => {
    assert.match(embedCode(made({ topK: 40, topP: 0.95 }), 'https://example.org/pixel-rnn.js') ?? '', / count="1" top-k="40" top-p="0.95" controls="min">/);
  });

  test('names the file of a network that is on no server', () => {
    const own = made({ image: 0, model: { ...made().model, name: 'best (2).safetensors', file: 'best.safetensors', own: true } });
    assert.match(embedCode(own, 'https://example.org/pixel-rnn.js') ?? '', /\n<pixel-rnn src="best.safetensors" seed="5" count="1" controls="min">/);
  });

  test('is not there for a completion: an element draws all of a picture', () => {
    assert.equal(embedCode(made({ mask: new Uint8Array(12) }), 'https://example.org/pixel-rnn.js'), null);
  });
});

describe('the preview of a link', () => {
  const pictureOf = (/** @type {string} */ html) => /<meta property="og:image" content="([^"]*)">/.exec(html)?.[1];

  test('has a picture of the size that is asked for', () => {
    const html = readFileSync(fileOf('index.html') ?? '', 'utf8');
    for (const name of ['og:title', 'og:description', 'og:image:alt']) assert.match(html, new RegExp(`<meta property="${name}" content="[^"]{20,200}">`));
    assert.ok(pictureOf(html)?.endsWith('preview.png'));
    const file = readFileSync(fileOf('preview.png') ?? '');
    const size = ['width', 'height'].map((side) => Number(new RegExp(`og:image:${side}" content="(\\d+)"`).exec(html)?.[1]));
    assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], size);
    assert.deepEqual(size, [1200, 630]);
  });

  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
  after(() => rmSync(folder, { recursive: true }));
  /** @param {string} [address] */
  const laidOut = async (address) => {
    const [pkg, dist] = [join(folder, 'pkg'), join(folder, 'dist')];
    mkdirSync(pkg, { recursive: true });
    await layOut(fileURLToPath(new URL('../../www', import.meta.url)), pkg, dist, address);
    return pictureOf(readFileSync(join(dist, 'index.html'), 'utf8'));
  };

  test('has its whole address where that of the page is known', async () => {
    for (const address of ['https://example.org/pixels', 'https://example.org/pixels/']) assert.equal(await laidOut(address), 'https://example.org/pixels/preview.png');
    assert.equal(await laidOut(), 'preview.png');
  });

  test('is not made for what is no address', async () => {
    for (const address of ['example.org', 'https://', 'ftp://example.org']) await assert.rejects(laidOut(address), /: the address of the page expected, such as https:/);
  });
});

describe('a picture on the easel', () => {
  const info = { width: 2, height: 2, channels: 3, levels: 256, parameters: 1, scales: [{ width: 2, height: 2 }] };
  const { model } = made();
  const order = { model: model.name, seed: 1n, image: 0, temperature: 1, forks: [] };

  test('that was forked was drawn after the last fork, and where nothing was given', () => {
    const trace = new Trace(info, { temperature: 1 });
    assert.equal(takenPicture({ order, trace, model }).mask, undefined);
    // Green of the second pixel: its blue, and the pixels after it.
    const forks = [{ k: 1, level: 9 }, { k: 4, level: 9 }];
    const { mask } = takenPicture({ order: { ...order, forks }, trace, model });
    assert.deepEqual([...(mask ?? [])], [0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1]);
    const given = takenPicture({ order: { ...order, forks, mask: Uint8Array.of(1, 1, 0, 1) }, trace, model });
    assert.deepEqual([...(given.mask ?? [])], [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1]);
  });
});

describe('on the page', () => {
  visitSite({ flags: [] });
  const COLOURS = 'test-colours';
  beforeEach(() => offer(site, [colourModel(COLOURS)]));

  const button = () => page.locator('#take-away').getByRole('button', { name: 'Save', exact: true });
  const menu = () => page.locator('#take-away').getByRole('menu', { name: 'Save' });
  const item = (/** @type {string} */ name) => page.getByRole('menuitem', { name: new RegExp(`^${name}`) });
  const which = (/** @type {string} */ text) => page.locator('#take-away-which').filter({ hasText: text }).waitFor();

  /** @param {{ model?: string, seed?: number, image?: number, [name: string]: unknown }} [asked] */
  async function open({ model = listedModels()[0].name, seed = 3, image = 0, ...rest } = {}) {
    await page.goto(`${site.url}#${new URLSearchParams({ model, seed: String(seed), image: String(image), .../** @type {any} */ (rest) })}`);
    await page.locator('#take-away').scrollIntoViewIfNeeded();
    await which(`Picture ${image + 1} of seed ${seed}`);
  }

  /** @param {string} title */
  async function save(title) {
    await button().click();
    const [download] = await Promise.all([page.waitForEvent('download'), item(title).click()]);
    return { name: download.suggestedFilename(), file: readFileSync(await download.path()) };
  }

  /**
   * What a worker of its own draws.
   * @param {{ model?: string, seed: number, first?: number, temperature?: number, topK?: number, topP?: number }} options
   */
  const drawn = ({ model = listedModels()[0].name, ...options }) =>
    page.evaluate(async (options) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const info = await engine.load(options.model);
      const { levels, nll_nats } = await engine.sample(options);
      engine.dispose();
      return { info, levels: [...levels], nll_nats: nll_nats[0] };
    }, { model, ...options });

  /**
   * Runs the command of a run beside the weights and the files that were saved, and gives what it wrote.
   * @param {string} run  as JSON
   * @param {Array<{ name: string, file: Buffer }>} saved
   */
  function runAgain(run, saved) {
    const { command, model } = JSON.parse(run);
    const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
    try {
      copyFileSync(fileOf(`models/${model.file}`) ?? '', join(folder, model.file));
      for (const { name, file } of saved) writeFileSync(join(folder, name), file);
      const [program, ...words] = command.split(' ');
      assert.equal(program, 'pixelrnn');
      runCommandLine(words, folder);
      return readFileSync(join(folder, words[words.indexOf('--out') + 1]));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  for (const model of [listedModels()[0].name, COLOURS]) {
    test(`every file is of the picture shown: ${model}`, async () => {
      await open({ model, temperature: 0.8 });
      const picture = await drawn({ model, seed: 3, temperature: 0.8 });
      const colours = coloursOf(picture);
      const { channels, height, width } = picture.info;
      const png = await save('Picture');
      assert.equal(png.name, `${model}-seed-3-image-0.png`);
      assert.deepEqual(squaresOf(readPng(png.file)), colours);

      const { name, file } = await save('Drawing');
      assert.equal(name, `${model}-seed-3-image-0-drawing.png`);
      const { states } = composed(file);
      assert.equal(states.length, 1 + height);
      assert.deepEqual(states.at(-1), colours);
      assert.ok(file.length < 200_000, `${file.length} bytes`);

      const npy = await save('Values');
      assert.equal(npy.name, `${model}-seed-3-image-0.npy`);
      assert.deepEqual(imagesOf(readNpy(npy.file)), [picture.levels]);
      assert.match(npy.file.toString('latin1', 0, 128), new RegExp(`'shape': \\(1, ${channels}, ${height}, ${width}\\), \\} +\\n$`));

      const run = await save('Run');
      const record = JSON.parse(String(run.file));
      assert.equal(run.name, `${model}-seed-3-image-0.json`);
      assert.deepEqual([record.model.name, record.seed, record.image, record.temperature], [model, '3', 0, 0.8]);
      assert.ok(Math.abs(record.bits / (picture.nll_nats / Math.LN2) - 1) < 1e-5, 'the sum of 32-bit numbers');
      await page.getByRole('status').filter({ hasText: `Saved ${run.name}.` }).waitFor({ state: 'attached' });
    });
  }

  test('the animation opens in a browser as it is meant', async () => {
    await open();
    const { file } = await save('Drawing');
    const seen = await page.evaluate(async (bytes) => {
      const decoder = new ImageDecoder({ data: Uint8Array.from(bytes), type: 'image/png' });
      await decoder.tracks.ready;
      const { frameCount, repetitionCount } = decoder.tracks.selectedTrack;
      const { image } = await decoder.decode({ frameIndex: frameCount - 1 });
      const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return { frameCount, repetitionCount, width: canvas.width, reds: [...data].filter((_, at) => at % 4 === 0) };
    }, [...file]);
    assert.deepEqual([seen.frameCount, seen.repetitionCount, seen.width], [29, 0, 28 * SCALE]);
    const { colourAt } = readPng(file);
    assert.ok(seen.reds.every((red, at) => red === colourAt(at % seen.width, Math.floor(at / seen.width))[0]));
  });

  test('the command of the run draws the same values, of another picture that was chosen', { skip: noCommandLine }, async () => {
    await open({ seed: 11, temperature: 0.9, 'top-p': 0.8 });
    await page.locator('#thumbnails button').nth(3).click();
    await which('Picture 4 of seed 11');
    const [npy, run] = [await save('Values'), await save('Run')];
    const again = runAgain(String(run.file), []);
    assert.ok(again.equals(npy.file), 'to the byte');
    assert.deepEqual(imagesOf(readNpy(again)), [(await drawn({ seed: 11, first: 3, temperature: 0.9, topP: 0.8 })).levels]);
  });

  test('a forked picture is drawn again from the files that were saved, and has no code', { skip: noCommandLine }, async () => {
    const { levels } = (await page.goto(`${site.url}embed.html?loading=manual`), await drawn({ seed: 5, topP: 0.8 }));
    const level = 1 - levels[300];
    await open({ seed: 5, 'top-p': 0.8, forks: `300:${level}` });
    await which('forked');
    const saved = [await save('Values'), await save('Mask')];
    const run = await save('Run');
    const again = runAgain(String(run.file), saved);
    assert.ok(again.equals(saved[0].file), 'to the byte');
    const [forked] = imagesOf(readNpy(again));
    assert.deepEqual(forked.slice(0, 301), [...levels.slice(0, 300), level]);
    assert.notDeepEqual(forked, levels);
    assert.deepEqual(JSON.parse(String(run.file)).forks, [{ k: 300, level }]);
    assert.ok(await page.getByLabel('Code for a page of your own').isHidden());
    assert.match(await page.locator('#embed-note').innerText(), /^An element draws whole pictures;/);
  });

  test('the menu is walked with the keyboard, and its keys stay in it', async () => {
    await open();
    await page.evaluate(() => addEventListener('keydown', ({ key }) => ((window.heard ??= []).push(key))));
    const focused = () => page.evaluate(() => document.activeElement?.firstChild?.textContent);
    const titles = ['Picture', 'Drawing', 'Values', 'Run'];
    await button().focus();
    await page.keyboard.press('Enter');
    assert.equal(await focused(), titles[0]);
    assert.equal(await button().getAttribute('aria-expanded'), 'true');
    const walked = [];
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'Home', 'End']) {
      await page.keyboard.press(key);
      walked.push(await focused());
    }
    assert.deepEqual(walked, ['Drawing', 'Values', 'Run', 'Picture', 'Run', 'Picture', 'Run']);
    const top = await page.evaluate(() => scrollY);
    await page.keyboard.press('Escape');
    assert.ok(await menu().isHidden());
    assert.equal(await focused(), 'Save', 'the focus is back');
    for (const [key, title] of [['ArrowDown', 'Picture'], ['ArrowUp', 'Run'], ['Space', 'Picture']]) {
      await page.keyboard.press(key);
      assert.equal(await focused(), title);
      await page.keyboard.press('Escape');
    }
    await page.keyboard.press('ArrowUp');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.match(download.suggestedFilename(), /\.json$/);
    assert.ok(await menu().isHidden());
    assert.equal(await focused(), 'Save');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    assert.ok(await menu().isHidden());
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'embed-code', 'Tab goes on from the button');
    assert.deepEqual(await page.evaluate(() => [...new Set(window.heard)].sort()), [' ', 'Enter', 'Tab']);
    assert.equal(await page.evaluate(() => scrollY), top, 'and the page stayed where it was');
  });

  test('a click elsewhere closes the menu', async () => {
    await open();
    await button().click();
    await menu().waitFor();
    await page.locator('#take-away-title').click();
    assert.ok(await menu().isHidden());
  });

  test('a file that cannot be made is told in a sentence', async () => {
    await open();
    await page.evaluate(() => (globalThis.CompressionStream = class {
      constructor() {
        throw new Error('no memory is left.');
      }
    }));
    await button().click();
    await item('Picture').click();
    await page.getByRole('alert').filter({ hasText: /image-0\.png could not be saved: no memory is left\.$/ }).waitFor();
  });

  test('the code that is copied draws the picture on another page', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await open({ seed: 21, image: 3, temperature: 0.7, 'top-p': 0.9, 'top-k': 1 });
    await page.getByRole('button', { name: 'Copy the code' }).click();
    await page.getByRole('status').filter({ hasText: 'Code copied.' }).waitFor();
    const code = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(code.split('\n').length, 2);
    assert.equal(code, await page.getByLabel('Code for a page of your own').inputValue());
    const { levels } = await drawn({ seed: 21, first: 3, temperature: 0.7, topP: 0.9, topK: 1 });
    const guest = await openVisit();
    await guest.page.goto(serveBody(code));
    await untilDone(guest.page);
    assert.deepEqual(await imagesShown(guest.page), [levels]);
  });

  test('where nothing can be copied, the code is selected', async () => {
    await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
    await open();
    await page.getByRole('button', { name: 'Copy the code' }).click();
    await page.getByRole('status').filter({ hasText: 'the code is selected' }).waitFor();
    const { selected, value } = await page.evaluate(() => {
      const { value, selectionStart, selectionEnd } = document.activeElement;
      return { selected: value.slice(selectionStart, selectionEnd), value };
    });
    assert.match(selected, /<pixel-rnn /);
    assert.equal(selected, value);
  });

  test('the code can be tried, and follows the picture', async () => {
    await open({ seed: 8 });
    const preview = page.locator('#embed-preview pixel-rnn');
    assert.equal(await preview.count(), 0);
    await page.getByRole('button', { name: 'Try it here' }).click();
    for (const seed of [8, 9]) {
      if (seed === 9) await page.evaluate(() => (location.hash = '#seed=9'));
      await which(`of seed ${seed}`);
      await preview.scrollIntoViewIfNeeded();
      await page.waitForFunction((seed) => window.seen.done.some((run) => run.count === 1 && run.seed === BigInt(seed)), seed);
      assert.deepEqual(await imagesShown(page, '#embed-preview pixel-rnn'), [(await drawn({ seed })).levels]);
    }
    await page.getByRole('button', { name: 'Try it here' }).click();
    assert.equal(await preview.count(), 0);
  });

  test('what another picture would have been is not given away where it failed', async () => {
    expectErrors();
    await open();
    site.faults.set(`models/${listedModels()[1].file}`, (response) => response.writeHead(404).end());
    await page.evaluate((model) => (location.hash = `#model=${model}&seed=4`), listedModels()[1].name);
    await page.locator('#easel-fault').filter({ hasText: /\S/ }).waitFor();
    await which('Picture 1 of seed 3');
    assert.equal((await save('Values')).name, `${listedModels()[0].name}-seed-3-image-0.npy`);
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`axe finds nothing with the menu open, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await open();
      await button().click();
      await menu().waitFor();
      assert.deepEqual(await accessibilityFaults(), []);
    });
  }

  for (const [width, side] of /** @type {const} */ ([[320, 'left'], [390, 'left'], [1280, 'left'], [1280, 'right']])) {
    test(`at ${width} pixels the menu is on the page, and everything large enough for a finger, ${side}`, async () => {
      await page.setViewportSize({ width, height: 700 });
      await open();
      // In the corner where there is no room below, nor, at the right, beside it.
      await page.locator('#take-away-save').evaluate((host, margin) => (host.style.marginInlineStart = margin), side === 'right' ? 'auto' : '');
      await button().evaluate((element) => element.scrollIntoView({ block: 'end' }));
      // On the screen: the browser scrolls along with what grows above.
      const top = () => button().evaluate((element) => element.getBoundingClientRect().top);
      const before = await top();
      await button().click();
      assert.ok(Math.abs((await top()) - before) < 1, `the page stays where it is: ${before}, then ${await top()}`);
      const boxes = await page.locator('#take-away button:visible').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
      assert.equal(boxes.length, 7);
      for (const box of boxes) assert.ok(box.height >= 44 && box.width >= 44 && box.left >= 0 && box.right <= width, JSON.stringify(box));
      const { y, height } = /** @type {any} */ (await menu().boundingBox());
      assert.ok(y >= 0 && y + height <= 700, 'all of it is seen');
      const rights = await page.locator('#take-away *').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
      assert.ok(Math.max(...rights) <= width, 'nothing stands out');
    });
  }
});
