/** Broken files, missing features, blocked WebGPU: each has its own sentence, and the page stays usable. */

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { NO_ADAPTER, SOFTWARE_GPU, imagesShown, launch, rowsShown, untilDone } from './browser.js';
import { digitShown, untilShown } from './easel.js';
import { offerOnly } from './models.js';
import { listedModels } from './reference.js';
import { expectErrors, openVisit, page, site, visitSite, watch } from './site.js';

visitSite();

const weightsPath = () => `models/${listedModels()[0].file}`;

/** @typedef {import('./server.js').Fault} Fault */

/**
 * Answers with other bytes than the file's.
 * @param {(bytes: Buffer) => Buffer} change
 * @returns {Fault}
 */
function altered(change) {
  return (response, file) => response.writeHead(200).end(change(readFileSync(file ?? '')));
}

/** @type {Array<{ name: string, fault: Fault, reason: RegExp }>} */
const BROKEN_WEIGHTS = [
  { name: 'with one bit flipped', reason: /is damaged: its SHA-256 begins with/, fault: altered((bytes) => (bytes[bytes.length >> 1] ^= 1, bytes)) },
  { name: 'too short', reason: /is damaged: it has \d+ bytes, not the \d+ listed/, fault: altered((bytes) => bytes.subarray(0, -1)) },
  { name: 'a Git LFS pointer', reason: /is damaged: the server has a Git LFS pointer in its place, .* "git lfs pull"/, fault: altered(() => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n')) },
  { name: 'a web page', reason: /is damaged: the server gave a web page in its place/, fault: altered(() => Buffer.from('<!doctype html><html></html>')) },
  { name: 'too long', reason: /is damaged: it is longer than the \d+ bytes listed/, fault: altered((bytes) => Buffer.concat([bytes, Buffer.of(0)])) },
  { name: 'missing', reason: /could not be fetched: the server answered 404/, fault: (response) => response.writeHead(404).end() },
  {
    name: 'cut off on the way',
    reason: /broke off after \d+ of \d+ bytes/,
    fault: (response, file) => {
      const bytes = readFileSync(file ?? '');
      response.writeHead(200, { 'Content-Length': bytes.length });
      response.write(bytes.subarray(0, 1000), () => setTimeout(() => response.destroy(), 100));
    },
  },
];

describe('a weights file', () => {
  for (const { name, fault, reason } of BROKEN_WEIGHTS) {
    test(`${name}: the page tells the reason at the easel, and draws when the file is good`, async () => {
      expectErrors();
      site.faults.set(weightsPath(), fault);
      for (const hash of ['', '#seed=8']) {
        await page.goto(`${site.url}?${hash.length}${hash}`);
        const alert = page.locator('#easel-fault').filter({ hasText: reason });
        await alert.waitFor();
        assert.equal((await alert.innerText()).match(/[.!?](\s|$)/g)?.length, 1, 'one sentence');
        // The recorded picture is of the network chosen; of another seed there is none.
        assert.equal((await digitShown()).some((pixel) => pixel !== null), hash === '');
      }
      site.faults.clear();
      await page.getByRole('button', { name: 'Draw another' }).click();
      await untilShown(/seed (?!8,)/);
      assert.ok(await page.locator('#easel-fault').isHidden());
    });

    test(`${name}: the element tells the reason, and draws when the file is good`, async () => {
      site.faults.set(weightsPath(), fault);
      await page.goto(`${site.url}embed.html?pace=instant&count=16`);
      const alert = page.getByRole('alert').filter({ hasText: /./ });
      await alert.waitFor();
      assert.match(await alert.innerText(), reason);
      assert.equal((await alert.innerText()).match(/[.!?](\s|$)/g)?.length, 1, 'one sentence');
      assert.deepEqual(await rowsShown(page), []);

      site.faults.clear();
      await page.getByRole('button', { name: 'Draw', exact: true }).click();
      await untilDone(page);
      assert.equal(await alert.count(), 0);
    });
  }

  test('that passes the checks but is none: the reason is shown', async () => {
    const bytes = Buffer.from('not weights');
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    const entry = { ...listedModels()[0], bytes: bytes.length, sha256: Buffer.from(digest).toString('hex') };
    offerOnly(site, [{ entry, bytes }]);
    await page.goto(site.url);
    const alert = page.getByRole('alert').filter({ hasText: /./ });
    await alert.waitFor();
    assert.ok((await alert.innerText()).length > 10);
  });

  test('that comes slowly, as the code does: one bar counts the bytes of both, compressed or not, and never goes back', async () => {
    const wasm = 'pkg/cpu/pixelrnn_bg.wasm';
    const total = listedModels()[0].bytes + statSync(new URL(`../../${wasm}`, import.meta.url)).size;
    /** In eight parts. @type {(response: import('node:http').ServerResponse, bytes: Buffer) => Promise<void>} */
    const slowly = async (response, bytes) => {
      const part = Math.ceil(bytes.length / 8);
      for (let k = 0; k < 8; k++) {
        response.write(bytes.subarray(k * part, (k + 1) * part));
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
      response.end();
    };
    site.faults.set(weightsPath(), (response, file) => void slowly(response.writeHead(200), readFileSync(file ?? '')));
    site.faults.set(wasm, (response, file) => {
      response.writeHead(200, { 'content-type': 'application/wasm', 'content-encoding': 'gzip' });
      void slowly(response, gzipSync(readFileSync(file ?? ''), { level: 1 }));
    });
    await page.addInitScript(() => {
      const seen = /** @type {any} */ (globalThis).progress = /** @type {string[]} */ ([]);
      addEventListener('DOMContentLoaded', () => {
        const look = () => {
          const bar = document.querySelector('pixel-rnn')?.shadowRoot?.querySelector('progress');
          if (bar?.checkVisibility()) seen.push(`${bar.value} ${bar.max} ${bar.labels[0].textContent}`);
          requestAnimationFrame(look);
        };
        look();
      });
    });
    await page.goto(`${site.url}embed.html?pace=instant&count=16`);
    await untilDone(page);
    const seen = /** @type {string[]} */ (await page.evaluate(() => [...new Set(/** @type {any} */ (globalThis).progress)]));
    const values = seen.map((text) => text.split(' ').map(Number));
    assert.ok(values.length >= 6, seen.join('; '));
    assert.ok(values.every(([value, max], at) => max === total && value <= max && value >= (values[at - 1]?.[0] ?? 0)), seen.join('; '));
    assert.match(seen[1], /Fetching .+: [\d,]+ of [\d,]+ kB$/);
    assert.match(seen[seen.length - 1], /Starting /);
    assert.equal(await page.getByRole('progressbar').isVisible(), false);
  });

  test('that is being fetched can be given up', async () => {
    site.faults.set(weightsPath(), (response) => response.writeHead(200).write('x'));
    await page.goto(`${site.url}embed.html?pace=instant&count=16`);
    await page.getByRole('progressbar').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    assert.equal(await page.getByRole('progressbar').isVisible(), false);
    site.faults.clear();
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await untilDone(page);
  });

  test('is kept: a second visit fetches it no more', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    watch.requests.length = 0;
    site.faults.set(weightsPath(), (response) => response.writeHead(500).end());
    await page.reload();
    await untilDone(page);
  });
});

describe('without', () => {
  test('a list of models: the reason is shown', async () => {
    site.faults.set('models/index.json', (response) => response.end('{"models":'));
    await page.goto(site.url);
    await page.getByRole('alert').filter({ hasText: 'The list of models, models/index.json, is damaged.' }).waitFor();
  });

  test('a list of models, and a web page in its place: the reason is shown', async () => {
    site.faults.set('models/index.json', (response) => response.end('<!DOCTYPE html><title>Home</title>'));
    await page.goto(site.url);
    await page.getByRole('alert').filter({ hasText: 'models/index.json, is damaged: the server gave a web page in its place.' }).waitFor();
  });

  test('a working wasm file: the reason is shown', async () => {
    site.faults.set('pkg/cpu/pixelrnn.js', (response) => response.writeHead(200, { 'Content-Type': 'text/javascript' }).end('export default () => { throw new Error("broken") }'));
    await page.goto(site.url);
    await page.getByRole('alert').filter({ hasText: 'The CPU bundle could not be loaded: broken' }).waitFor();
  });

  test('a worker: the reason is shown', async () => {
    expectErrors();
    site.faults.set('worker/worker.js', (response) => response.writeHead(404).end());
    await page.goto(site.url);
    await page.getByRole('alert').filter({ hasText: 'The worker that draws could not be started: worker.js could not be fetched, the server answered 404.' }).waitFor();
  });
});

describe('WebGPU', () => {
  /** @type {Array<{ name: string, flags?: string[], stub?: () => void, sentence: string }>} */
  const BLOCKED = [
    { name: 'missing', stub: () => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }), sentence: 'This browser has no WebGPU.' },
    { name: 'without an adapter', flags: [], sentence: 'This browser has WebGPU but offers no adapter.' },
    {
      name: 'refused',
      stub: () => Object.defineProperty(Navigator.prototype, 'gpu', { value: { requestAdapter: () => Promise.reject(new Error('no')) } }),
      sentence: 'This browser has WebGPU but refused an adapter.',
    },
  ];
  for (const { name, flags = SOFTWARE_GPU, stub, sentence } of BLOCKED) {
    for (const backend of ['auto', 'gpu']) {
      test(`${name}, backend ${backend}: says so in one sentence and draws`, async () => {
        const own = await launch(flags);
        const { page, watch } = await openVisit(own);
        if (stub) await page.addInitScript(stub);
        await page.goto(`${site.url}#backend=${backend}&pace=instant&count=1`);
        await untilDone(page);
        await page.locator('.backend-line').filter({ hasText: `CPU, cached sampler. ${sentence}` }).waitFor();
        assert.ok((await imagesShown(page))[0].every((pixel) => pixel !== null));
        assert.deepEqual(watch.requests.filter((url) => url.includes('pkg/gpu')), []);
        await own.close();
      });
    }
  }

  test('is not touched where the page asks for the CPU', async () => {
    await page.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, 'gpu', {
        get() {
          throw new Error('touched');
        },
      }),
    );
    await page.goto(`${site.url}#backend=cpu&pace=instant`);
    await untilDone(page);
    await page.waitForTimeout(300);
    assert.equal(await page.locator('.backend-line').innerText(), 'CPU, cached sampler.');
  });

  test('by software is named', async (context) => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    const line = await page.locator('.backend-line').innerText();
    if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
    assert.match(line, /^CPU, cached sampler\. WebGPU adapter present: .*swiftshader, a software adapter\.$/i);
  });
});

test('the page keeps working when the browser has no room or no cache', async () => {
  site.faults.set('worker/weights.js', (response, file) => {
    response.writeHead(200, { 'Content-Type': 'text/javascript' });
    response.end(`const caches = { open() { throw new Error('QuotaExceededError'); } };\n${readFileSync(file ?? '', 'utf8')}`);
  });
  await page.goto(`${site.url}#pace=instant`);
  await untilDone(page);
});
