/**
 * One way of drawing a picture: shows it as it comes, pixel by pixel or row by row, at its true speed, and counts.
 */

import { onDensityChange } from '../../shared/density.js';
import { formatCount, formatDuration, isInk } from '../../shared/format.js';
import { RowCanvas } from '../../shared/row-canvas.js';
import { foresee } from './lap.js';

/** @typedef {import('./lap.js').Lap} Lap */

/**
 * @typedef {object} LaneKind
 * @property {string} title
 * @property {string} about        what the picture is, for those who do not see it
 * @property {boolean} onceAValue  whether the whole network runs for each value, or once for the picture
 */

/** A lane of the race. */
export class Lane {
  #kind;
  #picture;
  #parts;
  #figure;
  /** Counts the pictures: what is told of an earlier one comes too late. */
  #turn = 0;

  /**
   * @param {HTMLTemplateElement} template
   * @param {LaneKind} kind
   */
  constructor(template, kind) {
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const part = (/** @type {string} */ selector) => /** @type {any} */ (copy.querySelector(selector));
    this.#kind = kind;
    this.#figure = /** @type {HTMLElement} */ (part('figure'));
    this.#parts = {
      runs: /** @type {HTMLElement} */ (part('.runs')),
      time: /** @type {HTMLElement} */ (part('.time')),
      rate: /** @type {HTMLElement} */ (part('.rate')),
      report: /** @type {HTMLElement} */ (part('.report')),
    };
    part('figcaption').textContent = kind.title;
    part('canvas').setAttribute('aria-label', kind.about);
    this.#picture = new RowCanvas(part('canvas'));
    this.clear({ width: 28, height: 28, channels: 1, levels: 2 });
    new ResizeObserver(([entry]) => this.#picture.fit(entry.contentRect.width)).observe(this.#figure);
    onDensityChange(() => this.#picture.refit());
  }

  /** Where it stands on the page. */
  get figure() {
    return this.#figure;
  }

  /**
   * Empties it for pictures of this shape.
   * @param {{ width: number, height: number, channels: number, levels: number }} info
   */
  clear(info) {
    this.#turn += 1;
    this.#picture.reset({ width: info.width, height: info.height, count: 1, ink: isInk(info) });
    for (const part of Object.values(this.#parts)) part.textContent = '–';
    this.#parts.report.textContent = '';
  }

  /**
   * Draws the picture, until it is done or stopped.
   * @param {import('../../engine.js').Engine} engine
   * @param {import('../../engine.js').ModelInfo} info
   * @param {import('../../engine.js').SampleOptions & { signal: AbortSignal }} options
   * @param {{ still: boolean }} look  whether only the result is shown
   * @returns {Promise<Lap>}
   */
  async run(engine, info, options, { still }) {
    const { signal } = options;
    const all = info.scales.reduce((sum, { width, height }) => sum + width * height, 0);
    /** @type {Lap} */
    const lap = { rows: [], pixels: 0, values: 0, all, drawn_ms: 0, spent_ms: 0, whole: false };
    /** @type {import('../../shared/row-canvas.js').PaintedRow[]} */
    const unseen = [];
    const turn = this.#turn;
    const start = performance.now();
    this.#count(lap, info, 0);
    if (this.#kind.onceAValue && !still) this.#picture.markBelow({ y: -1, height: info.scales[0].height });
    const moving = still ? null : this.#keepTime(start);
    // Of the rows that are whole.
    let [rows, pixels] = [0, 0];
    const take = (/** @type {import('../../shared/row-canvas.js').PaintedRow} */ row, /** @type {number} */ values) => {
      if (signal.aborted) return;
      lap.rows[rows] = row.rgba.subarray(0, 4 * (row.pixels ?? row.width));
      lap.values = pixels * info.channels + values;
      if (values % info.channels === 0) {
        lap.pixels = lap.values / info.channels;
        lap.drawn_ms = performance.now() - start;
      }
      if (still) unseen[rows] = row;
      else {
        this.#picture.paint(row);
        this.#count(lap, info, lap.drawn_ms);
      }
    };
    try {
      const drawing = await engine.sample({
        ...options,
        onValue: ({ values, ...row }) => take({ ...row, pixels: Math.floor(values / info.channels) }, values),
        onRow: (row) => {
          take(row, row.width * info.channels);
          [rows, pixels] = [rows + 1, pixels + row.width];
          if (!still && !signal.aborted) this.#picture.markBelow(row);
        },
      });
      lap.whole = true;
      lap.drawn_ms = lap.spent_ms = drawing.elapsed_ms;
    } catch (error) {
      if (!signal.aborted) throw error;
      lap.spent_ms = performance.now() - start;
    } finally {
      moving?.abort();
    }
    if (turn !== this.#turn) return lap;
    this.#picture.settle();
    for (const row of unseen) this.#picture.paint(row);
    this.#count(lap, info, lap.drawn_ms);
    this.#parts.time.textContent = formatDuration(lap.spent_ms);
    if (!lap.whole) this.tell(foresee(lap));
    return lap;
  }

  /** @param {string} words */
  tell(words) {
    this.#parts.report.textContent = words;
  }

  /**
   * @param {Lap} lap
   * @param {import('../../engine.js').ModelInfo} info
   * @param {number} ms  that what is drawn took
   */
  #count({ pixels, values, whole }, { scales }, ms) {
    const runs = this.#kind.onceAValue ? values : whole ? scales.length : 0;
    this.#parts.runs.textContent = runs === 1 ? '1 run' : `${formatCount(runs)} runs`;
    this.#parts.rate.textContent = pixels ? formatCount((1000 * pixels) / Math.max(ms, 1e-3)) : '–';
  }

  /**
   * Shows the time going by.
   * @param {number} start
   */
  #keepTime(start) {
    const moving = new AbortController();
    const frame = () => {
      if (moving.signal.aborted) return;
      this.#parts.time.textContent = formatDuration(performance.now() - start);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    return moving;
  }
}
