/**
 * What a visitor waits for: something that moves after the first paint, the network ready to draw, and sixteen completions of
 * half a digit, in Chromium.
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
  for (let k = 0; k < OPENINGS; k++) opened.push(await opening());
  for (const [what, of] of /** @type {const} */ ([['recorded picture on the easel', 'moves'], ['network ready to draw', 'ready']])) {
    console.log(`${what}: ${median(opened.map((times) => times[of])).toFixed(0)} ms after the first paint, median of ${OPENINGS}`);
  }
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

/** Milliseconds after the first paint, in a browser that has nothing of the page yet. */
async function opening() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const times = /** @type {any} */ ((/** @type {any} */ (window)).times = {});
    const look = () => {
      const [canvas, said] = ['#easel-canvas', '#easel-said'].map((selector) => document.querySelector(selector));
      const label = canvas?.getAttribute('aria-label') ?? '';
      if (/\d/.test(label)) times.moves ??= performance.now();
      if (said?.textContent?.endsWith(', which is there now.')) times.ready ??= performance.now();
      if (!times.ready) requestAnimationFrame(look);
    };
    look();
  });
  await page.goto(site.url);
  await page.waitForFunction(() => /** @type {any} */ (window).times.ready && performance.getEntriesByName('first-contentful-paint').length);
  const times = await page.evaluate(() => {
    const { moves, ready } = /** @type {any} */ (window).times;
    const painted = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    return { moves: moves - painted, ready: ready - painted };
  });
  await context.close();
  return times;
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
