/**
 * A square of a figure that a visitor moves: with the pointer, a finger or the arrow keys.
 */

import { clamp, nextPixel } from '../pixel-cursor.js';

/** @typedef {import('../pixel-cursor.js').Pixel} Pixel */

/**
 * @param {HTMLElement} area  that the squares fill
 * @param {{ width: number, height: number }} size  in squares
 * @param {{ at: () => Pixel, moveTo: (pixel: Pixel) => void }} square
 */
export function byHand(area, { width, height }, { at, moveTo }) {
  const point = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const box = area.getBoundingClientRect();
    const x = clamp(Math.floor(((clientX - box.left) / box.width) * width), width);
    moveTo({ x, y: clamp(Math.floor(((clientY - box.top) / box.height) * height), height) });
  };
  area.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    area.setPointerCapture(event.pointerId);
    point(event);
  });
  area.addEventListener('pointermove', (event) => {
    if (area.hasPointerCapture(event.pointerId)) point(event);
  });
  area.addEventListener('keydown', (event) => {
    const next = nextPixel(event, at(), { width, height });
    if (!next) return;
    // Neither the page scrolls nor does a host of this page turn to its next one.
    event.preventDefault();
    event.stopPropagation();
    moveTo(next);
  });
}
