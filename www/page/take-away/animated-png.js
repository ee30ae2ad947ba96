/**
 * A drawing as an animated PNG: an empty sheet with what was given, then each row that was drawn, one after the other. It
 * plays once and ends on the whole picture, which is also what programs show that know no animation.
 */

import { chunk, compressed, fittingScale, onWhite, pngFile } from '../../shared/png.js';

/** From the empty sheet to the whole picture. */
const DRAWING_MS = 4000;

/** A row is seen at least as long: browsers make less of it a tenth of a second. */
const LEAST_MS = 20;

/**
 * @typedef {object} Frame
 * @property {number} y            of its first line, in pixels of the picture
 * @property {Uint8Array} values   of its lines
 * @property {number} delay_ms
 */

/**
 * @param {import('../../shared/png.js').Pixels} pixels
 * @param {boolean[]} drawn  of each pixel, whether it was drawn
 * @param {number} scale     pixels a side of the square that a pixel becomes
 */
export async function encodeDrawing(pixels, drawn, scale) {
  const { width, height } = pixels;
  const side = fittingScale(pixels, scale);
  const { channels, values } = onWhite(pixels);
  const shape = { width, channels, side };
  const frames = framesOf({ width, height, channels, values, drawn });
  const datas = await Promise.all(frames.map((frame) => compressed(frame.values, shape)));
  let number = 0;
  const told = frames.flatMap((frame, at) => [
    chunk('fcTL', frameControl(number++, frame, { width, channels, side })),
    chunk('fdAT', numbered(number++, datas[at])),
  ]);
  const whole = chunk('IDAT', await compressed(values, shape));
  return pngFile({ width: width * side, height: height * side, channels }, [chunk('acTL', animation(frames.length)), whole, ...told]);
}

/**
 * @param {{ width: number, height: number, channels: number, values: Uint8Array, drawn: boolean[] }} picture
 * @returns {Frame[]}
 */
function framesOf({ width, height, channels, values, drawn }) {
  const length = width * channels;
  const rows = Array.from({ length: height }, (_, y) => y).filter((y) => drawn.slice(y * width, (y + 1) * width).includes(true));
  const delay_ms = Math.max(LEAST_MS, Math.round(DRAWING_MS / (rows.length + 1)));
  const given = values.map((value, at) => (drawn[Math.floor(at / channels)] ? 255 : value));
  return [{ y: 0, values: given, delay_ms }, ...rows.map((y) => ({ y, values: values.subarray(y * length, (y + 1) * length), delay_ms }))];
}

/**
 * How many frames there are, and that they are shown once.
 * @param {number} frames
 */
function animation(frames) {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, frames);
  view.setUint32(4, 1);
  return bytes;
}

/**
 * Where a frame goes and how long it stays; it replaces what was there, and is left there.
 * @param {number} number
 * @param {Frame} frame
 * @param {{ width: number, channels: number, side: number }} shape
 */
function frameControl(number, { y, values, delay_ms }, { width, channels, side }) {
  const bytes = new Uint8Array(26);
  const view = new DataView(bytes.buffer);
  const lines = values.length / (width * channels);
  [number, width * side, lines * side, 0, y * side].forEach((value, at) => view.setUint32(4 * at, value));
  view.setUint16(20, delay_ms);
  view.setUint16(22, 1000);
  return bytes;
}

/**
 * @param {number} number
 * @param {Uint8Array} data
 */
function numbered(number, data) {
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, number);
  bytes.set(data, 4);
  return bytes;
}
