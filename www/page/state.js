/**
 * The page's state in the address bar: `#model=…&seed=7&count=16&…`. Values come from anywhere, so
 * each is checked, and a malformed one is the default.
 */

import { isFileName } from '../shared/brought-file.js';
import { isDrawing } from './complete/drawing-text.js';
import { isKnown } from './complete/known-text.js';
import { PRESETS } from './complete/masks.js';
import { VIEWS } from './easel/picture.js';
import * as read from '../shared/settings.js';

/**
 * @typedef {object} PageState
 * @property {string} model           empty: the first there is
 * @property {bigint} seed
 * @property {number} count
 * @property {number} temperature
 * @property {number | null} topK     likeliest levels that are kept; none: all
 * @property {number} topP            share of probability of those that are; 1: all
 * @property {import('../engine.js').Backend} backend
 * @property {import('../shared/reveal.js').Pace | ""} pace  empty: what the visitor's system suggests
 * @property {import('./complete/masks.js').Preset | ""} hidden  part hidden of the picture to be finished; empty: what suits it
 * @property {number} example                        the test picture to be finished, counted from 0
 * @property {string} drawing                        what is hidden and drawn of it by hand, as text; empty: nothing
 * @property {number} image                          the picture on the easel, of those of this seed
 * @property {string} known                          what was given of it, as text; empty: nothing
 * @property {number | null} k                       values of it that are shown; none: all
 * @property {import('./pixel-cursor.js').Pixel | null} pixel   looked at
 * @property {import('./easel/picture.js').View} view
 * @property {import('./easel/drawing.js').Fork[]} forks
 */

/** Most forks that are taken from an address. */
const MOST_FORKS = 8;

/** @type {Readonly<PageState>} */
const DEFAULTS = Object.freeze({
  ...read.DEFAULTS, topK: null, topP: 1, model: '', pace: '', hidden: '', example: 0, drawing: '', image: 0, known: '', k: null, pixel: null, view: 'picture', forks: [],
});

/** Names of the address that are no names of the state: they are those of the element. @type {Record<string, string>} */
const NAMES = { topK: 'top-k', topP: 'top-p' };

/** What text would not say by itself. @type {Record<string, (value: any) => string>} */
const TEXTS = {
  pixel: (pixel) => (pixel ? `${pixel.x},${pixel.y}` : ''),
  forks: (forks) => forks.map((/** @type {import('./easel/drawing.js').Fork} */ { k, level }) => `${k}:${level}`).join(),
};

/**
 * @param {string} hash
 * @returns {PageState}
 */
export function readState(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const model = values.get('model') ?? '';
  const example = values.get('example') ?? '';
  const drawing = values.get('drawing') ?? '';
  const known = values.get('known') ?? '';
  const [, x, y] = /^(\d{1,4}),(\d{1,4})$/.exec(values.get('pixel') ?? '') ?? [];
  const forks = [...(values.get('forks') ?? '').matchAll(/(\d{1,7}):(\d{1,3})(,|$)/g)].slice(0, MOST_FORKS);
  return {
    // A file's name may have anything in it.
    model: /^[\w.-]{1,80}$/.test(model) || (model.length <= 100 && isFileName(model)) ? model : DEFAULTS.model,
    seed: read.readSeed(values.get('seed')),
    count: read.readCount(values.get('count')),
    temperature: read.readTemperature(values.get('temperature')),
    topK: read.readTopK(values.get('top-k')),
    topP: read.readTopP(values.get('top-p')),
    backend: read.readBackend(values.get('backend')),
    pace: read.readChoice(values.get('pace'), ['', ...read.PACE_NAMES], DEFAULTS.pace),
    hidden: read.readChoice(values.get('hidden'), ['', ...PRESETS], DEFAULTS.hidden),
    example: /^\d{1,4}$/.test(example) ? Number(example) : DEFAULTS.example,
    drawing: isDrawing(drawing) ? drawing : DEFAULTS.drawing,
    image: whole(values.get('image')) ?? DEFAULTS.image,
    known: isKnown(known) ? known : DEFAULTS.known,
    k: whole(values.get('k')),
    pixel: x ? { x: Number(x), y: Number(y) } : null,
    view: read.readChoice(values.get('view'), VIEWS, DEFAULTS.view),
    forks: forks.map(([, k, level]) => ({ k: Number(k), level: Number(level) })),
  };
}

/**
 * The state as a hash, without what is default anyway.
 * @param {PageState} state
 */
export function writeState(state) {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    const text = textOf(name, value);
    if (name === 'seed' || text !== textOf(name, DEFAULTS[/** @type {keyof PageState} */ (name)])) values.set(NAMES[name] ?? name, text);
  }
  return `#${values}`;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function textOf(name, value) {
  return TEXTS[name]?.(value) ?? String(value ?? '');
}

/** A number of a few digits, or null. @param {string | null} text */
function whole(text) {
  return text && /^\d{1,7}$/.test(text) ? Number(text) : null;
}
