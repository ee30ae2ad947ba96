/**
 * Whether this browser lets a page read what it has drawn on a canvas. Those that guard against fingerprinting
 * answer with other pixels.
 */

const SIDE = 16;

/** Of 255. What some browsers add is far less, and is gone when a picture is reduced. */
const NOISE = 8;

/** Draws a pattern that is known, and compares. */
export function canReadBack() {
  const canvas = Object.assign(document.createElement('canvas'), { width: SIDE, height: SIDE });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  const drawn = context.createImageData(SIDE, SIDE);
  for (let at = 0; at < drawn.data.length; at++) drawn.data[at] = at % 4 === 3 ? 255 : (37 * at) % 256;
  context.putImageData(drawn, 0, 0);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return data.every((byte, at) => Math.abs(byte - drawn.data[at]) <= NOISE);
}
