/**
 * What the colours of a view stand for.
 */

import { LEAST_EFFECT, MOST_BITS, bitsColour, influenceColour } from './ramps.js';

/** @typedef {{ value: number, text: string }} Tick */

/** In bits a value. @type {Tick[]} */
const BITS = [0, 0.5, 1, 2, 4, MOST_BITS].map((bits) => ({ value: bits, text: bits === MOST_BITS ? `${bits} bits or more` : bits === 0.5 ? '½' : String(bits) }));

/** In shares of certainty. @type {Tick[]} */
const EFFECTS = [LEAST_EFFECT, 1e-3, 1e-2, 1e-1, 1].map((effect) => ({ value: effect, text: `${100 * effect} %` }));

/** A ramp with ticks. */
export class Legend {
  #root;
  #shown = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {import('./picture.js').View} view */
  show(view) {
    const needed = view !== 'picture' && view !== 'chance';
    this.#root.hidden = !needed;
    const wanted = `${view} ${matchMedia('(prefers-color-scheme: dark)').matches}`;
    if (!needed || this.#shown === wanted) return;
    this.#shown = wanted;
    this.#root.replaceChildren(...swatches(view === 'surprise' ? 'bits' : 'effects'));
  }
}

/**
 * The ticks of a ramp, each with its colour on this page, light or dark.
 * @param {"bits" | "effects"} ramp
 */
export function swatches(ramp) {
  const [ticks, colourOf] = ramp === 'bits' ? [BITS, bitsColour] : [EFFECTS, influenceColour];
  return ticks.map(({ value, text }) => {
    const tick = document.createElement('span');
    const swatch = Object.assign(document.createElement('i'), { className: 'swatch' });
    swatch.style.background = `rgb(${colourOf(value).slice(0, 3).join(' ')})`;
    tick.append(swatch, text);
    return tick;
  });
}
