/**
 * "How a window is kept honest": masks A and B as the matrices that the networks have, and a window that slides over a picture.
 */

import { sentence } from '../../shared/sentence.js';
import { onSight } from '../in-sight.js';
import { takeTurns } from './stage.js';
import { cell, drawing, mark, shape } from './svg.js';

const COLOURS = Object.freeze(['red', 'green', 'blue']);
const SIZES = Object.freeze({ A: 7, B: 3 });

/** The picture under the window, in pixels, and where the window begins and ends. */
const PICTURE = Object.freeze({ width: 18, height: 9 });
const FROM = 3 * PICTURE.width + 4;
const TO = 5 * PICTURE.width + 9;

const PIXEL = 20;
const ENTRY = 28;
/** Between the picture and the matrices, and between those. */
const GAP = 44;
const TURN_MS = 9_000;

/** @typedef {Record<'A' | 'B', Uint8Array>} Masks  `[colour made, colour read, size, size]` each */

/** Shows the masks. */
export class WindowMasks {
  #engine;
  #section;
  #caption;
  /** @type {Masks | null} */
  #masks = null;
  #asked = false;
  #picture = squares(PICTURE, PIXEL);
  #entries = { A: squares({ width: SIZES.A, height: SIZES.A }, ENTRY), B: squares({ width: SIZES.B, height: SIZES.B }, ENTRY) };
  #numbers = { A: numbers(SIZES.A), B: numbers(SIZES.B) };
  #frame = shape('rect', { class: 'window', height: SIZES.A * PIXEL });
  #centre = shape('rect', { class: 'centre', width: PIXEL, height: PIXEL });
  #part = 1;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    this.#engine = engine;
    this.#section = section;
    this.#caption = /** @type {HTMLElement} */ (section.querySelector('figcaption'));
    const place = /** @type {HTMLElement} */ (section.querySelector('.picture-place'));
    place.append(this.#draw());
    section.addEventListener('change', () => this.#tell());
    onSight(place, 0.1, (near) => {
      if (near && !this.#asked) void this.#ask(place);
    });
  }

  /** @param {HTMLElement} place */
  async #ask(place) {
    this.#asked = true;
    try {
      const of = (/** @type {'A' | 'B'} */ kind) => this.#engine.mask({ kind, size: SIZES[kind], channels: COLOURS.length });
      const [A, B] = await Promise.all([of('A'), of('B')]);
      this.#masks = { A, B };
      this.#tell();
      takeTurns(place, { ms: TURN_MS, show: (part) => this.#slide(part) });
    } catch (error) {
      this.#asked = false;
      this.#caption.textContent = sentence(error);
    }
  }

  #draw() {
    const down = PICTURE.height * PIXEL + GAP;
    const right = SIZES.A * ENTRY + GAP;
    const matrix = (/** @type {'A' | 'B'} */ kind, /** @type {number} */ left) => shape(
      'g', { transform: `translate(${left} ${down})` },
      shape('text', { x: 0, y: -10 }, `Mask ${kind}, ${SIZES[kind]} × ${SIZES[kind]}`), ...this.#entries[kind], ...this.#numbers[kind],
      shape('rect', { class: 'centre', x: ((SIZES[kind] - 1) / 2) * ENTRY, y: ((SIZES[kind] - 1) / 2) * ENTRY, width: ENTRY, height: ENTRY }),
    );
    return drawing(
      { width: PICTURE.width * PIXEL, height: down + SIZES.A * ENTRY, label: 'A window of seven by seven pixels over a picture that is half drawn, and the two masks as matrices of zeros and ones' },
      ...this.#picture, this.#centre, this.#frame, matrix('A', 0), matrix('B', right),
    );
  }

  /** The colour chosen of a group. @param {'made' | 'read'} name */
  #chosen(name) {
    return Number(/** @type {HTMLInputElement} */ (this.#section.querySelector(`input[name='colour-${name}']:checked`)).value);
  }

  /**
   * Entry of the mask between the chosen colours.
   * @param {'A' | 'B'} kind
   * @param {number} at  within the window, in reading order
   */
  #entry(kind, at) {
    const size = SIZES[kind];
    return this.#masks?.[kind][(this.#chosen('made') * COLOURS.length + this.#chosen('read')) * size * size + at];
  }

  /** The matrices of the chosen colours. */
  #tell() {
    if (!this.#masks) return;
    for (const kind of /** @type {const} */ (['A', 'B'])) {
      this.#entries[kind].forEach((square, at) => mark(square, this.#entry(kind, at) === 1 && 'known'));
      this.#numbers[kind].forEach((number, at) => (number.textContent = String(this.#entry(kind, at))));
    }
    const [made, read] = [COLOURS[this.#chosen('made')], COLOURS[this.#chosen('read')]];
    const centre = (/** @type {'A' | 'B'} */ kind) => (this.#entry(kind, (SIZES[kind] ** 2 - 1) / 2) ? '1' : '0');
    this.#caption.textContent = `What makes ${made} reads ${read}: at the centre ${centre('A')} under mask A, ${centre('B')} under mask B.`;
    this.#slide(this.#part);
  }

  /** @param {number} part */
  #slide(part) {
    this.#part = part;
    const at = Math.round(FROM + part * (TO - FROM));
    const [left, top] = [(at % PICTURE.width) - 3, Math.floor(at / PICTURE.width) - 3];
    // At the edge the window is as wide as there is picture under it.
    const [from, to] = [Math.max(0, left), Math.min(PICTURE.width, left + SIZES.A)];
    this.#frame.setAttribute('x', String(from * PIXEL));
    this.#frame.setAttribute('width', String((to - from) * PIXEL));
    this.#frame.setAttribute('y', String(top * PIXEL));
    this.#centre.setAttribute('x', String((left + 3) * PIXEL));
    this.#centre.setAttribute('y', String((top + 3) * PIXEL));
    this.#picture.forEach((square, pixel) => {
      const [x, y] = [(pixel % PICTURE.width) - left, Math.floor(pixel / PICTURE.width) - top];
      const inside = x >= 0 && x < SIZES.A && y >= 0 && y < SIZES.A;
      const seen = inside && this.#entry('A', y * SIZES.A + x) === 1;
      mark(square, pixel < at && 'known', seen && 'heard');
    });
  }
}

/**
 * @param {{ width: number, height: number }} size
 * @param {number} side
 */
function squares({ width, height }, side) {
  return Array.from({ length: width * height }, (_, at) => cell(at % width, Math.floor(at / width), side));
}

/** @param {number} size */
function numbers(size) {
  return Array.from({ length: size * size }, (_, at) => shape('text', {
    x: ((at % size) + 0.5) * ENTRY, y: (Math.floor(at / size) + 0.5) * ENTRY + 4, 'text-anchor': 'middle',
  }));
}
