/**
 * The sheet as it is seen: a large canvas, see-through where the picture is hidden, over a ground of dots; an outline of
 * what the brush would cover, and the line.
 */

import { isInk } from '../../shared/format.js';
import { rowsOf } from '../levels.js';
import { outlinePixel } from '../pixel-cursor.js';

/** Opacity of what stands under the parts that are hidden, of 255: it is there to be shown again. */
const GHOST = 34;

/** Largest side in CSS pixels. */
const LARGEST = 448;

/** @typedef {import('./brush.js').Pixel} Pixel */
/** @typedef {import('./sheet.js').Sheet} Sheet */

/** Paints a sheet. */
export class SheetView {
  #frame;
  #canvas;
  #context;
  #cursor;
  #line;
  #available = 0;

  /** @param {HTMLElement} frame */
  constructor(frame) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (frame.querySelector(selector));
    this.#frame = frame;
    this.#canvas = /** @type {HTMLCanvasElement} */ (part('#sheet'));
    this.#cursor = /** @type {HTMLElement} */ (part('#sheet-cursor'));
    this.#line = /** @type {HTMLElement} */ (part('#sheet-line'));
    // Kept in main memory: the page only ever writes pixels.
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d', { willReadFrequently: true }));
  }

  /** @param {Sheet} sheet */
  show(sheet) {
    const { width, height } = sheet.shape;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
      this.fit(this.#available);
    }
    this.#canvas.toggleAttribute('data-ink', isInk(sheet.shape));
    this.#context.putImageData(imageOf(sheet), 0, 0);
    this.#showLine(sheet);
  }

  /**
   * As large as there is room for, every pixel the same whole number of CSS pixels.
   * @param {number} available  in CSS pixels
   */
  fit(available) {
    this.#available = available;
    if (!available) return;
    const { width, height } = this.#canvas;
    const cell = Math.max(1, Math.floor(Math.min(available, LARGEST) / Math.max(width, height)));
    this.#frame.style.setProperty('--cell', `${cell}px`);
    this.#frame.style.setProperty('--across', `${cell * width}px`);
    Object.assign(this.#frame.style, { width: `${cell * width}px`, height: `${cell * height}px` });
  }

  /**
   * The pixel under a pointer, which may be beside the picture.
   * @param {{ clientX: number, clientY: number }} event
   * @returns {Pixel}
   */
  pixelAt({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: Math.floor(((clientX - box.left) / box.width) * this.#canvas.width),
      y: Math.floor(((clientY - box.top) / box.height) * this.#canvas.height),
    };
  }

  /**
   * The place of the line that is nearest to a pointer.
   * @param {number} clientY
   */
  lineAt(clientY) {
    const { top, height } = this.#canvas.getBoundingClientRect();
    const rows = this.#canvas.height;
    return Math.min(Math.max(Math.round(((clientY - top) / height) * rows), 0), rows);
  }

  /**
   * Puts the outline around what a brush would cover.
   * @param {Pixel} pixel
   * @param {number} size
   */
  outline(pixel, size) {
    outlinePixel(this.#cursor, pixel, this.#canvas, size);
  }

  /** @param {Sheet} sheet */
  #showLine({ line, shape: { height } }) {
    this.#line.style.top = `${(100 * line) / height}%`;
    const said = line === 0 ? 'Nothing is given' : line === height ? 'All rows are given' : `Rows 1 to ${line} are given`;
    const values = { valuemax: height, valuenow: line, valuetext: said };
    for (const [name, value] of Object.entries(values)) this.#line.setAttribute(`aria-${name}`, String(value));
  }
}

/** @param {Sheet} sheet */
function imageOf({ shape, levels, mask }) {
  const { width, height } = shape;
  const image = new ImageData(width, height);
  for (const { y, rgba } of rowsOf([levels], shape)) image.data.set(rgba, 4 * y * width);
  const ink = isInk(shape);
  mask.forEach((hidden, at) => {
    // Of ink and paper, paper is the ground.
    if (hidden) image.data[4 * at + 3] = ink && !levels[at] ? 0 : GHOST;
  });
  return image;
}
