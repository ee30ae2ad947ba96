/**
 * The bar of positions in a picture: how many of its values are shown, over a wave of what each of them cost.
 */

import { isShortcut } from '../pixel-cursor.js';
import { MOST_BITS } from './ramps.js';

/** Keys that a range field has a use for. */
const OWN_KEYS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'];

/** Those of them that step by a row of the picture. */
const KEYS = /** @type {Record<string, -1 | 1>} */ ({ PageUp: 1, PageDown: -1 });

/** A range field over a canvas. */
export class Scrubber {
  #parts;
  /** @type {import('./trace.js').Trace | null} */
  #trace = null;
  /** Of the wave, in CSS pixels. */
  #size = { width: 0, height: 0 };

  /**
   * @param {HTMLElement} section
   * @param {(position: number) => void} onMove  told where a visitor wants it to be
   */
  constructor(section, onMove) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#parts = {
      range: /** @type {HTMLInputElement} */ (part('#scrubber-range')),
      wave: /** @type {HTMLCanvasElement} */ (part('#scrubber-wave')),
      text: /** @type {HTMLOutputElement} */ (part('#scrubber-text')),
    };
    const { range, wave } = this.#parts;
    range.addEventListener('input', () => onMove(Number(range.value)));
    range.addEventListener('keydown', (event) => {
      // A host of this page does not turn to its next one.
      if (OWN_KEYS.includes(event.key) && !isShortcut(event)) event.stopPropagation();
      const step = KEYS[event.key];
      if (!step || !this.#trace) return;
      event.preventDefault();
      const { parts, info } = this.#trace;
      onMove(Number(range.value) + step * parts[parts.length - 1].width * info.channels);
    });
    // Told, not asked for: asking would have the page laid out at once.
    new ResizeObserver(([{ contentRect }]) => {
      this.#size = contentRect;
      this.#draw();
    }).observe(wave);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  /** @param {import('./trace.js').Trace} trace */
  showTrace(trace) {
    this.#trace = trace;
    this.#parts.range.max = String(trace.length);
    this.#draw();
  }

  /**
   * @param {number} position
   * @param {string} place  where the value stands that was drawn last, in words
   */
  showPosition(position, place) {
    const { range, text } = this.#parts;
    const said = `${position} of ${range.max}`;
    range.value = String(position);
    range.setAttribute('aria-valuetext', place ? `${said}, ${place}` : said);
    text.textContent = said;
    this.#parts.wave.style.setProperty('--shown', `${(100 * position) / Number(range.max)}%`);
  }

  /** Each column of the wave is as high as the dearest value that it stands for, by the root, as in the view of them. */
  #draw() {
    const { wave } = this.#parts;
    const width = Math.round(this.#size.width * devicePixelRatio);
    const height = Math.round(this.#size.height * devicePixelRatio);
    const context = wave.getContext('2d');
    if (!this.#trace || !context || !width) return;
    Object.assign(wave, { width, height });
    context.fillStyle = getComputedStyle(wave).color;
    const { known, length } = this.#trace;
    const columns = Math.min(width, length);
    for (let column = 0; column < columns; column++) {
      const [from, to] = [column, column + 1].map((edge) => Math.round((edge * length) / columns));
      let bits = 0;
      for (let k = from; k < Math.min(to, known); k++) bits = Math.max(bits, this.#trace.bits(k));
      const high = Math.max(height * Math.sqrt(Math.min(bits, MOST_BITS) / MOST_BITS), from < known ? devicePixelRatio : 0);
      const [left, right] = [column, column + 1].map((edge) => (edge * width) / columns);
      context.fillRect(left, height - high, right - left, high);
    }
  }
}
