/**
 * The line under the picture that says where it was made to go on otherwise, with the way back; and how a fork joins those there are.
 */

import { canFork } from './drawing.js';
import { nameOf } from './inspector.js';

/** @typedef {import('./drawing.js').Fork} Fork */

/** Most of a picture. */
const MOST = 8;

/** Shows the last fork of the picture that stands there. */
export class Forks {
  #line;
  #onForks;
  #onTooMany;
  /** @type {Fork[]} */
  #forks = [];

  /**
   * @param {HTMLElement} section
   * @param {object} reports
   * @param {(forks: Fork[]) => void} reports.onForks         wants a picture with these
   * @param {(sentence: string) => void} reports.onTooMany
   */
  constructor(section, { onForks, onTooMany }) {
    this.#line = /** @type {HTMLElement} */ (section.querySelector('#fork-line'));
    this.#onForks = onForks;
    this.#onTooMany = onTooMany;
    section.querySelector('#fork-back')?.addEventListener('click', () => onForks(this.#forks.slice(0, -1)));
  }

  /**
   * @param {Fork[]} forks
   * @param {import('./trace.js').Trace} trace
   */
  show(forks, trace) {
    this.#forks = forks;
    const fork = forks.at(-1);
    this.#line.hidden = !fork;
    if (fork) (/** @type {HTMLElement} */ (this.#line.firstElementChild)).textContent = `Forked at ${nameOf(trace, fork.k).toLowerCase()}.`;
  }

  /**
   * @param {Fork} fork
   * @param {import('./trace.js').Trace} trace
   */
  add(fork, trace) {
    if (!canFork(trace)) return;
    // What comes after the value is another picture: later forks of the former one are no more.
    const forks = [...this.#forks.filter(({ k }) => k < fork.k), fork];
    if (forks.length > MOST) this.#onTooMany(`A picture has ${MOST} forks at most.`);
    else this.#onForks(forks);
  }
}
