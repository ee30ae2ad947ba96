/**
 * The page's state in the address bar: `#model=…&seed=7&count=16&…`. Values come from anywhere, so
 * each is checked, and a malformed one is the default.
 */

import { HIDDEN } from './masks.js';
import * as read from '../shared/settings.js';

/**
 * @typedef {object} PageState
 * @property {string} model           empty: the first there is
 * @property {bigint} seed
 * @property {number} count
 * @property {number} temperature
 * @property {import('../engine.js').Backend} backend
 * @property {import('../shared/reveal.js').Pace | ""} pace  empty: what the visitor's system suggests
 * @property {import('./masks.js').Hidden} hidden    part hidden in the completions
 * @property {number} example                        the first test image of the completions, counted from 0
 */

/** @type {Readonly<PageState>} */
const DEFAULTS = Object.freeze({ ...read.DEFAULTS, model: '', pace: '', hidden: 'bottom', example: 0 });

/**
 * @param {string} hash
 * @returns {PageState}
 */
export function readState(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const model = values.get('model') ?? '';
  const example = values.get('example') ?? '';
  return {
    model: /^[\w.-]{1,80}$/.test(model) ? model : DEFAULTS.model,
    seed: read.readSeed(values.get('seed')),
    count: read.readCount(values.get('count')),
    temperature: read.readTemperature(values.get('temperature')),
    backend: read.readBackend(values.get('backend')),
    pace: read.readChoice(values.get('pace'), ['', ...read.PACE_NAMES], DEFAULTS.pace),
    hidden: read.readChoice(values.get('hidden'), HIDDEN, DEFAULTS.hidden),
    example: /^\d{1,4}$/.test(example) ? Number(example) : DEFAULTS.example,
  };
}

/**
 * The state as a hash, without what is default anyway.
 * @param {PageState} state
 */
export function writeState(state) {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (name === 'seed' || value !== DEFAULTS[/** @type {keyof PageState} */ (name)]) values.set(name, String(value));
  }
  return `#${values}`;
}
