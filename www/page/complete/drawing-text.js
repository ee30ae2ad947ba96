/**
 * A drawing as text, short enough for an address: which pixels are hidden, and of ink on paper the picture too. A bit a pixel, the
 * first one highest, in base64 as addresses take it.
 */

/** What may be such a text: of up to 64 × 64 pixels. */
const TEXT = /^[\w-]{2,684}(\.[\w-]{2,684})?$/;

/**
 * @typedef {object} Drawing
 * @property {Uint8Array} mask           `[H, W]`, 1 = hidden
 * @property {Uint8Array | null} levels  `[1, H, W]`, 1 = ink; null: those of another picture
 */

/** @param {string} text */
export function isDrawing(text) {
  return TEXT.test(text);
}

/** @param {Drawing} drawing */
export function writeDrawing({ mask, levels }) {
  return levels ? `${writeBits(mask)}.${writeBits(levels)}` : writeBits(mask);
}

/**
 * The drawing; null where the text is none of a picture of this size.
 * @param {string} text
 * @param {{ width: number, height: number }} size
 * @returns {Drawing | null}
 */
export function readDrawing(text, { width, height }) {
  if (!isDrawing(text)) return null;
  const [mask, levels] = text.split('.').map((part) => readBits(part, width * height));
  return mask && levels !== null ? { mask, levels: levels ?? null } : null;
}

/** @param {Uint8Array} bits */
export function writeBits(bits) {
  const packed = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => (packed[at >> 3] |= bit << (7 - (at & 7))));
  return toText(packed);
}

/**
 * @param {string} text
 * @param {number} length
 */
export function readBits(text, length) {
  const packed = fromText(text, Math.ceil(length / 8));
  return packed && Uint8Array.from({ length }, (_, at) => (packed[at >> 3] >> (7 - (at & 7))) & 1);
}

/** @param {Uint8Array} bytes */
export function toText(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes; null where the text is of another number of them.
 * @param {string} text
 * @param {number} length
 */
export function fromText(text, length) {
  // Of other lengths there is no base64.
  if (text.length !== Math.ceil((8 * length) / 6)) return null;
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}
