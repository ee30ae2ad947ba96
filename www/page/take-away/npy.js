/**
 * NumPy's `.npy` files of bytes, to the byte as `numpy.save` and the command line write them.
 */

const ALIGNMENT = 64;

/** `numpy.save` leaves room for the first axis to grow to this many digits. */
const GROWTH_DIGITS = 21;

/**
 * @param {number[]} shape  of two axes or more
 * @param {Uint8Array} values  in C order
 */
export function encodeNpy(shape, values) {
  const growth = ' '.repeat(GROWTH_DIGITS - String(shape[0]).length);
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}), }${growth}`;
  // Magic, version and length are ten bytes; a header that happens to end on the boundary gets a whole block more.
  const padding = ' '.repeat(ALIGNMENT - ((10 + header.length + 1) % ALIGNMENT));
  const text = `${header}${padding}\n`;
  const start = 10 + text.length;
  const file = new Uint8Array(start + values.length);
  file.set([0x93, ...bytesOf('NUMPY'), 1, 0, text.length & 255, text.length >> 8, ...bytesOf(text)]);
  file.set(values, start);
  return new Blob([file], { type: 'application/octet-stream' });
}

/** @param {string} ascii */
function bytesOf(ascii) {
  return [...ascii].map((letter) => letter.charCodeAt(0));
}
