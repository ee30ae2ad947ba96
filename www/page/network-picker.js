/**
 * The choice of the network: first the pictures it shall draw, shown by some of them, then one of the networks for these
 * pictures. The paper's three stand in a row, what else there is behind "More".
 */

import { isInk } from '../shared/format.js';
import { modelUrl } from '../shared/models-folder.js';
import { describeNetwork, networkSets } from './network-kinds.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./network-kinds.js').NetworkSet} NetworkSet */

/** Room for a set's picture in CSS pixels; as in `style.css`. */
const PICTURE_SIDE = 28;

/** The paper's networks, in its order. */
const KINDS = ['pixelcnn', 'row_lstm', 'diagonal_bilstm'];

/** Two groups of radio buttons. */
export class NetworkPicker {
  #parts;
  #groups;
  /** @type {NetworkSet[]} */
  #sets = [];
  /** Whose networks are shown. @type {NetworkSet | undefined} */
  #chosen;
  /** The network last used of each set. @type {Map<NetworkSet, string>} */
  #last = new Map();

  /**
   * @param {HTMLElement} page
   * @param {(name: string) => void} onPick
   */
  constructor(page, onPick) {
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (page.querySelector(selector));
    this.#parts = { sets: part('#sets > div'), networks: part('#networks > div'), own: part('#own-network-choice'), note: part('#networks-note'), credit: part('#set-credit') };
    this.#groups = [part('#sets'), part('#networks')];
    this.#parts.sets.addEventListener('change', ({ target }) => {
      const set = this.#sets[Number(/** @type {HTMLInputElement} */ (target).value)];
      onPick(this.#last.get(set) ?? set.entries[0].name);
    });
    this.#parts.networks.addEventListener('change', ({ target }) => {
      const { type, value } = /** @type {HTMLInputElement} */ (target);
      if (type === 'radio') onPick(value);
    });
    const close = () => this.#more?.removeAttribute('open');
    page.addEventListener('pointerdown', ({ target }) => this.#more?.contains(/** @type {Node} */ (target)) || close());
    this.#parts.networks.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#more?.open) return;
      event.preventDefault();
      close();
      (/** @type {HTMLElement} */ (this.#more.firstElementChild)).focus();
    });
  }

  /** The networks that stand behind "More". @returns {HTMLDetailsElement | null} */
  get #more() {
    return this.#parts.networks.querySelector('details');
  }

  /**
   * @param {ModelEntry[]} models  none: there is no choice
   * @param {import('../engine.js').ModelSet[]} sets
   */
  offer(models, sets) {
    this.#sets = networkSets(models, sets);
    this.#chosen = undefined;
    this.#parts.own.hidden = false;
    this.#parts.sets.replaceChildren(...this.#sets.map(setChoice));
    for (const group of this.#groups) group.hidden = !this.#sets.length;
  }

  /**
   * Shows which network draws, among those of its set.
   * @param {string} name
   */
  show(name) {
    const set = this.#sets.find(({ entries }) => entries.some((entry) => entry.name === name));
    const { sets, networks, own, note, credit } = this.#parts;
    const focused = networks.contains(document.activeElement);
    if (set !== this.#chosen) networks.replaceChildren(...(set ? networkChoices(set, own) : []));
    this.#chosen = set;
    if (set) this.#last.set(set, name);
    check(sets, String(set && this.#sets.indexOf(set)));
    check(networks, name);
    const behind = this.#more?.querySelector(':checked')?.nextElementSibling?.textContent;
    this.#more?.toggleAttribute('data-chosen', behind !== undefined);
    this.#more?.firstElementChild?.replaceChildren(Object.assign(document.createElement('span'), { textContent: behind ?? 'More' }));
    if (focused && !networks.contains(document.activeElement)) this.#focus();
    note.textContent = describeNetwork(set?.entries.find((entry) => entry.name === name));
    credit.textContent = set?.credit ?? '';
    credit.hidden = !set?.credit;
  }

  /** Where the choice that had the focus is no more: what is chosen has it, or "More" that it stands behind. */
  #focus() {
    const chosen = /** @type {HTMLElement | null} */ (this.#parts.networks.querySelector(':checked'));
    const behind = this.#more?.contains(chosen) ? this.#more?.querySelector('summary') : chosen;
    behind?.focus();
  }
}

/**
 * @param {HTMLElement} radios
 * @param {string} value
 */
function check(radios, value) {
  for (const radio of radios.querySelectorAll('input')) radio.checked = radio.value === value;
}

/**
 * @param {NetworkSet} set
 * @param {number} index
 */
function setChoice({ title, about, picture, entries }, index) {
  const words = Object.assign(document.createElement('span'), { className: 'words', textContent: title });
  const card = Object.assign(document.createElement('span'), { title: about });
  if (picture) card.append(setPicture(picture, entries[0].config));
  card.append(words);
  return choice('set', String(index), card);
}

/**
 * Four of a set's pictures, enlarged to whole multiples of their pixels.
 * @param {string} file
 * @param {import('../engine.js').ModelConfig | undefined} config  of a network that draws such pictures
 */
function setPicture(file, config) {
  const sides = config ? [2 * config.width, 2 * config.height] : [PICTURE_SIDE, PICTURE_SIDE];
  const times = Math.max(1, Math.floor(PICTURE_SIDE / Math.max(...sides)));
  const [width, height] = sides.map((side) => times * side);
  // The title stands beside it: a reader of the page need not hear of the picture.
  const image = Object.assign(new Image(width, height), { alt: '', loading: 'lazy', decoding: 'async' });
  image.toggleAttribute('data-ink', config !== undefined && isInk(config));
  const frame = Object.assign(document.createElement('span'), { className: 'picture' });
  frame.append(image);
  image.addEventListener('error', () => frame.remove());
  image.src = modelUrl(file);
  return frame;
}

/**
 * The first network of each of the paper's kinds, and what else there is behind "More".
 * @param {NetworkSet} set
 * @param {HTMLElement} own  the choice of a network of the visitor's own
 */
function networkChoices({ entries }, own) {
  const plain = KINDS.map((kind) => entries.find(({ config }) => config?.network === kind && !config.conditioning));
  const main = plain.filter((entry) => entry !== undefined);
  const more = document.createElement('details');
  const list = document.createElement('div');
  list.append(...entries.filter((entry) => !main.includes(entry)).map(networkChoice), own);
  more.append(document.createElement('summary'), list);
  // With the keyboard a group of radio buttons is one stop, and the one checked may stand outside.
  more.addEventListener('toggle', () => more.open && list.querySelector('input')?.focus({ preventScroll: true }));
  return [...main.map(networkChoice), more];
}

/**
 * What tells the paper's networks apart stands first in their names; the rest is for the ear alone where there is little room.
 * @param {ModelEntry} entry
 */
function networkChoice({ name, title }) {
  const [, first = title, rest] = /^(.+)( (?:Bi)?LSTM)$/.exec(title) ?? [];
  const card = document.createElement('span');
  card.append(first);
  if (rest) card.append(Object.assign(document.createElement('span'), { className: 'rest', textContent: rest }));
  return choice('network', name, card);
}

/**
 * @param {string} name
 * @param {string} value
 * @param {HTMLElement} card
 * @returns {HTMLElement}
 */
function choice(name, value, card) {
  const label = document.createElement('label');
  label.append(Object.assign(document.createElement('input'), { type: 'radio', name, value }), card);
  return label;
}
