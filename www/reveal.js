/**
 * Shows rows at a pace the eye can follow. The samplers are done in milliseconds; rows wait here for
 * their turn, always in order.
 */

/** Rows per second; `Infinity` shows rows as they come. */
export const PACES = Object.freeze({ slow: 7, steady: 28, instant: Infinity });

/** @typedef {keyof typeof PACES} Pace */
/** @typedef {import('./engine.js').Row} Row */

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
  #scheduled = false;
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
    if (this.#scheduled) return;
    this.#scheduled = true;
    const step = () => {
      this.#scheduled = false;
      this.#step();
    };
    // Hidden pages get no animation frames, and nobody watches: show what there is.
    if (document.hidden) setTimeout(step, 0);
    else requestAnimationFrame(step);
  }

  #step() {
    if (this.#signal.aborted) return;
    const now = performance.now();
    const interval = document.hidden ? 0 : 1000 / this.#rowsPerSecond;
    // A late frame shows the rows it missed, but never saves up more than a moment.
    if (now - this.#shownAt > 250 + interval) this.#shownAt = now - interval;
    while (this.#queue.length && now - this.#shownAt >= interval) {
      this.#shownAt += interval || now - this.#shownAt;
      this.#show(/** @type {Row} */ (this.#queue.shift()));
    }
    if (this.#queue.length) this.#schedule();
    else for (const resolve of this.#drained.splice(0)) resolve();
  }
}
