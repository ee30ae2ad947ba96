/**
 * Which pixel of the easel a visitor looks at: the one under the pointer, else one that was kept with a click, a tap or the keys.
 */

import { isShortcut, nextPixel } from '../pixel-cursor.js';

/** @typedef {import('../pixel-cursor.js').Pixel} Pixel */

/** Follows pointer and keys on a canvas. */
export class PixelChoice {
  /** @type {Pixel | null} */
  #under = null;
  /** @type {Pixel | null} */
  kept = null;
  /** What was kept before the pointer came down. @type {Pixel | null} */
  #before = null;
  #canvas;
  #onChange;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} reports
   * @param {() => Pixel} reports.current   the pixel shown now, where keys start from
   * @param {() => void} reports.onChange
   * @param {(key: string) => boolean} reports.onKey  a key that moves nothing; whether it meant something
   */
  constructor(canvas, { current, onChange, onKey }) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    canvas.addEventListener('pointermove', (event) => this.#point(event));
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      this.#before = this.kept;
      this.#keep(this.#pixelAt(event));
    });
    // The finger scrolls the page: it meant no pixel.
    canvas.addEventListener('pointercancel', () => this.#keep(this.#before));
    canvas.addEventListener('pointerleave', () => this.#look(null));
    canvas.addEventListener('keydown', (event) => {
      if (isShortcut(event) && event.key !== 'Home') return;
      const next = nextPixel(event, current(), canvas) ?? this.#jump(event, current());
      if (next) this.#keep(next);
      else if (event.key === 'Enter') this.#keep(current());
      else if (event.key === 'Escape' && (this.kept || this.#under)) this.#keep(null);
      else if (!onKey(event.key)) return;
      // Neither the page scrolls nor does a host of this page turn to its next one.
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** The pixel chosen, if any. */
  get pixel() {
    return this.#under ?? this.kept;
  }

  /** A pixel that the picture does not have is none. @param {{ width: number, height: number }} [picture]  none: nothing is drawn */
  keepWithin({ width, height } = { width: 0, height: 0 }) {
    if (this.kept && (this.kept.x >= width || this.kept.y >= height)) this.kept = null;
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const pixel = this.#pixelAt(event);
    // A finger keeps what it walks over: it leaves nothing behind that could be under it.
    if (event.pointerType === 'touch') this.#keep(pixel);
    else this.#look(pixel);
  }

  /** @param {Pixel | null} pixel */
  #look(pixel) {
    if (pixel?.x === this.#under?.x && pixel?.y === this.#under?.y) return;
    this.#under = pixel;
    this.#onChange();
  }

  /** @param {Pixel | null} pixel */
  #keep(pixel) {
    this.kept = pixel;
    this.#under = null;
    this.#onChange();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Pixel} from
   */
  #jump({ key, ctrlKey }, { y }) {
    if (key === 'Home') return { x: 0, y: ctrlKey ? 0 : y };
    return key === 'End' ? { x: this.#canvas.width - 1, y } : null;
  }

  /** @param {PointerEvent} event @returns {Pixel} */
  #pixelAt({ clientX, clientY }) {
    const { width, height } = this.#canvas;
    const box = this.#canvas.getBoundingClientRect();
    const [x, y] = [((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height];
    return { x: Math.min(Math.max(Math.floor(x), 0), width - 1), y: Math.min(Math.max(Math.floor(y), 0), height - 1) };
  }
}
