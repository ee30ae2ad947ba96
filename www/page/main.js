/**
 * The page: state in the address bar, and who redraws when something changes.
 */

import { sharedEngine } from '../engine.js';
import { NetworkPicker } from './network-picker.js';
import { defaultPace } from '../shared/reveal.js';
import { readState, writeState } from './state.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */

const part = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

const engine = sharedEngine();
const samples = /** @type {import('../pixel-rnn.js').PixelRnnElement} */ (part('samples'));
const picker = new NetworkPicker(part('picker'), (model) => change({ model }));

/** Sections below the samples. @type {Array<Section>} */
const sections = [];

/**
 * @typedef {object} Section
 * @property {(settings: SectionSettings, options: { instant: boolean }) => unknown} update
 */

/**
 * @typedef {import('./completions.js').CompletionSettings} SectionSettings
 */

/** The section that looks at single pixels, once it is there. @type {import('./distribution.js').Distribution | null} */
let distribution = null;
/** The samples shown, for that section. @type {import('./distribution.js').Drawn | null} */
let drawn = null;

/** @type {ModelEntry[]} */
let models = [];
let state = readState(location.hash);
/** @type {SectionSettings | null} */
let settings = null;

/**
 * Brings the state to everything on the page. `live` while a slider moves.
 * @param {{ live?: boolean }} [options]
 */
function show({ live = false } = {}) {
  const entry = models.find(({ name }) => name === state.model) ?? models[0];
  // Until the list is there, the element is told what was asked for.
  const asked = models.length ? models.find(({ name }) => name === state.model)?.name : state.model;
  const { seed, count, temperature, backend, hidden, example } = state;
  const pace = state.pace || defaultPace();
  setAttributes(samples, { model: asked, seed, count, temperature, backend, pace });
  const model = entry?.name ?? '';
  picker.show(model);
  for (const radio of document.querySelectorAll('input[name="hidden"]')) {
    const choice = /** @type {HTMLInputElement} */ (radio);
    choice.checked = choice.value === hidden;
  }
  settings = { model, seed, temperature, pace, hidden, example };
  for (const section of sections) section.update(settings, { instant: live });
}

/**
 * Adds a section and shows it the settings in force.
 * @param {Section} section
 */
function add(section) {
  sections.push(section);
  if (settings) section.update(settings, { instant: false });
}

/**
 * Sets only what differs, an attribute set anew being a new run; removes what is empty.
 * @param {Element} element
 * @param {Record<string, string | number | bigint | undefined>} values
 */
function setAttributes(element, values) {
  for (const [name, value] of Object.entries(values)) {
    const text = String(value ?? '');
    if (text === '') element.removeAttribute(name);
    else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Changes the state, the address bar and the page.
 * @param {Partial<import('./state.js').PageState>} change
 * @param {{ live?: boolean }} [options]
 */
function change(change, options) {
  state = { ...state, ...change };
  // Not at each step of a slider: browsers limit how often the address may change.
  if (!options?.live) history.replaceState(null, '', writeState(state));
  show(options);
}

/** @returns {Promise<void>} */
function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}

samples.addEventListener('change', ({ detail }) => {
  const { seed, count, temperature, backend, pace } = samples;
  change({ seed, count, temperature, backend, pace: detail.name === 'pace' ? pace : state.pace }, { live: detail.live });
});

part('hidden-choice').addEventListener('change', (/** @type {Event} */ event) => {
  const { value } = /** @type {HTMLInputElement} */ (event.target);
  change({ hidden: readState(`hidden=${value}`).hidden });
});

samples.addEventListener('done', ({ detail }) => {
  const { model, info, levels, count, temperature } = detail;
  const names = Array.from({ length: count }, (_, k) => `Sample ${k + 1}`);
  drawn = { model, info, levels, temperature, names };
  distribution?.offer('samples', drawn);
});

// What the section knows is of the pictures before.
samples.addEventListener('start', () => (drawn = null));

samples.addEventListener('failed', () => {
  drawn = null;
  distribution?.withdraw('samples');
});

samples.addEventListener('pick', ({ detail }) => drawn && distribution?.pick('samples', detail));

addEventListener('hashchange', () => {
  state = readState(location.hash);
  show();
});

show();
// Each step in a task of its own: together they would hold up a slow phone.
await nextTask();
await import('../pixel-rnn.js');
await nextTask();
try {
  models = await engine.models();
  picker.offer(models, await engine.sets());
} catch {
  // The element tells why when it is about to draw.
  picker.offer([], []);
}
await nextTask();
show();
await nextTask();
const { Completions } = await import('./completions.js');
add(new Completions(engine, part('completions'), {
  onDrawn: (completions) => (completions ? distribution?.offer('completions', completions) : distribution?.withdraw('completions')),
  onPick: (pixel) => distribution?.pick('completions', pixel),
  onOther: (example) => change({ example }),
}));
await nextTask();
const { Distribution } = await import('./distribution.js');
distribution = new Distribution(engine, part('distribution'));
if (drawn) distribution.offer('samples', drawn);
await nextTask();
const { SideBySide } = await import('./side-by-side.js');
add(new SideBySide(engine, part('side-by-side')));
await nextTask();
const { Comparison } = await import('./comparison.js');
add(new Comparison(engine, part('comparison')));
