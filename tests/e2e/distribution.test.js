/** "One pixel": the probabilities behind each value, from the API to the page. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { coloursOn, isHelper, untilDone } from './browser.js';
import { colourModel, offer } from './models.js';
import { seeCompletions, seeDistribution } from './sections.js';
import { page, site, visitSite } from './site.js';

const MODEL = 'test-colours';

/** @type {any[]} */
let models;

visitSite();
beforeEach(() => {
  models = offer(site, [colourModel(MODEL)]);
});

describe('engine.distribution', () => {
  for (const name of ['digits', 'colours']) {
    test(`agrees with the score of every value looked at (${name})`, async () => {
      const model = name === 'colours' ? MODEL : models[0].name;
      await page.goto(`${site.url}embed.html?loading=manual`);
      const rows = await page.evaluate(async (model) => {
        const { Engine } = await import('./engine.js');
        const engine = new Engine();
        const { width, height, channels, levels: count } = await engine.load(model);
        const { levels } = await engine.sample({ model, seed: 3n });
        const nll_nats = await engine.score({ model, levels, count: 1 });
        const rows = [];
        for (const [x, y] of [[0, 0], [width - 1, 0], [13, 11], [0, height - 1], [width - 1, height - 1]]) {
          for (let channel = 0; channel < channels; channel++) {
            const at = (channel * height + y) * width + x;
            // What is drawn later must not matter.
            const past = levels.map((level, place) => (place % (width * height) > y * width + x ? 0 : level));
            const probabilities = await engine.distribution({ model, levels: past, channel, y, x });
            rows.push({ count, length: probabilities.length, sum: probabilities.reduce((sum, p) => sum + p, 0), nats: -Math.log(probabilities[levels[at]]), wanted: nll_nats[at] });
          }
        }
        engine.dispose();
        return rows;
      }, model);
      for (const { count, length, sum, nats, wanted } of rows) {
        assert.equal(length, count);
        // Sums and logarithms of 32-bit floats.
        assert.ok(Math.abs(sum - 1) < 1e-5, `they add up to ${sum}`);
        assert.ok(Math.abs(nats - wanted) < 1e-3 * Math.max(1, wanted), `${nats} nats, scored ${wanted}`);
      }
      assert.ok(rows.some(({ wanted }) => wanted > 1e-4));
    });
  }

  test('is what a trace says, whoever shares the batch; the picture is the same with a trace and without', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const found = await page.evaluate(async (model) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      const { width, channels } = await engine.load(model);
      const batch = { model, seed: 3n, count: 4, threads: 2, backend: /** @type {const} */ ('cpu') };
      let plain = await engine.sample(batch);
      // From now on there is somebody to share it with.
      while (plain.threads < 2) plain = await engine.sample(batch);
      const rows = [];
      const { levels, nll_nats, threads } = await engine.sample({ ...batch, trace: 2, onRow: ({ y, trace }) => rows.push({ y, ...trace }) });
      const one = levels.length / 4;
      const { y, logits, uniforms } = rows[13];
      const probabilities = await engine.distribution({ model, levels: levels.slice(2 * one, 3 * one), channel: 1, y, x: 11 });
      const own = logits.slice((width + 11) * 256, (width + 12) * 256);
      const highest = Math.max(...own);
      const total = own.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
      engine.dispose();
      return {
        same: plain.levels.join() === levels.join(),
        threads,
        lengths: rows.every((row, at) => row.y === at && row.logits.length === channels * width * 256 && row.uniforms.length === channels * width),
        uniforms: uniforms.every((u) => u >= 0 && u < 1) && new Set(uniforms).size > channels * width - 3,
        furthest: Math.max(...own.map((logit, level) => Math.abs(Math.exp(logit - highest) / total - probabilities[level]))),
        sum: rows.flatMap((row) => [...row.nll_nats]).reduce((sum, nll) => sum + nll, 0),
        nll: nll_nats[2],
      };
    }, MODEL);
    assert.deepEqual([found.same, found.threads, found.lengths, found.uniforms], [true, 1, true, true]);
    // Sums and exponentials of 32-bit floats.
    assert.ok(found.furthest < 1e-6, `${found.furthest} off`);
    assert.ok(Math.abs(found.sum - found.nll) < 1e-4 * found.nll, `${found.sum} nats in the rows, ${found.nll} of the image`);
  });

  for (const [what, change] of /** @type {const} */ ([['a channel there is none of', { channel: 3 }], ['a row outside', { y: 32 }], ['a column outside', { x: 32 }], ['a picture too short', { levels: [1, 2, 3] }], ['no such model', { model: 'nonsense' }]])) {
    test(`refuses ${what} in one sentence, and goes on`, async () => {
      await page.goto(`${site.url}embed.html?loading=manual`);
      const { message, length } = await page.evaluate(async ([model, change]) => {
        const { Engine } = await import('./engine.js');
        const engine = new Engine();
        const good = { model, levels: new Uint8Array(3072), channel: 0, y: 0, x: 0 };
        const bad = { ...good, ...change, levels: change.levels ? Uint8Array.from(change.levels) : good.levels };
        const message = await engine.distribution(bad).catch((error) => error.message);
        const { length } = await engine.distribution(good);
        engine.dispose();
        return { message, length };
      }, /** @type {const} */ ([MODEL, change]));
      assert.equal(typeof message, 'string');
      assert.match(message, /^[^.]+.*\.$/);
      assert.doesNotMatch(message, /unexpectedly|unreachable/);
      assert.equal(length, 256);
    });
  }

  test('that is given up rejects at once, and the worker lives on', async () => {
    let workers = 0;
    page.on('worker', (worker) => (workers += Number(!isHelper(worker))));
    await page.goto(`${site.url}embed.html?loading=manual`);
    const ended = await page.evaluate(async (model) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      await engine.load(model);
      const asked = Array.from({ length: 40 }, (_, x) => {
        const run = new AbortController();
        const answer = engine.distribution({ model, levels: new Uint8Array(3072), channel: 2, y: 31, x: x % 32, signal: run.signal }).catch(({ name }) => name);
        if (x < 39) run.abort();
        return answer;
      });
      const answers = await Promise.all(asked);
      engine.dispose();
      return answers.map((answer) => (typeof answer === 'string' ? answer : answer.length));
    }, MODEL);
    assert.deepEqual(ended, [...Array(39).fill('AbortError'), 256]);
    assert.equal(workers, 1);
  });
});

describe('the section', () => {
  const report = () => page.locator('#distribution-report');
  /** Waits for a pixel, and gives what is said of it. @param {string} text */
  async function said(text) {
    await report().filter({ hasText: text }).waitFor();
    return report().innerText();
  }
  /** A sample's value as on its canvas. */
  const sampled = async (/** @type {number} */ image) => (await coloursOn(page.locator('#samples canvas'), { count: 4, width: 32, height: 32 }))[image];

  async function open(hash = '') {
    await page.goto(`${site.url}#model=${MODEL}&count=4&pace=instant&${hash}`);
    await untilDone(page);
    await seeCompletions();
    await seeDistribution();
  }

  test('shows the middle of the first sample, its values, their probabilities and bits', async () => {
    await open();
    const image = await sampled(0);
    const levels = [0, 1, 2].map((channel) => image[channel * 1024 + 16 * 32 + 16]);
    const text = await said('Row 17, column 17, drawn:');
    assert.ok(text.includes(`red ${levels[0]}, green ${levels[1]}, blue ${levels[2]};`), text);
    const wanted = await page.evaluate(async ([model, flat]) => {
      const { sharedEngine } = await import('./engine.js');
      const options = { model, levels: Uint8Array.from(flat), y: 16, x: 16 };
      const all = [];
      for (const channel of [0, 1, 2]) all.push([...(await sharedEngine().distribution({ ...options, channel }))]);
      return all;
    }, /** @type {const} */ ([MODEL, image]));
    const bits = wanted.map((probabilities, channel) => -Math.log2(probabilities[levels[channel] ?? 0]));
    assert.ok(text.endsWith(`${bits.reduce((sum, one) => sum + one).toFixed(2)} bits.`), text);
    const charts = page.locator('#distribution-charts figure');
    assert.deepEqual(await charts.locator('figcaption').allInnerTexts(), ['Red', 'Green', 'Blue']);
    for (const channel of [0, 1, 2]) {
      const chart = charts.nth(channel);
      assert.ok((await chart.locator('.said').innerText()).startsWith(`${levels[channel]} drawn: p = `));
      assert.ok((await chart.locator('.said').innerText()).endsWith(`${bits[channel].toFixed(2)} bits`));
      assert.equal(await chart.locator('.drawn').getAttribute('x1'), String((levels[channel] ?? 0) + 0.5));
      const bars = (await chart.locator('path').getAttribute('d'))?.match(/V[\d.]+H/g)?.map((bar) => 100 - parseFloat(bar.slice(1))) ?? [];
      assert.equal(bars.length, 256);
      const highest = Math.max(...wanted[channel]);
      bars.forEach((bar, level) => assert.ok(Math.abs(bar - (100 * wanted[channel][level]) / highest) < 0.01));
    }
  });

  test('follows clicks, taps and arrow keys, and stays within the picture', async () => {
    await open();
    const canvas = page.locator('#distribution-canvas');
    const box = /** @type {any} */ (await canvas.boundingBox());
    await page.mouse.click(box.x + 0.5 * 7, box.y + 31.5 * 7);
    await said('Row 32, column 1,');
    for (const [key, text] of [['ArrowUp', 'Row 31, column 1,'], ['ArrowLeft', 'Row 31, column 1,'], ['ArrowRight', 'Row 31, column 2,'], ['ArrowDown', 'Row 32, column 2,'], ['ArrowDown', 'Row 32, column 2,']]) {
      await page.keyboard.press(key);
      await said(text);
    }
    const cursor = /** @type {any} */ (await page.locator('#distribution-cursor').boundingBox());
    assert.deepEqual([cursor.x - box.x, cursor.y - box.y, cursor.width].map((length) => Math.round(length)), [7, 217, 7]);
  });

  test('takes a pixel clicked in the samples or the completions, and can be steered without a pointer', async () => {
    await open();
    /** Clicks pixel (x, y) of an image of a grid. @param {string} selector @param {number} image @param {number} x @param {number} y */
    const click = async (selector, image, x, y) => {
      const canvas = page.locator(selector);
      await canvas.scrollIntoViewIfNeeded();
      const { scale, columns } = await canvas.evaluate((element) => ({ scale: element.getBoundingClientRect().width / element.width, columns: (element.width + 2) / 34 }));
      await canvas.click({ position: { x: ((image % columns) * 34 + x + 0.5) * scale, y: (Math.floor(image / columns) * 34 + y + 0.5) * scale } });
    };
    const choice = page.locator('#distribution-picture option:checked');
    await click('#samples canvas', 2, 5, 9);
    let text = await said('Row 10, column 6, drawn:');
    assert.equal(await choice.innerText(), 'Sample 3');
    const image = await sampled(2);
    assert.ok(text.includes(`red ${image[9 * 32 + 5]},`), text);
    assert.ok(await page.locator('#distribution').evaluate((element) => element.getBoundingClientRect().top < innerHeight), 'it is in sight');

    await click('#completed', 7, 3, 4);
    text = await said('Row 5, column 4, given, not drawn:');
    assert.match(await choice.innerText(), /^Completion 2 of CIFAR-10 test image \d+$/);
    await click('#completed', 7, 3, 30);
    await said('Row 31, column 4, drawn:');

    await page.getByLabel('Picture', { exact: true }).focus();
    await page.getByLabel('Picture', { exact: true }).selectOption('Sample 2');
    text = await said('Row 31, column 4, drawn:');
    const second = await sampled(1);
    await said(`red ${second[30 * 32 + 3]},`);
  });

  test('says that a picture was drawn at another temperature', async () => {
    await open('temperature=0.7');
    assert.equal(await page.locator('#distribution-note').innerText(), 'These are the probabilities at temperature 1; the picture was drawn at 0.70.');
  });

  test('keeps its place when other pictures are drawn, and knows digits too', async () => {
    await open();
    await page.locator('#distribution-canvas').focus();
    await page.keyboard.press('ArrowLeft');
    await said('Row 17, column 16, drawn:');
    await page.evaluate((model) => (location.hash = `#model=${model}&count=4&pace=instant`), models[0].name);
    await untilDone(page, 2);
    const text = await said('drawn:').then(() => page.waitForFunction(() => /paper|ink/.test(document.querySelector('#distribution-report')?.textContent ?? ''))).then(() => report().innerText());
    assert.match(text, /^Row 17, column 16, drawn: (paper|ink); [\d.]+ bits\.$/);
    assert.equal(await page.locator('#distribution-charts figure').count(), 1);
  });

  test('asks for nothing while it is out of sight', async () => {
    await page.addInitScript(() => {
      const post = Worker.prototype.postMessage;
      Object.assign(window, { asked: 0 });
      Worker.prototype.postMessage = function (message, ...rest) {
        if (message.type === 'distribution') window.asked += 1;
        return post.call(this, message, ...rest);
      };
    });
    await page.goto(`${site.url}#model=${MODEL}&count=4&pace=instant`);
    await untilDone(page);
    await page.waitForTimeout(1000);
    assert.equal(await page.evaluate(() => window.asked), 0);
    await seeDistribution();
    assert.equal(await page.evaluate(() => window.asked), 3);
  });
});
