/**
 * A picture with all that decided it: what each file and the code for other pages are made from.
 */

import { rowsOf } from '../levels.js';

/**
 * @typedef {import('../sharpening.js').Sharpening & Taken} TakenPicture
 *
 * @typedef {object} Taken
 * @property {import('../../engine.js').ModelEntry} model
 * @property {import('../../engine.js').ModelInfo} info
 * @property {bigint} seed
 * @property {number} image        of the seed, counted from 0
 * @property {Uint8Array} levels   `[C, H, W]`
 * @property {Uint8Array} [mask]   `[H, W]` or `[C, H, W]`, 1 where a value was drawn, 0 where it was given; none where all were drawn
 * @property {import('../easel/drawing.js').Fork[]} forks  values that were made others; the mask says what was drawn after the last
 * @property {number} bits         that it costs, of all scales, by the network itself at temperature 1
 */

/**
 * A picture as it stands on the easel, and its network.
 * @typedef {object} Standing
 * @property {import('../easel/drawing.js').Order} order
 * @property {import('../easel/trace.js').Trace} trace
 * @property {import('../../engine.js').ModelEntry} model
 */

/**
 * @param {Standing} standing
 * @returns {TakenPicture}
 */
export function takenPicture({ order, trace, model }) {
  const { seed, image, forks } = order;
  const mask = forks.length ? drawnAfter(forks[forks.length - 1].k, trace, order.mask) : order.mask;
  return { model, info: trace.info, seed, image, ...trace.sharpening, levels: trace.image(), mask, forks, bits: trace.sum() };
}

/**
 * What was drawn after a fork, as a mask of values.
 * @param {number} k  the value that was made another
 * @param {import('../easel/trace.js').Trace} trace
 * @param {Uint8Array} [mask]  of the picture before
 */
function drawnAfter(k, { info: { width, height, channels } }, mask) {
  const plane = width * height;
  return Uint8Array.from({ length: channels * plane }, (_, at) => {
    const pixel = at % plane;
    return Number(pixel * channels + Math.floor(at / plane) > k && mask?.[pixel] !== 0);
  });
}

/**
 * What the names of its files begin with.
 * @param {TakenPicture} picture
 */
export function stemOf({ model, seed, image }) {
  // A network of the visitor's own has the name of its file.
  const name = model.name.replace(/\.safetensors$/i, '').replace(/[^\w.-]+/g, '-');
  return `${name}-seed-${seed}-image-${image}`;
}

/**
 * Its pixels, each once.
 * @param {TakenPicture} picture
 */
export function pixelsOf({ info, levels }) {
  const { width, height } = info;
  const rgba = new Uint8Array(4 * width * height);
  for (const row of rowsOf([levels], info)) rgba.set(row.rgba, 4 * width * row.y);
  return { width, height, rgba };
}

/**
 * For each of its pixels, whether one of its values was drawn.
 * @param {TakenPicture} picture
 */
export function drawnPixels({ info: { width, height }, mask }) {
  const size = width * height;
  if (!mask) return new Array(size).fill(true);
  return Array.from({ length: size }, (_, at) => {
    for (let value = at; value < mask.length; value += size) if (mask[value]) return true;
    return false;
  });
}

/**
 * The shape of its mask: one for each pixel, or one for each value.
 * @param {TakenPicture & { mask: Uint8Array }} picture
 */
export function maskShape({ info: { width, height, channels }, mask }) {
  return mask.length === width * height ? [height, width] : [channels, height, width];
}
