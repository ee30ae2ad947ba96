/**
 * What is hidden of an image to be completed. Masks are `[height, width]`, 1 = hidden, to be drawn.
 */

/** @type {readonly ["bottom", "right", "centre", "brush"]} */
export const HIDDEN = Object.freeze(['bottom', 'right', 'centre', 'brush']);

/** @typedef {typeof HIDDEN[number]} Hidden */

/**
 * The mask of a preset; `brush` starts with nothing hidden.
 * @param {Hidden} hidden
 * @param {number} width
 * @param {number} height
 */
export function presetMask(hidden, width, height) {
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) mask[y * width + x] = Number(isHidden(hidden, x / width, y / height));
  }
  return mask;
}

/**
 * @param {Hidden} hidden
 * @param {number} u  0 at the left edge, below 1 at the right
 * @param {number} v  0 at the top edge, below 1 at the bottom
 */
function isHidden(hidden, u, v) {
  switch (hidden) {
    case 'bottom':
      return v >= 0.5;
    case 'right':
      return u >= 0.5;
    case 'centre':
      return u >= 0.25 && u < 0.75 && v >= 0.25 && v < 0.75;
    case 'brush':
      return false;
  }
}

/**
 * The same mask for pictures of another size.
 * @param {{ mask: Uint8Array, width: number, height: number }} from
 * @param {{ width: number, height: number }} to
 */
export function resizeMask({ mask, width, height }, to) {
  return Uint8Array.from({ length: to.width * to.height }, (_, at) => {
    const x = Math.floor(((at % to.width) * width) / to.width);
    const y = Math.floor((Math.floor(at / to.width) * height) / to.height);
    return mask[y * width + x];
  });
}

/**
 * Sets the pixels of a disc.
 * @param {Uint8Array} mask
 * @param {number} width
 * @param {number} x       of the centre, in pixels
 * @param {number} y       of the centre, in pixels
 * @param {number} radius  in pixels
 * @param {0 | 1} value
 */
export function stampDisc(mask, width, x, y, radius, value) {
  const height = mask.length / width;
  for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(height - 1, y + radius); row++) {
    for (let column = Math.max(0, Math.ceil(x - radius)); column <= Math.min(width - 1, x + radius); column++) {
      if ((row - y) ** 2 + (column - x) ** 2 <= radius ** 2) mask[row * width + column] = value;
    }
  }
}
