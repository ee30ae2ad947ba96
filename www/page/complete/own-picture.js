/**
 * A picture of the visitor's own: read from a file, cut to its middle square, and made into levels for
 * a network. Nothing of it leaves the page.
 */

import { formatCount } from '../../shared/format.js';
import { HEADER_BYTES, pictureSize } from './picture-size.js';
import { canReadBack } from './read-back.js';
import { Shrinker, greyOf } from './shrink.js';
import { svgBitmap } from './svg-picture.js';

const MAX_BYTES = 100e6;
const MAX_PIXELS = 80e6;

/** Largest side kept: many times what a network draws, and little memory. */
const KEPT_SIDE = 512;

/** Read at a time: some milliseconds. */
const STRIP_PIXELS = 2 ** 17;

/** Brightest and darkest must differ by this much, or there is no ink. */
const MIN_CONTRAST = 24;

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/** The middle square of a picture, on white where it is transparent. */
export class OwnPicture {
  #side;
  #rgba;
  /** @type {{ kind: string, levels: Uint8Array }} */
  #last = { kind: '', levels: new Uint8Array(0) };

  /**
   * @param {number} side
   * @param {Uint8ClampedArray} rgba  `[side, side, 4]`
   */
  constructor(side, rgba) {
    this.#side = side;
    this.#rgba = rgba;
  }

  /**
   * The picture as a network would draw it: levels `[C, H, W]`.
   * @param {ModelInfo} info
   */
  levelsFor(info) {
    const { width, height, channels, levels } = info;
    const kind = [width, height, channels, levels].join();
    if (this.#last.kind !== kind) this.#last = { kind, levels: pictureLevels(this.#side, this.#rgba, info) };
    return this.#last.levels;
  }
}

/**
 * Reads a picture; throws an Error of one sentence where that cannot be done.
 * @param {File} file
 * @returns {Promise<OwnPicture>}
 */
export async function readPicture(file) {
  const name = file.name.length > 40 ? `${file.name.slice(0, 30)}…` : file.name || 'The picture';
  if (file.size === 0) throw new Error(`${name} is empty.`);
  if (file.size > MAX_BYTES) throw new Error(`${name} has ${formatCount(file.size / 1e6)} MB; up to ${MAX_BYTES / 1e6} MB are taken.`);
  const head = await file.slice(0, HEADER_BYTES).arrayBuffer().catch((cause) => {
    throw new Error(`${name} cannot be read; a folder, or a file that has moved, is no picture.`, { cause });
  });
  const size = pictureSize(new Uint8Array(head));
  if (size && size.width * size.height > MAX_PIXELS) {
    const { width, height } = size;
    throw new Error(`${name} is ${formatCount(width)} × ${formatCount(height)} pixels; up to ${MAX_PIXELS / 1e6} million are taken.`);
  }
  if (!canReadBack()) throw new Error('This browser guards against tracking and does not let the page see the pixels of a picture; allow it to read canvases here, or use another window.');
  const decoding = file.type.startsWith('image/svg') ? svgBitmap(file, KEPT_SIDE) : createImageBitmap(file);
  const bitmap = await decoding.catch((cause) => {
    throw new Error(`${name} is not a picture that this browser can read; a PNG or JPEG is.`, { cause });
  });
  try {
    const side = Math.min(bitmap.width, bitmap.height);
    const kept = Math.min(side, KEPT_SIDE);
    return new OwnPicture(kept, await middleSquare(bitmap, side, kept));
  } finally {
    bitmap.close();
  }
}

/**
 * Strip by strip: a large picture is never there twice, and the page goes on in between.
 * @param {ImageBitmap} bitmap
 * @param {number} side
 * @param {number} kept
 */
async function middleSquare(bitmap, side, kept) {
  const [left, top] = [bitmap.width, bitmap.height].map((length) => Math.floor((length - side) / 2));
  const shrinker = new Shrinker({ width: side, height: side }, { width: kept, height: kept });
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / side));
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  context.fillStyle = '#fff';
  for (let y = 0; y < side; y += rows) {
    const count = Math.min(rows, side - y);
    context.fillRect(0, 0, side, rows);
    context.drawImage(bitmap, left, top + y, side, count, 0, 0, side, count);
    shrinker.add(context.getImageData(0, 0, side, count).data);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return shrinker.result();
}

/**
 * @param {number} side
 * @param {Uint8ClampedArray} rgba
 * @param {ModelInfo} info
 */
function pictureLevels(side, rgba, { width, height, channels, levels }) {
  // The middle of the square where a network's images are none.
  const scale = Math.min(side / width, side / height);
  const cut = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const [left, top] = [cut.width, cut.height].map((length) => Math.floor((side - length) / 2));
  const shrinker = new Shrinker(cut, { width, height });
  for (let y = top; y < top + cut.height; y++) shrinker.add(rgba.subarray(4 * (y * side + left), 4 * (y * side + left + cut.width)));
  const small = shrinker.result();
  if (channels === 1) return inkLevels(small, width, levels);
  const plane = width * height;
  return Uint8Array.from({ length: channels * plane }, (_, at) => {
    return nearestLevel(small[4 * (at % plane) + Math.floor(at / plane)], levels);
  });
}

/**
 * @param {number} byte
 * @param {number} levels
 */
function nearestLevel(byte, levels) {
  return Math.round((byte * (levels - 1)) / 255);
}

/**
 * Grey, or ink and paper. The networks of one channel know light ink on dark paper, so a picture with a
 * light border is turned round.
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @param {number} levels
 */
function inkLevels(rgba, width, levels) {
  const greys = Uint8Array.from({ length: rgba.length / 4 }, (_, at) => greyOf(rgba[4 * at], rgba[4 * at + 1], rgba[4 * at + 2]));
  const height = greys.length / width;
  const border = greys.filter((_, at) => at % width === 0 || at % width === width - 1 || at < width || at >= (height - 1) * width);
  const threshold = bestThreshold(greys);
  const lightPaper = 2 * border.filter((grey) => grey > threshold).length > border.length;
  if (levels !== 2) return greys.map((grey) => nearestLevel(lightPaper ? 255 - grey : grey, levels));
  if (Math.max(...greys) - Math.min(...greys) < MIN_CONTRAST) return greys.fill(0);
  return greys.map((grey) => Number(lightPaper ? grey <= threshold : grey > threshold));
}

/**
 * The grey that parts light from dark best: the two means lie farthest apart, each weighted by its pixels
 * (Otsu's method). Up to it counts as dark.
 * @param {Uint8Array} greys
 */
function bestThreshold(greys) {
  const counts = new Uint32Array(256);
  for (const grey of greys) counts[grey] += 1;
  const total = greys.reduce((sum, grey) => sum + grey, 0);
  let best = { threshold: 127, spread: -1 };
  let [dark, darkSum] = [0, 0];
  for (let threshold = 0; threshold < 255; threshold++) {
    dark += counts[threshold];
    darkSum += threshold * counts[threshold];
    const light = greys.length - dark;
    if (!dark || !light) continue;
    const spread = dark * light * (darkSum / dark - (total - darkSum) / light) ** 2;
    if (spread > best.spread) best = { threshold, spread };
  }
  return best.threshold;
}
