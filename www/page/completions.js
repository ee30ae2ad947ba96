/**
 * The paper's figure 1: occluded pictures, several completions of each, and the originals. The pictures
 * are test images, and one of the visitor's own.
 */

import { onDensityChange } from '../shared/density.js';
import { formatCount, formatDuration, isInk } from '../shared/format.js';
import { joinImages, loadExamples } from './examples.js';
import { rowsOf } from './levels.js';
import { MaskBrush } from './mask-brush.js';
import { presetMask, resizeMask } from './masks.js';
import { PictureIntake } from './picture-intake.js';
import { onPrint } from '../shared/printing.js';
import { PACES, Reveal } from '../shared/reveal.js';
import { RowCanvas } from '../shared/row-canvas.js';
import { sentence } from '../shared/sentence.js';
import { outlinePixel } from './pixel-cursor.js';

/** Pictures at a time. */
const PICTURES = 5;
const COMPLETIONS = { narrow: 3, wide: 6 };

/** Space between the three canvases, in CSS pixels; as in `style.css`. */
const COLUMN_GAP = 12;

/** Networks whose figure takes longer than `SLOW_MS` wait until the brush or slider has paused. */
const SLOW_MS = 400;
const PAUSE_MS = 200;

/**
 * What a drawing of the figure depends on.
 * @typedef {object} CompletionSettings
 * @property {string} model
 * @property {bigint} seed
 * @property {number} temperature
 * @property {import('../shared/reveal.js').Pace} pace
 * @property {import('./masks.js').Hidden} hidden
 * @property {number} example  the first test image shown
 */

/** @typedef {import('../engine.js').ModelInfo} ModelInfo */

/**
 * Pictures to be completed.
 * @typedef {object} Originals
 * @property {Uint8Array[]} images  levels
 * @property {string[]} names       as in "Completion 2 of ..."
 * @property {string} note          what they are, from top to bottom
 * @property {number} next          the first test image after them
 * @property {boolean} others       whether there are test images besides
 */

/**
 * What others are told.
 * @typedef {object} CompletionActions
 * @property {(drawn: import('./distribution.js').Drawn | null) => void} onDrawn  null when nothing is drawn any more
 * @property {(pixel: { image: number, x: number, y: number }) => void} onPick
 * @property {(example: number) => void} onOther  the visitor asks for the test images from this one on
 */

/** Draws and redraws the figure. */
export class Completions {
  #engine;
  #onDrawn;
  #parts;
  #occluded;
  #completed;
  #originals;
  #brush;
  #brushPicture;
  /** @type {CompletionSettings | null} */
  #settings = null;
  /** The network whose completions are shown. */
  #shown = '';
  /** Whether all of them are. */
  #whole = false;
  #visible = false;
  #columns = 0;
  /** Width of the figure in CSS pixels. */
  #available = 0;
  /** Of a picture, in its pixels. */
  #width = 28;
  #slow = false;
  /** The first test image after those shown. */
  #next = PICTURES;
  /** @type {{ mask: Uint8Array, width: number, height: number } | null} */
  #painted = null;
  /** @type {import('./own-picture.js').OwnPicture | null} */
  #own = null;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../engine.js').Engine} engine
   * @param {HTMLElement} section
   * @param {CompletionActions} actions
   */
  constructor(engine, section, actions) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#onDrawn = actions.onDrawn;
    this.#parts = {
      brush: part('#brush'),
      cursor: part('#brush-cursor'),
      figure: part('#figure-one'),
      note: part('#examples-note'),
      report: part('#completions-report'),
      other: part('#other-examples'),
      how: part('#own-how'),
      remove: part('#own-remove'),
      fault: part('#own-fault'),
    };
    this.#occluded = new RowCanvas(part('#occluded'));
    this.#completed = new RowCanvas(part('#completed'));
    this.#originals = new RowCanvas(part('#originals'));
    this.#brushPicture = new RowCanvas(part('#brush-canvas'));
    this.#brush = new MaskBrush(part('#brush-canvas'), {
      erases: () => part('#brush-erase').checked,
      onPaint: () => void this.#draw({ instant: true }),
    });
    part('#brush-clear').addEventListener('click', () => {
      this.#painted?.mask.fill(0);
      void this.#draw({ instant: true });
    });
    this.#parts.other.disabled = false;
    this.#parts.other.addEventListener('click', () => actions.onOther(this.#next));
    part('#completed').addEventListener('click', (/** @type {MouseEvent} */ event) => {
      const pixel = this.#completed.pixelAt(event);
      if (pixel && this.#whole) actions.onPick(pixel);
    });
    this.#takePictures(section, part('#own-file'));
    for (const picture of [this.#occluded, this.#originals]) picture.reset({ width: 28, height: 28, count: PICTURES, columns: 1 });
    this.#brushPicture.reset({ width: 28, height: 28, count: 1 });
    this.#watch(this.#parts.figure);
  }

  /**
   * Redraws with new settings, once the figure has been in sight.
   * @param {CompletionSettings} settings
   * @param {{ instant?: boolean }} [options]
   */
  update(settings, options) {
    // The brush goes on from the preset shown before.
    if (settings.hidden === 'brush' && this.#settings && this.#settings.hidden !== 'brush') {
      this.#painted = { mask: presetMask(this.#settings.hidden, 28, 28), width: 28, height: 28 };
    }
    this.#settings = { ...settings };
    this.#showBrush();
    void this.#draw(options);
  }

  /**
   * @param {HTMLElement} section
   * @param {HTMLInputElement} input
   */
  #takePictures(section, input) {
    const show = (/** @type {import('./own-picture.js').OwnPicture | null} */ picture) => {
      this.#own = picture;
      this.#parts.remove.hidden = !picture;
      this.#visible = true;
      void this.#draw();
    };
    const onFault = (/** @type {string} */ sentence) => {
      this.#parts.fault.textContent = sentence;
      this.#parts.fault.hidden = !sentence;
    };
    new PictureIntake(section, input, { onPicture: show, onFault });
    this.#parts.remove.addEventListener('click', () => {
      onFault('');
      show(null);
      input.focus();
    });
  }

  /**
   * Draws when the figure comes into sight or is printed, and lays it out by its width.
   * @param {HTMLElement} figure
   */
  #watch(figure) {
    const begin = () => {
      sight.disconnect();
      if (this.#visible) return;
      this.#visible = true;
      void this.#draw();
    };
    const sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin());
    sight.observe(figure);
    onPrint(begin);
    onDensityChange(() => this.#fit());
    new ResizeObserver(([entry]) => {
      if (!entry.contentRect.width) return;
      this.#available = entry.contentRect.width;
      const columns = this.#available < 600 ? COMPLETIONS.narrow : COMPLETIONS.wide;
      const changed = columns !== this.#columns;
      this.#columns = columns;
      if (changed) this.#completed.reset({ width: 28, height: 28, count: PICTURES * columns, columns });
      this.#fit();
      if (changed) void this.#draw();
    }).observe(figure);
  }

  /** Where it is chosen, and there is a picture to paint on. */
  #showBrush() {
    this.#parts.brush.hidden = this.#settings?.hidden !== 'brush' || this.#parts.figure.hidden;
  }

  #fit() {
    const width = this.#width;
    const pixels = width + (this.#columns * (width + 2) - 2) + width;
    for (const picture of [this.#occluded, this.#completed, this.#originals]) picture.fit(this.#available - 2 * COLUMN_GAP, pixels);
  }

  /** @param {{ instant?: boolean }} [options] */
  async #draw({ instant = false } = {}) {
    if (!this.#visible || !this.#columns || !this.#settings?.model) return;
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#whole = false;
    if (this.#shown !== this.#settings.model) {
      this.#showNothing();
      this.#parts.how.textContent = '';
    }
    try {
      await this.#drawUntil(run.signal, this.#settings, instant);
    } catch (error) {
      if (run.signal.aborted) return;
      // Rows that are still to be shown are not.
      run.abort();
      this.#showNothing();
      this.#parts.report.textContent = sentence(error);
    }
  }

  /** Whatever is there is of something else than is chosen now. */
  #showNothing() {
    this.#shown = '';
    for (const picture of [this.#occluded, this.#completed, this.#originals, this.#brushPicture]) picture.clear();
    for (const said of [this.#parts.note, this.#parts.report]) said.textContent = '';
    this.#onDrawn(null);
  }

  /**
   * @param {AbortSignal} signal
   * @param {CompletionSettings} settings
   * @param {boolean} instant
   */
  async #drawUntil(signal, { model, seed, temperature, pace, hidden, example }, instant) {
    const info = await this.#engine.load(model, { signal });
    const { width, height } = info;
    this.#parts.how.textContent = howItIsTaken(info);
    const { images, names, note, next, others } = await this.#choose(model, info, example);
    signal.throwIfAborted();
    this.#parts.figure.hidden = images.length === 0;
    this.#showBrush();
    this.#parts.note.textContent = note;
    this.#next = next;
    this.#parts.other.disabled = !others;
    if (!images.length) throw new Error('There are no test images for this network here; bring a picture of your own.');
    const mask = hidden === 'brush' ? this.#paintedMask(info) : presetMask(hidden, width, height);
    const columns = this.#columns;
    this.#width = width;
    this.#showGiven(images, mask, info);
    if (instant && this.#slow) await pause(PAUSE_MS, signal);

    const count = images.length * columns;
    const firstDrawn = Math.floor(mask.indexOf(1) / width);
    const paint = (/** @type {import('../engine.js').Row} */ row) => this.#completed.paint(row);
    const reveal = new Reveal(paint, { rowsPerSecond: instant ? Infinity : PACES[pace], signal });
    this.#completed.reset({ width, height, count, columns, ink: isInk(info) });
    this.#fit();
    this.#shown = model;
    // What the brush follows is there again before it could be missed.
    if (!instant) this.#parts.report.textContent = '';
    const drawing = await this.#engine.complete({
      model, seed, temperature, count, signal,
      given: joinImages(images, columns),
      mask: mask.slice(),
      // Rows that are wholly given need no show. (Rows of a smaller picture that do lie below them.)
      onRow: (row) => (row.y < firstDrawn ? paint(row) : reveal.push(row)),
    });
    const ms = drawing.elapsed_ms;
    this.#slow = ms > SLOW_MS;
    await reveal.drained();
    this.#parts.report.textContent = `${formatCount(count)} completions in ${formatDuration(ms)}, ${formatDuration(ms / count)} each.`;
    this.#whole = true;
    this.#onDrawn({
      model, info, temperature,
      levels: drawing.levels,
      given: mask.map((value) => 1 - value),
      names: Array.from({ length: count }, (_, k) => `Completion ${1 + (k % columns)} of ${names[Math.floor(k / columns)]}`),
    });
  }

  /**
   * The visitor's picture, if there is one, and as many test images as there is room for.
   * @param {string} model
   * @param {ModelInfo} info
   * @param {number} first
   * @returns {Promise<Originals>}
   */
  async #choose(model, info, first) {
    const [models, sets] = await Promise.all([this.#engine.models(), this.#engine.sets()]);
    const entry = models.find(({ name }) => name === model);
    const examples = await loadExamples(sets.find(({ name }) => name === entry?.set), info).catch((error) => {
      if (this.#own) return null;
      throw error;
    });
    const own = this.#own ? [this.#own.levelsFor(info)] : [];
    const room = examples ? PICTURES - own.length : 0;
    const places = Array.from({ length: room }, (_, at) => (first + at) % (examples?.images.length ?? 1));
    const indices = places.map((at) => examples?.indices[at]);
    const numbers = indices.length ? `${examples?.name}s ${indices.slice(0, -1).join(', ')} and ${indices[room - 1]}` : '';
    const note = [own.length ? 'your picture' : '', numbers].filter(Boolean).join(', then ');
    return {
      images: [...own, ...places.map((at) => /** @type {Uint8Array} */ (examples?.images[at]))],
      names: [...own.map(() => 'your picture'), ...indices.map((index) => `${examples?.name} ${index}`)],
      next: examples ? (first + room) % examples.images.length : 0,
      others: examples !== null && examples.images.length > room,
      note: note && `From top to bottom: ${note}.`,
    };
  }

  /** @param {ModelInfo} info */
  #paintedMask({ width, height }) {
    this.#painted ??= { mask: presetMask('centre', width, height), width, height };
    if (this.#painted.width !== width || this.#painted.height !== height) {
      this.#painted = { mask: resizeMask(this.#painted, { width, height }), width, height };
    }
    return this.#painted.mask;
  }

  /**
   * @param {Uint8Array[]} images
   * @param {Uint8Array} mask
   * @param {ModelInfo} info
   */
  #showGiven(images, mask, info) {
    const { width, height } = info;
    const ink = isInk(info);
    const column = { width, height, count: images.length, columns: 1, ink };
    this.#originals.reset(column);
    this.#occluded.reset(column);
    this.#brushPicture.reset({ width, height, count: 1, ink });
    for (const row of rowsOf(images, info)) {
      this.#originals.paint(row);
      this.#occluded.paint(row);
      this.#brushPicture.paint({ ...row, rgba: row.rgba.subarray(0, 4 * width) });
    }
    this.#occluded.hide(mask);
    this.#brushPicture.hide(mask);
    this.#brush.edit(mask, width);
    outlinePixel(this.#parts.cursor, this.#brush.cursor, info);
  }
}

/**
 * What is done to a picture of the visitor's own.
 * @param {ModelInfo} info
 */
function howItIsTaken({ width, height, channels, levels }) {
  const small = `It is cut to its middle square and reduced to ${width} × ${height} pixels`;
  const few = levels < 256 ? `${levels} levels of ` : '';
  if (channels === 3) return few ? `${small}, and to ${few}red, green and blue.` : `${small}.`;
  const turned = 'what is darker than a light border, or lighter than a dark one, counts as ink';
  return levels === 2 ? `${small} of ink or paper: ${turned}.` : `${small} in ${few}grey: ${turned}.`;
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
async function pause(ms, signal) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
