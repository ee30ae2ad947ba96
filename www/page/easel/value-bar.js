/**
 * A value that is ink or paper: a bar as long as certainty, parted where paper ends and ink begins, and the random number as a pin
 * on it. What the pin stands in is drawn.
 */

import { formatChance } from './histogram.js';

/** Made once, and filled for every pixel. */
export class ValueBar {
  root = Object.assign(document.createElement('div'), { className: 'value-bar' });
  #paper = text('span', 'paper');
  #ink = text('span', 'ink');
  #bar = Object.assign(document.createElement('div'), { className: 'bar' });
  #pin = Object.assign(document.createElement('i'), { className: 'pin' });
  #said = text('p', 'said');

  constructor() {
    this.root.setAttribute('role', 'img');
    const names = Object.assign(document.createElement('div'), { className: 'names' });
    names.append(this.#paper, this.#ink);
    this.#bar.append(text('i', 'part'), this.#pin);
    this.root.append(names, this.#bar, this.#said);
  }

  /**
   * @param {object} value
   * @param {number} value.ink      its probability, of what was drawn from
   * @param {number} value.uniform  the random number, 0 to 1
   */
  show({ ink, uniform }) {
    const [paper, drawn] = [`paper ${formatChance(1 - ink)}`, uniform.toFixed(3)];
    this.#paper.textContent = paper;
    this.#ink.textContent = `${formatChance(ink)} ink`;
    this.#bar.style.setProperty('--paper-share', `${100 * (1 - ink)}%`);
    this.#bar.style.setProperty('--pin', `${100 * uniform}%`);
    this.#said.textContent = `the draw: ${drawn}`;
    this.root.setAttribute('aria-label', `${paper}, ink ${formatChance(ink)}; the draw was ${drawn}`);
  }
}

/**
 * @param {string} tag
 * @param {string} className
 */
function text(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}
