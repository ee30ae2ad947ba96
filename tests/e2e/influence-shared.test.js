/** What a pixel looks at, found out by several workers: the answer of one, whatever becomes of the helpers. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { assertSoon, isHelper } from './browser.js';
import { colourModel, offer } from './models.js';
import { startWorkersWith } from './server.js';
import { page, site, visitSite } from './site.js';

const [WIDTH, HEIGHT] = [16, 28];
const PIXEL = { x: 4, y: 26 };

/** Helpers count the rows that they tell of, and take their time for each: they are not done before they can be stopped. */
const COUNTING = `
  self.flipped = [];
  const post = self.postMessage.bind(self);
  self.postMessage = (message, transfer) => {
    if (message.type === 'flipped') {
      self.flipped.push(message.y);
      for (const until = performance.now() + 30; performance.now() < until;);
    }
    post(message, transfer);
  };`;

visitSite();
beforeEach(async () => {
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => 3 }));
  offer(site, [colourModel('test-colours', { width: WIDTH, height: HEIGHT })]);
});

/**
 * Opens a page with an engine whose two helpers begin with this.
 * @param {string} code
 */
async function open(code) {
  startWorkersWith(site, `if (location.hash === '#helper') { ${code} }`);
  await page.goto(`${site.url}embed.html?loading=manual`);
  await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const model = 'test-colours';
    const { levels } = await engine.sample({ model, seed: 7n, backend: 'cpu' });
    Object.assign(window, {
      ask: async (/** @type {any} */ options) => {
        /** @type {any[]} */
        const rows = [];
        const onRow = (/** @type {number} */ y, /** @type {Float32Array} */ effects) => {
          rows.push([y, ...effects]);
          options.onRow?.(y);
        };
        const effects = await engine.influence({ model, levels, ...options, onRow });
        return { effects: [...effects], rows };
      },
      map: async () => {
        /** @type {number[]} */
        const told = [];
        const { effects, mean } = await engine.influenceMap({ model, levels, onProgress: (done) => told.push(done) });
        const sum = await crypto.subtle.digest('SHA-256', effects);
        return { effects: [...new Uint8Array(sum)].join(), mean: [...mean], told };
      },
      drawBatch: async () => (await engine.sample({ model, seed: 7n, count: 6, backend: 'cpu' })).threads,
    });
  });
}

const ask = () => page.evaluate((pixel) => window.ask(pixel), PIXEL);
const helped = () => assertSoon(() => page.evaluate(() => window.drawBatch()), (threads) => threads === 3);
/** The rows that each helper has told of. */
const flipped = () => Promise.all(page.workers().filter(isHelper).map((worker) => worker.evaluate(() => self.flipped)));

test('each flips every so many rows, and the nearest is told of first', async () => {
  await open(COUNTING);
  const alone = await ask();
  assert.deepEqual(alone.rows.map(([y]) => y), Array.from({ length: 27 }, (_, k) => 26 - k));
  assert.deepEqual(await flipped(), []);
  await helped();
  assert.deepEqual(await ask(), alone);
  const every = (/** @type {number} */ first) => Array.from({ length: 9 }, (_, k) => first - 3 * k);
  assert.deepEqual((await flipped()).sort(([one], [other]) => other - one), [every(25), every(24)]);
});

test('each pixel on each is found out so too, and averaged as by one', async () => {
  await open(COUNTING);
  const alone = await page.evaluate(() => window.map());
  assert.deepEqual([alone.told.length, alone.mean.length], [HEIGHT, HEIGHT * (2 * WIDTH - 1)]);
  await helped();
  assert.deepEqual(await page.evaluate(() => window.map()), alone);
  assert.deepEqual((await flipped()).map(({ length }) => length).sort(), [9, 9]);
});

test('what a helper fails at is found out by its owner', async () => {
  await open(`${COUNTING}
    self.postMessage = (message, transfer) => {
      if (message.type === 'flipped' && message.y < 16) throw new Error('a row is lost');
      post(message, transfer);
    };`);
  const alone = await ask();
  await helped();
  assert.deepEqual(await ask(), alone);
});

test('who is not wanted any more stops the helpers too, and they help again', async () => {
  // Slow enough to be stopped before they are through.
  await open(`${COUNTING}
    const tell = self.postMessage;
    self.postMessage = (message, transfer) => {
      for (const until = performance.now() + 100; message.type === 'flipped' && performance.now() < until; );
      tell(message, transfer);
    };`);
  const alone = await ask();
  await helped();
  const ended = await page.evaluate(async (pixel) => {
    const run = new AbortController();
    return window.ask({ ...pixel, signal: run.signal, onRow: (/** @type {number} */ y) => y === 26 && run.abort() }).catch(({ name }) => name);
  }, PIXEL);
  assert.equal(ended, 'AbortError');
  assert.deepEqual(await ask(), alone);
  // Their nine rows of this answer, and not all of the other. One that was deaf for long was replaced.
  const told = await flipped();
  assert.ok(told.length === 2 && told.every(({ length }) => length >= 9 && length < 18), JSON.stringify(told));
});
