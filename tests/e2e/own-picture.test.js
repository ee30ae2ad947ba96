/** A picture of the visitor's own: how it is reduced, how it is brought, and what happens to files that are none. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { OwnPicture } from '../../www/page/complete/own-picture.js';
import { pictureSize } from '../../www/page/complete/picture-size.js';
import { Shrinker } from '../../www/page/complete/shrink.js';
import { coloursOn, imagesOn } from './browser.js';
import { colourModel, offer } from './models.js';
import { png, pngOf } from './png.js';
import { STRICT_POLICY } from './server.js';
import { seeCompletions } from './sections.js';
import { openSite, page, site, visitSite, watch } from './site.js';

const MODEL = 'test-colours';
const PNG_OF = (/** @type {string} */ name, /** @type {Buffer} */ buffer) => ({ name, mimeType: 'image/png', buffer });

/** A red disc on transparent ground, wider than it is high. */
const DISC = png(96, 64, (x, y) => (Math.hypot(x - 47.5, y - 31.5) < 20 ? [220, 40, 30] : [0, 0, 0, 0]));

/** @param {number} width @param {number} height @param {(x: number, y: number) => number[]} colourAt */
function pixels(width, height, colourAt) {
  return Uint8ClampedArray.from({ length: 4 * width * height }, (_, at) => [...colourAt(Math.floor(at / 4) % width, Math.floor(at / 4 / width)), 255][at % 4]);
}

describe('a picture is reduced', () => {
  /** @type {Array<{ name: string, from: [number, number], to: [number, number], colourAt: (x: number, y: number) => number[], wanted: number[][] }>} */
  const CASES = [
    { name: 'keeping an even colour', from: [7, 5], to: [2, 2], colourAt: () => [12, 200, 99], wanted: Array(4).fill([12, 200, 99]) },
    // Half the light is not half the byte: 188 is what a fine black and white pattern looks like.
    { name: 'by the mean of the light', from: [8, 8], to: [1, 1], colourAt: (x, y) => Array(3).fill(255 * ((x + y) % 2)), wanted: [[188, 188, 188]] },
    { name: 'area by area', from: [4, 2], to: [2, 1], colourAt: (x) => (x < 2 ? [255, 0, 0] : [0, 0, 255]), wanted: [[255, 0, 0], [0, 0, 255]] },
    { name: 'with pixels shared out where areas do not fit', from: [3, 1], to: [2, 1], colourAt: (x) => Array(3).fill([0, 255, 0][x]), wanted: [[156, 156, 156], [156, 156, 156]] },
    { name: 'and enlarged, in blocks', from: [2, 1], to: [4, 1], colourAt: (x) => [100 * x, 0, 0], wanted: [[0, 0, 0], [0, 0, 0], [100, 0, 0], [100, 0, 0]] },
  ];
  for (const { name, from, to, colourAt, wanted } of CASES) {
    test(name, () => {
      const size = ([width, height]) => ({ width, height });
      const shrinker = new Shrinker(size(from), size(to));
      shrinker.add(pixels(...from, colourAt));
      assert.deepEqual([...shrinker.result()], wanted.flatMap((colour) => [...colour, 255]));
    });
  }

  /** Light ink, whatever it was. @type {Array<{ name: string, colourAt: (x: number, y: number) => number[], ink: (x: number, y: number) => boolean }>} */
  const stroke = (/** @type {number} */ x, /** @type {number} */ y) => x >= 12 && x < 16 && y >= 4 && y < 24;
  const INK = [
    { name: 'dark on light', colourAt: (x, y) => (stroke(x, y) ? [30, 30, 90] : [240, 235, 220]), ink: stroke },
    { name: 'light on dark', colourAt: (x, y) => (stroke(x, y) ? [230, 230, 90] : [20, 25, 20]), ink: stroke },
    { name: 'faint', colourAt: (x, y) => (stroke(x, y) ? [160, 160, 160] : [225, 225, 220]), ink: stroke },
    { name: 'on paper in a shadow', colourAt: (x, y) => (stroke(x, y) ? [10, 10, 10] : Array(3).fill(255 - 3 * y)), ink: stroke },
    { name: 'mostly ink, but not at the border', colourAt: (x, y) => (x > 0 && y > 0 && x < 27 && y < 27 ? [0, 0, 0] : [255, 255, 255]), ink: (x, y) => x > 0 && y > 0 && x < 27 && y < 27 },
    { name: 'none on plain paper', colourAt: (x, y) => Array(3).fill(240 + ((x + y) % 3)), ink: () => false },
  ];
  for (const { name, colourAt, ink } of INK) {
    test(`to ink and paper: ${name}`, () => {
      const info = { width: 28, height: 28, channels: 1, levels: 2, parameters: 0, scales: [] };
      const levels = new OwnPicture(28, pixels(28, 28, colourAt)).levelsFor(info);
      assert.deepEqual([...levels], Array.from({ length: 784 }, (_, at) => Number(ink(at % 28, Math.floor(at / 28)))));
    });
  }

  /** @type {Array<{ channels: number, rgba: number[][], wanted: number[] }>} */
  const FEWER = [
    { channels: 3, rgba: [[0, 18, 19], [255, 236, 237]], wanted: [0, 7, 0, 6, 1, 7] },
    { channels: 1, rgba: [[0, 0, 0], [19, 19, 19], [18, 18, 18], [237, 237, 237]], wanted: [0, 1, 0, 7] },
  ];
  for (const { channels, rgba, wanted } of FEWER) {
    test(`to the nearest of eight levels, ${channels} a pixel`, () => {
      const info = { width: rgba.length, height: 1, channels, levels: 8, parameters: 0, scales: [] };
      const square = pixels(rgba.length, rgba.length, (x) => rgba[x]);
      assert.deepEqual([...new OwnPicture(rgba.length, square).levelsFor(info)], wanted);
    });
  }

  test('to colours in planes, of the middle where the network draws no squares', () => {
    const info = { width: 2, height: 4, channels: 3, levels: 256, parameters: 0, scales: [] };
    const rgba = pixels(4, 4, (x, y) => (x === 0 || x === 3 ? [9, 9, 9] : [10 * x, 100 + y, 200]));
    assert.deepEqual([...new OwnPicture(4, rgba).levelsFor(info)], [10, 20, 10, 20, 10, 20, 10, 20, 100, 100, 101, 101, 102, 102, 103, 103, ...Array(8).fill(200)]);
  });
});

describe('the size of a picture is read from its first bytes', () => {
  const bytes = (/** @type {string} */ latin1) => new Uint8Array(Buffer.from(latin1, 'latin1'));
  /** @type {Array<[name: string, bytes: Uint8Array, size: { width: number, height: number } | null]>} */
  const CASES = [
    ['PNG', new Uint8Array(png(3, 2, () => [0, 0, 0])), { width: 3, height: 2 }],
    ['GIF', bytes('GIF89a\x05\x01\x07\x00'), { width: 261, height: 7 }],
    ['JPEG', bytes('\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08\x00\x10\x01\x00'), { width: 256, height: 16 }],
    ['BMP, upside down', bytes(`BM${'\0'.repeat(16)}\x04\0\0\0\xfe\xff\xff\xff`), { width: 4, height: 2 }],
    ['WebP, lossy', bytes(`RIFF....WEBPVP8 ${'\0'.repeat(10)}\x05\x00\x06\x00`), { width: 5, height: 6 }],
    ['WebP, lossless', bytes('RIFF....WEBPVP8L....\x2f\x04\x40\x01\x00'), { width: 5, height: 6 }],
    ['WebP, extended', bytes(`RIFF....WEBPVP8X${'\0'.repeat(8)}\x04\0\0\x05\0\0`), { width: 5, height: 6 }],
    ['a JPEG cut off', bytes('\xff\xd8\xff\xe0\x40\x00'), null],
    ['text', bytes('hello'), null],
  ];
  for (const [name, file, size] of CASES) test(name, () => assert.deepEqual(pictureSize(file), size));
});

describe('on the page', () => {
  visitSite({ policy: STRICT_POLICY });
  beforeEach(() => offer(site, [colourModel(MODEL)]));

  /** Opens the page and waits for its completions. @param {string} hash */
  async function open(hash, { url } = site) {
    await page.goto(`${url}#pace=instant&${hash}`);
    await seeCompletions();
  }
  const note = () => page.locator('#examples-note');
  /** Waits for the completions of the visitor's picture. */
  async function taken() {
    await note().filter({ hasText: 'Your picture.' }).waitFor();
    await page.locator('#results[aria-busy="false"]').waitFor();
  }
  const original = async () => (await coloursOn(page.locator('#sheet'), { count: 1, width: 32, height: 32 }))[0];

  /** Brings a file as a drag or a paste would. @param {string} type @param {string} target @param {{ name: string, mimeType: string, buffer: Buffer }} file */
  function bring(type, target, { name, mimeType, buffer }) {
    return page.locator(target).evaluate((element, [event, fileName, mime, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], fileName, { type: mime }));
      const made = event === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }) : new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true });
      return !element.dispatchEvent(made);
    }, [type, name, mimeType, [...buffer]]);
  }

  for (const way of ['chosen', 'chosen with the keyboard', 'dropped', 'pasted']) {
    test(`${way}: it is completed like a test image, and never sent`, async () => {
      await open(`model=${MODEL}&seed=9`);
      const before = watch.requests.length;
      const file = PNG_OF('disc.png', DISC);
      if (way === 'chosen') await page.locator('#own-file').setInputFiles(file);
      else if (way === 'dropped') assert.ok(await bring('drop', '#completions h2', file), 'the browser does not open it');
      else if (way === 'pasted') await bring('paste', 'body', file);
      else {
        // Listened to early: the browser is told to hand dialogs over, and that takes a moment.
        const chooser = page.waitForEvent('filechooser');
        await page.getByRole('button', { name: 'Next test picture' }).focus();
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement?.id), 'own-file');
        await page.waitForTimeout(300);
        await page.keyboard.press('Enter');
        await (await chooser).setFiles(file);
      }
      await taken();
      const image = await original();
      const at = (/** @type {number} */ x, /** @type {number} */ y) => [0, 1, 2].map((channel) => image[channel * 1024 + y * 32 + x]);
      assert.deepEqual(at(15, 15), [220, 40, 30], 'the middle of the disc');
      assert.deepEqual(at(0, 0), [255, 255, 255], 'transparent is white');
      // The disc reaches from 12 to 52 of the 64 pixels in the middle.
      for (const [x, red] of /** @type {const} */ ([[4, false], [8, true], [23, true], [27, false]])) assert.equal(at(x, 15)[1] === 40, red, `red at ${x}`);
      const completed = await coloursOn(page.locator('#completed'), { count: 16, width: 32, height: 32 });
      for (const completion of completed) {
        for (const channel of [0, 1, 2]) assert.deepEqual(completion.slice(channel * 1024, channel * 1024 + 512), image.slice(channel * 1024, channel * 1024 + 512));
        assert.ok(completion.every((level) => level !== null));
        assert.notDeepEqual(completion, image);
      }
      // Further workers may fetch the program about now.
      const program = /^[^?#]*\.js(#helper)?$/;
      assert.deepEqual(watch.requests.slice(before).filter((url) => !program.test(url)), []);
      assert.deepEqual(watch.sent, []);

      await page.getByRole('button', { name: 'Next test picture' }).click();
      await note().filter({ hasText: 'CIFAR-10 test image' }).waitFor();
      await page.getByRole('button', { name: 'Undo' }).click();
      await taken();
      assert.deepEqual(await original(), image);
    });
  }

  test('the same picture and seed give the same completions, and it goes along to another network', async () => {
    const completions = [];
    for (const k of [0, 1]) {
      await page.goto(`${site.url}?${k}`);
      await open(`model=${MODEL}&seed=9`);
      await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
      await taken();
      completions.push((await coloursOn(page.locator('#completed'), { count: 16, width: 32, height: 32 })));
    }
    assert.deepEqual(completions[0], completions[1]);
    await page.getByRole('radio', { name: 'Digits' }).check();
    await page.locator('#finish').scrollIntoViewIfNeeded();
    await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#sheet')).width === 28);
    await taken();
    assert.match(await page.locator('#own-how').innerText(), /28\s×\s28 pixels of ink or paper/);
    const [digit] = await imagesOn(page.locator('#sheet'), 1);
    const ink = digit.filter((pixel) => pixel === 1).length;
    assert.ok(Math.abs(ink - (Math.PI * (20 * 28 / 64) ** 2) / 2) < 12, `${ink} pixels of ink in the half of the disc that is given`);
    assert.equal(digit[0], 0, 'the ground is paper');
  });

  /** @type {Array<{ name: string, file: { name: string, mimeType: string, buffer: Buffer }, sentence: string }>} */
  const BAD = [
    { name: 'an empty file', file: PNG_OF('nothing.png', Buffer.alloc(0)), sentence: 'nothing.png is empty.' },
    { name: 'text', file: { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }, sentence: 'notes.txt is not a picture that this browser can read; a PNG or JPEG is.' },
    { name: 'text that says it is a picture', file: PNG_OF('liar.png', Buffer.from('no picture')), sentence: 'liar.png is not a picture that this browser can read; a PNG or JPEG is.' },
    { name: 'a picture cut off', file: PNG_OF('half.png', DISC.subarray(0, 60)), sentence: 'half.png is not a picture that this browser can read; a PNG or JPEG is.' },
    { name: 'a picture without pixels', file: PNG_OF('none.png', pngOf({ width: 0, height: 0 }, Buffer.alloc(0))), sentence: 'none.png is not a picture that this browser can read; a PNG or JPEG is.' },
    { name: 'a picture too large to decode', file: PNG_OF('vast.png', pngOf({ width: 60_000, height: 40_000 }, Buffer.alloc(8))), sentence: 'vast.png is 60,000 × 40,000 pixels; up to 80 million are taken.' },
    { name: 'a large square', file: PNG_OF('square.png', pngOf({ width: 20_000, height: 20_000 }, Buffer.alloc(8))), sentence: 'square.png is 20,000 × 20,000 pixels; up to 80 million are taken.' },
    { name: 'a photo of a kind that no browser here reads', file: { name: 'photo.heic', mimeType: 'image/heic', buffer: Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1') }, sentence: 'photo.heic is not a picture that this browser can read; a PNG or JPEG is.' },
    { name: 'a long name', file: PNG_OF(`${'long'.repeat(30)}.png`, Buffer.alloc(0)), sentence: 'longlonglonglonglonglonglonglo… is empty.' },
  ];
  test('what is no picture gets one sentence, and the picture before it stays', async () => {
    await open(`model=${MODEL}`);
    await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
    await taken();
    const before = await original();
    const fault = page.locator('#own-fault');
    for (const { name, file, sentence } of BAD) {
      await page.locator('#own-file').setInputFiles(file);
      await fault.filter({ hasText: sentence }).waitFor();
      assert.equal(await fault.innerText(), sentence, name);
      assert.deepEqual(await original(), before, name);
    }
    await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
    await fault.waitFor({ state: 'hidden' });
  });

  for (const { name, noise, taken: isTaken } of [{ name: 'noise for', noise: 256, taken: false }, { name: 'nearly', noise: 3, taken: true }]) {
    test(`where a browser answers ${name} what is on a canvas, it is ${isTaken ? 'taken' : 'not taken, and the page says why'}`, async () => {
      await open(`model=${MODEL}`);
      await page.evaluate((reach) => {
        const { getImageData } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.getImageData = function (...place) {
          const read = getImageData.apply(this, place);
          read.data.forEach((byte, at) => (read.data[at] = byte + reach * Math.random() - reach / 2));
          return read;
        };
      }, noise);
      await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
      if (isTaken) return taken();
      await page.locator('#own-fault').filter({ hasText: /^This browser guards against tracking .* use another window\.$/ }).waitFor();
      assert.ok(!(await note().innerText()).includes('Your picture'));
    });
  }

  const svg = (/** @type {string} */ size, shapes = '<circle cx="48" cy="32" r="20" fill="#dc281e"/>') => ({
    name: 'disc.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${shapes}</svg>`),
  });
  /** The strict policy of the other tests has no room for pictures that the page makes itself; the page's own has. */
  async function openWithItsOwnPolicy() {
    const own = await openSite();
    offer(own, [colourModel(MODEL)]);
    await open(`model=${MODEL}`, own);
  }
  for (const { name, file } of [
    { name: 'without a size', file: svg('viewBox="0 0 96 64"') },
    { name: 'of a size alone', file: svg('width="96" height="64px"') },
    { name: 'as large as its frame', file: svg('viewBox="0 0 96 64" width="100%" height="100%"') },
    { name: 'of a size it is not drawn in', file: svg('viewBox="0 0 96 64" width="9.6" height="6.4"') },
    { name: 'with styles of its own', file: svg("viewBox='0 0 96 64' style='background: white'", '<style>.red { fill: #dc281e }</style><circle class="red" cx="48" cy="32" r="20"/>') },
    { name: 'behind words about it', file: { ...svg(''), buffer: Buffer.from(`<?xml version="1.0"?>\n<!-- drawn by hand -->\n${svg('viewBox="0,0 96,64" width = "12in"').buffer}`) } },
    { name: 'that says nothing', file: svg('', '<circle cx="150" cy="75" r="46.875" fill="#dc281e"/>') },
  ]) {
    test(`an SVG ${name} is taken like pixels`, async () => {
      await openWithItsOwnPolicy();
      await page.locator('#own-file').setInputFiles(file);
      await taken();
      const image = await original();
      const green = (/** @type {number} */ x) => image[1024 + 15 * 32 + x];
      assert.equal(green(0), 255, 'the ground is white');
      // The disc reaches from 6 to 26 of 32 pixels.
      assert.deepEqual([4, 8, 15, 23, 27].map((x) => green(x) === 40), [false, true, true, true, false]);
      assert.deepEqual(watch.sent, []);
    });
  }

  test('a broken SVG gets one sentence', async () => {
    await openWithItsOwnPolicy();
    for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"><circle', 'no shapes']) {
      await page.locator('#own-file').setInputFiles({ name: 'broken.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(text) });
      await page.locator('#own-fault').filter({ hasText: 'broken.svg is not a picture that this browser can read; a PNG or JPEG is.' }).waitFor();
      await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
      await page.locator('#own-fault').waitFor({ state: 'hidden' });
    }
  });

  test('of a moving picture the first is taken', async () => {
    // One pixel, red and then blue.
    const gif = Buffer.from('474946383961010001008000000000ffff000021f904000a0000002c000000000100010000020244010021f904000a0000002c00000000010001000002024c01003b', 'hex');
    // Its two colours: blue, red. The first picture is of colour 1.
    gif.set([0, 0, 255, 255, 0, 0], 13);
    await open(`model=${MODEL}`);
    await page.locator('#own-file').setInputFiles({ name: 'moving.gif', mimeType: 'image/gif', buffer: gif });
    await taken();
    assert.equal((await original())[2 * 1024], 0);
  });

  test('an address or a text dropped on the section is no file, and the page stays', async () => {
    await open(`model=${MODEL}`);
    for (const [type, value] of [['text/uri-list', 'https://example.org/cat.png'], ['text/plain', 'a cat']]) {
      for (const event of ['dragover', 'drop']) {
        const prevented = await page.locator('#completions h2').evaluate((element, [name, mime, text]) => {
          const data = new DataTransfer();
          data.setData(mime, text);
          return !element.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
        }, [event, type, value]);
        assert.ok(prevented, `${event} of ${type}`);
      }
      await page.locator('#own-fault').filter({ hasText: 'is an address or a text and no file; save the picture first' }).waitFor();
      await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
      await page.locator('#own-fault').waitFor({ state: 'hidden' });
    }
    // Beside it they go as ever, into a field too.
    const prevented = await page.locator('h1').evaluate((element) => !element.dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer(), bubbles: true, cancelable: true })));
    assert.equal(prevented, false);
  });

  test('dropped beside the section it is not taken, and the page stays', async () => {
    await open(`model=${MODEL}`);
    assert.ok(await bring('drop', 'h1', PNG_OF('disc.png', DISC)));
    await page.waitForTimeout(500);
    assert.ok(!(await note().innerText()).includes('Your picture'));
  });

  test('is taken for a network without test images too', async () => {
    await page.goto('about:blank');
    offer(site, [colourModel('test-wide', { width: 24, height: 16 })]);
    await page.goto(`${site.url}#pace=instant&model=test-wide`);
    await seeCompletions();
    assert.equal(await note().innerText(), 'A blank sheet. There are no test pictures for this network here.');
    await page.locator('#own-file').setInputFiles(PNG_OF('disc.png', DISC));
    await taken();
    const [shown] = await coloursOn(page.locator('#sheet'), { count: 1, width: 24, height: 16 });
    assert.equal(shown[3 * 24 + 12], 220, 'the disc');
  });
});
