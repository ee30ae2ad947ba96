/**
 * The inside of `<pixel-rnn>`: what it is made of. No behaviour.
 */

import { TEMPERATURE } from '../shared/settings.js';
import { make } from '../shared/make.js';
import { sharedSheet } from './style.js';

/**
 * A control with its name above it.
 * @param {string} kind
 * @param {HTMLElement} label
 * @param {HTMLElement} control
 */
function field(kind, label, control) {
  return make('div', { class: `field ${kind}` }, label, control);
}

/**
 * @param {string} name
 * @param {string} title
 * @param {Record<string, string>} [choices]
 */
function list(name, title, choices = {}) {
  const select = make('select', { id: name, name });
  select.append(...Object.entries(choices).map(([value, text]) => make('option', { value }, text)));
  return { select, field: field(name, make('label', { for: name }, title), select) };
}

/** @param {string} name */
function line(name) {
  return make('p', { class: name });
}

/**
 * The parts of an element that its code touches.
 * @typedef {ReturnType<typeof buildView>} View
 */

/**
 * Fills a shadow root.
 * @param {ShadowRoot} root
 */
export function buildView(root) {
  const canvas = make('canvas', { part: 'canvas', role: 'img', 'aria-label': 'Nothing drawn yet', width: 118, height: 118 });
  const offer = make('button', { type: 'button', class: 'offer', part: 'offer', hidden: true });
  const poster = make('slot', { name: 'poster' });

  const seed = make('input', { id: 'seed', name: 'seed', inputmode: 'numeric', autocomplete: 'off', spellcheck: 'false', maxlength: 20 });
  const newSeed = make('button', { type: 'button', class: 'new-seed', title: 'Another seed' }, 'New');
  const temperatureText = make('output', { for: 'temperature' });
  const temperature = make('input', { id: 'temperature', name: 'temperature', type: 'range', ...TEMPERATURE });
  const count = list('count', 'Images');
  const pace = list('pace', 'Pace', { slow: 'Slow', steady: 'Steady', instant: 'Instant' });
  const backend = list('backend', 'Draw on', { auto: 'Auto', cpu: 'CPU', gpu: 'WebGPU' });
  const run = make('button', { type: 'submit', class: 'run' }, 'Draw');
  const save = make('button', { type: 'button', class: 'save', disabled: true }, 'Save PNG');
  const form = make('form', { class: 'controls', part: 'controls' },
    field('seed', make('label', { for: 'seed' }, 'Seed'), make('div', { class: 'pair' }, seed, newSeed)),
    field('temperature', make('label', { for: 'temperature' }, 'Temperature ', temperatureText), temperature),
    count.field, pace.field, backend.field,
    make('div', { class: 'buttons' }, run, save),
  );

  const downloadText = make('label', { for: 'progress' });
  const progress = make('progress', { id: 'progress', value: 0, max: 1 });
  const download = make('div', { class: 'download', hidden: true }, downloadText, progress);
  const error = make('p', { class: 'error', role: 'alert', hidden: true });
  const [speed, likelihood, backendLine] = ['speed', 'likelihood', 'backend-line'].map(line);
  const spoken = make('p', { class: 'spoken', 'aria-live': 'polite' });
  const report = make('div', { class: 'report', part: 'report' }, download, error, speed, likelihood, backendLine, spoken);

  const caption = make('figcaption', { part: 'caption', hidden: true }, make('slot', { name: 'caption' }));

  root.adoptedStyleSheets = [sharedSheet()];
  // The caption is the page's, and so are its language and its type.
  const ours = { lang: 'en', dir: 'ltr' };
  const stage = make('div', { class: 'stage', part: 'stage', ...ours }, canvas, poster, offer);
  root.append(make('figure', { part: 'figure' }, stage, make('div', { class: 'side', ...ours }, form, report), caption));
  return {
    stage, canvas, poster, offer, caption, form, seed, temperature, temperatureText, count: count.select, pace: pace.select, backend: backend.select,
    newSeed, run, save, download, downloadText, progress, error, speed, likelihood, backendLine, spoken,
  };
}
