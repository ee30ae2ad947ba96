/**
 * The same pictures in the lossless formats that browsers write: all of them on one sheet, which costs fewer bytes than a file each.
 */

import { canReadBack } from '../complete/read-back.js';
import { rowsOf } from '../levels.js';
import { encodePng } from '../../shared/png.js';

/** What a WebP file and each of its chunks begin with. */
const [RIFF_BYTES, CHUNK_HEAD_BYTES] = [12, 8];

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * Pictures side by side, without a gap, in about as many rows as columns.
 * @param {Uint8Array[]} images  levels, `[C, H, W]` each
 * @param {ModelInfo} info
 */
export function sheetOf(images, info) {
  const columns = Math.ceil(Math.sqrt(images.length));
  const [width, height] = [columns * info.width, Math.ceil(images.length / columns) * info.height];
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  const line = 4 * info.width;
  for (const row of rowsOf(images, info)) {
    images.forEach((_, k) => {
      const y = Math.floor(k / columns) * info.height + row.y;
      rgba.set(row.rgba.subarray(k * line, (k + 1) * line), 4 * y * width + (k % columns) * line);
    });
  }
  return { width, height, rgba };
}

/**
 * Bytes of a sheet as a PNG, the smaller of the browser's and our own, and as a lossless WebP; null where the browser writes none.
 * @param {ReturnType<typeof sheetOf>} sheet
 */
export async function bytesOfSheet(sheet) {
  const own = await encodePng(sheet, 1);
  // A canvas that is not given back as it is would be another picture.
  if (!canReadBack()) return { png: own.size, webp: null };
  const canvas = Object.assign(document.createElement('canvas'), { width: sheet.width, height: sheet.height });
  // Without an alpha channel, which none of these pictures has.
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false, willReadFrequently: true }));
  context.putImageData(new ImageData(sheet.rgba, sheet.width, sheet.height), 0, 0);
  const [png, webp] = await Promise.all([written(canvas, 'image/png'), written(canvas, 'image/webp')]);
  return { png: Math.min(own.size, png?.size ?? Infinity), webp: webp && losslessBytes(await webp.arrayBuffer()) };
}

/**
 * The canvas as a file of the best quality; null where the browser does not write this format.
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @returns {Promise<Blob | null>}
 */
async function written(canvas, type) {
  const blob = await new Promise((/** @type {BlobCallback} */ resolve) => canvas.toBlob(resolve, type, 1));
  return blob?.type === type ? blob : null;
}

/**
 * Bytes of a WebP file that is without loss, less the colour profile that a browser adds; null where it is not.
 * @param {ArrayBuffer} file
 */
function losslessBytes(file) {
  const view = new DataView(file);
  const name = (/** @type {number} */ at) => String.fromCharCode(...new Uint8Array(file, at, 4));
  // Chunks of a name, a length and that many bytes, and one more where these are odd.
  for (let at = RIFF_BYTES; at + CHUNK_HEAD_BYTES <= file.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    if (name(at) === 'VP8L') return RIFF_BYTES + CHUNK_HEAD_BYTES + length;
    at += CHUNK_HEAD_BYTES + length + (length % 2);
  }
  return null;
}
