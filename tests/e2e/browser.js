/**
 * Chromium for the tests, and pages that remember everything that should not happen on them.
 */

import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.CHROMIUM, process.env.CHROME, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Chromium's own background traffic would count as requests to other hosts. */
const FLAGS = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'];

/** Gives a machine without a GPU an adapter in software. */
export const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Why a test of the GPU is left out. */
export const NO_ADAPTER = 'this Chromium offers no software adapter';

/**
 * @param {string[]} [flags]
 * @returns {Promise<import('playwright-core').Browser>}
 */
export function launch(flags = SOFTWARE_GPU) {
  return chromium.launch({ executablePath: chromiumPath(), args: [...FLAGS, ...flags] });
}

function chromiumPath() {
  const found = CANDIDATES.find((path) => {
    try {
      accessSync(path ?? '', constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`no Chromium found; install it or set CHROMIUM (looked at ${CANDIDATES.filter(Boolean).join(', ')})`);
  return found;
}

/**
 * The workers that a page has started itself; they may have started helpers.
 * @param {import('playwright-core').Page} page
 */
export function ownWorkers(page) {
  return page.workers().filter((worker) => !isHelper(worker));
}

/** @param {import('playwright-core').Worker} worker */
export function isHelper(worker) {
  return worker.url().endsWith('#helper');
}

/**
 * What went wrong on a page, and what it drew.
 * @typedef {object} Watch
 * @property {string[]} errors    console errors, uncaught exceptions, CSP violations
 * @property {string[]} requests  every address asked for, by page and workers, without the sum of its content
 * @property {string[]} sent      those to which something was sent
 */

/**
 * A page that keeps events of `<pixel-rnn>` elements in `window.seen`.
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [device]
 */
export async function openPage(browser, device) {
  const context = await browser.newContext(device);
  const page = await context.newPage();
  /** @type {Watch} */
  const watch = { errors: [], requests: [], sent: [] };
  page.on('console', (message) => message.type() === 'error' && watch.errors.push(message.text()));
  page.on('pageerror', (error) => watch.errors.push(String(error)));
  context.on('request', (request) => {
    watch.requests.push(request.url().replace(/\?sha256=\w+$/, ''));
    if (request.method() !== 'GET' || request.postData() !== null) watch.sent.push(request.url());
  });
  await page.addInitScript(() => {
    // The element's events do not bubble: they are heard on their way down.
    const seen = { ready: [], start: [], row: [], done: [], failed: [] };
    let order = 0;
    Object.assign(window, { seen });
    for (const type of Object.keys(seen)) {
      addEventListener(type, ({ target, detail }) => seen[type].push({ id: target.id, at: performance.now(), order: order++, ...detail }), true);
    }
  });
  return { page, watch, close: () => context.close() };
}

/**
 * Scrolls to the batch of the page, which is drawn when it comes into sight; other pages than that of the project have it in sight.
 * @param {import('playwright-core').Page} page
 */
export async function seeSamples(page) {
  const samples = page.locator('#many');
  if (await samples.count()) await samples.evaluate((section) => section.scrollIntoView());
}

/**
 * Waits until the elements of a page have finished `times` runs.
 * @param {import('playwright-core').Page} page
 * @param {number} [times]
 */
export async function untilDone(page, times = 1) {
  await seeSamples(page);
  return page.waitForFunction((count) => window.seen.done.length >= count, times, { timeout: 60_000, polling: 20 });
}

/** The rows of a digit, in the order in which they are shown. */
export const ALL_ROWS = Array.from({ length: 28 }, (_, y) => y);

/**
 * The rows shown so far, as their numbers.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<number[]>}
 */
export function rowsShown(page) {
  return page.evaluate(() => window.seen.row.map(({ y }) => y));
}

/**
 * What stands on the canvas of a `<pixel-rnn>`: for each image and pixel 1 for ink (white), 0 for
 * paper (black), null for not drawn.
 * @param {import('playwright-core').Page} page
 * @param {string} [selector]
 * @returns {Promise<Array<Array<number | null>>>}
 */
export async function imagesShown(page, selector = 'pixel-rnn') {
  const count = await page.locator(selector).evaluate((element) => element.count);
  return imagesOn(page.locator(`${selector} canvas`), count);
}

/**
 * The same of any canvas with a grid of images.
 * @param {import('playwright-core').Locator} canvas
 * @param {number} count
 */
export async function imagesOn(canvas, count) {
  const images = await gridOn(canvas, { count, width: 28, height: 28, channels: 1 });
  return images.map((image) => image.map((level) => (level === null ? null : Number(level >= 128))));
}

/**
 * A grid of images in colour on any canvas, each as a network would give it: `[3, height, width]`, null where
 * nothing is drawn.
 * @param {import('playwright-core').Locator} canvas
 * @param {{ count: number, width: number, height: number }} grid
 */
export function coloursOn(canvas, grid) {
  return gridOn(canvas, { ...grid, channels: 3 });
}

/**
 * @param {import('playwright-core').Locator} canvas
 * @param {{ count: number, width: number, height: number, channels: number }} grid
 * @returns {Promise<Array<Array<number | null>>>}
 */
function gridOn(canvas, grid) {
  return canvas.evaluate((element, { count, width, height, channels }) => {
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    const columns = (element.width + 2) / (width + 2);
    return Array.from({ length: count }, (_, k) =>
      Array.from({ length: channels * width * height }, (_, at) => {
        const place = at % (width * height);
        const x = (k % columns) * (width + 2) + (place % width);
        const y = Math.floor(k / columns) * (height + 2) + Math.floor(place / width);
        const pixel = data.subarray(4 * (y * element.width + x));
        return pixel[3] < 255 ? null : pixel[Math.floor(at / (width * height))];
      }),
    );
  }, grid);
}

/**
 * What a worker of its own draws, alone: the picture that a canvas must show.
 * @param {import('playwright-core').Page} page
 * @param {{ model: string, seed: number, count: number, temperature?: number | number[], topK?: number, topP?: number, method?: "cached" | "naive" }} options
 * @returns {Promise<number[][]>}
 */
export function drawnAlone(page, options) {
  return page.evaluate(async ({ seed, count, ...rest }) => {
    const { Engine } = await import('./engine.js');
    const engine = new Engine();
    const { levels } = await engine.sample({ ...rest, count, seed: BigInt(seed) });
    engine.dispose();
    const size = levels.length / count;
    return Array.from({ length: count }, (_, k) => [...levels.subarray(k * size, (k + 1) * size)]);
  }, options);
}

/**
 * Measures until what is measured holds, for up to twenty seconds.
 * @template T
 * @param {() => Promise<T>} measure
 * @param {(value: T) => boolean} holds
 * @param {string} [what]  must hold
 */
export async function assertSoon(measure, holds, what) {
  let value = await measure();
  for (let attempt = 0; attempt < 200 && !holds(value); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    value = await measure();
  }
  assert.ok(holds(value), what ?? `still ${value}`);
}
