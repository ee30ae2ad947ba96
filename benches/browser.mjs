/**
 * The sampling ladder in Chromium: milliseconds an image of the shipped networks, naive against cached, on the main thread of a
 * bare page. Run with `make bench`, which builds pkg/cpu first.
 */

import { readFile } from 'node:fs/promises';
import { launch } from '../tests/e2e/browser.js';
import { serveSite } from '../tests/e2e/server.js';

const REPETITIONS = 15;

const index = JSON.parse(await readFile(new URL('../www/models/index.json', import.meta.url), 'utf8'));
const site = await serveSite();
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(new URL('embed.html', site.url).href);
  console.log(`Chromium ${browser.version()}, median of ${REPETITIONS}`);
  console.log(['network', 'batch', 'naive', 'cached', 'ratio'].map((name, k) => name.padEnd(k ? 14 : 20)).join(''));
  for (const { name, file } of index.models) {
    for (const batch of [1, 16]) {
      const cells = await page.evaluate(measure, { file, batch, repetitions: REPETITIONS });
      const ratio = `${Math.round(cells.naive / cells.cached)}x`;
      const row = [name, batch, `${cells.naive.toFixed(0)} ms`, `${cells.cached.toFixed(2)} ms`, ratio];
      console.log(row.map((cell, k) => String(cell).padEnd(k ? 14 : 20)).join(''));
    }
  }
} finally {
  await browser.close();
  await site.close();
}

/** Runs in the page. The naive sampler is timed on its first row and scaled up: every pixel costs it the same. */
async function measure({ file, batch, repetitions }) {
  const { default: init, Model, Sampler } = await import(new URL('pkg/cpu/pixelrnn.js', location.href).href);
  await init();
  const bytes = await (await fetch(new URL(`models/${file}`, location.href))).arrayBuffer();
  const model = Model.load(new Uint8Array(bytes));
  const draw = (method, rows) => {
    const sampler = new Sampler(model, method, 1n, 0, batch, 1);
    const start = performance.now();
    for (let y = 0; y < rows; y++) sampler.nextRow();
    const elapsed = performance.now() - start;
    sampler.free();
    return (elapsed * model.height) / rows / batch;
  };
  const times = Array.from({ length: repetitions }, () => draw('cached', model.height)).sort((a, b) => a - b);
  const result = { cached: times[Math.floor(repetitions / 2)], naive: draw('naive', 1) };
  model.free();
  return result;
}
