/**
 * The handle of the line: dragged, or moved with the keys.
 */

import { isShortcut } from '../pixel-cursor.js';

/** Rows that a page key moves it. */
const PAGE = 4;

/**
 * @typedef {object} LineActions
 * @property {() => number} line    where it is
 * @property {() => number} height  the last place it can be at
 * @property {(clientY: number) => number} rowAt  the place nearest to a pointer
 * @property {() => void} begin
 * @property {(row: number) => void} move
 * @property {() => void} end
 * @property {() => void} leave     back to the sheet
 */

/** Listens to the handle. */
export class LineHandle {
  #actions;
  /** From the pointer to the middle of the handle. */
  #grip = 0;

  /**
   * @param {HTMLElement} handle
   * @param {LineActions} actions
   */
  constructor(handle, actions) {
    this.#actions = actions;
    handle.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const { top, height } = handle.getBoundingClientRect();
      this.#grip = top + height / 2 - event.clientY;
      handle.setPointerCapture(event.pointerId);
      actions.begin();
    });
    handle.addEventListener('pointermove', ({ pointerId, clientY }) => {
      if (!handle.hasPointerCapture(pointerId)) return;
      const row = actions.rowAt(clientY + this.#grip);
      if (row !== actions.line()) actions.move(row);
    });
    handle.addEventListener('lostpointercapture', () => actions.end());
    handle.addEventListener('keydown', (event) => this.#key(event));
    handle.addEventListener('keyup', () => actions.end());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const [line, height] = [this.#actions.line(), this.#actions.height()];
    const rows = { ArrowUp: line - 1, ArrowLeft: line - 1, ArrowDown: line + 1, ArrowRight: line + 1, PageUp: line - PAGE, PageDown: line + PAGE, Home: 0, End: height };
    const row = rows[/** @type {keyof typeof rows} */ (event.key)];
    if (isShortcut(event)) return;
    if (row !== undefined) {
      const next = Math.min(Math.max(row, 0), height);
      // One step to undo, however long a key is held.
      if (!event.repeat) this.#actions.begin();
      if (next !== line) this.#actions.move(next);
    } else if (event.key === 'Escape' || event.key.toLowerCase() === 'l') {
      this.#actions.leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
