/**
 * The probabilities of one value's levels as bars, with the level that was drawn marked; those that were cut off are grey.
 */

import { drawnFrom } from '../sharpening.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;

/** Up to so many bars stand apart; more would be thinner than the space between them. */
const MOST_APART = 32;

/**
 * @typedef {object} Chart
 * @property {string} name      of the value, such as "Red"
 * @property {string} hue       class that colours the bars
 * @property {Float64Array} probabilities  before any level is cut off
 * @property {Uint8Array | null} kept      which levels are, 1 each; null where all are
 * @property {number} level     that stands in the picture
 * @property {number} bits      that it cost
 * @property {number} uniform   the random number that it was drawn with, 0 to 1
 * @property {(level: number) => void} [onFork]  asks what would have come after another level
 */

/**
 * A figure with the bars and what they say.
 * @param {Chart} chart
 */
export function histogram({ name, hue, probabilities, kept, level, bits, uniform, onFork }) {
  const levels = probabilities.length;
  const highest = probabilities.reduce((most, p) => Math.max(most, p), 0);
  const likeliest = probabilities.indexOf(highest);
  const gap = levels <= MOST_APART ? 0.05 : 0;
  const svg = element('svg', { viewBox: `0 0 ${levels} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
  const few = kept ? `; ${kept.filter(Boolean).length} kept` : '';
  svg.setAttribute('aria-label', `${name}: likeliest is ${likeliest}, ${formatChance(highest)}${few}`);
  const bars = Array.from(probabilities, (chance, x) => `M${x + gap} ${HEIGHT}V${(HEIGHT * (1 - chance / (highest || 1))).toFixed(2)}H${x + 1 - gap}V${HEIGHT}Z`);
  const middle = level + 0.5;
  if (kept) svg.append(element('path', { d: bars.filter((_, at) => !kept[at]).join(''), class: 'bars cut' }));
  svg.append(
    element('path', { d: bars.filter((_, at) => !kept || kept[at]).join(''), class: `bars ${hue}` }),
    element('line', { x1: middle, x2: middle, y1: 0, y2: HEIGHT, class: 'drawn' }),
  );
  const figure = document.createElement('figure');
  const said = text('p', `${formatChance(probabilities[level])}, ${bits.toFixed(2)} bits${few}`, 'said');
  figure.append(text('figcaption', `${name} ${level}`), svg, drawStrip(drawnFrom(probabilities, kept), level, uniform), said);
  if (onFork) figure.append(otherLevel(name, levels, level, onFork));
  return figure;
}

/**
 * All levels that are kept one after the other, each as long as it is likely among them, the one drawn filled: the random number is
 * a pin on it.
 * @param {Float64Array} probabilities  of what was drawn from
 * @param {number} level
 * @param {number} uniform
 */
function drawStrip(probabilities, level, uniform) {
  const below = probabilities.subarray(0, level).reduce((sum, p) => sum + p, 0);
  const strip = Object.assign(document.createElement('div'), { className: 'bar strip' });
  strip.setAttribute('role', 'img');
  strip.setAttribute('aria-label', `The draw was ${uniform.toFixed(3)}`);
  const part = Object.assign(document.createElement('i'), { className: 'part' });
  strip.append(part, Object.assign(document.createElement('i'), { className: 'pin' }));
  strip.style.setProperty('--from', `${100 * below}%`);
  strip.style.setProperty('--paper-share', `${100 * probabilities[level]}%`);
  strip.style.setProperty('--pin', `${100 * uniform}%`);
  return strip;
}

/**
 * @param {string} name
 * @param {number} levels
 * @param {number} level
 * @param {(level: number) => void} onFork
 */
function otherLevel(name, levels, level, onFork) {
  const form = Object.assign(document.createElement('form'), { className: 'other-level' });
  const other = Object.assign(document.createElement('input'), { type: 'number', min: '0', max: String(levels - 1), value: String(level), ariaLabel: `Another ${name.toLowerCase()}, 0 to ${levels - 1}` });
  form.append(other, Object.assign(document.createElement('button'), { textContent: 'What if?' }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (other.value !== '' && Number(other.value) !== level) onFork(Number(other.value));
  });
  return form;
}

/**
 * A probability as people read it.
 * @param {number} p
 */
export function formatChance(p) {
  const percent = 100 * p;
  if (percent > 0 && percent < 0.001) return 'below 0.001\u00a0%';
  if (percent < 100 && percent > 99.999) return 'above 99.999\u00a0%';
  const small = Math.min(percent, 100 - percent);
  return `${percent.toFixed(small >= 1 ? 1 : small >= 0.1 ? 2 : 3)}\u00a0%`;
}

/**
 * @param {number} level
 * @param {boolean} ink
 */
export function nameLevel(level, ink) {
  return ink ? ['paper', 'ink'][level] : String(level);
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}

/**
 * @param {string} tag
 * @param {string} content
 */
function text(tag, content, className = '') {
  return Object.assign(document.createElement(tag), { textContent: content, className });
}
