/** Drawing through WebGPU: the real bundle on a software adapter, and bundles that fail in every way. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { imagesShown, launch, openPage, rowsShown, untilDone } from './browser.js';
import { withSize } from './models.js';
import { fileOf, serveSite } from './server.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./server.js').Site} */
let site;
/** @type {Awaited<ReturnType<typeof openPage>>} */
let opened;

before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => {
  site = await serveSite();
  opened = await openPage(browser);
});
afterEach(async () => {
  await opened.close();
  await site.close();
});

const NO_ADAPTER = 'this Chromium offers no software adapter';

/** Why the real bundle cannot be tested, or false. */
const notBuilt = fileOf('pkg/gpu/pixelrnn.js') ? false : 'pkg/gpu is not built (make wasm)';

/**
 * Puts a network with the listed weights but images of 6 x 5 pixels in place of the listed one: a full
 * pass per pixel takes software many minutes on larger ones.
 */
async function serveSmallImages() {
  const { entry, bytes } = await withSize('small', { width: 6, height: 5 });
  site.faults.set('models/index.json', (response) => response.end(JSON.stringify({ models: [entry] })));
  site.faults.set('models/small.safetensors', (response) => response.end(bytes));
}

describe('the GPU bundle as built', { skip: notBuilt }, () => {
  test('passes its start-up test and draws what the CPU draws', { timeout: 300_000 }, async (context) => {
    const { page, watch } = opened;
    await serveSmallImages();
    const drawn = [];
    for (const backend of ['cpu', 'gpu']) {
      await page.goto(`${site.url}?${backend}#backend=${backend}&seed=5&count=2&pace=instant`);
      await page.waitForFunction(() => window.seen.done.length > 0, undefined, { timeout: 280_000 });
      drawn.push(await page.evaluate(() => ({ levels: [...window.seen.done[0].levels], backend: window.seen.done[0].backend })));
    }
    const line = await page.locator('.backend-line').innerText();
    if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
    assert.match(line, /^GPU, whole rows in one kernel, on .*a software adapter\.$/);
    assert.equal(drawn[1].backend, 'gpu');
    assert.deepEqual(drawn[1].levels, drawn[0].levels);
    assert.deepEqual(watch.errors, []);
  });
});

describe('a GPU bundle', () => {
  /** A bundle whose GPU is the CPU and is lost after `rows` rows. @param {number} rows */
  const lostAfter = (rows) => `
    import init, { Model, Sampler } from '../cpu/pixelrnn.js';
    export * from '../cpu/pixelrnn.js';
    export default init;
    export class Gpu { static async init(software) { return new Gpu(); } adapter = '{"description":"Test adapter"}'; free() {} }
    export class GpuSampler {
      static async create(gpu, model, method, ...options) {
        const sampler = new GpuSampler();
        sampler.inner = new Sampler(model, 'cached', ...options);
        return sampler;
      }
      get scale() { return this.inner.scale; }
      get y() { return this.inner.y; }
      logLikelihood() { return this.inner.logLikelihood(); }
      get done() { return this.inner.done; }
      async nextRow() {
        if (this.y >= ${rows}) throw new Error('The GPU was lost');
        return this.inner.nextRow();
      }
      levels() { return this.inner.levels(); }
      free() { this.inner.free(); }
    }`;

  /** @param {string | null} module  the bundle, null to list none */
  function serveBundle(module) {
    site.faults.set('pkg/index.json', (response) => response.end(JSON.stringify({ cpu: { bytes: 1 }, gpu: module === null ? null : { bytes: 1 } })));
    if (module !== null) site.faults.set('pkg/gpu/pixelrnn.js', (response) => response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(module));
  }

  /**
   * @param {import('playwright-core').Page} page
   * @param {string} backend
   */
  async function picture(page, backend) {
    await page.goto(`${site.url}?${backend}#backend=${backend}&seed=11&count=4&pace=instant`);
    await untilDone(page);
    return imagesShown(page);
  }

  for (const rows of [0, 1, 13, 27]) {
    test(`lost after ${rows} rows: the CPU goes on with the same picture and says why`, async (context) => {
      const { page } = opened;
      serveBundle(lostAfter(rows));
      const wanted = await picture(page, 'cpu');
      const drawn = await picture(page, 'gpu');
      const line = await page.locator('.backend-line').innerText();
      if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
      assert.equal(line, 'The GPU was lost. Drawing on the CPU.');
      assert.deepEqual(drawn, wanted);
      assert.deepEqual(await rowsShown(page), Array.from({ length: 28 }, (_, y) => y));
    });
  }

  test('that works draws, and is named', async (context) => {
    const { page } = opened;
    serveBundle(lostAfter(Infinity));
    const wanted = await picture(page, 'cpu');
    assert.deepEqual(await picture(page, 'gpu'), wanted);
    const line = await page.locator('.backend-line').innerText();
    if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
    assert.match(line, /^GPU, whole rows in one kernel, on .*\.$/);
    assert.equal(await page.evaluate(() => window.seen.done[0].adapter), 'Test adapter');
  });

  test('that is damaged: the CPU draws and the page says why', async (context) => {
    const { page } = opened;
    serveBundle('export default () => { throw new Error("broken bundle"); }');
    const wanted = await picture(page, 'cpu');
    assert.deepEqual(await picture(page, 'gpu'), wanted);
    const line = await page.locator('.backend-line').innerText();
    if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
    assert.equal(line, 'The GPU bundle could not be loaded: broken bundle. Drawing on the CPU.');
  });

  test('that is not built yet is not asked for, and picked up when it is there', async (context) => {
    const { page, watch } = opened;
    serveBundle(null);
    await picture(page, 'gpu');
    const line = page.locator('.backend-line');
    if (/no adapter/.test(await line.innerText())) return context.skip(NO_ADAPTER);
    assert.match(await line.innerText(), /The GPU bundle is not there yet\./);
    assert.deepEqual(watch.requests.filter((url) => url.includes('pkg/gpu')), []);
    serveBundle(lostAfter(Infinity));
    await line.filter({ hasText: 'GPU, whole rows in one kernel' }).waitFor({ timeout: 15_000 });
    assert.deepEqual(watch.errors, []);
  });
});
