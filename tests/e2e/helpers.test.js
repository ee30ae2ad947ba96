/** Batches that several workers share: the same pictures, whatever becomes of the helpers. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { isHelper } from './browser.js';
import { startWorkersWith } from './server.js';
import { page, site, visitSite, watch } from './site.js';

/** Workers started: the page's own and helpers. */
let started = { own: 0, helpers: 0 };

visitSite();
beforeEach(async () => {
  started = { own: 0, helpers: 0 };
  page.on('worker', (worker) => (started[isHelper(worker) ? 'helpers' : 'own'] += 1));
  await page.goto(`${site.url}embed.html?loading=manual`);
});

/**
 * In the page: draws by one worker, then by up to four until as many as expected have drawn, and compares all there is.
 * @param {{ model: string, count: number, threads: number, expected: number, kind: "sample" | "shared" | "own" | "planes", tries?: number }} options
 */
async function compare({ model, count, threads, expected, kind, tries = 40 }) {
  const { Engine } = await import(new URL('engine.js', location.href).href);
  const engine = new Engine();
  const { width, height, channels, levels } = await engine.load(model);
  const [plane, image] = [width * height, width * height * channels];
  const length = kind === 'own' ? count : 1;
  const given = Uint8Array.from({ length: length * image }, (_, k) => (k * 7 + (k >> 5)) % levels);
  // One for all, one an image, or for all but a plane a channel.
  const planes = kind === 'planes' ? channels : length;
  const mask = Uint8Array.from({ length: planes * plane }, (_, k) => Number((k + 3 * Math.floor(k / plane)) % plane > plane / 3));
  const draw = async (/** @type {number} */ threads) => {
    /** @type {string[]} */
    const rows = [];
    const onRow = (/** @type {any} */ { scale, y, rgba }) => rows.push(`${scale} ${y} ${rgba.join()}`);
    const options = { model, seed: 5n, first: 3, count, threads, backend: 'cpu', onRow };
    const drawn = await (kind === 'sample' ? engine.sample(options) : engine.complete({ ...options, given, mask }));
    return { threads: drawn.threads, wasm_bytes: drawn.wasm_bytes, elapsed_ms: drawn.elapsed_ms, picture: JSON.stringify([...drawn.levels]), nll: [...drawn.nll_nats].join(), rows: rows.join(';') };
  };
  const alone = await draw(1);
  let shared = await draw(threads);
  const first = shared.threads;
  for (let k = 0; k < tries && shared.threads !== expected; k++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    shared = await draw(threads);
  }
  engine.dispose();
  const same = (/** @type {"picture" | "nll" | "rows"} */ what) => alone[what] === shared[what];
  return {
    threads: [alone.threads, first, shared.threads],
    same: [same('picture'), same('nll'), same('rows')],
    more: shared.wasm_bytes > alone.wasm_bytes,
    timed: shared.elapsed_ms > 0,
  };
}

/** Every helper does this first. */
function asHelper(/** @type {string} */ code) {
  startWorkersWith(site, `if (location.hash === '#helper') { ${code} }`);
}

describe('a batch drawn by several workers is the one drawn by one', () => {
  for (const [model, count, threads, expected, kind] of /** @type {const} */ ([
    ['mnist-pixelcnn', 16, 4, 4, 'sample'],
    ['mnist-row', 5, 2, 2, 'own'],
    ['mnist-diagonal', 11, 3, 3, 'shared'],
    ['cifar10-pixelcnn', 4, 2, 2, 'own'],
    // Three of them as many as there are channels.
    ['cifar10-pixelcnn', 7, 2, 2, 'planes'],
    ['mnist-multiscale-14-28', 7, 4, 4, 'shared'],
    ['mnist-pixelcnn', 3, 4, 2, 'sample'],
  ])) {
    test(`${model}, ${count} images, ${threads} threads, ${kind}`, { timeout: 60_000 }, async () => {
      const found = await page.evaluate(compare, { model, count, threads, expected, kind });
      assert.deepEqual(found, { threads: [1, 1, expected], same: [true, true, true], more: true, timed: true });
      assert.deepEqual(started, { own: 1, helpers: expected - 1 });
      // Neither weights nor program are fetched again for a helper.
      for (const end of ['.safetensors', '.wasm']) {
        assert.equal(watch.requests.filter((url) => url.endsWith(end)).length, 1, end);
      }
    });
  }
});

test('a helper is given the weights where the browser keeps none', async () => {
  startWorkersWith(site, "Object.defineProperty(self, 'caches', { value: undefined });");
  const found = await page.evaluate(compare, { model: 'mnist-pixelcnn', count: 8, threads: 2, expected: 2, kind: 'sample' });
  assert.deepEqual(found.threads, [1, 1, 2]);
  assert.equal(watch.requests.filter((url) => url.endsWith('.safetensors')).length, 1);
});

test('one or two images are drawn by one worker', async () => {
  const found = await page.evaluate(compare, { model: 'mnist-pixelcnn', count: 2, threads: 4, expected: 1, kind: 'sample' });
  assert.deepEqual(found.threads, [1, 1, 1]);
  assert.deepEqual(started, { own: 1, helpers: 0 });
});

const DRAWN_BY_FOUR = /** @type {const} */ ({ model: 'mnist-pixelcnn', count: 16, threads: 4, expected: 4, kind: 'sample' });

describe('a helper that', () => {
  test('cannot be started is not missed', async () => {
    asHelper('throw new Error("no helper here");');
    const found = await page.evaluate(compare, { ...DRAWN_BY_FOUR, tries: 10 });
    assert.deepEqual(found, { threads: [1, 1, 1], same: [true, true, true], more: false, timed: true });
    // It is tried twice, each of three, and never again.
    assert.ok(started.helpers <= 6, `${started.helpers} helpers started`);
  });

  test('fails halfway is replaced by its owner, who draws its rows', async () => {
    asHelper(`
      const post = self.postMessage.bind(self);
      let rows = 0;
      self.postMessage = (message, transfer) => {
        if (message.type === 'row' && ++rows % 11 === 0) throw new Error('a row is lost');
        post(message, transfer);
      };`);
    const found = await page.evaluate(compare, { ...DRAWN_BY_FOUR, expected: 4 });
    assert.deepEqual(found.threads, [1, 1, 4]);
    assert.deepEqual(found.same, [true, true, true]);
  });

  test('fails with the last answer is replaced too', async () => {
    asHelper(`
      const post = self.postMessage.bind(self);
      self.postMessage = (message, transfer) => {
        if (message.type === 'done') throw new Error('nothing is done');
        post(message, transfer);
      };`);
    const found = await page.evaluate(compare, { ...DRAWN_BY_FOUR, expected: 4 });
    assert.deepEqual(found.same, [true, true, true]);
    assert.deepEqual(found.threads, [1, 1, 4]);
  });
});

test('what cannot be drawn fails with the same words whether helpers are there or not', async () => {
  const sentences = await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const good = { model: 'mnist-pixelcnn', seed: 1n, count: 16, backend: 'cpu' };
    const faulty = [
      { ...good, first: 2 ** 32 - 5 },
      { ...good, temperature: 0 },
      { ...good, given: new Uint8Array(16 * 784 + 1), mask: new Uint8Array(784) },
      { ...good, given: new Uint8Array(784), mask: new Uint8Array(17 * 784) },
      { ...good, given: new Uint8Array(784).fill(2), mask: new Uint8Array(784) },
    ];
    const fail = (/** @type {number} */ threads) =>
      Promise.all(faulty.map((options) => engine[options.given ? 'complete' : 'sample']({ ...options, threads }).then(() => 'drawn', (/** @type {Error} */ { message }) => message)));
    let threads = 1;
    for (let k = 0; k < 40 && threads < 4; k++) {
      ({ threads } = await engine.sample({ ...good, threads: 4 }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const both = [await fail(1), await fail(4)];
    // And the helpers live on.
    const after = (await engine.sample({ ...good, threads: 4 })).threads;
    engine.dispose();
    return { threads, both, after };
  });
  assert.equal(sentences.threads, 4);
  assert.equal(sentences.after, 4);
  assert.deepEqual(sentences.both[1], sentences.both[0]);
  assert.match(sentences.both[0][0], /^first image: found 4294967291, expected at most 4294967280 with 16 images/);
  for (const sentence of sentences.both[0]) assert.match(sentence, /found .*expected/);
});

test('a run that is stopped stops its helpers, which draw the next one', { timeout: 60_000 }, async () => {
  asHelper("self.stops = 0; addEventListener('message', ({ data }) => (self.stops += Number(data.type === 'stop')));");
  await page.reload();
  const found = await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const options = { model: 'mnist-diagonal', seed: 1n, count: 64, threads: 2, backend: 'cpu' };
    let threads = 1;
    for (let k = 0; k < 40 && threads < 2; k++) {
      ({ threads } = await engine.sample({ ...options, count: 4 }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    /** @type {string[]} */
    const ended = [];
    for (let k = 0; k < 10; k++) {
      const run = new AbortController();
      let rows = 0;
      const onRow = () => (rows += 1) === 1 + k && run.abort();
      await engine.sample({ ...options, signal: run.signal, onRow }).catch((/** @type {Error} */ { name }) => ended.push(`${name} ${rows - k}`));
    }
    // Longer than a worker may be deaf to a stop.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const last = await engine.sample({ ...options, count: 4 });
    return { threads, ended, last: last.threads };
  });
  assert.equal(await page.workers().find(isHelper)?.evaluate(() => /** @type {any} */ (self).stops), 10);
  assert.deepEqual(found, { threads: 2, ended: Array(10).fill('AbortError 1'), last: 2 });
  assert.deepEqual(started, { own: 1, helpers: 1 });
});
