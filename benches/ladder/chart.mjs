/**
 * The ladder as a picture: a group a network, a line a way, a mark a batch, milliseconds an image on a logarithmic scale.
 */

import { WAYS } from './cells.mjs';
import { digits } from './table.mjs';

/** @typedef {import('./cells.mjs').Cell} Cell */

const WIDTH = 800;
/** Where the scale begins and ends; names stand to its left, the numbers of the quickest batch to its right. */
const LEFT = 200;
const RIGHT = 690;
const LINE = 18;
const TITLE = 30;
const GAP = 14;
const HEAD = 64;
const FOOT = 34;

/** Marks of batches, from the smallest to the largest: a ring, then filled shapes that differ in form as well. */
const MARKS = [
  (/** @type {number} */ x, /** @type {number} */ y) => `<circle cx="${x}" cy="${y}" r="4" class="ring"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<path d="M${x} ${y - 5}l5 5-5 5-5-5z"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<path d="M${x - 4} ${y - 4}h8v8h-8z"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<path d="M${x} ${y + 5}l5-9h-10z"/>`,
  (/** @type {number} */ x, /** @type {number} */ y) => `<path stroke-width="2" d="M${x - 4} ${y - 4}l8 8m0-8l-8 8"/>`,
];

const STYLE = `
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --rule: #d8dee4; --naive: #6e7781; --peer: #b35900; --cached: #0550ae; --fused: #116329; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --rule: #30363d; --naive: #9ea7b3; --peer: #f0883e; --cached: #79c0ff; --fused: #56d364; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--ink); }
  .title { font-weight: 600; font-size: 13px; }
  .faint { fill: var(--faint); font-size: 11px; }
  .rule { stroke: var(--rule); }
  .ring { fill: var(--paper); stroke-width: 2; }
  .naive { fill: var(--naive); stroke: var(--naive); }
  .peer { fill: var(--peer); stroke: var(--peer); }
  .cached { fill: var(--cached); stroke: var(--cached); }
  .fused { fill: var(--fused); stroke: var(--fused); }
`;

/**
 * @param {import('./cells.mjs').Gathered} gathered
 * @param {import('./chromium.mjs').Network[]} networks
 * @returns {string}
 */
export function chartOf({ cells, about }, networks) {
  const scale = scaleOf(cells);
  const batches = [...new Set(cells.map(({ batch }) => batch))].sort((a, b) => a - b);
  const parts = [];
  let y = HEAD;
  for (const { id, title } of networks) {
    const groups = WAYS.map((way) => ({ way, own: cells.filter(({ key, network }) => key === way.key && network === id) }));
    const shown = groups.filter(({ own }) => own.length);
    if (!shown.length) continue;
    const bottom = y + TITLE + shown.length * LINE;
    parts.push(rules(scale, y + TITLE - 4, bottom), `<text class="title" x="12" y="${y + 18}">${escape(title)}</text>`);
    shown.forEach(({ way, own }, k) => parts.push(line(way, own, y + TITLE + (k + 0.5) * LINE, scale, batches)));
    y = bottom + GAP;
  }
  const height = y + FOOT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Milliseconds an image by network, way and batch">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" fill="var(--paper)"/>
<text class="title" x="12" y="22">Drawing an image: milliseconds, logarithmic; less is better</text>
${legend(batches)}
${parts.join('\n')}
${axis(scale, y + 4)}
<text class="faint" x="12" y="${height - 10}">${escape([`${about.processor ?? ''}, ${about.date ?? ''}`, ...adapters(about)].join('; '))}</text>
</svg>
`;
}

/**
 * What the lines called GPU were drawn on: a processor in disguise is one of the common ones.
 * @param {Record<string, string | number>} about
 */
function adapters(about) {
  const named = [['GPU', about['native adapter']], ['WebGPU', about['Chromium adapter']]].filter(([, adapter]) => adapter);
  const software = (/** @type {unknown} */ adapter) => (/llvmpipe|lavapipe|swiftshader/i.test(String(adapter)) ? ', in software' : '');
  return named.map(([what, adapter]) => `${what}: ${adapter}${software(adapter)}`);
}

/**
 * Whole powers of ten around everything measured.
 * @param {Cell[]} cells
 */
function scaleOf(cells) {
  const logs = cells.flatMap(({ min_ms, max_ms }) => [Math.log10(min_ms), Math.log10(max_ms)]);
  const low = Math.floor(Math.min(0, ...logs));
  const high = Math.ceil(Math.max(1, ...logs));
  const xOf = (/** @type {number} */ ms) => round(LEFT + ((Math.log10(ms) - low) / (high - low)) * (RIGHT - LEFT));
  const powers = Array.from({ length: high - low + 1 }, (_, k) => 10 ** (low + k));
  return { xOf, powers };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/**
 * @param {ReturnType<typeof scaleOf>} scale
 * @param {number} top
 * @param {number} bottom
 */
function rules({ xOf, powers }, top, bottom) {
  return powers.map((ms) => `<path class="rule" d="M${xOf(ms)} ${top}V${bottom}"/>`).join('');
}

/**
 * @param {ReturnType<typeof scaleOf>} scale
 * @param {number} y
 */
function axis({ xOf, powers }, y) {
  const name = (/** @type {number} */ ms) => (ms < 1000 ? `${Number(ms.toPrecision(1))} ms` : `${(ms / 1000).toLocaleString('en')} s`);
  return powers.map((ms) => `<text class="faint" text-anchor="middle" x="${xOf(ms)}" y="${y}">${name(ms)}</text>`).join('');
}

/**
 * One way: its name, a mark and a bar from the quickest to the slowest run for each batch, and the number of the quickest.
 * @param {typeof WAYS[number]} way
 * @param {Cell[]} own
 * @param {number} y
 * @param {ReturnType<typeof scaleOf>} scale
 * @param {number[]} batches  of all
 */
function line({ label, kind }, own, y, { xOf }, batches) {
  const bars = own.map(({ min_ms, max_ms }) => `<path stroke-width="2" stroke-opacity="0.45" d="M${xOf(min_ms)} ${y}H${xOf(max_ms)}"/>`);
  // The smallest batch last, so that its ring lies on top.
  const marks = [...own].sort((a, b) => b.batch - a.batch).map(({ ms, batch }) => markOf(batch, batches)(xOf(ms), y));
  const best = own.reduce((least, cell) => (cell.ms < least.ms ? cell : least));
  const number = `${best.scaled ? '~' : ''}${digits(best.ms)} ms`;
  return `<text text-anchor="end" x="${LEFT - 12}" y="${y + 4}">${escape(label)}</text><g class="${kind}">${bars.join('')}${marks.join('')}</g><text class="faint" x="${RIGHT + 14}" y="${y + 4}">${number}</text>`;
}

/** @param {number[]} batches */
function legend(batches) {
  const marks = batches.map((batch, k) => `${markOf(batch, batches)(20 + 86 * k, 43)}<text x="${30 + 86 * k}" y="47" stroke="none">batch ${batch}</text>`);
  return `<g class="naive">${marks.join('')}</g><text class="faint" text-anchor="end" x="${WIDTH - 12}" y="47">right: the quickest batch</text>`;
}

/**
 * @param {number} batch
 * @param {number[]} batches
 */
function markOf(batch, batches) {
  return MARKS[Math.min(batches.indexOf(batch), MARKS.length - 1)];
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
