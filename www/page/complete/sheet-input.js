/**
 * Strokes on the sheet, made with mouse, finger, pen or keyboard.
 */

import { clamp, isShortcut, nextPixel } from '../pixel-cursor.js';

/** @typedef {import('./brush.js').Pixel} Pixel */

/**
 * What is done with strokes.
 * @typedef {object} StrokeActions
 * @property {() => import('../pixel-cursor.js').Size} size  of the picture
 * @property {(event: { clientX: number, clientY: number }) => Pixel} pixelAt
 * @property {(from: Pixel, erases: boolean) => void} begin
 * @property {(way: Pixel[]) => void} go        the pixels passed, the one before them first
 * @property {() => void} end
 * @property {() => void} cancel                as if the stroke had not been
 * @property {(pixel: Pixel) => void} hover     where a stroke would begin
 * @property {() => boolean} lasts              whether a stroke of the keyboard goes on until the second press
 * @property {(pixel: Pixel) => void} say       to those who do not see where the keyboard is
 */

/** Buttons of a pen, as they are held: the one on its barrel, and its other end. */
const ERASING = 2 | 32;

/** Listens to what lies over a picture, or is its canvas. */
export class SheetInput {
  #area;
  #actions;
  /** Of the stroke under way; null: of the keyboard. @type {number | null} */
  #pointer = null;
  #stroking = false;
  /** @type {Pixel} */
  #last = { x: 0, y: 0 };
  /** @type {Pixel} */
  #cursor = { x: 14, y: 6 };

  /**
   * @param {HTMLElement} area
   * @param {StrokeActions} actions
   */
  constructor(area, actions) {
    this.#area = area;
    this.#actions = actions;
    area.addEventListener('pointerdown', (event) => this.#down(event));
    area.addEventListener('pointermove', (event) => this.#move(event));
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) {
      area.addEventListener(type, ({ pointerId }) => pointerId === this.#pointer && this.#end());
    }
    // The button of a pen is an eraser here, and no menu.
    area.addEventListener('contextmenu', (event) => this.#stroking && event.preventDefault());
    area.addEventListener('keydown', (event) => this.#key(event));
    area.addEventListener('blur', () => this.#pointer === null && this.#end());
  }

  /** Where the keyboard is, within the picture. */
  get cursor() {
    const { x, y } = this.#cursor;
    const { width, height } = this.#actions.size();
    return { x: clamp(x, width), y: clamp(y, height) };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const { pointerId, pointerType, button, buttons } = event;
    const erases = pointerType === 'pen' && (buttons & ERASING) !== 0;
    if (this.#stroking || (button !== 0 && !erases)) return;
    this.#area.setPointerCapture(pointerId);
    this.#pointer = pointerId;
    this.#begin(this.#actions.pixelAt(event), erases);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.#stroking) {
      this.#actions.hover(this.#actions.pixelAt(event));
    } else if (event.pointerId === this.#pointer) {
      // Browsers keep what came between two frames.
      const events = event.getCoalescedEvents?.() ?? [];
      this.#go((events.length ? events : [event]).map((each) => this.#actions.pixelAt(each)));
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const next = nextPixel(event, this.cursor, this.#actions.size());
    if (next) {
      this.#cursor = next;
      this.#actions.hover(next);
      if (this.#stroking && this.#pointer === null) this.#go([next]);
      this.#actions.say(next);
    } else if (event.key === 'Escape' && this.#stroking) {
      this.#stroking = false;
      this.#pointer = null;
      this.#actions.cancel();
    } else if (event.key === ' ' && !isShortcut(event)) {
      if (this.#stroking) this.#end();
      else {
        this.#begin(this.cursor, false);
        if (!this.#actions.lasts()) this.#end();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {Pixel} from
   * @param {boolean} erases
   */
  #begin(from, erases) {
    this.#stroking = true;
    this.#actions.begin(from, erases);
    this.#last = from;
    this.#go([from]);
  }

  /** @param {Pixel[]} way */
  #go(way) {
    this.#cursor = way[way.length - 1];
    this.#actions.hover(this.#cursor);
    this.#actions.go([this.#last, ...way]);
    this.#last = this.#cursor;
  }

  #end() {
    if (!this.#stroking) return;
    this.#stroking = false;
    this.#pointer = null;
    this.#actions.end();
  }
}
