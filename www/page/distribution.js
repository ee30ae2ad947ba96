/**
 * "One pixel": what the network expected of a pixel of a picture that it has drawn, value by value
 * (the paper's figure 6).
 */

import { isInk } from '../shared/format.js';
import { bitsOf, formatBits, histogram, nameLevel } from './histogram.js';
import { rowsOf } from './levels.js';
import { isPrinting, onPrint } from '../shared/printing.js';
import { RowCanvas } from '../shared/row-canvas.js';
import { sentence } from '../shared/sentence.js';
import { nextPixel, outlinePixel } from './pixel-cursor.js';

/** How far out of sight the section begins to work. */
const NEAR = '200px';

/** @typedef {'samples' | 'completions'} Source */
/** @typedef {import('../engine.js').ModelInfo} ModelInfo */

/**
 * Pictures that a network has drawn.
 * @typedef {object} Drawn
 * @property {string} model
 * @property {ModelInfo} info
 * @property {number} temperature
 * @property {Uint8Array} levels    of all, `[count, C, H, W]`
 * @property {Uint8Array} [given]   `[H, W]`, 1 where a pixel was given
 * @property {string[]} names
 */

/** Names of a pixel's values, and the classes that colour them. @type {Record<string, Array<[name: string, hue: string]>>} */
const VALUES = {
  ink: [['Paper or ink', 'ink']],
  grey: [['Grey', 'ink']],
  colour: [['Red', 'red'], ['Green', 'green'], ['Blue', 'blue']],
};

/** Shows one pixel of one picture at a time. */
export class Distribution {
  #engine;
  #section;
  #parts;
  #picture;
  /** @type {Map<Source, Drawn>} */
  #drawn = new Map();
  /** @type {{ source: Source, image: number }} */
  #chosen = { source: 'samples', image: 0 };
  /** @type {{ x: number, y: number } | null} */
  #pixel = null;
  #near = false;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#section = section;
    this.#parts = {
      choice: /** @type {HTMLSelectElement} */ (part('#distribution-picture')),
      canvas: /** @type {HTMLCanvasElement} */ (part('#distribution-canvas')),
      cursor: /** @type {HTMLElement} */ (part('#distribution-cursor')),
      charts: /** @type {HTMLElement} */ (part('#distribution-charts')),
      report: /** @type {HTMLElement} */ (part('#distribution-report')),
      note: /** @type {HTMLElement} */ (part('#distribution-note')),
    };
    this.#picture = new RowCanvas(this.#parts.canvas);
    this.#parts.choice.addEventListener('change', () => {
      const [source, image] = this.#parts.choice.value.split(' ');
      this.#chosen = { source: /** @type {Source} */ (source), image: Number(image) };
      this.#show();
    });
    this.#parts.canvas.addEventListener('pointerdown', (event) => {
      const at = this.#picture.pixelAt(event);
      if (at && event.button === 0) this.#moveTo(at);
    });
    this.#parts.canvas.addEventListener('keydown', (event) => this.#key(event));
    new IntersectionObserver((entries) => {
      this.#near = entries[entries.length - 1].isIntersecting;
      if (this.#near) void this.#ask();
    }, { rootMargin: NEAR }).observe(section);
    onPrint(() => void this.#ask());
  }

  /**
   * Takes pictures just drawn, in place of earlier ones of the same source.
   * @param {Source} source
   * @param {Drawn} drawn
   */
  offer(source, drawn) {
    this.#drawn.set(source, drawn);
    this.#list();
    if (source !== this.#chosen.source && this.#drawn.has(this.#chosen.source)) this.#select();
    else this.#show();
  }

  /**
   * Forgets the pictures of a source: they are of something else than is chosen now.
   * @param {Source} source
   */
  withdraw(source) {
    if (!this.#drawn.delete(source)) return;
    this.#list();
    if (this.#drawn.size) return this.#show();
    this.#run?.abort();
    this.#picture.clear();
    this.#parts.cursor.removeAttribute('style');
    this.#parts.charts.replaceChildren();
    for (const said of [this.#parts.report, this.#parts.note]) said.textContent = '';
  }

  /** The pictures there are to choose from. */
  #list() {
    const groups = [...this.#drawn].map(([from, { names }]) => {
      const group = Object.assign(document.createElement('optgroup'), { label: from === 'samples' ? 'Samples' : 'Completions' });
      group.append(...names.map((name, image) => new Option(name, `${from} ${image}`)));
      return group;
    });
    this.#parts.choice.replaceChildren(...groups);
  }

  /**
   * Shows a pixel that was chosen elsewhere on the page, and comes into sight.
   * @param {Source} source
   * @param {{ image: number, x: number, y: number }} pixel
   */
  pick(source, { image, x, y }) {
    if (!this.#drawn.has(source)) return;
    this.#chosen = { source, image };
    this.#pixel = { x, y };
    this.#show();
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#section.scrollIntoView({ block: 'nearest', behavior: still ? 'auto' : 'smooth' });
  }

  /** The picture chosen, which may be one that a smaller batch no longer has, or of a source that has none now. */
  #current() {
    const source = this.#drawn.has(this.#chosen.source) ? this.#chosen.source : [...this.#drawn.keys()][0];
    const drawn = this.#drawn.get(source);
    if (!drawn) return null;
    const image = Math.min(this.#chosen.image, drawn.names.length - 1);
    const { width, height, channels } = drawn.info;
    const size = width * height * channels;
    const x = Math.min(this.#pixel?.x ?? width >> 1, width - 1);
    const y = Math.min(this.#pixel?.y ?? height >> 1, height - 1);
    return { ...drawn, source, image, x, y, levels: drawn.levels.slice(image * size, (image + 1) * size) };
  }

  #select() {
    const current = this.#current();
    if (current) this.#parts.choice.value = `${current.source} ${current.image}`;
  }

  /** Shows the picture, and asks for the pixel. */
  #show() {
    const current = this.#current();
    if (!current) return;
    this.#select();
    const { info, levels, temperature } = current;
    const { width, height } = info;
    this.#picture.reset({ width, height, count: 1, ink: isInk(info) });
    for (const row of rowsOf([levels], info)) this.#picture.paint(row);
    const notes = [
      temperature === 1 ? '' : `These are the probabilities at temperature 1; the picture was drawn at ${temperature.toFixed(2)}.`,
      info.scales.length === 1 ? '' : 'The small picture that they depend on is taken from the one shown; the one drawn first may have differed.',
    ];
    this.#parts.note.textContent = notes.join(' ').trim();
    void this.#ask();
  }

  /** @param {{ x: number, y: number }} pixel */
  #moveTo(pixel) {
    this.#pixel = pixel;
    void this.#ask();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const current = this.#current();
    const next = current && nextPixel(event, current, current.info);
    if (!next) return;
    event.preventDefault();
    this.#moveTo(next);
  }

  /** Asks for the probabilities of the pixel's values, when the section is in sight. */
  async #ask() {
    const current = this.#current();
    if (!current) return;
    const { model, info, levels, x, y } = current;
    outlinePixel(this.#parts.cursor, current, info);
    this.#run?.abort();
    if (!this.#near && !isPrinting()) return;
    const run = new AbortController();
    this.#run = run;
    try {
      const channels = Array.from({ length: info.channels }, (_, channel) => channel);
      const answers = await Promise.all(channels.map((channel) => this.#engine.distribution({ model, levels, channel, y, x, signal: run.signal })));
      if (!run.signal.aborted) this.#report(current, answers);
    } catch (error) {
      if (run.signal.aborted) return;
      this.#parts.charts.replaceChildren();
      this.#parts.report.textContent = sentence(error);
    }
  }

  /**
   * @param {Drawn & { x: number, y: number }} current  with the levels of one picture
   * @param {Float32Array[]} answers  for each channel
   */
  #report({ info, levels, given, x, y }, answers) {
    const values = VALUES[isInk(info) ? 'ink' : info.channels === 3 ? 'colour' : 'grey'];
    const plane = info.width * info.height;
    const at = y * info.width + x;
    const charts = answers.map((probabilities, channel) => {
      const [name, hue] = values[channel];
      return { name, hue, ink: isInk(info), probabilities, level: levels[channel * plane + at], given: given?.[at] === 1 };
    });
    this.#parts.charts.replaceChildren(...charts.map(histogram));
    const said = charts.map(({ name, level, ink }) => (ink ? nameLevel(level, ink) : `${name.toLowerCase()} ${level}`)).join(', ');
    const bits = charts.reduce((sum, { probabilities, level }) => sum + bitsOf(probabilities[level]), 0);
    const how = given?.[at] === 1 ? 'given, not drawn' : 'drawn';
    this.#parts.report.textContent = `Row ${y + 1}, column ${x + 1}, ${how}: ${said}; ${formatBits(bits)}.`;
  }
}
