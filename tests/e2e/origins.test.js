/** The element taken from another origin than the page's, and frames in a sandbox, which have none. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { imagesShown, ownWorkers, untilDone } from './browser.js';
import { listedModels } from './reference.js';
import { STRICT_POLICY, sendFile } from './server.js';
import { expectErrors, openBody, openSite, page, serveBody, site, visitSite, watch } from './site.js';

visitSite();
/** The host that the page takes the element from. @type {import('./server.js').Site} */
let host;
beforeEach(async () => {
  host = await openSite({ prefix: '/some/path/', cors: true });
});

const ELEMENT = '<pixel-rnn count="4" loading="eager" pace="instant"></pixel-rnn>';

/**
 * A page with this body, and the element's module from the other host.
 * @param {{ body?: string, headers?: Record<string, string> }} [options]
 */
async function openGuest({ body = ELEMENT, headers } = {}) {
  await page.goto(serveBody(`${body}<script type="module" src="${host.url}pixel-rnn.js"></script>`, headers));
}

/** What the element says when it fails. */
async function failure() {
  expectErrors();
  await page.waitForFunction(() => window.seen.failed.length > 0);
  return page.evaluate(() => window.seen.failed[0].message);
}

/**
 * In a document: draws by one worker, then by two as soon as the second takes part.
 * @param {{ url: string, model: string }} options  of the engine
 */
async function drawByTwo({ url, model }) {
  const { Engine } = await import(url);
  const engine = new Engine();
  const options = { model, seed: 5n, count: 4, backend: 'cpu' };
  const alone = await engine.sample({ ...options, threads: 1 });
  let shared = await engine.sample({ ...options, threads: 2 });
  for (let k = 0; k < 40 && shared.threads < 2; k++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    shared = await engine.sample({ ...options, threads: 2 });
  }
  engine.dispose();
  return { threads: shared.threads, same: String(shared.levels) === String(alone.levels) };
}

describe('the element from another origin', () => {
  test('draws what it draws at home', async () => {
    await openGuest();
    await untilDone(page);
    const drawn = await imagesShown(page);
    assert.deepEqual(watch.requests.filter((url) => url.startsWith('http') && !url.startsWith(host.url)), [`${site.url}fixture.html`]);
    assert.deepEqual(ownWorkers(page).map((worker) => new URL(worker.url()).protocol), ['blob:']);

    await openBody(ELEMENT);
    await untilDone(page);
    assert.deepEqual(await imagesShown(page), drawn);
    assert.deepEqual(ownWorkers(page).map((worker) => new URL(worker.url()).protocol), ['http:'], 'no blob where none is needed');
  });

  test('has helpers', async () => {
    await openGuest({ body: '' });
    const found = await page.evaluate(drawByTwo, { url: `${host.url}engine.js`, model: 'mnist-pixelcnn' });
    assert.deepEqual(found, { threads: 2, same: true });
  });

  test('draws in an isolated page', async () => {
    await openGuest({ headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } });
    await untilDone(page);
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  });

  /** @param {string} workers @param {string} [files] */
  const policy = (workers, files = new URL(host.url).origin) => ({
    'Content-Security-Policy': `default-src 'none'; script-src ${new URL(host.url).origin} 'wasm-unsafe-eval'; connect-src ${files}; style-src 'unsafe-inline'; img-src data:; worker-src ${workers}`,
  });

  test('draws under a policy that allows it', async () => {
    await openGuest({ headers: policy('blob:') });
    await untilDone(page);
  });

  test('says what a policy must allow that forbids its worker', async () => {
    await openGuest({ headers: policy("'self'") });
    assert.equal(await failure(), `The worker that draws could not be started: the page's Content-Security-Policy forbids it, and must have blob: in its worker-src, because its script is of another origin, ${new URL(host.url).origin}.`);
  });

  test('says what a policy must allow that forbids its files', async () => {
    const { origin } = new URL(host.url);
    await openGuest({ headers: policy('blob:', "'self'") });
    assert.equal(await failure(), `The list of models could not be fetched: the page's Content-Security-Policy forbids it, and must have ${origin} in its connect-src.`);
  });

  /** @type {Array<[path: string, begin: string]>} */
  const FILES = [
    ['models/index.json', 'The list of models could not be fetched: '],
    ['worker/worker.js', 'The worker that draws could not be started: worker.js could not be fetched, '],
    ['pkg/cpu/pixelrnn.js', 'The CPU bundle could not be loaded: pixelrnn.js could not be fetched: '],
    ['pkg/cpu/pixelrnn_bg.wasm', 'The CPU bundle could not be loaded: pixelrnn_bg.wasm could not be fetched: '],
    [`models/${listedModels()[0].file}`, `${listedModels()[0].file} could not be fetched: `],
  ];
  for (const [path, begin] of FILES) {
    test(`says what the host must send with ${path}`, async () => {
      host.faults.set(path, (response, file) => {
        response.removeHeader('Access-Control-Allow-Origin');
        sendFile(response, file ?? '');
      });
      await openGuest();
      assert.equal(await failure(), `${begin}${new URL(host.url).origin} does not send the header "Access-Control-Allow-Origin: *", which pages of another origin need.`);
    });
  }
});

test('a page of the same origin says what its policy must allow', async () => {
  const strict = await openSite({ policy: STRICT_POLICY.replace("worker-src 'self'", "worker-src 'none'") });
  await page.goto(`${strict.url}embed.html`);
  assert.equal(await failure(), "The worker that draws could not be started: the page's Content-Security-Policy forbids it, and must have 'self' in its worker-src.");
});

describe('a frame in a sandbox', () => {
  /** @param {string} src @param {string} sandbox */
  async function openFrame(src, sandbox = 'allow-scripts') {
    await page.goto(serveBody(`<iframe title="digits" sandbox="${sandbox}" src="${src}" width="900" height="900"></iframe>`));
    return page.frameLocator('iframe');
  }

  for (const file of ['embed.html?count=4&pace=instant', 'index.html#count=4&pace=instant']) {
    test(`draws ${file.split(/[?#]/)[0]} where the server allows it`, async () => {
      const frame = await openFrame(host.url + file);
      // On the page it draws when it is in sight.
      await frame.locator('pixel-rnn').evaluate((element) => element.scrollIntoView());
      await frame.locator('pixel-rnn canvas[aria-label*="drawn by"]').waitFor();
      const found = await page.frames()[1].evaluate(drawByTwo, { url: `${host.url}engine.js`, model: 'mnist-pixelcnn' });
      assert.deepEqual(found, { threads: 2, same: true });
    });
  }

  test('says what a policy must allow that forbids its worker', async () => {
    const strict = await openSite({ cors: true, policy: STRICT_POLICY });
    expectErrors();
    const frame = await openFrame(`${strict.url}embed.html`);
    await frame.getByRole('alert').filter({ hasText: "must have blob: in its worker-src" }).waitFor();
  });
});
