/**
 * Which pixels a brush covers: pixels are their places in `[height, width]`.
 */

/** Widths of the brush in pixels. */
export const BRUSH_SIZES = Object.freeze([1, 3, 5]);

/** @typedef {{ x: number, y: number }} Pixel */
/** @typedef {import('./masks.js').Size} Size */

/**
 * Those on the way from one pixel to another: pointers jump. Parts beside the picture are left out.
 * @param {Pixel} from
 * @param {Pixel} to
 * @param {number} size  of the brush
 * @param {Size} picture
 * @returns {number[]}
 */
export function strokePixels(from, to, size, picture) {
  const steps = Math.max(1, Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  const covered = new Set(/** @type {number[]} */ ([]));
  for (let step = 0; step <= steps; step++) {
    const part = step / steps;
    const centre = { x: Math.round(from.x + part * (to.x - from.x)), y: Math.round(from.y + part * (to.y - from.y)) };
    for (const at of discPixels(centre, size, picture)) covered.add(at);
  }
  return [...covered];
}

/**
 * @param {Pixel} centre
 * @param {number} size
 * @param {Size} picture
 */
function* discPixels({ x, y }, size, { width, height }) {
  const reach = (size - 1) / 2;
  for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
    for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
      if ((row - y) ** 2 + (column - x) ** 2 <= (size / 2) ** 2) yield row * width + column;
    }
  }
}

/**
 * Those between two corners.
 * @param {Pixel} one
 * @param {Pixel} other
 * @param {Size} picture
 * @returns {number[]}
 */
export function rectanglePixels(one, other, { width, height }) {
  const [left, right] = [Math.min(one.x, other.x), Math.max(one.x, other.x)].map((x) => Math.min(Math.max(x, 0), width - 1));
  const [top, bottom] = [Math.min(one.y, other.y), Math.max(one.y, other.y)].map((y) => Math.min(Math.max(y, 0), height - 1));
  const across = right - left + 1;
  return Array.from({ length: across * (bottom - top + 1) }, (_, k) => (top + Math.floor(k / across)) * width + left + (k % across));
}
