/**
 * The probabilities of one value's levels as bars, with the level that was drawn marked.
 */

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;

/** Up to so many bars stand apart; more would be thinner than the space between them. */
const MOST_APART = 32;

/**
 * @typedef {object} Chart
 * @property {string} name      of the value, such as "Red"
 * @property {string} hue       class that colours the bars
 * @property {boolean} ink      whether its levels are paper and ink
 * @property {Float32Array} probabilities
 * @property {number} level     that stands in the picture
 * @property {boolean} given    whether it was given rather than drawn
 */

/**
 * A figure with the bars and what they say.
 * @param {Chart} chart
 */
export function histogram({ name, hue, ink, probabilities, level, given }) {
  const levels = probabilities.length;
  const highest = probabilities.reduce((most, p) => Math.max(most, p), 0);
  const likeliest = probabilities.indexOf(highest);
  // Two bars are compared with certainty, more with the highest of them.
  const top = levels === 2 ? 1 : highest || 1;
  const gap = levels <= MOST_APART ? 0.05 : 0;
  const p = probabilities[level];
  const said = `${nameLevel(level, ink)} ${given ? 'given' : 'drawn'}: p = ${formatChance(p)}, ${formatBits(bitsOf(p))}`;

  const svg = element('svg', { viewBox: `0 0 ${levels} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
  svg.setAttribute('aria-label', `${name}: likeliest is ${nameLevel(likeliest, ink)}, p = ${formatChance(highest)}`);
  const bars = Array.from(probabilities, (chance, x) => `M${x + gap} ${HEIGHT}V${(HEIGHT * (1 - chance / top)).toFixed(2)}H${x + 1 - gap}V${HEIGHT}Z`);
  const middle = level + 0.5;
  svg.append(
    element('path', { d: bars.join(''), class: `bars ${hue}` }),
    element('line', { x1: middle, x2: middle, y1: 0, y2: HEIGHT, class: 'drawn' }),
  );

  const figure = document.createElement('figure');
  const axis = text('p', '', 'axis');
  axis.append(text('span', nameLevel(0, ink)), text('span', `highest ${formatChance(highest)}`), text('span', nameLevel(levels - 1, ink)));
  figure.append(text('figcaption', name), svg, axis, text('p', said, 'said'));
  return figure;
}

/**
 * How surprising something of this probability is.
 * @param {number} p
 */
export function bitsOf(p) {
  return p > 0 ? Math.max(0, -Math.log2(p)) : Infinity;
}

/** @param {number} bits */
export function formatBits(bits) {
  return bits === Infinity ? 'more than 126 bits' : `${bits.toFixed(2)} bits`;
}

/** @param {number} p */
function formatChance(p) {
  const percent = 100 * p;
  if (percent > 0 && percent < 0.001) return 'below 0.001\u00a0%';
  return `${percent.toFixed(percent >= 10 ? 1 : percent >= 0.1 ? 2 : 3)}\u00a0%`;
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
