/**
 * Draws the picture of the easel, with all that the network says of it. It is always the CPU that draws: one picture is fastest
 * there, and what is told of it agrees with it to the last bit.
 */

import { sharpeningOf } from '../sharpening.js';
import { Trace } from './trace.js';

/**
 * A value that shall be another one than the network drew; what comes after it is drawn anew, with the same random numbers.
 * @typedef {{ k: number, level: number }} Fork
 */

/**
 * A picture that may stand on the easel.
 * @typedef {import('../sharpening.js').Sharpening & Ordered} Order
 *
 * @typedef {object} Ordered
 * @property {string} model
 * @property {bigint} seed
 * @property {number} image        of this seed, counted from 0
 * @property {Uint8Array} [given]  levels `[C, H, W]` of which a part is kept
 * @property {Uint8Array} [mask]   `[H, W]`, 1 where the network draws
 * @property {Fork[]} forks        by position
 */

/**
 * Draws it. The trace is handed out as soon as the network is there, and filled row by row.
 * @param {import('../../engine.js').Engine} engine
 * @param {Order} order
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(loaded: number, total: number) => void} options.onProgress
 * @param {(trace: Trace) => void} options.onRow
 * @returns {Promise<{ trace: Trace, elapsed_ms: number }>}
 */
export async function draw(engine, order, { signal, onProgress, onRow }) {
  const { model, seed, image, forks } = order;
  const info = await engine.load(model, { signal, onProgress });
  checkForks(info, forks);
  const sharpening = sharpeningOf(order, info.levels);
  const options = { model, seed, first: image, ...sharpening, trace: 0, signal };
  let drawn = await drawOnce(order);
  for (const fork of forks) drawn = await drawOnce(forked(drawn.trace, fork, order.mask));
  return drawn;

  /** @param {{ given?: Uint8Array, mask?: Uint8Array }} known */
  async function drawOnce({ given, mask }) {
    const trace = new Trace(info, sharpening);
    const onEachRow = (/** @type {import('../../engine.js').Row} */ row) => {
      trace.add(row);
      onRow(trace);
    };
    const run = { ...options, onRow: onEachRow };
    const { elapsed_ms } = await (given && mask ? engine.complete({ ...run, given, mask }) : engine.sample(run));
    return { trace, elapsed_ms };
  }
}

/**
 * An address may ask for anything.
 * @param {import('../../engine.js').ModelInfo} info
 * @param {Fork[]} forks
 */
function checkForks({ scales, channels, levels }, forks) {
  if (forks.length && scales.length > 1) throw new Error('This link has another value in a picture of two scales, which cannot go on otherwise: take "forks" out of it.');
  const values = scales[0].width * scales[0].height * channels;
  const other = forks.find(({ k, level }) => k >= values || level >= levels);
  if (other) throw new Error(`This link has level ${other.level} as value ${other.k}, but this picture has ${values} values of ${levels} levels: take "forks" out of it.`);
}

/** Whether a picture can go on otherwise after one of its values: of several scales, the smaller ones would not be those drawn. */
export function canFork(/** @type {Trace} */ { info }) {
  return info.scales.length === 1;
}

/**
 * What is known when a value is another one: everything up to it, and what was given after it.
 * @param {Trace} trace
 * @param {Fork} fork
 * @param {Uint8Array} [mask]  of the picture before
 */
function forked(trace, { k, level }, mask) {
  const { channels, width, height } = trace.info;
  const plane = width * height;
  const given = trace.image();
  const { y, x, channel } = trace.place(k);
  given[channel * plane + y * width + x] = level;
  const drawn = Uint8Array.from(given, (_, at) => {
    const pixel = at % plane;
    const later = pixel * channels + Math.floor(at / plane) > k;
    return later && mask?.[pixel] !== 0 ? 1 : 0;
  });
  return { given, mask: drawn };
}
