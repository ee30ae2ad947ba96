/**
 * What the pointer does on the sheet: groups of radio buttons for the tool, the size of the brush and the ink.
 */

import { BRUSH_SIZES } from './brush.js';
import { INKS } from './inks.js';

/** @typedef {"ink" | "paper" | "hide" | "show" | "rectangle"} Tool */

/** The other end of a pen, and a pen with its button held. @type {Readonly<Record<Tool, Tool>>} */
const ERASERS = Object.freeze({ ink: 'paper', paper: 'paper', hide: 'show', show: 'show', rectangle: 'show' });

/** Reads the choices. */
export class Tools {
  #parts;

  /** @param {HTMLElement} section */
  constructor(section) {
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (section.querySelector(selector));
    this.#parts = { tools: part('#tools'), sizes: part('#brush-sizes'), inks: part('#inks') };
    this.#parts.inks.append(...INKS.map(inkChoice));
    // Whoever chooses a colour wants to paint with it.
    this.#parts.inks.addEventListener('change', () => check(this.#parts.tools, 'ink'));
  }

  /**
   * The tool in hand.
   * @param {boolean} erases  whether it is turned round
   * @returns {Tool}
   */
  tool(erases) {
    const tool = /** @type {Tool} */ (checked(this.#parts.tools));
    return erases ? ERASERS[tool] : tool;
  }

  get size() {
    return Number(checked(this.#parts.sizes));
  }

  get ink() {
    return INKS[Number(checked(this.#parts.inks))];
  }

  /**
   * Takes a smaller or larger brush.
   * @param {-1 | 1} by
   */
  resize(by) {
    const at = BRUSH_SIZES.indexOf(this.size) + by;
    check(this.#parts.sizes, String(BRUSH_SIZES[Math.min(Math.max(at, 0), BRUSH_SIZES.length - 1)]));
  }

  /**
   * There is a choice of inks where pictures are in colour.
   * @param {import('./sheet.js').Shape} shape
   */
  suit({ channels }) {
    this.#parts.inks.hidden = channels === 1;
  }
}

/** @param {HTMLElement} group */
function checked(group) {
  return /** @type {HTMLInputElement} */ (group.querySelector(':checked')).value;
}

/**
 * @param {HTMLElement} group
 * @param {string} value
 */
function check(group, value) {
  const radio = /** @type {HTMLInputElement} */ (group.querySelector(`[value="${value}"]`));
  radio.checked = true;
}

/**
 * @param {import('./inks.js').Ink} ink
 * @param {number} index
 */
function inkChoice({ name, rgb }, index) {
  const label = document.createElement('label');
  const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'ink', value: String(index), checked: index === 0 });
  radio.setAttribute('aria-label', name);
  const swatch = document.createElement('span');
  swatch.title = name;
  swatch.style.setProperty('--ink-colour', `rgb(${rgb.join(' ')})`);
  label.append(radio, swatch);
  return label;
}
