/**
 * The easel of the page, as the tests see it.
 */

import { coloursOn, imagesOn } from './browser.js';
import { page, site } from './site.js';

export const canvas = () => page.locator('#easel-canvas');

let visits = 0;

/** Greater than any position: the picture is whole, and at rest. */
export const WHOLE = 999_999;

/**
 * Opens the page, and waits for the picture of its address.
 * @param {string} hash  with a seed, and with a position where the picture shall rest
 */
export async function openEasel(hash) {
  // Not the address before with another hash: that would be the same visit.
  visits += 1;
  await page.goto(`${site.url}?${visits}#pace=instant&${hash}`);
  await untilShown(new RegExp(`seed ${/seed=(\d+)/.exec(hash)?.[1] ?? 7},`));
}

/**
 * Waits for a picture that the network has drawn, by what the canvas is said to be.
 * @param {RegExp} label
 * @param {import('playwright-core').Page} on  another visitor's page
 */
export async function untilShown(label = /./, on = page) {
  await on.waitForFunction(
    ([source]) => new RegExp(source).test(document.querySelector('#easel-canvas')?.getAttribute('aria-label') ?? '')
      && /^The network drew this|, which is there now\.$/.test(document.querySelector('#easel-said')?.textContent ?? ''),
    [label.source],
    { timeout: 60_000 },
  );
}

/** Waits until nothing moves and the picture is whole. */
export async function untilWhole() {
  await page.waitForFunction(
    () => /in all$/.test(document.querySelector('#easel-sum')?.textContent ?? '') && !document.querySelector('#play-toggle[data-playing]'),
    undefined,
    { timeout: 60_000 },
  );
}

/** What stands on the easel: 1 for ink, 0 for paper, null for not drawn. */
export const digitShown = async () => (await imagesOn(canvas(), 1))[0];

/** The same of a picture in colour: `[3, height, width]`. */
export const coloursShown = async ({ width = 32, height = 32 } = {}) => (await coloursOn(canvas(), { count: 1, width, height }))[0];

/** Values shown, as the bar of positions has it. */
export const position = async () => Number(await page.locator('#scrubber-range').inputValue());

/** Puts the bar of positions somewhere, as dragging it does. @param {number} k */
export async function scrubTo(k) {
  await page.locator('#scrubber-range').evaluate((range, value) => {
    range.value = String(value);
    range.dispatchEvent(new Event('input', { bubbles: true }));
  }, k);
}

/** The middle of a pixel, from the upper left corner of the canvas. @param {{ x: number, y: number }} pixel */
export function placeOf({ x, y }) {
  return canvas().evaluate((element, at) => {
    const { width, height } = element.getBoundingClientRect();
    return { x: ((at.x + 0.5) * width) / element.width, y: ((at.y + 0.5) * height) / element.height };
  }, { x, y });
}

/** Keeps a pixel in sight, as a visitor does with the mouse. @param {{ x: number, y: number }} pixel */
export async function keepPixel(pixel) {
  await canvas().click({ position: await placeOf(pixel) });
  await page.locator('#inspector-place').filter({ hasText: new RegExp(`^Row ${pixel.y + 1}, column ${pixel.x + 1}\\b`) }).waitFor();
}

/**
 * What the bars of the pixel looked at are drawn with, exactly: of ink and paper one, of colours one a value.
 * @returns {Promise<Array<{ from: number, share: number, pin: number }>>}  `share`: of paper, else of the level drawn, from `from` on
 */
export function barsShown() {
  return page.locator('#inspector-values .bar').evaluateAll((bars) => bars.map((bar) => {
    const percent = (/** @type {string} */ name) => parseFloat(bar.style.getPropertyValue(name) || '0') / 100;
    return { from: percent('--from'), share: percent('--paper-share'), pin: percent('--pin') };
  }));
}

/** The bits told of the pixel looked at. */
export const bitsTold = async () => parseFloat(await page.locator('#inspector-cost').innerText());

/**
 * What the engine tells of a picture, drawn alone and anew.
 * @typedef {object} Told
 * @property {number[]} levels    `[C, H, W]`
 * @property {number[]} nll_nats  the same, as `score` has them
 * @property {number[][]} small   levels of the smaller pictures, in the order drawn
 */

/**
 * @param {{ model: string, seed: number, first?: number, temperature?: number, topK?: number, topP?: number, given?: number[], mask?: number[] }} options
 * @returns {Promise<Told>}
 */
export function toldByEngine(options) {
  return page.evaluate(async ({ seed, given, mask, ...rest }) => {
    const { Engine } = await import('./engine.js');
    const engine = new Engine();
    /** @type {number[][]} */
    const small = [];
    const { scales, channels, levels: count } = await engine.load(rest.model);
    const run = {
      ...rest,
      seed: BigInt(seed),
      onRow: (/** @type {any} */ { scale, rgba }) => {
        if (scale === scales.length - 1) return;
        small[scale] ??= [];
        for (let at = 0; at < rgba.length; at += 4) for (let channel = 0; channel < channels; channel++) small[scale].push(Math.round((rgba[at + channel] * (count - 1)) / 255));
      },
    };
    const { levels } = await (given && mask ? engine.complete({ ...run, given: Uint8Array.from(given), mask: Uint8Array.from(mask) }) : engine.sample(run));
    const nll_nats = await engine.score({ model: rest.model, levels, count: 1 });
    engine.dispose();
    return { levels: [...levels], nll_nats: [...nll_nats], small };
  }, options);
}

/**
 * Probabilities of each level of a value, of the picture given.
 * @param {{ model: string, levels: number[], channel: number, y: number, x: number }} options
 * @returns {Promise<number[]>}
 */
export function distribution(options) {
  return page.evaluate(async ({ levels, ...rest }) => {
    const { sharedEngine } = await import('./engine.js');
    return [...(await sharedEngine().distribution({ ...rest, levels: Uint8Array.from(levels) }))];
  }, options);
}

/** The address of a module of the page, wherever the page's modules lie. @param {string} file  in the folder of the page's own */
export function moduleOfPage(file) {
  return page.evaluate((name) => new URL(name, document.querySelector('script[src$="page/main.js"]')?.src).href, file);
}
