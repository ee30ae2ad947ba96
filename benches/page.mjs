/**
 * What a visitor waits for: the first row after the page is opened, and sixteen completions of half a digit, in Chromium.
 *
 *   node benches/page.mjs     (needs pkg/cpu: make wasm-cpu)
 */

import { launch } from '../tests/e2e/browser.js';
import { serveSite } from '../tests/e2e/server.js';

const OPENINGS = 7;
const COMPLETIONS = 16;

const site = await serveSite();
const browser = await launch();
try {
  const opened = [];
  for (let k = 0; k < OPENINGS; k++) opened.push(await firstRow());
  console.log(`first row after opening the page: ${median(opened).toFixed(0)} ms, median of ${OPENINGS}`);
  const page = await browser.newPage();
  await page.goto(new URL('embed.html?loading=manual', site.url).href);
  const completed = await page.evaluate(complete, COMPLETIONS);
  for (const [model, times] of Object.entries(completed)) {
    console.log(`${COMPLETIONS} completions of the lower half, ${model}: ${median(times).toFixed(1)} ms, median of ${times.length}`);
  }
} finally {
  await browser.close();
  await site.close();
}

/** Milliseconds from the start of navigation, in a browser that has nothing of the page yet. */
async function firstRow() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const scope = /** @type {any} */ (window);
    addEventListener('row', () => (scope.firstRow ??= performance.now()), true);
  });
  await page.goto(site.url);
  await page.waitForFunction(() => /** @type {any} */ (window).firstRow);
  const ms = await page.evaluate(() => /** @type {any} */ (window).firstRow);
  await context.close();
  return ms;
}

/**
 * Runs in the page: milliseconds by model, the first ten, while the browser still compiles, not counted.
 * @param {number} count
 */
async function complete(count) {
  const { Engine } = await import(new URL('engine.js', location.href).href);
  const engine = new Engine();
  /** @type {Record<string, number[]>} */
  const found = {};
  for (const { name: model } of await engine.models()) {
    const { width, height, levels, scales } = await engine.load(model);
    if (levels !== 2 || scales.length > 1) continue;
    const pixels = width * height;
    const mask = new Uint8Array(pixels).fill(1, pixels / 2);
    const given = new Uint8Array(pixels).map((_, k) => Number((k * 7) % 11 > 8));
    const times = [];
    for (let seed = 0n; seed < 31n; seed++) {
      const start = performance.now();
      await engine.complete({ model, seed, count, given, mask, backend: 'cpu' });
      times.push(performance.now() - start);
    }
    found[model] = times.slice(10);
  }
  engine.dispose();
  return found;
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
