/**
 * What a lane of the race has done, and what follows from it.
 */

import { formatCount, formatDuration } from '../../shared/format.js';

/**
 * @typedef {object} Lap
 * @property {Array<Uint8ClampedArray>} rows  RGBA of each row told, the last one as far as it is drawn
 * @property {number} pixels      in these rows
 * @property {number} values      drawn, those of a pixel that is not finished included
 * @property {number} all         pixels of the whole picture, small ones drawn before it included
 * @property {number} drawn_ms    that these pixels took
 * @property {number} spent_ms    until it was done or stopped
 * @property {boolean} whole      whether the picture is finished
 */

/**
 * What the whole picture would take at the pace so far. Without a pixel told, at least that.
 * @param {Lap} lap
 */
export function wholeMs({ pixels, all, drawn_ms, spent_ms }) {
  return pixels ? (drawn_ms * all) / pixels : spent_ms;
}

/**
 * The lap of a lane that was stopped, in words.
 * @param {Lap} lap
 */
export function foresee(lap) {
  const whole = formatDuration(wholeMs(lap));
  return lap.pixels ? `Stopped; it would take ${whole}.` : `Stopped in its first pixel, after ${whole}.`;
}

/**
 * How much faster it is to keep what is known, and whether the pictures are equal. A lane that was stopped proves only that
 * it takes longer than it was given.
 * @param {Lap} naive
 * @param {Lap} cached
 */
export function verdict(naive, cached) {
  const differing = differingPixels(naive, cached);
  const pixels = differing ? `but ${formatCount(differing)} pixels differ: please report this` : 'same pixels';
  const times = formatCount(naive.spent_ms / cached.spent_ms);
  if (naive.whole) return `${times} times as fast, ${pixels}.`;
  if (!naive.pixels) return `At least ${times} times as fast.`;
  const expected = formatCount(Number((wholeMs(naive) / cached.spent_ms).toPrecision(2)));
  return `At least ${times} times as fast, by its pace ${expected} times; ${pixels}${differing ? '' : ' so far'}.`;
}

/**
 * Pixels in which two pictures differ, as far as both are drawn.
 * @param {Lap} one
 * @param {Lap} other
 */
export function differingPixels({ rows }, other) {
  let differing = 0;
  rows.forEach((row, at) => {
    const beside = other.rows[at] ?? row;
    for (let place = 0; place < row.length; place += 4) {
      if ([0, 1, 2].some((part) => row[place + part] !== beside[place + part])) differing += 1;
    }
  });
  return differing;
}
