/**
 * What a visitor can set, and how it is read from text. Attributes, address bars and fields hold
 * whatever people put there: a number means the nearest one allowed, anything else what holds without it.
 */

import { BACKENDS, MAX_COUNT, MAX_FIRST, MAX_LEVELS, MAX_SEED } from './protocol.js';
import { PACES } from './reveal.js';

/**
 * Attributes of `<pixel-rnn>`.
 * @type {readonly string[]}
 */
export const ATTRIBUTES = Object.freeze(['model', 'src', 'seed', 'first', 'count', 'temperature', 'top-k', 'top-p', 'backend', 'controls', 'pace', 'loading']);

/** What holds where nothing is set, on the page as in the element. */
export const DEFAULTS = Object.freeze({
  seed: 7n,
  count: 16,
  temperature: 1,
  backend: /** @type {import('../engine.js').Backend} */ ('auto'),
});

/** Range of the temperature. */
export const TEMPERATURE = Object.freeze({ min: 0.1, max: 2, step: 0.05 });

/** Range of the number of likeliest levels that may be drawn. */
export const TOP_K = Object.freeze({ min: 1, max: MAX_LEVELS });

/** Range of the share of probability that the levels have which may be drawn. */
export const TOP_P = Object.freeze({ min: 0.001, max: 1 });

/** Names of the paces, and the empty one: the visitor chose none. */
export const PACE_NAMES = Object.freeze(/** @type {Array<import('./reveal.js').Pace>} */ (Object.keys(PACES)));

/** A decimal number as people write it, without names or units. */
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A whole number with digits enough for any seed. */
const WHOLE = /^[+-]?\d{1,20}$/;

/**
 * An unsigned 64-bit seed.
 * @param {string | null | undefined} text
 * @param {bigint} [fallback]
 */
export function readSeed(text, fallback = DEFAULTS.seed) {
  const written = text?.trim() ?? '';
  // Digits are taken exactly, which a number is only up to 2^53.
  const seed = WHOLE.test(written) ? BigInt(written) : wholeOf(readNumber(written));
  if (seed === null) return fallback;
  return seed < 0n ? 0n : seed > MAX_SEED ? MAX_SEED : seed;
}

/**
 * The number of an image of a seed.
 * @param {string | null | undefined} text
 * @param {number} [fallback]
 */
export function readFirst(text, fallback = 0) {
  const value = readNumber(text);
  return value === null ? fallback : Math.min(Math.max(Math.round(value), 0), MAX_FIRST);
}

/**
 * A whole number of images.
 * @param {string | null | undefined} text
 * @param {number} [fallback]
 */
export function readCount(text, fallback = DEFAULTS.count) {
  const value = readNumber(text);
  return value === null ? fallback : Math.min(Math.max(Math.round(value), 1), MAX_COUNT);
}

/**
 * A temperature within its range.
 * @param {string | null | undefined} text
 * @param {number} [fallback]
 */
export function readTemperature(text, fallback = DEFAULTS.temperature) {
  const value = readNumber(text);
  return value === null ? fallback : Math.min(Math.max(value, TEMPERATURE.min), TEMPERATURE.max);
}

/**
 * One temperature for all scales, or one for each, smallest image first, with commas between them.
 * @param {string | null | undefined} text
 * @returns {number | number[]}
 */
export function readTemperatures(text) {
  const parts = (text ?? '').split(',');
  if (parts.some((part) => readNumber(part) === null)) return DEFAULTS.temperature;
  return parts.length === 1 ? readTemperature(text) : parts.map((part) => readTemperature(part));
}

/**
 * How many of the likeliest levels may be drawn; null for all.
 * @param {string | null | undefined} text
 */
export function readTopK(text) {
  const value = readNumber(text);
  return value === null ? null : Math.min(Math.max(Math.round(value), TOP_K.min), TOP_K.max);
}

/**
 * The share of probability that the levels have which may be drawn.
 * @param {string | null | undefined} text
 */
export function readTopP(text) {
  const value = readNumber(text);
  return value === null ? 1 : Math.min(Math.max(value, TOP_P.min), TOP_P.max);
}

/**
 * May be infinite: digits and exponents have no end.
 * @param {string | null | undefined} text
 */
function readNumber(text) {
  const written = text?.trim() ?? '';
  return DECIMAL.test(written) ? Number(written) : null;
}

/**
 * The nearest whole number, none too large for a bigint.
 * @param {number | null} value
 */
function wholeOf(value) {
  return value === null ? null : BigInt(Math.round(Math.min(Math.max(value, 0), 2 ** 64)));
}

/**
 * One of the words allowed.
 * @template {string} T
 * @param {string | null | undefined} text
 * @param {readonly T[]} allowed
 * @param {T} fallback
 * @returns {T}
 */
export function readChoice(text, allowed, fallback) {
  return allowed.find((choice) => choice === text) ?? fallback;
}

/**
 * @param {string | null | undefined} text
 * @returns {import('../engine.js').Backend}
 */
export function readBackend(text) {
  return readChoice(text, BACKENDS, DEFAULTS.backend);
}

/** A seed short enough to read out. */
export function randomSeed() {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);
}
