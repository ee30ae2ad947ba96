/**
 * The pixel of a picture at which a visitor is: arrow keys move it, an outline shows it.
 */

/** @typedef {{ x: number, y: number }} Pixel */
/** @typedef {{ width: number, height: number }} Size */

/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Whether a key is the browser's or the system's: back, zoom, another window.
 * @param {KeyboardEvent} event
 */
export function isShortcut({ altKey, ctrlKey, metaKey }) {
  return altKey || ctrlKey || metaKey;
}

/**
 * Where a key leads; null for keys that lead nowhere.
 * @param {KeyboardEvent} event
 * @param {Pixel} from
 * @param {Size} picture
 * @returns {Pixel | null}
 */
export function nextPixel(event, { x, y }, { width, height }) {
  const move = MOVES[event.key];
  if (!move || isShortcut(event)) return null;
  return { x: clamp(x + move[0], width), y: clamp(y + move[1], height) };
}

/**
 * Puts the outline around the pixel, or around what a brush would cover there.
 * @param {HTMLElement} outline  over the picture, of its size
 * @param {Pixel} pixel
 * @param {Size} picture
 * @param {number} [size]  of the brush
 */
export function outlinePixel(outline, { x, y }, { width, height }, size = 1) {
  const reach = (size - 1) / 2;
  Object.assign(outline.style, {
    left: `${(100 * (x - reach)) / width}%`,
    top: `${(100 * (y - reach)) / height}%`,
    width: `${(100 * size) / width}%`,
    height: `${(100 * size) / height}%`,
  });
}

/**
 * The nearest row or column that there is.
 * @param {number} value
 * @param {number} size
 */
export function clamp(value, size) {
  return Math.min(Math.max(value, 0), size - 1);
}
