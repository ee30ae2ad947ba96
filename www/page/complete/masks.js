/**
 * What is hidden of a picture to be finished. Masks are `[height, width]`, 1 = hidden, for the network to draw.
 */

/**
 * Parts that a button hides; `blank` is an empty sheet.
 * @type {readonly ["bottom", "right", "centre", "top", "radical", "blank"]}
 */
export const PRESETS = Object.freeze(['bottom', 'right', 'centre', 'top', 'radical', 'blank']);

/** @typedef {typeof PRESETS[number]} Preset */
/** @typedef {{ width: number, height: number }} Size */

/**
 * @param {Preset} preset
 * @param {Size} size
 */
export function presetMask(preset, { width, height }) {
  return Uint8Array.from({ length: width * height }, (_, at) => Number(isHidden(preset, (at % width) / width, Math.floor(at / width) / height)));
}

/**
 * @param {Preset} preset
 * @param {number} u  0 at the left edge, below 1 at the right
 * @param {number} v  0 at the top edge, below 1 at the bottom
 */
function isHidden(preset, u, v) {
  switch (preset) {
    case 'bottom':
      return v >= 0.5;
    case 'right':
      return u >= 0.5;
    case 'centre':
      return u >= 0.25 && u < 0.75 && v >= 0.25 && v < 0.75;
    case 'top':
      return v < 0.5;
    case 'radical':
      // What stands at the left of a character is narrower than the rest.
      return u >= 0.38;
    case 'blank':
      return true;
  }
}

/**
 * The same mask for pictures of another size.
 * @param {Uint8Array} mask
 * @param {Size} from
 * @param {Size} to
 */
export function resizeMask(mask, from, to) {
  return Uint8Array.from({ length: to.width * to.height }, (_, at) => {
    const x = Math.floor(((at % to.width) * from.width) / to.width);
    const y = Math.floor((Math.floor(at / to.width) * from.height) / to.height);
    return mask[y * from.width + x];
  });
}

/**
 * The row from which on everything is hidden; the height where nothing is below which all is.
 * @param {Uint8Array} mask
 * @param {Size} size
 */
export function lineOf(mask, { width, height }) {
  return Math.ceil((mask.lastIndexOf(0, width * height - 1) + 1) / width);
}
