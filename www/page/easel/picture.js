/**
 * The canvas of the easel: the first so many values of a picture, or what the network thought of them. What is not drawn yet
 * is see-through.
 */

import { isInk } from '../../shared/format.js';
import { bitsColour } from './ramps.js';

/** @typedef {import('./trace.js').Trace} Trace */

/** Ways to look at a picture. */
export const VIEWS = Object.freeze(/** @type {const} */ (['picture', 'chance', 'surprise', 'looks', 'changes']));

/** @typedef {typeof VIEWS[number]} View */

/** Shows one picture. */
export class Picture {
  #canvas;
  #context;
  #image = new ImageData(1, 1);

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    // Kept in main memory: the page only ever writes pixels.
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  }

  /**
   * @param {Trace} trace
   * @param {number} count  values shown
   * @param {View} view
   */
  show(trace, count, view) {
    const { width, height } = trace.parts[trace.parts.length - 1];
    if (this.#image.width !== width || this.#image.height !== height) {
      Object.assign(this.#canvas, { width, height });
      this.#image = this.#context.createImageData(width, height);
    }
    // Ink comes white on black, as the networks have it; the style sheet turns it round on light paper.
    this.#canvas.toggleAttribute('data-ink', isInk(trace.info) && view !== 'surprise');
    this.#image.data.fill(0);
    for (const part of trace.parts) if (count > part.start) this.#paint(trace, part, Math.min(count, part.end), view);
    this.#context.putImageData(this.#image, 0, 0);
  }

  /**
   * The values of a scale up to `end`; a pixel of a smaller picture fills as much of the image as it stands for.
   * @param {Trace} trace
   * @param {import('./trace.js').Part} part
   * @param {number} end
   * @param {View} view
   */
  #paint(trace, part, end, view) {
    const { width, height, data } = this.#image;
    const { channels } = trace.info;
    for (let k = part.start; k < end; k += channels) {
      const pixel = (k - part.start) / channels;
      const [x, y] = [pixel % part.width, Math.floor(pixel / part.width)];
      const rgba = view === 'surprise' ? bitsOfPixel(trace, k, end) : valuesOfPixel(trace, k, end, view);
      const [left, right] = [x, x + 1].map((edge) => Math.ceil((edge * width) / part.width));
      const [top, bottom] = [y, y + 1].map((edge) => Math.ceil((edge * height) / part.height));
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) data.set(rgba, 4 * (row * width + column));
      }
    }
  }
}

/**
 * A pixel's colour; of one that is half drawn, the values that there are.
 * @param {Trace} trace
 * @param {number} k    its first value
 * @param {number} end  of the values shown
 * @param {View} view
 */
function valuesOfPixel({ info, levels, means }, k, end, view) {
  const values = view === 'chance' ? means : levels;
  return [0, 1, 2].map((colour) => {
    const at = k + Math.min(colour, info.channels - 1);
    return at < end ? (255 * values[at]) / (info.levels - 1) : 0;
  }).concat(255);
}

/**
 * The colour for what its values cost, in the mean.
 * @param {Trace} trace
 * @param {number} k
 * @param {number} end
 */
function bitsOfPixel(trace, k, end) {
  const last = Math.min(k + trace.info.channels, end);
  let bits = 0;
  for (let at = k; at < last; at++) bits += trace.bits(at);
  return bitsColour(bits / (last - k));
}
