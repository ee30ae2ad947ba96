/**
 * What the methods of the JavaScript API take, checked before anything is begun: an error names the argument, what
 * was found and what is expected. What depends on the network, as lengths do, is checked where it is known.
 */

import { addressOf } from './brought-file.js';
import { BACKENDS, MAX_COUNT, MAX_FIRST, MAX_LEVELS, MAX_SEED } from './protocol.js';

/** As the samplers have it. */
const LEAST_TEMPERATURE = 0.001;

/** @typedef {{ expected: string, types: readonly string[], holds: (value: any) => boolean }} Rule */

/** @type {Rule} */
const TEXT = { expected: 'a string', types: ['string'], holds: () => true };
/** @type {Rule} */
const FUNCTION = { expected: 'a function', types: ['function'], holds: () => true };
const BYTES = object('a Uint8Array');
const OPTIONS = { expected: 'an object', types: ['object'], holds: () => true };

/** @type {Readonly<Record<string, Rule>>} */
const RULES = Object.freeze({
  name: TEXT,
  title: TEXT,
  src: { expected: 'an address', types: ['string'], holds: isAddress },
  file: { expected: 'a Blob, a Uint8Array or an address', types: ['object', 'string'], holds: isFile },
  model: TEXT,
  seed: {
    expected: `a bigint from 0 to ${MAX_SEED}, or a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
    types: ['bigint', 'number'],
    holds: (seed) => seed >= 0 && (typeof seed === 'bigint' ? seed <= MAX_SEED : Number.isSafeInteger(seed)),
  },
  first: whole(0, MAX_FIRST),
  count: whole(1, MAX_COUNT),
  temperature: {
    expected: `a finite number, ${LEAST_TEMPERATURE} or more, or an array of them, one a scale`,
    types: ['number', 'object'],
    holds: (temperature) => (typeof temperature === 'number' ? isWarm(temperature) : Array.isArray(temperature) && temperature.length > 0 && temperature.every(isWarm)),
  },
  topK: whole(1, MAX_LEVELS),
  topP: { expected: 'a number above 0, at most 1', types: ['number'], holds: (share) => Math.fround(share) > 0 && share <= 1 },
  threads: whole(1, Infinity),
  trace: whole(0, MAX_COUNT - 1),
  channel: whole(0, Infinity),
  block: whole(0, Infinity),
  y: whole(0, Infinity),
  x: whole(0, Infinity),
  scale: whole(1, Infinity),
  kind: oneOf(['A', 'B']),
  size: { ...whole(1, 31), expected: 'an odd number from 1 to 31', holds: (size) => size >= 1 && size <= 31 && size % 2 === 1 },
  channels: whole(1, 3),
  method: oneOf(['cached', 'naive']),
  backend: oneOf(BACKENDS),
  given: BYTES,
  mask: BYTES,
  levels: BYTES,
  signal: object('an AbortSignal'),
  onProgress: FUNCTION,
  onRow: FUNCTION,
  onValue: FUNCTION,
  onFallback: FUNCTION,
});

/** Of scores: more images at a time than are drawn. */
export const SCORING = Object.freeze({ count: whole(1, 2 ** 20) });

/** Of a compressed file, which is neither fetched nor read from a disk. */
export const BYTES_FILE = Object.freeze({ file: BYTES });

/**
 * Throws a TypeError or a RangeError of one sentence where an argument is not what its name asks for.
 * @param {unknown} options
 * @param {readonly string[]} [needed]  that may not be left out
 * @param {Readonly<Record<string, Rule>>} [rules]  in place of the usual ones
 */
export function check(options, needed = [], rules = {}) {
  checkOne('options', options, OPTIONS);
  const values = /** @type {Record<string, unknown>} */ (options);
  for (const [name, rule] of Object.entries({ ...RULES, ...rules })) {
    if (values[name] !== undefined || needed.includes(name)) checkOne(name, values[name], rule);
  }
}

/**
 * The same for a drawing: a trace is of one of its images, and only the CPU's cached sampler keeps one.
 * @param {import('../engine.js').SampleOptions} options
 * @param {readonly string[]} needed
 */
export function checkDrawing(options, needed) {
  check(options, needed);
  const { trace, count = 1, method, backend } = options;
  if (trace === undefined) return;
  checkOne('trace', trace, whole(0, count - 1));
  if (method === 'naive') checkOne('method', method, oneOf(['cached']));
  if (backend === 'gpu') checkOne('backend', backend, oneOf(['auto', 'cpu']));
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {Rule} rule
 */
function checkOne(name, value, { expected, types, holds }) {
  const isOfType = types.includes(typeof value) && value !== null;
  if (isOfType && holds(value)) return;
  const sentence = `${name}: found ${shown(value)}, expected ${expected}.`;
  throw isOfType && typeof value !== 'object' ? new RangeError(sentence) : new TypeError(sentence);
}

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value) return `an object of class ${value.constructor?.name ?? 'Object'}`;
  return String(value);
}

/**
 * Whether logits can be divided by it: the samplers compute with 32 bits.
 * @param {unknown} temperature
 */
function isWarm(temperature) {
  return typeof temperature === 'number' && temperature >= LEAST_TEMPERATURE && Number.isFinite(Math.fround(temperature));
}

/**
 * @param {number} least
 * @param {number} most
 * @returns {Rule}
 */
function whole(least, most) {
  const expected = most === Infinity ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`;
  return { expected, types: ['number'], holds: (value) => Number.isSafeInteger(value) && value >= least && value <= most };
}

/**
 * @param {readonly string[]} words
 * @returns {Rule}
 */
function oneOf(words) {
  return { expected: words.map((word) => `"${word}"`).join(' or '), types: ['string'], holds: (value) => words.includes(value) };
}

/** @param {Blob | Uint8Array | URL | string} file */
function isFile(file) {
  if (typeof file === 'string') return isAddress(file);
  return ['Blob', 'File', 'Uint8Array', 'URL'].some((name) => Object.prototype.toString.call(file) === `[object ${name}]`);
}

/** @param {string} text */
function isAddress(text) {
  try {
    return addressOf(text) !== '';
  } catch {
    return false;
  }
}

/**
 * @param {string} expected  the class with its article; from another frame's window it is another class of this name
 * @returns {Rule}
 */
function object(expected) {
  const tag = `[object ${expected.split(' ')[1]}]`;
  return { expected, types: ['object'], holds: (value) => Object.prototype.toString.call(value) === tag };
}
