/**
 * The choice of the network: each with its size, its download and how likely it finds the test images,
 * grouped by what it draws.
 */

import { explainNll, formatNll, groupNetworks } from './network-kinds.js';
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
    this.#choices.replaceChildren(...groupNetworks(models).map(choices));
  }

  /**
   * Shows which network draws.
   * @param {string} name
   */
  show(name) {
    for (const radio of this.#choices.querySelectorAll('input')) radio.checked = radio.value === name;
    this.#note.textContent = explainNll(this.#models.find((entry) => entry.name === name));
  }
}

/**
 * The networks of one kind under their heading.
 * @param {import('./network-kinds.js').NetworkGroup} group
 */
function choices({ title, about, entries }) {
  const heading = Object.assign(document.createElement('p'), { className: 'kind', textContent: title });
  heading.append(' ', Object.assign(document.createElement('span'), { textContent: about }));
  const cards = Object.assign(document.createElement('div'), { className: 'cards' });
  cards.append(...entries.map(choice));
  const group = document.createElement('div');
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', title);
  group.append(heading, cards);
  return group;
}

/** @param {ModelEntry} entry */
function choice(entry) {
  const { name, title, parameters, bytes } = entry;
  const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'network', value: name });
  const card = Object.assign(document.createElement('span'), { textContent: title });
  for (const fact of [`${formatCount(parameters)} parameters`, `${formatBytes(bytes)}, ${formatNll(entry)}`]) {
    card.append(' ', Object.assign(document.createElement('small'), { textContent: fact }));
  }
  const label = document.createElement('label');
  label.append(radio, card);
  return label;
}
