/**
 * What scripts set on `<pixel-rnn>`, as the text of an attribute. Text is the attribute's own, which forgives; but a number that
 * would be drawn as another one is refused, for nobody would notice.
 */

import { MAX_COUNT, MAX_FIRST, MAX_SEED } from '../shared/protocol.js';
import { ATTRIBUTES, TEMPERATURE, TOP_K, TOP_P } from '../shared/settings.js';

/**
 * Properties that are numbers: which are allowed, and how that is said.
 * @type {Record<string, { allows: (value: number | bigint) => boolean, expected: string, several?: boolean }>}  `several`: or an array of such
 */
const NUMBERS = Object.freeze({
  seed: {
    allows: (value) => value >= 0 && (typeof value === 'bigint' ? value <= MAX_SEED : Number.isSafeInteger(value)),
    expected: `a whole number from 0 to ${MAX_SEED}, and a bigint from 2^53 on`,
  },
  first: {
    allows: (value) => Number.isInteger(Number(value)) && value >= 0 && value <= MAX_FIRST,
    expected: `a whole number from 0 to ${MAX_FIRST}`,
  },
  count: {
    allows: (value) => Number.isInteger(Number(value)) && value >= 1 && value <= MAX_COUNT,
    expected: `a whole number from 1 to ${MAX_COUNT}`,
  },
  temperature: {
    allows: (value) => value >= TEMPERATURE.min && value <= TEMPERATURE.max,
    expected: `a number from ${TEMPERATURE.min} to ${TEMPERATURE.max}, or an array of them, one a scale`,
    several: true,
  },
  'top-k': {
    allows: (value) => Number.isInteger(Number(value)) && value >= TOP_K.min && value <= TOP_K.max,
    expected: `a whole number from ${TOP_K.min} to ${TOP_K.max}`,
  },
  'top-p': {
    allows: (value) => value >= TOP_P.min && value <= TOP_P.max,
    expected: `a number from ${TOP_P.min} to ${TOP_P.max}`,
  },
});

/**
 * The attribute that says the same as a property's value; null for none, which frameworks mean by null and undefined.
 * @param {string} name
 * @param {unknown} value
 */
export function attributeText(name, value) {
  if (value === null || value === undefined) return null;
  const rule = NUMBERS[name];
  if (rule && typeof value !== 'string') {
    const each = rule.several && Array.isArray(value) ? value : [value];
    const sentence = `The ${name} cannot be ${Array.isArray(value) ? `[${value}]` : String(value)}: it must be ${rule.expected}.`;
    if (!each.every((one) => typeof one === 'number' || typeof one === 'bigint')) throw new TypeError(sentence);
    if (!each.length || !each.every(rule.allows)) throw new RangeError(sentence);
  }
  return String(value);
}

/**
 * Properties set before the element was defined hide its accessors: hands them over.
 * @param {HTMLElement} element
 */
export function rescueProperties(element) {
  const self = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (element));
  for (const attribute of ATTRIBUTES) {
    const name = attribute.replace(/-(\w)/, (_, letter) => letter.toUpperCase());
    if (!Object.hasOwn(self, name)) continue;
    const value = self[name];
    delete self[name];
    try {
      self[name] = value;
    } catch (error) {
      // Whoever set it cannot be told any more.
      reportError(error);
    }
  }
}
