/** Compressed images cross between the program and the browser, both ways, and come out as they went in. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { colourModel, offer, twoScaleModel } from './models.js';
import { listedModels, noCommandLine, readNpy, runCommandLine } from './reference.js';
import { fileOf } from './server.js';
import { page, site, visitSite } from './site.js';

/** More images than a file has streams, so that some go on where others end. */
const MANY = 70;

const OWN = [colourModel('test-colours', { width: 6, height: 5 }), twoScaleModel('test-scales')];

/** @type {string} */
let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'))));
after(() => rmSync(folder, { recursive: true }));

visitSite();
beforeEach(async () => {
  offer(site, OWN);
  await page.goto(`${site.url}embed.html?loading=manual`);
  await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    Object.assign(window, {
      engine,
      compress: async (/** @type {any} */ { levels, ...options }) => [...(await engine.compress({ ...options, levels: Uint8Array.from(levels) }))],
      decompress: async (/** @type {any} */ { file, ...options }) => {
        const { levels, count } = await engine.decompress({ ...options, file: Uint8Array.from(file) });
        return { levels: [...levels], count };
      },
    });
  });
});

/**
 * Pictures that the program draws and compresses: their levels, and the file.
 * @param {string} model
 * @param {number} count
 */
function compressed(model, count) {
  const own = OWN.find(({ entry }) => entry.name === model);
  const weights = own?.bytes ?? readFileSync(fileOf(`models/${listedModels().find(({ name }) => name === model).file}`) ?? '');
  writeFileSync(join(folder, 'model.safetensors'), weights);
  runCommandLine(['sample', '--model', 'model.safetensors', '--seed', '5', '--count', String(count), '--out', 'in.npy'], folder);
  runCommandLine(['compress', '--model', 'model.safetensors', 'in.npy', '--out', 'packed.prc'], folder);
  return { levels: [...readNpy(readFileSync(join(folder, 'in.npy'))).values], file: [...readFileSync(join(folder, 'packed.prc'))] };
}

for (const [model, count] of /** @type {Array<[string, number]>} */ ([
  ['mnist-pixelcnn', MANY],
  ['mnist-row', 3],
  ['mnist-diagonal', 3],
  ['test-colours', MANY],
  ['test-scales', 5],
])) {
  test(`${model}: what the program writes comes out, and is written here too`, { skip: noCommandLine }, async () => {
    const { levels, file } = compressed(model, count);
    assert.deepEqual(await page.evaluate((options) => window.decompress(options), { model, file }), { levels, count });
    const own = await page.evaluate((options) => window.compress(options), { model, levels, count });
    assert.deepEqual(own, file);
    // And so the other way round, which a file of other pictures shows.
    const size = levels.length / count;
    const turned = [...levels.slice(size), ...levels.slice(0, size)];
    writeFileSync(join(folder, 'own.prc'), Buffer.from(await page.evaluate((options) => window.compress(options), { model, levels: turned, count })));
    runCommandLine(['decompress', '--model', 'model.safetensors', 'own.prc', '--out', 'back.npy'], folder);
    assert.deepEqual([...readNpy(readFileSync(join(folder, 'back.npy'))).values], turned);
  });
}

test('what is not as it was written is told in a sentence', async () => {
  const [model, count] = ['test-colours', 2];
  const levels = Array.from({ length: count * 3 * 5 * 6 }, (_, k) => (k * 37) % 256);
  const file = await page.evaluate((options) => window.compress(options), { model, levels, count });
  const refused = (/** @type {any} */ options, /** @type {RegExp} */ sentence) =>
    assert.rejects(page.evaluate((options) => window.decompress(options), { model, file, ...options }), sentence);
  for (const at of [14, 30, file.length >> 1, file.length - 1]) {
    await refused({ file: file.with(at, file[at] ^ 1) }, /damaged or cut short/);
  }
  await refused({ file: file.slice(0, -1) }, /damaged or cut short/);
  await refused({ file: file.with(0, 0) }, /no \.prc file/);
  await refused({ file: [] }, /an empty file/);
  await refused({ model: 'test-scales' }, /made with the model whose sha256 begins with/);
  const compress = (/** @type {any} */ options) => page.evaluate((options) => window.compress(options), { model, levels, count, ...options });
  await assert.rejects(compress({ count: 3 }), /180 values found/);
  await assert.rejects(compress({ model: 'test-scales', count: 1, levels: Array(784).fill(2) }), /level 2 found/);
  // Nothing of it has broken what comes after.
  assert.deepEqual(await page.evaluate((options) => window.decompress(options), { model, file }), { levels, count });
});

test('it tells how far it is, and stops when it is told to', async () => {
  const told = await page.evaluate(async () => {
    const { engine } = window;
    const [model, count] = ['test-scales', 9];
    const levels = new Uint8Array(count * 784);
    /** @type {Array<[number, number]>} */
    const told = [];
    const file = await engine.compress({ model, levels, count, onProgress: (/** @type {number} */ done, /** @type {number} */ total) => told.push([done, total]) });
    const stop = new AbortController();
    const stopped = engine.decompress({ model, file, signal: stop.signal, onProgress: () => stop.abort() });
    return { told, stopped: await stopped.catch((/** @type {Error} */ error) => error.name) };
  });
  const total = 9 * (7 + 28);
  assert.deepEqual(told.told.at(-1), [total, total]);
  assert.ok(told.told.every(([done], k) => k === 0 || done > told.told[k - 1][0]), 'it goes on');
  assert.equal(told.stopped, 'AbortError');
});
