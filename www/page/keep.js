/**
 * The control "Keep": of which of the likeliest levels values are drawn. One list has all of them, some shares of the probability,
 * and some numbers of levels, as many as the pictures have; what an address asks for stands there too.
 */

import { make } from '../shared/make.js';

/** @typedef {{ topK?: number, topP?: number }} Kept  as in a sharpening */

const SHARES = [0.99, 0.98, 0.95, 0.9, 0.8, 0.6];
const NUMBERS = [100, 40, 10, 1];

/** Shows which levels are kept, and lets others be chosen. */
export class Keep {
  #select;
  /** In the order of the list. @type {Kept[]} */
  #choices = [];
  /** What is in the list, as text. */
  #listed = '';

  /**
   * @param {HTMLSelectElement} select
   * @param {(kept: Kept) => void} onChange
   */
  constructor(select, onChange) {
    this.#select = select;
    select.addEventListener('change', () => onChange(this.#choices[select.selectedIndex]));
  }

  /**
   * @param {Kept} kept
   * @param {number} [levels]  that a value can have
   */
  show({ topK, topP }, levels = Infinity) {
    const shares = withOne(SHARES, topK ? undefined : topP).map((share) => ({ topP: share }));
    const numbers = withOne(NUMBERS.filter((number) => number < levels), topP ? undefined : topK).map((number) => ({ topK: number }));
    const apart = [{}, ...(topK && topP ? [{ topK, topP }] : [])];
    this.#choices = [...apart, ...shares, ...numbers];
    const listed = this.#choices.map(nameOf).join();
    // A list that is open stays as it is.
    if (listed !== this.#listed) {
      const options = (/** @type {Kept[]} */ choices) => choices.map((choice) => make('option', {}, nameOf(choice)));
      this.#select.replaceChildren(
        ...options(apart),
        make('optgroup', { label: 'Likeliest, by their share (top-p)' }, ...options(shares)),
        make('optgroup', { label: 'Likeliest, by their number (top-k)' }, ...options(numbers)),
      );
    }
    this.#listed = listed;
    this.#select.selectedIndex = this.#choices.findIndex((choice) => nameOf(choice) === nameOf({ topK, topP }));
  }
}

/**
 * The highest first.
 * @param {number[]} usual
 * @param {number} [more]
 */
function withOne(usual, more) {
  return [...new Set(more ? [...usual, more] : usual)].sort((a, b) => b - a);
}

/** @param {Kept} kept */
function nameOf({ topK, topP }) {
  const levels = topK === 1 ? '1 level' : `${topK} levels`;
  const share = topP && `${Number((100 * topP).toPrecision(4))} %`;
  return share ? (topK ? `${share} of ${topK}` : share) : topK ? levels : 'all';
}
