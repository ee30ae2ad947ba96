/**
 * What the network knew of one pixel: the probabilities of its values, the random numbers that decided, what they cost, and the
 * question what would have come if another one had been drawn.
 */

import { isInk } from '../../shared/format.js';
import { formatChance, histogram, nameLevel } from './histogram.js';
import { canFork } from './drawing.js';
import { ValueBar } from './value-bar.js';

/** @typedef {import('./trace.js').Trace} Trace */

/** Names of a pixel's values, and the classes that colour them. @type {Record<number, Array<[name: string, hue: string]>>} */
const VALUES = { 1: [['Grey', 'ink']], 3: [['Red', 'red'], ['Green', 'green'], ['Blue', 'blue']] };

/** From so many bits on they are told as coins that all fall alike. */
const COINS = 2;

/** A pixel is read out when one rests on it for so long. */
const REST_MS = 300;

/** While a picture plays, curves are drawn anew as often as somebody could tell them apart. */
const CURVE_MS = 100;

/** Shows one pixel at a time. */
export class Inspector {
  #parts;
  #bar = new ValueBar();
  #onFork;
  /** @type {import('./drawing.js').Fork | null} */
  #other = null;
  #curvesAt = -Infinity;
  /** What the curves are of: while they stay, so does what is being typed beside them. @type {{ trace: Trace, k: number, drawn: number } | null} */
  #curves = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saying;

  /**
   * @param {HTMLElement} section
   * @param {(fork: import('./drawing.js').Fork) => void} onFork
   */
  constructor(section, onFork) {
    const part = (/** @type {string} */ name) => /** @type {any} */ (section.querySelector(`#inspector-${name}`));
    this.#parts = {
      place: /** @type {HTMLElement} */ (part('place')),
      state: /** @type {HTMLElement} */ (part('state')),
      values: /** @type {HTMLElement} */ (part('values')),
      cost: /** @type {HTMLElement} */ (part('cost')),
      said: /** @type {HTMLElement} */ (part('said')),
      other: /** @type {HTMLButtonElement} */ (part('if')),
    };
    this.#onFork = onFork;
    this.#parts.other.addEventListener('click', () => this.fork());
  }

  /** Asks what would have come if the value shown had been the other one. */
  fork() {
    if (this.#other) this.#onFork(this.#other);
    return this.#other !== null;
  }

  /**
   * @param {Trace} trace
   * @param {object} shown
   * @param {number} shown.k       the pixel's first value
   * @param {number} shown.count   values that are drawn
   * @param {boolean} shown.given  whether the pixel was given
   * @param {boolean} shown.live   whether it is about to be another one
   */
  show(trace, { k, count, given, live }) {
    const { channels } = trace.info;
    const drawn = Math.min(Math.max(count - k, 0), channels);
    const parts = this.#parts;
    parts.place.textContent = nameOf(trace, k);
    parts.state.textContent = drawn === 0 ? 'not drawn yet' : given ? 'given: what the network would have said' : 'drawn';
    if (drawn) this.#showValues(trace, k, drawn, { given, live });
    else this.#clearValues();
    let bits = 0;
    for (let at = k; at < k + drawn; at++) bits += trace.bits(at);
    parts.cost.textContent = drawn ? tellCost(trace, k, bits) : '';
    const other = drawn && !given && isInk(trace.info) && canFork(trace) ? 1 - trace.levels[k] : null;
    this.#other = other === null ? null : { k, level: other };
    parts.other.hidden = other === null;
    if (other !== null) parts.other.textContent = `What if it were ${nameLevel(other, true)}?`;
    clearTimeout(this.#saying);
    if (!live) this.#saying = setTimeout(() => (parts.said.textContent = tell(trace, k, drawn, bits)), REST_MS);
  }

  #clearValues() {
    this.#curves = null;
    this.#parts.values.replaceChildren();
  }

  /**
   * @param {Trace} trace
   * @param {number} k
   * @param {number} drawn  values of the pixel
   * @param {{ given: boolean, live: boolean }} how
   */
  #showValues(trace, k, drawn, { given, live }) {
    const { values } = this.#parts;
    if (isInk(trace.info)) {
      this.#bar.show({ ink: trace.probabilities(k)[1], kept: trace.kept(k), uniform: trace.uniforms[k] });
      if (values.firstChild !== this.#bar.root) values.replaceChildren(this.#bar.root);
      return;
    }
    const now = performance.now();
    if (live && now - this.#curvesAt < CURVE_MS) return;
    const before = this.#curves;
    if (before?.trace === trace && before.k === k && before.drawn === drawn) return;
    this.#curvesAt = now;
    this.#curves = { trace, k, drawn };
    const names = VALUES[trace.info.channels];
    values.replaceChildren(...names.slice(0, drawn).map(([name, hue], channel) => {
      const at = k + channel;
      const onFork = !given && canFork(trace) ? (/** @type {number} */ other) => this.#onFork({ k: at, level: other }) : undefined;
      return histogram({ name, hue, probabilities: trace.probabilities(at), kept: trace.kept(at), level: trace.levels[at], bits: trace.bits(at), uniform: trace.uniforms[at], onFork });
    }));
  }
}

/**
 * @param {Trace} trace
 * @param {number} k
 */
export function nameOf(trace, k) {
  const { scale, y, x } = trace.place(k);
  const { width, height } = trace.parts[scale];
  const of = trace.parts.length > 1 ? `, ${width} × ${height}` : '';
  return `Row ${y + 1}, column ${x + 1}${of}`;
}

/**
 * @param {Trace} trace
 * @param {number} k
 * @param {number} bits
 */
function tellCost(trace, k, bits) {
  const coins = bits >= COINS ? `: about ${Math.round(bits)} heads in a row` : '';
  const warm = trace.sharpening.temperature === 1 ? '' : `, at temperature 1${isInk(trace.info) ? ` (${nameLevel(trace.levels[k], true)} ${formatChance(trace.probabilities(k, 1)[trace.levels[k]])})` : ''}`;
  return `${bits.toFixed(2)} bits${coins}${warm}`;
}

/**
 * The pixel in one sentence.
 * @param {Trace} trace
 * @param {number} k
 * @param {number} drawn
 * @param {number} bits
 */
function tell(trace, k, drawn, bits) {
  if (!drawn) return `${nameOf(trace, k)}: not drawn yet.`;
  const levels = [...trace.levels.subarray(k, k + drawn)].map((level) => nameLevel(level, isInk(trace.info)));
  const chance = drawn === 1 ? `, ${formatChance(trace.probabilities(k)[trace.levels[k]])}` : '';
  return `${nameOf(trace, k)}: ${levels.join(', ')}${chance}, ${bits.toFixed(1)} bits.`;
}
