/**
 * The page: state in the address bar, and who redraws when something changes. The easel comes first, with a picture that was
 * recorded; everything else is there when it has arrived.
 */

import { readKnown, writeKnown } from './complete/known-text.js';
import { Easel } from './easel/easel.js';
import { RECORDED, recordedTrace } from './easel/recall.js';
import { Thumbnails } from './easel/thumbnails.js';
import { Keep } from './keep.js';
import { sharpeningOf } from './sharpening.js';
import { defaultPace } from '../shared/reveal.js';
import { randomSeed, readSeed, readTemperature } from '../shared/settings.js';
import { readState, writeState } from './state.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./easel/drawing.js').Order} Order */

const part = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

const engineReady = import('../engine.js').then(({ sharedEngine }) => sharedEngine());
const samples = /** @type {import('../pixel-rnn.js').PixelRnnElement} */ (part('samples'));
const fields = {
  seed: /** @type {HTMLInputElement} */ (part('seed')),
  temperature: /** @type {HTMLInputElement} */ (part('temperature')),
  temperatureText: /** @type {HTMLOutputElement} */ (part('temperature-text')),
};

/** Sections below the easel. @type {Array<Section>} */
const sections = [];

/**
 * @typedef {object} Section
 * @property {(settings: SectionSettings, options: { instant: boolean }) => unknown} update
 * @property {(shown: typeof easel.shown) => void} [offer]  what stands on the easel
 * @property {(pixel: typeof state.pixel) => void} [look]  the pixel looked at there
 */

/** @typedef {import('./complete/complete.js').CompletionSettings & { image: number, pace: import('../shared/reveal.js').Pace }} SectionSettings */

/** @type {import('./network-picker.js').NetworkPicker | null} */
let picker = null;
/** What takes networks of the visitor's own, once it is there. @type {import('./own-network.js').OwnNetwork | null} */
let own = null;
/** What gives the picture of the easel away, once it is there. @type {import('./take-away/section.js').TakeAway | null} */
let takeAway = null;
let models = /** @type {ModelEntry[]} */ ([]);
let state = readState(location.hash);
/** @type {SectionSettings | null} */
let settings = null;

// Each step in a task of its own: together they would hold up a slow phone.
await nextTask();
const easel = new Easel(engineReady, part('first'), {
  onOrder: (order) => change({ forks: order.forks ?? [], k: null }, { play: false }),
  onAnother: () => change({ seed: randomSeed(), image: 0, forks: [], k: null, pixel: null }),
  onLook: ({ position, pixel, view }) => {
    note({ k: position, pixel, view });
    for (const section of sections) section.look?.(pixel);
  },
  onShown: () => offerShown(),
});
/** @type {Thumbnails | null} */
let thumbnails = null;
const keep = new Keep(part('keep'), ({ topK, topP }) => change({ topK: topK ?? null, topP: topP ?? 1, k: null, forks: [] }, { play: false }));

/** What stands on the easel, as text. */
let ordered = '';
/** What was given of the picture that the network finished, where the address does not say it. @type {Known | null} */
let unsaid = null;
/** Why it does not. */
let whyUnsaid = '';

/** @typedef {import('./complete/known-text.js').Known} Known */

/** The model that draws: of an unknown name, the first there is; before the list is there, the one asked for. */
function modelNow() {
  return (models.find(({ name }) => name === state.model) ?? models[0])?.name ?? state.model;
}

/**
 * Brings the state to everything on the page. `live` while a slider moves.
 * @param {{ live?: boolean, play?: boolean }} [options]
 */
function show({ live = false, play } = {}) {
  const model = modelNow();
  const { seed, image, count, temperature, backend, hidden, example, drawing } = state;
  const { topK, topP } = sharpeningOf(state, levelsOf(model));
  const pace = state.pace || defaultPace();
  const asked = models.length ? models.find(({ name }) => name === state.model)?.name : state.model;
  // While a slider moves, the picture on the easel alone is drawn.
  if (!live) setAttributes(samples, { model: asked, seed, count, temperature, 'top-k': topK, 'top-p': topP, backend, pace });
  picker?.show(model);
  fields.seed.value = String(seed);
  fields.temperature.value = String(temperature);
  fields.temperatureText.textContent = temperature.toFixed(2);
  keep.show({ topK, topP }, levelsOf(model));
  if (models.length) showEasel(model, { live, play });
  settings = { model, seed, image, ...sharpeningOf(state), pace, hidden, example, drawing };
  for (const section of sections) section.update(settings, { instant: live });
}

/**
 * @param {string} model
 * @param {{ live: boolean, play?: boolean }} options
 */
function showEasel(model, { live, play }) {
  const { image, forks, k: position, pixel, view } = state;
  const known = unsaid ?? knownOf(model);
  /** @type {Order} */
  const order = { ...orderOf(model), ...known };
  const wanted = `${textOf(order)} ${known ? [known.mask, known.given] : ''}`;
  thumbnails?.mark(known ? -1 : image);
  if (!live) void engineReady.then((engine) => thumbnails?.show(engine, order));
  if (wanted === ordered) return;
  ordered = wanted;
  void easel.show(order, { position, pixel, view, play: live || forks.length ? false : play });
}

/** Levels that a value of its pictures can have, once it is known. @param {string} model */
function levelsOf(model) {
  return models.find(({ name }) => name === model)?.config?.levels;
}

/** The picture that is asked for. @param {string} model @returns {Order} */
function orderOf(model) {
  const { seed, image, forks } = state;
  return { model, seed, image, forks, ...sharpeningOf(state, levelsOf(model)) };
}

/** All that decides it, but for what is given. @param {Order} order */
function textOf({ model, seed, image, forks, ...how }) {
  return [model, seed, image, JSON.stringify([forks, sharpeningOf(how)])].join(' ');
}

/**
 * What the address says was given of the picture.
 * @param {string} model
 * @returns {Known | null}
 */
function knownOf(model) {
  const config = models.find(({ name }) => name === model)?.config;
  return state.known && config ? readKnown(state.known, config) : null;
}

/** Plays the recorded picture, where it is the one asked for. */
async function recall() {
  const wanted = textOf(orderOf(state.model || RECORDED.model));
  if (wanted !== textOf(RECORDED) || state.k !== null || state.known) return;
  ordered = `${wanted} `;
  const trace = recordedTrace();
  await nextTask();
  easel.recall(RECORDED, trace, state);
}

/**
 * Adds a section and shows it the settings in force.
 * @param {Section} section
 */
function add(section) {
  sections.push(section);
  section.offer?.(easel.shown);
  section.look?.(state.pixel);
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
 * @param {{ live?: boolean, play?: boolean, known?: Known | null }} [options]
 */
function change(change, options) {
  const before = state;
  state = { ...state, ...change };
  // Of another network another picture: what was forked or looked at is no more.
  if (state.model !== before.model) Object.assign(state, { forks: [], k: null, pixel: options?.known ? state.pixel : null });
  const isNew = ['model', 'seed', 'image'].some((name) => state[/** @type {'seed'} */ (name)] !== before[/** @type {'seed'} */ (name)]);
  if (isNew || options?.known !== undefined) {
    unsaid = options?.known ?? null;
    state.known = change.known ?? '';
  }
  // Not at each step of a slider: browsers limit how often the address may change.
  if (!options?.live) {
    history[isNew || state.known !== before.known ? 'pushState' : 'replaceState'](null, '', writeState(state));
  }
  show(options);
}

/**
 * Keeps in the address what is shown already.
 * @param {Partial<import('./state.js').PageState>} change
 */
function note(change) {
  state = { ...state, ...change };
  history.replaceState(null, '', writeState(state));
}

/** What stands on the easel can be taken along, and its bits be counted. */
function offerShown() {
  const { shown } = easel;
  for (const section of sections) section.offer?.(shown);
  const entry = models.find(({ name }) => name === shown?.order.model);
  takeAway?.offer(shown && entry ? { ...shown, model: entry } : null);
}

/** @returns {Promise<void>} */
function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}

fields.seed.addEventListener('change', () => {
  const seed = readSeed(fields.seed.value, state.seed);
  if (seed === state.seed) fields.seed.value = String(seed);
  else change({ seed, forks: [], k: null });
});
fields.temperature.addEventListener('input', () => change({ temperature: readTemperature(fields.temperature.value), k: null, forks: [] }, { live: true }));
fields.temperature.addEventListener('change', () => change({ temperature: readTemperature(fields.temperature.value) }, { play: false }));

samples.addEventListener('change', ({ detail }) => {
  const { seed, count, backend, pace } = samples;
  // Its slider has one for all scales, as the page has.
  const temperature = readTemperature(samples.getAttribute('temperature'));
  change({ seed, count, temperature, backend, pace: detail.name === 'pace' ? pace : state.pace }, { live: detail.live });
});

samples.addEventListener('pick', ({ detail: { image, x, y } }) => {
  change({ image, forks: [], k: null, pixel: { x, y } }, { play: false, known: null });
  part('easel').scrollIntoView({ block: 'nearest' });
});

part('copy-link').addEventListener('click', async () => {
  const said = part('link-said');
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  const missing = unsaid ? ` It shows the sample of this seed, not this picture: ${whyUnsaid}.` : '';
  said.textContent = `${copied ? 'Link copied.' : 'The address of this page is the link.'}${missing}`;
  said.classList.toggle('unseen', !missing);
  part('copy-link').textContent = copied ? 'Link copied' : 'Copy the address';
  setTimeout(() => (part('copy-link').textContent = 'Copy link'), 2000);
});
// What the button itself does not say is seen as long as one stays at it.
part('copy-link').addEventListener('blur', () => part('link-said').classList.add('unseen'));

addEventListener('popstate', () => {
  state = readState(location.hash);
  unsaid = null;
  own?.tellMissing(state.model, models);
  const before = ordered;
  show({ play: false });
  if (ordered === before) easel.look({ position: state.k, pixel: state.pixel, view: state.view });
});

await nextTask();
await recall();
await nextTask();
thumbnails = new Thumbnails(part('thumbnails'), (image) => change({ image, forks: [], k: null, pixel: null }, { play: false, known: null }));
await nextTask();
show();
const engine = await engineReady;
const { NetworkPicker } = await import('./network-picker.js');
const networks = new NetworkPicker(document.body, (model) => {
  own?.tellMissing(model, models);
  change({ model });
});
picker = networks;
await nextTask();
try {
  models = await engine.models();
  networks.offer(models, await engine.sets());
} catch {
  // The element tells why when it is about to draw.
  networks.offer([], []);
}
await nextTask();
show();
void engine.load(modelNow(), { onProgress: (loaded, total) => easel.fetching(modelNow(), loaded, total) }).then(() => easel.ready(), (error) => easel.failed(error));
await nextTask();
await import('../pixel-rnn.js');
await nextTask();
const { OwnNetwork } = await import('./own-network.js');
own = new OwnNetwork(engine, document, async (entry) => {
  // Where there is no list, there is still this one.
  models = await engine.models().catch(() => [entry]);
  networks.offer(models, await engine.sets().catch(() => []));
  change({ model: entry.name });
  part('easel').scrollIntoView({ block: 'nearest' });
});
own.tellMissing(state.model, models);
await nextTask();
const { Complete } = await import('./complete/complete.js');
add(new Complete(engine, part('completions'), {
  onChange: note,
  onPick: ({ model, info, seed, image, temperature, topK = null, topP = 1, given, mask, pixel }, isOwn) => {
    part('easel').scrollIntoView({ block: 'nearest' });
    const text = isOwn ? '' : writeKnown({ mask, given }, info);
    whyUnsaid = isOwn ? 'a picture that you brought goes into no link' : 'what was given of it is too long for an address';
    const looked = { forks: [], k: null, pixel: pixel ?? null };
    change({ model, seed, image, temperature, topK, topP, known: text, ...looked }, { play: false, known: text ? null : { given, mask } });
  },
}));
await nextTask();
const { SideBySide } = await import('./side-by-side.js');
add(new SideBySide(engine, part('side-by-side')));
await nextTask();
const { explain } = await import('./explain/explain.js');
explain(engine).forEach(add);
await nextTask();
const { Compressed } = await import('./compressed/compressed.js');
add(new Compressed(engine, part('compressed')));
await nextTask();
const { Race } = await import('./race/race.js');
add(new Race(engine, part('race')));
await nextTask();
const { TakeAway } = await import('./take-away/section.js');
takeAway = new TakeAway(part('take-away'), part('easel-save'));
offerShown();
const { offerOffline } = await import('./offline.js');
void offerOffline(part('offline'));
