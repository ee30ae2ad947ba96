/**
 * The sampling ladder in Chromium: naive and cached on one thread, cached on as many workers as the page takes, and with `--gpu`
 * fused on WebGPU; untrained networks on a page of their own, on its main thread where there is one. `make bench` runs it; alone, after `make wasm-cpu`:
 *
 *   node benches/browser.mjs [--json] [--budget-ms 1500] [--batches 1,16] [--networks ID,ID] [--gpu]
 *
 * With `--json` it prints the lines described in `src/cli/bench/mod.rs`.
 */

import { availableParallelism } from 'node:os';
import { launch, SOFTWARE_GPU } from '../tests/e2e/browser.js';
import { LARGEST_NAIVE_BATCH, measureCell, median, printLine, readOptions, serveBench } from './ladder/chromium.mjs';

/** The ladder's names of ways with one thread, and the samplers'. */
const METHODS = { naive: 'naive', 'cached-1': 'cached' };

/** As the engine has it. */
const MOST_WORKERS = 4;

/** Lets a browser without a window use the machine's own GPU. */
const HARDWARE_GPU = ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--ignore-gpu-blocklist'];

/** The naive sampler draws a whole row at least; one that would take longer than this many budgets is left out. */
const NAIVE_ROW_BUDGETS = 2;

const options = await readOptions();
const { site, url } = await serveBench();
try {
  await measureOnCpu();
  if (options.gpu) await measureOnGpu();
} finally {
  await site.close();
}

async function measureOnCpu() {
  const browser = await launch([]);
  try {
    printLine(options, { line: 'about', key: 'Chromium', value: browser.version() });
    for (const network of options.networks) {
      for (const way of /** @type {const} */ (['naive', 'cached-1'])) {
        if (network.ways?.includes(way) ?? true) await measureWay(browser, network, way);
      }
      if (network.ways?.includes('cached-all') ?? true) await measureWorkers(browser, network);
    }
  } finally {
    await browser.close();
  }
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./ladder/chromium.mjs').Network} network
 * @param {keyof typeof METHODS} way
 */
async function measureWay(browser, { id, config, batches = options.batches }, way) {
  let rowMsAtOne = 0;
  for (const batch of batches.filter((batch) => way !== 'naive' || batch <= LARGEST_NAIVE_BATCH)) {
    const cell = { way, network: id, batch };
    const long = config.channels > 1 || rowMsAtOne * batch > NAIVE_ROW_BUDGETS * options.budgetMs;
    if (way === 'naive' && long) {
      printLine(options, { line: 'missing', host: 'chromium', ...cell, why: 'one row takes too long' });
      continue;
    }
    const setting = { config, method: METHODS[way], batch, budgetMs: options.budgetMs };
    const runs = await measureCell({ browser, url, options }, cell, (page) => page.evaluate(drawInPage, setting));
    if (batch === 1) rowMsAtOne = median(runs?.first_row_ms ?? []);
  }
}

/**
 * Workers share a batch of four and more between them; one draws smaller ones.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./ladder/chromium.mjs').Network} network
 */
async function measureWorkers(browser, { id, config, batches = options.batches }) {
  const threads = Math.min(availableParallelism(), MOST_WORKERS);
  for (const batch of batches.filter((batch) => threads > 1 && batch >= 2 * threads)) {
    const setting = { shape: { name: id, ...shapeOf(config) }, batch, budgetMs: options.budgetMs, threads };
    const cell = { way: 'cached-all', network: id, batch };
    await measureCell({ browser, url, options }, cell, (page) => page.evaluate(benchInPage, setting));
  }
}

/** The fused sampler, by the page's own door for benchmarks. */
async function measureOnGpu() {
  let browser = await launch(HARDWARE_GPU);
  let adapter = await describeAdapter(browser);
  const software = !adapter;
  if (!adapter) {
    await browser.close();
    browser = await launch(SOFTWARE_GPU);
    adapter = await describeAdapter(browser);
  }
  try {
    printLine(options, { line: 'about', key: 'Chromium adapter', value: adapter ?? 'none' });
    for (const { id, config, batches = options.batches, ways } of options.networks) {
      if (!(ways?.includes('fused') ?? true)) continue;
      // In software a row of more takes minutes.
      const most = config.channels === 1 ? 16 : 1;
      for (const batch of batches.filter((batch) => !software || batch <= most)) {
        const setting = { shape: { name: id, ...shapeOf(config) }, batch, budgetMs: options.budgetMs, backend: 'gpu' };
        const cell = { way: 'fused', network: id, batch };
        await measureCell({ browser, url, options }, cell, (page) => page.evaluate(benchInPage, setting));
      }
    }
  } finally {
    await browser.close();
  }
}

/**
 * @param {import('playwright-core').Browser} browser
 * @returns {Promise<string | null>}
 */
async function describeAdapter(browser) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    return await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      if (!adapter) return null;
      const { vendor, architecture, description } = adapter.info;
      return [vendor, architecture, description].filter(Boolean).join(' ') || 'an adapter without a name';
    });
  } finally {
    await page.close();
  }
}

/**
 * A configuration in the words of `pixelBench`.
 * @param {Record<string, any>} config
 */
function shapeOf({ network, channels, levels, height, layers, h, head, skip = false }) {
  return { side: height, cin: channels, h, n: layers, head, logits: levels === 2 ? 1 : 256, network, skip };
}

/**
 * Runs in the page. A run ends after its last row or its part of the budget, and is scaled up from the rows it drew.
 * @param {{ config: Record<string, any>, method: string, batch: number, budgetMs: number }} setting
 */
async function drawInPage({ config, method, batch, budgetMs }) {
  const { default: init, Model, Sampler } = await import(new URL('pkg/cpu/pixelrnn.js', location.href).href);
  await init();
  const model = Model.untrained(JSON.stringify({ skip: false, ...config }), 1n);
  const started = performance.now();
  const draw = () => {
    const start = performance.now();
    const sampler = new Sampler(model, { method, seed: 1n, first: 0, count: batch, temperature: 1 });
    sampler.nextRow();
    const first_row_ms = performance.now() - start;
    let rows = 1;
    while (!sampler.done && performance.now() - start < budgetMs / 4) {
      sampler.nextRow();
      rows += 1;
    }
    const share = rows / config.height;
    const ms_per_image = (performance.now() - start) / share / batch;
    sampler.free();
    return { share, first_row_ms, ms_per_image };
  };
  const cold = draw();
  // The browser compiles its quicker code while the first runs go on: those of half the budget do not count.
  while (performance.now() - started < budgetMs / 2) draw();
  const warm = [];
  const least = performance.now() - started > budgetMs ? 1 : 3;
  while (warm.length < least || (performance.now() - started < budgetMs && warm.length < 25)) {
    warm.push(draw());
    // The page stays alive between two runs.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return {
    share: Math.min(cold.share, ...warm.map(({ share }) => share)),
    ms_per_image: warm.map(({ ms_per_image }) => ms_per_image),
    first_row_ms: warm.map(({ first_row_ms }) => first_row_ms),
    cold_ms_per_image: cold.ms_per_image,
    cold_first_row_ms: cold.first_row_ms,
  };
}

/**
 * Runs in the page. `pixelBench` does not tell how many rows it drew before its budget was over: one at least.
 * Its answer names the backend, so that a page that draws on the CPU in spite of the wish cannot pass for a GPU.
 * @param {{ shape: Record<string, any>, batch: number, budgetMs: number, backend?: "cpu" | "gpu", threads?: number }} setting
 */
async function benchInPage({ shape, batch, budgetMs, backend = 'cpu', threads = 1 }) {
  const scope = /** @type {any} */ (globalThis);
  const deadline = performance.now() + 30_000;
  while (!scope.pixelReady) {
    if (performance.now() > deadline) throw new Error('the page never became ready');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const draw = (/** @type {number} */ reps) => scope.pixelBench({ model: shape, batch, reps, budgetMs: budgetMs / 4, backend, threads });
  const cold = await draw(1);
  if (cold.backend !== backend) throw new Error(`not available: the page drew on the ${cold.backend.toUpperCase()}`);
  const warm = await draw(3);
  const share = cold.extrapolated || warm.extrapolated ? 1 / shape.side : 1;
  // The workers have drawn small batches before this one.
  const cold_ms_per_image = threads > 1 ? null : cold.cold_ms_per_image;
  return { share, ms_per_image: warm.ms_per_image, first_row_ms: warm.first_row_ms, cold_ms_per_image, cold_first_row_ms: null };
}
