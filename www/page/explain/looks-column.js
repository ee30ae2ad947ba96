/**
 * One network: its picture, under it what the pixel at the cursor looks at, and the mean of this over all pixels.
 */

import { formatCount } from '../../shared/format.js';
import { Heat } from '../easel/heat.js';
import { influenceColour } from '../easel/ramps.js';
import { outlinePixel } from '../pixel-cursor.js';
import { sharpeningOf } from '../sharpening.js';

/** @typedef {import('../../engine.js').ModelEntry} ModelEntry */

/** Pictures compared here have this size. */
const SIZE = Object.freeze({ width: 28, height: 28 });
const PLANE = SIZE.width * SIZE.height;

/**
 * @typedef {object} Measured
 * @property {import('../../engine.js').ModelInfo} info
 * @property {Uint8Array} levels
 * @property {import('../../engine.js').InfluenceMap} map
 */

/** A column of the comparison. */
export class LooksColumn {
  #engine;
  #figure;
  #parts;
  #heat;
  /** @type {ModelEntry | undefined} */
  #entry;
  /** @type {Measured | null} */
  #measured = null;
  /** What the wiring joins with a pixel, by its place. @type {Map<number, Promise<Uint8Array>>} */
  #reaches = new Map();
  #at = 0;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} figure
   */
  constructor(engine, figure) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (figure.querySelector(selector));
    this.#engine = engine;
    this.#figure = figure;
    this.#parts = {
      area: /** @type {HTMLElement} */ (part('.hand')),
      cursor: /** @type {HTMLElement} */ (part('.cursor')),
      mean: /** @type {HTMLCanvasElement} */ (part('.mean')),
      said: /** @type {HTMLElement} */ (part('.said')),
      bits: /** @type {HTMLElement} */ (part('.bits-each')),
    };
    this.#heat = new Heat(part('.heat'));
  }

  get figure() {
    return this.#figure;
  }

  /** Where the cursor is moved. */
  get area() {
    return this.#parts.area;
  }

  get size() {
    return SIZE;
  }

  /** The kind of network that it shows. */
  get network() {
    return this.#figure.dataset.network;
  }

  /**
   * Empties it for a network; without one it is not there.
   * @param {ModelEntry | undefined} entry
   */
  clear(entry) {
    this.#entry = entry;
    this.#measured = null;
    this.#reaches.clear();
    this.#heat.hide();
    this.#figure.hidden = !entry;
    this.#parts.cursor.hidden = true;
    this.#parts.said.textContent = '';
    this.#parts.mean.width = 0;
    const nats = entry?.test_nll?.nats_per_image;
    this.#parts.bits.textContent = nats ? `${(nats / Math.LN2).toFixed(1)} bits.` : '';
  }

  /**
   * Draws the picture and asks how far each of its pixels moves each other.
   * @param {import('../sharpening.js').Sharpening & { seed: bigint, image: number, signal: AbortSignal }} options
   */
  async measure({ seed, image, signal, ...how }) {
    if (!this.#entry) return;
    const model = this.#entry.name;
    const info = await this.#engine.load(model, { signal });
    const { levels } = await this.#engine.sample({ model, seed, first: image, ...sharpeningOf(how, info.levels), backend: 'cpu', signal });
    if (!signal.aborted) this.#heat.show(pictureOf(info, levels), 0, false, undefined);
    const map = await this.#engine.influenceMap({
      model, levels, signal,
      onProgress: (done, total) => this.tell(`Measuring: ${Math.round((100 * done) / total)} %`),
    });
    this.#measured = { info, levels, map };
    this.paintMean();
  }

  /** @param {string} words */
  tell(words) {
    this.#parts.said.textContent = words;
  }

  /**
   * Shows what a pixel looks at.
   * @param {import('../pixel-cursor.js').Pixel} pixel
   */
  async look(pixel) {
    const measured = this.#measured;
    if (!measured || !this.#entry) return;
    const { x, y } = pixel;
    const at = y * SIZE.width + x;
    this.#at = at;
    if (!this.#reaches.has(at)) this.#reaches.set(at, this.#engine.reach({ model: this.#entry.name, x, y }));
    const joined = await this.#reaches.get(at)?.catch(() => undefined);
    // Meanwhile the cursor may have moved on, or another picture be wanted.
    if (!joined || at !== this.#at || measured !== this.#measured) return;
    const { info, levels, map } = measured;
    const effects = Float32Array.from({ length: PLANE }, (_, from) => (from < at ? map.effects[from * PLANE + at] : 0));
    this.#heat.show(pictureOf(info, levels), at, false, { effects, joined, known: new Uint8Array(PLANE).fill(1) });
    this.#parts.cursor.hidden = false;
    outlinePixel(this.#parts.cursor, pixel, SIZE);
    const moved = effects.filter((effect) => effect > 0).length;
    const cannot = joined.subarray(0, at).filter((one) => !one).length;
    this.tell(`Of ${formatCount(at)} earlier pixels ${formatCount(moved)} move the answer, ${formatCount(cannot)} cannot.`);
  }

  /** The mean over all pixels, as seen from the middle of the last row. */
  paintMean() {
    if (!this.#measured) return;
    const { mean } = this.#measured.map;
    const { mean: canvas } = this.#parts;
    const [width, height] = [2 * SIZE.width - 1, SIZE.height];
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    if (!context) return;
    const image = context.createImageData(width, height);
    mean.forEach((effect, place) => image.data.set(influenceColour(effect), 4 * place));
    context.putImageData(image, 0, 0);
    context.fillStyle = getComputedStyle(canvas).getPropertyValue('--focus');
    context.fillRect(SIZE.width - 1, height - 1, 1, 1);
  }
}

/**
 * A picture as the easel keeps its own: of ink and paper, the values in the order drawn are the pixels in reading order.
 * @param {import('../../engine.js').ModelInfo} info
 * @param {Uint8Array} levels
 */
function pictureOf(info, levels) {
  return /** @type {import('../easel/trace.js').Trace} */ ({ info, levels, parts: [{ start: 0, end: PLANE, ...SIZE }] });
}
