/**
 * A value that is ink or paper: a bar as long as certainty, parted where paper ends and ink begins, and the random number as a pin
 * on it. What the pin stands in is drawn. Where one of the two is cut off, it is hatched, and the pin goes as far into the other.
 */

import { formatChance } from './histogram.js';

/** Made once, and filled for every pixel. */
export class ValueBar {
  root = Object.assign(document.createElement('div'), { className: 'value-bar' });
  #paper = text('span', 'paper');
  #ink = text('span', 'ink');
  #bar = Object.assign(document.createElement('div'), { className: 'bar' });
  #cut = text('i', 'cut');
  #pin = Object.assign(document.createElement('i'), { className: 'pin' });
  #said = text('p', 'said');

  constructor() {
    this.root.setAttribute('role', 'img');
    const names = Object.assign(document.createElement('div'), { className: 'names' });
    names.append(this.#paper, this.#ink);
    this.#bar.append(text('i', 'part'), this.#cut, this.#pin);
    this.root.append(names, this.#bar, this.#said);
  }

  /**
   * @param {object} value
   * @param {number} value.ink      its probability
   * @param {Uint8Array | null} value.kept  whether paper and ink are, where one is not
   * @param {number} value.uniform  the random number, 0 to 1
   */
  show({ ink, kept, uniform }) {
    const [noPaper, noInk] = [0, 1].map((level) => (kept?.[level] === 0 ? ', cut off' : ''));
    const [from, to] = [noPaper ? 1 - ink : 0, noInk ? 1 - ink : 1];
    const [paper, drawn] = [`paper ${formatChance(1 - ink)}${noPaper}`, `${uniform.toFixed(3)}${kept ? ' of what is kept' : ''}`];
    this.#paper.textContent = paper;
    this.#ink.textContent = `${formatChance(ink)} ink${noInk}`;
    this.#cut.hidden = !kept;
    for (const [name, share] of Object.entries({ 'paper-share': 1 - ink, 'cut-from': noInk ? to : 0, 'cut-share': noInk ? ink : 1 - ink, pin: from + uniform * (to - from) })) {
      this.#bar.style.setProperty(`--${name}`, `${100 * share}%`);
    }
    this.#said.textContent = `the draw: ${drawn}`;
    this.root.setAttribute('aria-label', `${paper}, ink ${formatChance(ink)}${noInk}; the draw was ${drawn}`);
  }
}

/**
 * @param {string} tag
 * @param {string} className
 */
function text(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}
