/**
 * The choice of the network: each with its size, its download and how likely it finds the test images.
 */

import { formatBytes, formatCount } from './settings.js';

/** @typedef {import('./engine.js').ModelEntry} ModelEntry */

/** A group of radio buttons. */
export class NetworkPicker {
  #choices;
  #note;
  /** @type {ModelEntry[]} */
  #models = [];

  /**
   * @param {HTMLElement} section
   * @param {(name: string) => void} onPick
   */
  constructor(section, onPick) {
    this.#choices = /** @type {HTMLElement} */ (section.querySelector('#networks > div'));
    this.#note = /** @type {HTMLElement} */ (section.querySelector('#networks-note'));
    this.#choices.addEventListener('change', ({ target }) => onPick(/** @type {HTMLInputElement} */ (target).value));
  }

  /** @param {ModelEntry[]} models */
  offer(models) {
    this.#models = models;
    this.#choices.replaceChildren(...models.map(choice));
  }

  /**
   * Shows which network draws.
   * @param {string} name
   */
  show(name) {
    for (const radio of this.#choices.querySelectorAll('input')) radio.checked = radio.value === name;
    this.#note.textContent = meaning(this.#models.find((entry) => entry.name === name));
  }
}

/** @param {ModelEntry} entry */
function choice({ name, title, parameters, bytes, test_nll }) {
  const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'network', value: name });
  const card = Object.assign(document.createElement('span'), { textContent: title });
  const nll = test_nll ? formatNll(test_nll) : 'not measured';
  for (const fact of [`${formatCount(parameters)} parameters`, `${formatBytes(bytes)}, ${nll}`]) {
    card.append(' ', Object.assign(document.createElement('small'), { textContent: fact }));
  }
  const label = document.createElement('label');
  label.append(radio, card);
  return label;
}

/**
 * A likelihood with its unit.
 * @param {import('./engine.js').MeasuredNll} nll
 */
export function formatNll({ nats_per_image }) {
  return `${nats_per_image.toFixed(2)} nats`;
}

/**
 * What the nats of a network were measured on.
 * @param {ModelEntry | undefined} entry
 */
function meaning(entry) {
  if (!entry?.test_nll) return '';
  const { images, protocol } = entry.test_nll;
  return `Nats: −ln p of an image, the mean over ${formatCount(images)} images (${protocol}); fewer are better.`;
}
