/**
 * What the browser programs of the ladder share: their arguments, lines, and a page of its own for every cell.
 */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { sendFile, serveSite } from '../../tests/e2e/server.js';

/** Larger batches of the naive ways tell nothing new and take minutes. */
export const LARGEST_NAIVE_BATCH = 16;

/** A cell that takes so many times its budget, and a minute for what comes before, is given up. */
const PATIENCE = 20;
const GRACE_MS = 60_000;

/**
 * An entry of `networks.json`.
 * @typedef {object} Network
 * @property {string} id
 * @property {string} title
 * @property {Record<string, any>} config
 * @property {number[]} [batches]  its own, where it has them
 * @property {string[]} [ways]     the ways it is drawn; all if left out
 * @property {string[]} peers      the other engines it is drawn with
 */

/** @returns {Promise<Network[]>} */
export async function readNetworks() {
  return JSON.parse(await readFile(new URL('../networks.json', import.meta.url), 'utf8'));
}

/**
 * @typedef {object} Options
 * @property {boolean} json
 * @property {number} budgetMs
 * @property {number[]} batches
 * @property {Network[]} networks
 * @property {boolean} gpu
 */

/**
 * `[--json] [--budget-ms 1500] [--batches 1,16] [--networks ID,ID] [--gpu]`
 * @returns {Promise<Options>}
 */
export async function readOptions() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      'budget-ms': { type: 'string', default: '1500' },
      batches: { type: 'string', default: '1,16,64,256' },
      networks: { type: 'string' },
      gpu: { type: 'boolean', default: false },
    },
  });
  const wanted = values.networks?.split(',');
  const networks = (await readNetworks()).filter(({ id }) => wanted?.includes(id) ?? true);
  const batches = values.batches.split(',').map(Number);
  return { json: values.json, budgetMs: Number(values['budget-ms']), batches, networks, gpu: values.gpu };
}

/** The page's folder, and the page for benchmarks and its workers isolated: only then does its clock tell less than a tenth of a millisecond. */
export async function serveBench() {
  const site = await serveSite();
  for (const path of ['bench.html', 'worker/worker.js']) {
    site.faults.set(path, (response, file) => {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      if (file) sendFile(response, file);
    });
  }
  return { site, url: new URL('bench.html', site.url).href };
}

/**
 * Prints a line as JSON or for people; `src/cli/bench/mod.rs` describes them.
 * @param {Options} options
 * @param {Record<string, any>} line
 */
export function printLine({ json }, line) {
  if (json) console.log(JSON.stringify(line));
  else if (line.line === 'about') console.log(`${line.key}: ${line.value}`);
  else if (line.line === 'missing') console.log(`${line.network ?? ''} ${line.way} ${line.batch ?? ''} not measured: ${line.why}`);
  else {
    const mark = line.share < 1 ? '~' : '';
    const ms = mark + median(line.ms_per_image).toFixed(3);
    console.log(`${line.network.padEnd(16)}${line.way.padEnd(18)}${String(line.batch).padStart(4)}${ms.padStart(14)} ms an image`);
  }
}

/** @param {number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/**
 * Runs `measure` on a new page and prints its cell, or why there is none.
 * @param {{ browser: import('playwright-core').Browser, url: string, options: Options }} where
 * @param {{ way: string, network: string, batch: number }} cell
 * @param {(page: import('playwright-core').Page) => Promise<Record<string, any>>} measure
 */
export async function measureCell({ browser, url, options }, cell, measure) {
  const context = await browser.newContext();
  const limitMs = GRACE_MS + PATIENCE * options.budgetMs;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    const page = await context.newPage();
    await page.goto(url);
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${limitMs / 1000} s`)), limitMs);
    });
    const runs = await Promise.race([measure(page), tooLong]);
    printLine(options, { line: 'cell', host: 'chromium', ...cell, ...runs });
    return runs;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    printLine(options, { line: 'missing', host: 'chromium', ...cell, why });
    return null;
  } finally {
    clearTimeout(timer);
    await context.close();
  }
}
