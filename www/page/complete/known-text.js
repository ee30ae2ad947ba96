/**
 * What was given of a picture that a network has finished, as text for an address: which pixels, and what they are. Of ink on
 * paper a bit each; in other pictures a byte a value, of the given pixels only.
 */

import { isInk } from '../../shared/format.js';
import { fromText, readBits, readDrawing, toText, writeBits, writeDrawing } from './drawing-text.js';

/** Longer addresses are cut off by some of what people send them with. */
const MOST = 4000;

const TEXT = /^[\w-]{2,684}\.[\w-]{2,}$/;

/**
 * @typedef {object} Known
 * @property {Uint8Array} given  `[C, H, W]`; what the mask hides says nothing
 * @property {Uint8Array} mask   `[H, W]`, 1 = drawn
 */

/** @param {string} text */
export function isKnown(text) {
  return text.length <= MOST && TEXT.test(text);
}

/**
 * The text; empty where it would be too long for an address.
 * @param {Known} known
 * @param {{ width: number, height: number, channels: number, levels: number }} size
 */
export function writeKnown({ given, mask }, size) {
  if (isInk(size)) return writeDrawing({ mask, levels: given });
  const text = `${writeBits(mask)}.${toText(given.filter((_, at) => !mask[at % mask.length]))}`;
  return isKnown(text) ? text : '';
}

/**
 * What was given; null where the text says nothing of a picture of this size.
 * @param {string} text
 * @param {{ width: number, height: number, channels: number, levels: number }} size
 * @returns {Known | null}
 */
export function readKnown(text, size) {
  if (!isKnown(text)) return null;
  if (isInk(size)) {
    const drawing = readDrawing(text, size);
    return drawing?.levels ? { given: drawing.levels, mask: drawing.mask } : null;
  }
  const [pixels, values] = text.split('.');
  const plane = size.width * size.height;
  const mask = readBits(pixels, plane);
  const bytes = mask && fromText(values, size.channels * mask.reduce((count, hidden) => count + 1 - hidden, 0));
  if (!mask || !bytes || bytes.some((level) => level >= size.levels)) return null;
  let next = 0;
  return { mask, given: Uint8Array.from({ length: size.channels * plane }, (_, at) => (mask[at % plane] ? 0 : bytes[next++])) };
}
