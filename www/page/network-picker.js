/**
 * The choice of the network: first the pictures it shall draw, shown by some of them, then one of the networks for these
 * pictures, each with its size, its download and how likely it finds the test images.
 */

import { formatBytes, formatCount, isInk } from '../shared/format.js';
import { modelUrl } from '../shared/models-folder.js';
import { explainNll, formatNll, networkSets } from './network-kinds.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./network-kinds.js').NetworkSet} NetworkSet */

/** Room for a set's picture in CSS pixels; as in `style.css`. */
const PICTURE_SIDE = 64;

/** Two groups of radio buttons. */
export class NetworkPicker {
  #parts;
  #groups;
  /** @type {NetworkSet[]} */
  #sets = [];
  /** Whose networks are shown. @type {NetworkSet | undefined} */
  #chosen;
  /** The network that is checked. */
  #shown = '';
  /** The network last used of each set. @type {Map<NetworkSet, string>} */
  #last = new Map();

  /**
   * @param {HTMLElement} section
   * @param {(name: string) => void} onPick
   */
  constructor(section, onPick) {
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (section.querySelector(selector));
    this.#parts = { sets: part('#sets > div'), networks: part('#networks > div'), note: part('#networks-note'), credit: part('#set-credit') };
    this.#groups = [part('#sets'), part('#networks')];
    this.#parts.sets.addEventListener('change', ({ target }) => {
      const set = this.#sets[Number(/** @type {HTMLInputElement} */ (target).value)];
      onPick(this.#last.get(set) ?? set.entries[0].name);
    });
    this.#parts.networks.addEventListener('change', ({ target }) => onPick(/** @type {HTMLInputElement} */ (target).value));
  }

  /**
   * @param {ModelEntry[]} models  none: there is no choice
   * @param {import('../engine.js').ModelSet[]} sets
   */
  offer(models, sets) {
    this.#sets = networkSets(models, sets);
    this.#parts.sets.replaceChildren(...this.#sets.map(setChoice));
    for (const group of this.#groups) group.hidden = !this.#sets.length;
  }

  /**
   * Shows which network draws, among those of its set.
   * @param {string} name
   */
  show(name) {
    const set = this.#sets.find(({ entries }) => entries.some((entry) => entry.name === name));
    const { sets, networks, note, credit } = this.#parts;
    if (set !== this.#chosen) networks.replaceChildren(...(set?.entries ?? []).map(networkChoice));
    this.#chosen = set;
    if (set) this.#last.set(set, name);
    check(sets, String(set && this.#sets.indexOf(set)));
    check(networks, name);
    if (name !== this.#shown) for (const strip of [sets, networks]) showChecked(strip);
    this.#shown = set ? name : '';
    note.textContent = explainNll(set?.entries.find((entry) => entry.name === name));
    credit.textContent = set?.credit ?? '';
    credit.hidden = !set?.credit;
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
 * Brings what is checked into sight where the choices stand in a strip that scrolls, and leaves the page where it is.
 * @param {HTMLElement} strip
 */
function showChecked(strip) {
  const choice = strip.querySelector(':checked');
  if (!choice) return;
  const [around, own] = [strip, choice].map((element) => element.getBoundingClientRect());
  if (own.left < around.left || own.right > around.right) strip.scrollLeft += own.left + own.width / 2 - around.left - around.width / 2;
}

/**
 * @param {NetworkSet} set
 * @param {number} index
 */
function setChoice({ title, about, picture, entries }, index) {
  const words = Object.assign(document.createElement('span'), { className: 'words', textContent: title });
  words.append(' ', Object.assign(document.createElement('small'), { textContent: about }));
  const card = document.createElement('span');
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

/** @param {ModelEntry} entry */
function networkChoice(entry) {
  const { name, title, parameters, bytes } = entry;
  const card = Object.assign(document.createElement('span'), { textContent: title });
  for (const fact of [`${formatCount(parameters)} parameters`, `${formatBytes(bytes)}, ${formatNll(entry)}`]) {
    card.append(' ', Object.assign(document.createElement('small'), { textContent: fact }));
  }
  return choice('network', name, card);
}

/**
 * @param {string} name
 * @param {string} value
 * @param {HTMLElement} card
 */
function choice(name, value, card) {
  const label = document.createElement('label');
  label.append(Object.assign(document.createElement('input'), { type: 'radio', name, value }), card);
  return label;
}
