/**
 * The paper's figure 1: occluded test digits, several completions of each, and the originals.
 */

import { joinImages, loadExamples } from './examples.js';
import { MaskBrush } from './mask-brush.js';
import { presetMask } from './masks.js';
import { PACES, Reveal } from './reveal.js';
import { RowCanvas } from './row-canvas.js';
import { formatCount, formatDuration } from './settings.js';

const DIGITS = 5;
const COMPLETIONS = { narrow: 3, wide: 6 };

/** Space between the three canvases, in CSS pixels; as in `style.css`. */
const COLUMN_GAP = 12;

/**
 * What a drawing of the figure depends on.
 * @typedef {object} CompletionSettings
 * @property {string} model
 * @property {bigint} seed
 * @property {number} temperature
 * @property {import('./reveal.js').Pace} pace
 * @property {import('./masks.js').Hidden} hidden
 */

/** @typedef {import('./engine.js').Row} Row */

/** Draws and redraws the figure. */
export class Completions {
  #engine;
  #section;
  #occluded;
  #completed;
  #originals;
  #brush;
  #brushPicture;
  #cursor;
  #report;
  /** @type {CompletionSettings | null} */
  #settings = null;
  #visible = false;
  #firstDigit = 0;
  #columns = 0;
  /** @type {Uint8Array | null} */
  #painted = null;
  /** Rows of the originals, and what they were made from. @type {{ key: string, rows: Row[] }} */
  #digits = { key: '', rows: [] };
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#section = section;
    this.#occluded = new RowCanvas(part('#occluded'));
    this.#completed = new RowCanvas(part('#completed'));
    this.#originals = new RowCanvas(part('#originals'));
    this.#report = /** @type {HTMLElement} */ (part('#completions-report'));
    this.#cursor = /** @type {HTMLElement} */ (part('#brush-cursor'));
    this.#brushPicture = new RowCanvas(part('#brush-canvas'));
    this.#brush = new MaskBrush(part('#brush-canvas'), {
      erases: () => part('#brush-erase').checked,
      onPaint: () => void this.#draw({ instant: true }),
    });
    part('#brush-clear').addEventListener('click', () => {
      this.#painted?.fill(0);
      void this.#draw({ instant: true });
    });
    part('#other-digits').disabled = false;
    part('#other-digits').addEventListener('click', () => {
      this.#firstDigit += DIGITS;
      void this.#draw();
    });
    for (const picture of [this.#occluded, this.#originals]) picture.reset({ width: 28, height: 28, count: DIGITS, columns: 1 });
    this.#watch(part('#figure-one'));
  }

  /**
   * Redraws with new settings, once the figure has been in sight.
   * @param {CompletionSettings} settings
   * @param {{ instant?: boolean }} [options]
   */
  update(settings, options) {
    if (settings.hidden === 'brush' && this.#settings?.hidden !== 'brush') this.#startPainting();
    this.#settings = { ...settings };
    /** @type {HTMLElement} */ (this.#section.querySelector('#brush')).hidden = settings.hidden !== 'brush';
    void this.#draw(options);
  }

  /** The brush goes on from the preset shown before. */
  #startPainting() {
    this.#painted = this.#settings ? presetMask(this.#settings.hidden, 28, 28) : null;
  }

  /**
   * Draws when the figure comes into sight, and lays it out by its width.
   * @param {HTMLElement} figure
   */
  #watch(figure) {
    const sight = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      sight.disconnect();
      this.#visible = true;
      void this.#draw();
    });
    sight.observe(figure);
    new ResizeObserver(([entry]) => {
      const { width } = entry.contentRect;
      const columns = width < 600 ? COMPLETIONS.narrow : COMPLETIONS.wide;
      const changed = columns !== this.#columns;
      this.#columns = columns;
      if (changed) this.#completed.reset({ width: 28, height: 28, count: DIGITS * columns, columns });
      this.#fit(width);
      if (changed) void this.#draw();
    }).observe(figure);
  }

  /** @param {number} width */
  #fit(width) {
    const pixels = 28 + (this.#columns * 30 - 2) + 28;
    for (const picture of [this.#occluded, this.#completed, this.#originals]) picture.fit(width - 2 * COLUMN_GAP, pixels);
  }

  /** @param {{ instant?: boolean }} [options] */
  async #draw({ instant = false } = {}) {
    if (!this.#visible || !this.#columns || !this.#settings?.model) return;
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    try {
      await this.#drawUntil(run.signal, this.#settings, instant);
    } catch (error) {
      if (run.signal.aborted) return;
      this.#report.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {CompletionSettings} settings
   * @param {boolean} instant
   */
  async #drawUntil(signal, { model, seed, temperature, pace, hidden }, instant) {
    const [{ width, height, images }, info] = await Promise.all([loadExamples(), this.#engine.load(model, { signal })]);
    if (info.width !== width || info.height !== height || info.levels !== 2) throw new Error('This network does not draw binary digits.');
    const digits = Array.from({ length: DIGITS }, (_, at) => images[(this.#firstDigit + at) % images.length]);
    const originals = await this.#rowsOf(digits, { model, signal });
    signal.throwIfAborted();
    if (hidden === 'brush') this.#painted ??= presetMask('centre', width, height);
    const mask = this.#painted && hidden === 'brush' ? this.#painted : presetMask(hidden, width, height);
    const columns = this.#columns;
    this.#showGiven(originals, mask, info);

    const count = digits.length * columns;
    const firstDrawn = Math.floor(mask.indexOf(1) / width);
    const paint = (/** @type {Row} */ { y, rgba }) => this.#completed.paint(y, rgba);
    const reveal = new Reveal(paint, { rowsPerSecond: instant ? Infinity : PACES[pace], signal });
    this.#completed.reset({ width, height, count, columns });
    const drawing = await this.#engine.complete({
      model, seed, temperature, count, signal,
      given: joinImages(digits, columns),
      mask: mask.slice(),
      // Rows that are wholly given need no show.
      onRow: (row) => (row.y < firstDrawn ? paint(row) : reveal.push(row)),
    });
    await reveal.drained();
    const ms = drawing.elapsed_ms;
    this.#report.textContent = `${formatCount(count)} completions in ${formatDuration(ms)}, ${formatDuration(ms / count)} each.`;
  }

  /**
   * Rows of images as they are: a completion in which nothing is hidden.
   * @param {Uint8Array[]} digits
   * @param {{ model: string, signal: AbortSignal }} options
   */
  async #rowsOf(digits, { model, signal }) {
    const key = `${model} ${this.#firstDigit}`;
    if (this.#digits.key !== key) {
      /** @type {Row[]} */
      const rows = [];
      const mask = new Uint8Array(digits[0].length);
      await this.#engine.complete({
        model, signal, mask,
        seed: 0n,
        count: digits.length,
        given: joinImages(digits, 1),
        onRow: (row) => rows.push(row),
      });
      this.#digits = { key, rows };
    }
    return this.#digits.rows;
  }

  /**
   * @param {Row[]} rows
   * @param {Uint8Array} mask
   * @param {import('./engine.js').ModelInfo} info
   */
  #showGiven(rows, mask, { width, height }) {
    const column = { width, height, count: DIGITS, columns: 1 };
    this.#originals.reset(column);
    this.#occluded.reset(column);
    this.#brushPicture.reset({ width, height, count: 1 });
    for (const { y, rgba } of rows) {
      this.#originals.paint(y, rgba);
      this.#occluded.paint(y, rgba);
      this.#brushPicture.paint(y, rgba.subarray(0, 4 * width));
    }
    this.#occluded.hide(mask);
    this.#brushPicture.hide(mask);
    this.#brush.edit(mask, width);
    const { x, y } = this.#brush.cursor;
    this.#cursor.style.left = `${(100 * x) / width}%`;
    this.#cursor.style.top = `${(100 * y) / height}%`;
  }
}
