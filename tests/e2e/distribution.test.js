/** The probabilities behind each value, as the engine tells them; what the page shows of them is in `easel-pixel.test.js`. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { isHelper } from './browser.js';
import { colourModel, offer } from './models.js';
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
