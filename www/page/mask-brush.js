/**
 * A large canvas on which a mask is painted, with mouse, finger, pen or keyboard.
 */

import { stampDisc } from './masks.js';
import { clamp, isShortcut, nextPixel } from './pixel-cursor.js';

const RADIUS = 2.2;

/** Lets the visitor paint a mask. */
export class MaskBrush {
  /** @type {Uint8Array} */
  #mask = new Uint8Array(0);
  #width = 1;
  #cursor = { x: 14, y: 14 };
  /** @type {{ x: number, y: number } | null} */
  #last = null;
  #canvas;
  #erases;
  #onPaint;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} options
   * @param {() => boolean} options.erases      whether painting shows pixels again
   * @param {() => void} options.onPaint        told after each stroke of the mask
   */
  constructor(canvas, { erases, onPaint }) {
    this.#canvas = canvas;
    this.#erases = erases;
    this.#onPaint = onPaint;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#last = null;
      this.#strokeTo(this.#pixelAt(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#strokeTo(this.#pixelAt(event));
    });
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * Paints into this mask from now on.
   * @param {Uint8Array} mask  `[height, width]`
   * @param {number} width
   */
  edit(mask, width) {
    this.#mask = mask;
    this.#width = width;
    // The picture may be a smaller one than before.
    const { x, y } = this.#cursor;
    this.#cursor = { x: clamp(x, width), y: clamp(y, mask.length / width) };
  }

  /**
   * Where the keyboard is, for drawing a cursor.
   * @returns {Readonly<{ x: number, y: number }>}
   */
  get cursor() {
    return this.#cursor;
  }

  /** @param {PointerEvent} event */
  #pixelAt(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.#canvas.width - 0.5,
      y: ((event.clientY - box.top) / box.height) * this.#canvas.height - 0.5,
    };
  }

  /**
   * Stamps along the way: pointers jump.
   * @param {{ x: number, y: number }} to
   */
  #strokeTo(to) {
    const from = this.#last ?? to;
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
    const value = this.#erases() ? 0 : 1;
    for (let step = 1; step <= steps; step++) {
      const part = step / steps;
      stampDisc(this.#mask, this.#width, from.x + part * (to.x - from.x), from.y + part * (to.y - from.y), RADIUS, value);
    }
    this.#last = to;
    this.#onPaint();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const next = nextPixel(event, this.#cursor, this.#canvas);
    if (next) {
      this.#cursor = next;
      this.#onPaint();
    } else if (event.key === ' ' && !isShortcut(event)) {
      this.#last = null;
      this.#strokeTo(this.#cursor);
    } else return;
    event.preventDefault();
  }
}
