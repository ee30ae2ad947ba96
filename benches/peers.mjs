/**
 * The ladder's peer in the browser: onnxruntime-web on its wasm backend, one thread, draws the PixelCNNs in the usual loop, a full
 * forward pass a value. `scripts/peers.sh` installs what it needs; `make bench` runs it; alone:
 *
 *   node benches/peers.mjs [--json] [--budget-ms 1500] [--batches 1,16] [--networks ID,ID]
 *
 * Some values are timed and scaled up to an image. With `--json` it prints the lines described in `src/cli/bench/mod.rs`.
 */

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../tests/e2e/browser.js';
import { measureCell, printLine, readOptions, serveBench } from './ladder/chromium.mjs';

const WAY = 'onnxruntime-web';
const TOOLS = fileURLToPath(new URL('../.tools/peers/', import.meta.url));
const PACKAGE = join(TOOLS, 'node_modules/onnxruntime-web');

/** What the wasm backend loads, under the names it asks for. */
const RUNTIME = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

const options = await readOptions();
const description = await readFile(join(PACKAGE, 'package.json'), 'utf8').catch(() => {
  throw new Error('not installed (scripts/peers.sh)');
});
const { version } = JSON.parse(description);
printLine(options, { line: 'about', key: WAY, value: version });
const networks = options.networks.filter(({ peers }) => peers.includes(WAY));
const folder = await mkdtemp(join(tmpdir(), 'pixelrnn-onnx-'));
const { site, url } = await serveBench();
const browser = await launch([]);
try {
  const script = fileURLToPath(new URL('peers_onnx.py', import.meta.url));
  execFileSync(join(TOOLS, 'python/bin/python'), [script, folder, ...networks.map(({ id }) => id)]);
  for (const name of RUNTIME) await serve(`ort/${name}`, join(PACKAGE, 'dist', name));
  for (const { id, config } of networks) {
    await serve(`ort/${id}.onnx`, join(folder, `${id}.onnx`));
    for (const batch of options.batches) {
      const setting = { id, config, batch, budgetMs: options.budgetMs };
      const cell = { way: WAY, network: id, batch };
      await measureCell({ browser, url, options }, cell, (page) => page.evaluate(drawInPage, setting));
    }
  }
} finally {
  await browser.close();
  await site.close();
  await rm(folder, { recursive: true });
}

/**
 * Serves a file that is no part of the page beside it.
 * @param {string} path
 * @param {string} file
 */
async function serve(path, file) {
  const bytes = await readFile(file);
  const type = path.endsWith('.mjs') ? 'text/javascript' : path.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream';
  site.faults.set(path, (response) => response.writeHead(200, { 'Content-Type': type }).end(bytes));
}

/**
 * Runs in the page.
 * @param {{ id: string, config: Record<string, any>, batch: number, budgetMs: number }} setting
 */
async function drawInPage({ id, config, batch, budgetMs }) {
  const { channels, height, width, levels } = config;
  const ort = await import(new URL('ort/ort.wasm.min.mjs', location.href).href);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL('ort/', location.href).href;
  const session = await ort.InferenceSession.create(new URL(`ort/${id}.onnx`, location.href).href, { executionProviders: ['wasm'] });
  const outputs = levels === 2 ? 1 : levels;
  const plane = height * width;
  const values = channels * plane;

  /**
   * The inverse of the cumulative distribution of one value, whose logits lie `plane` apart from `at` on.
   * @param {Float32Array} logits
   * @param {number} at
   */
  const drawLevel = (logits, at) => {
    const u = Math.random();
    if (outputs === 1) return Number(u >= 1 / (1 + Math.exp(logits[at])));
    let highest = -Infinity;
    for (let level = 0; level < outputs; level++) highest = Math.max(highest, logits[at + level * plane]);
    const weights = Array.from({ length: outputs }, (_, level) => Math.exp(logits[at + level * plane] - highest));
    let left = u * weights.reduce((sum, weight) => sum + weight, 0);
    const level = weights.findIndex((weight) => (left -= weight) < 0);
    return level < 0 ? outputs - 1 : level;
  };

  const draw = async (/** @type {number} */ limitMs) => {
    const image = new Float32Array(batch * values).fill(-1);
    const start = performance.now();
    let drawn = 0;
    while (drawn < values && (drawn === 0 || performance.now() - start < limitMs)) {
      const pixel = Math.floor(drawn / channels);
      const channel = drawn % channels;
      const tensor = new ort.Tensor('float32', image, [batch, channels, height, width]);
      const { logits } = await session.run({ image: tensor });
      for (let k = 0; k < batch; k++) {
        const level = drawLevel(logits.data, (k * channels + channel) * outputs * plane + pixel);
        image[k * values + channel * plane + pixel] = (2 * level) / (levels - 1) - 1;
      }
      logits.dispose();
      drawn += 1;
    }
    const share = drawn / values;
    return { share, ms: (performance.now() - start) / share };
  };

  await draw(0);
  const runs = [];
  for (let run = 0; run < 3; run++) runs.push(await draw(budgetMs / 3));
  return {
    share: Math.min(...runs.map(({ share }) => share)),
    ms_per_image: runs.map(({ ms }) => ms / batch),
    first_row_ms: runs.map(({ ms }) => ms / height),
    cold_ms_per_image: null,
    cold_first_row_ms: null,
  };
}
