/**
 * Width and height of a picture file from its first bytes, so that a picture too large to decode is
 * known before the browser tries. Formats not known here are left to the browser.
 */

/** Enough to get past the previews that cameras put in front. */
export const HEADER_BYTES = 1 << 20;

/**
 * @param {Uint8Array} bytes  the first of the file
 * @returns {{ width: number, height: number } | null}
 */
export function pictureSize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const begins = (/** @type {string} */ text, at = 0) => [...text].every((letter, k) => bytes[at + k] === letter.charCodeAt(0));
    if (begins('\x89PNG')) return { width: view.getUint32(16), height: view.getUint32(20) };
    if (begins('GIF8')) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (begins('BM')) return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
    if (begins('\xff\xd8')) return jpegSize(view);
    if (begins('RIFF') && begins('WEBP', 8)) return webpSize(view, String.fromCharCode(...bytes.subarray(12, 16)));
  } catch {
    // Cut off: the browser will say that it is no picture.
  }
  return null;
}

/**
 * Walks from segment to segment to the one that starts a frame.
 * @param {DataView} view
 */
function jpegSize(view) {
  let at = 2;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/**
 * @param {DataView} view
 * @param {string} kind  lossy, lossless or extended
 */
function webpSize(view, kind) {
  const threeBytes = (/** @type {number} */ at) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (kind === 'VP8 ') return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (kind === 'VP8X') return { width: threeBytes(24) + 1, height: threeBytes(27) + 1 };
  if (kind !== 'VP8L') return null;
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}
