/**
 * Shows rows at a pace the eye can follow. The samplers are done in milliseconds; rows wait here for
 * their turn, always in order.
 */

import { isPrinting, onPrint } from './printing.js';

/** Rows per second; `Infinity` shows rows as they come. */
export const PACES = Object.freeze({ slow: 7, steady: 28, instant: Infinity });

/** Frames that have not come by then do not come: the page is hidden, or in a frame that is not shown. */
const NO_FRAME_MS = 250;

/** Those with rows to show. @type {Set<Reveal>} */
const waiting = new Set();

/** @typedef {keyof typeof PACES} Pace */
/** @typedef {import('../engine.js').Row} Row */

/**
 * The pace to use where the visitor chose none: instant for those who asked for less motion.
 * @returns {Pace}
 */
export function defaultPace() {
  return globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'steady';
}

/** A queue of rows between a sampler and a canvas. */
export class Reveal {
  #show;
  #rowsPerSecond;
  /** @type {Row[]} */
  #queue = [];
  /** @type {Array<() => void>} */
  #drained = [];
  #shownAt = -Infinity;
  #frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #noFrame;
  #signal;

  /**
   * @param {(row: Row) => void} show
   * @param {object} options
   * @param {number} options.rowsPerSecond
   * @param {AbortSignal} options.signal  drops the rows not yet shown
   */
  constructor(show, { rowsPerSecond, signal }) {
    this.#show = show;
    this.#rowsPerSecond = rowsPerSecond;
    this.#signal = signal;
  }

  /** @param {Row} row */
  push(row) {
    this.#queue.push(row);
    this.#schedule();
  }

  /**
   * Resolves when every row pushed so far is shown; rejects when stopped before.
   * @returns {Promise<void>}
   */
  async drained() {
    if (this.#queue.length) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#drained.push(resolve);
        this.#signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#signal.throwIfAborted();
  }

  /** Forgets the rows not shown yet. */
  drop() {
    this.#queue.length = 0;
  }

  #schedule() {
    if (waiting.has(this)) return;
    waiting.add(this);
    if (atOnce()) return this.step();
    this.#frame = requestAnimationFrame(() => this.step());
    this.#noFrame = setTimeout(() => this.step(), NO_FRAME_MS);
  }

  /** Shows the rows whose turn has come. */
  step() {
    waiting.delete(this);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#noFrame);
    if (this.#signal.aborted) return;
    const now = performance.now();
    const interval = atOnce() ? 0 : 1000 / this.#rowsPerSecond;
    // A late frame shows the rows it missed, but never saves up more than a moment.
    if (now - this.#shownAt > 250 + interval) this.#shownAt = now - interval;
    while (this.#queue.length && !this.#signal.aborted && now - this.#shownAt >= interval) {
      this.#shownAt += interval || now - this.#shownAt;
      this.#show(/** @type {Row} */ (this.#queue.shift()));
    }
    if (this.#queue.length) this.#schedule();
    else for (const resolve of this.#drained.splice(0)) resolve();
  }
}

/** Nobody watches a hidden page, which gets no animation frames, and paper does not move. */
function atOnce() {
  return document.hidden || isPrinting();
}

function stepAll() {
  for (const reveal of [...waiting]) reveal.step();
}

globalThis.document?.addEventListener('visibilitychange', stepAll);
onPrint(stepAll);
