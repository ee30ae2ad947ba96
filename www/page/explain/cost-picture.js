/**
 * A picture seen through what its pixels cost: a colour for the bits of each, and its own ink or colour small in the middle.
 */

import { isInk } from '../../shared/format.js';
import { bitsColour } from '../easel/ramps.js';
import { rowsOf } from '../levels.js';

/** Side of a pixel on the canvas, and of the square of its own colour in it. */
const CELL = 10;
const DOT = 4;

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} picture
 * @param {ModelInfo} picture.info
 * @param {Uint8Array} picture.levels  `[C, H, W]`
 * @param {Float64Array} picture.bits  of each pixel, over its values
 * @param {number} counted             pixels whose costs are shown; the others look as they are
 */
export function paintCosts(canvas, { info, levels, bits }, counted) {
  const { width, height, channels } = info;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  if (canvas.width !== width * CELL) canvas.width = width * CELL;
  if (canvas.height !== height * CELL) canvas.height = height * CELL;
  context.clearRect(0, 0, canvas.width, canvas.height);
  const style = getComputedStyle(document.documentElement);
  const [paper, ink] = ['--picture-paper', '--picture-ink'].map((name) => style.getPropertyValue(name));
  const rows = isInk(info) ? null : rowsOf([levels], info);
  for (let at = 0; at < width * height; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const own = rows ? `rgb(${rows[y].rgba.subarray(4 * x, 4 * x + 3).join(' ')})` : levels[at] ? ink : paper;
    context.fillStyle = at < counted ? `rgb(${bitsColour(bits[at] / channels).slice(0, 3).join(' ')})` : own;
    context.fillRect(x * CELL, y * CELL, CELL, CELL);
    if (at >= counted || (!rows && !levels[at])) continue;
    context.fillStyle = own;
    context.fillRect(x * CELL + (CELL - DOT) / 2, y * CELL + (CELL - DOT) / 2, DOT, DOT);
  }
}

/**
 * What each pixel of an image costs: the sum over its values.
 * @param {Float32Array} nll_nats  `[C, H, W]`
 * @param {{ width: number, height: number }} size
 */
export function bitsOfImage(nll_nats, { width, height }) {
  const plane = width * height;
  const bits = new Float64Array(plane);
  nll_nats.forEach((nats, at) => (bits[at % plane] += nats / Math.LN2));
  return bits;
}
