/**
 * "How it was done": the same picture drawn with kept features and with a full run per value, timed.
 * Where the whole would take too long, the first rows have to do.
 */

import { onDensityChange } from '../shared/density.js';
import { Engine } from '../engine.js';
import { formatCount, formatDuration, isInk } from '../shared/format.js';
import { RowCanvas } from '../shared/row-canvas.js';
import { sentence } from '../shared/sentence.js';

/** A picture that takes longer than this is not drawn to its end, but for about `PATIENCE_MS`. */
const WHOLE_MS = 90_000;
const PATIENCE_MS = 15_000;

/**
 * @typedef {object} ComparisonSettings
 * @property {string} model
 * @property {bigint} seed
 * @property {number} temperature
 */

/**
 * What one way of drawing has achieved.
 * @typedef {object} Lap
 * @property {Array<Uint8ClampedArray>} rows  RGBA
 * @property {number} pixels  in these rows
 * @property {number} whole_ms  for the whole picture, measured or expected
 * @property {boolean} whole
 */

/** Runs the comparison when asked. */
export class Comparison {
  #engine;
  #button;
  #verdict;
  #lanes;
  /** @type {ComparisonSettings | null} */
  #settings = null;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#button = /** @type {HTMLButtonElement} */ (part('#race-run'));
    this.#verdict = /** @type {HTMLElement} */ (part('#race-verdict'));
    this.#lanes = {
      cached: { picture: new RowCanvas(part('#race-cached')), report: /** @type {HTMLElement} */ (part('#race-cached-report')) },
      naive: { picture: new RowCanvas(part('#race-naive')), report: /** @type {HTMLElement} */ (part('#race-naive-report')) },
    };
    this.#clear();
    new ResizeObserver(([entry]) => {
      for (const { picture } of Object.values(this.#lanes)) picture.fit(entry.contentRect.width);
    }).observe(part('figure'));
    onDensityChange(() => Object.values(this.#lanes).forEach(({ picture }) => picture.refit()));
    this.#button.disabled = false;
    this.#button.addEventListener('click', () => (this.#run ? this.#stop() : void this.#compare()));
  }

  /**
   * Takes new settings. A comparison under way is about the old ones and ends; one that is done is
   * about another picture or network and goes.
   * @param {ComparisonSettings} settings
   */
  update(settings) {
    const { model, seed, temperature } = this.#settings ?? {};
    this.#settings = { ...settings };
    this.#stop();
    if (model !== settings.model || seed !== settings.seed || temperature !== settings.temperature) this.#clear();
  }

  #clear() {
    this.#verdict.textContent = '';
    for (const { picture, report } of Object.values(this.#lanes)) {
      picture.reset({ width: 28, height: 28, count: 1 });
      report.textContent = '';
    }
  }

  #stop() {
    this.#run?.abort();
    this.#run = null;
    this.#button.textContent = 'Compare';
  }

  async #compare() {
    if (!this.#settings?.model) return;
    const run = new AbortController();
    this.#run = run;
    this.#button.textContent = 'Stop';
    this.#clear();
    // Its own worker: a row of full runs takes long, and the rest of the page shall not wait for it.
    const slow = new Engine();
    try {
      const cached = await this.#race('cached', this.#engine, this.#settings, run.signal);
      const naive = await this.#race('naive', slow, this.#settings, run.signal);
      this.#verdict.textContent = compare(cached, naive);
    } catch (error) {
      const stopped = run.signal.aborted;
      if (!stopped) this.#clear();
      this.#verdict.textContent = stopped ? 'Stopped.' : sentence(error);
    } finally {
      slow.dispose();
      if (this.#run === run) this.#stop();
    }
  }

  /**
   * Draws one picture, or its first rows, and shows the time it takes, measured and expected.
   * @param {"cached" | "naive"} method
   * @param {Engine} engine
   * @param {ComparisonSettings} settings
   * @param {AbortSignal} signal
   * @returns {Promise<Lap>}
   */
  async #race(method, engine, settings, signal) {
    const { picture, report } = this.#lanes[method];
    const info = await engine.load(settings.model, { signal });
    const { width, height, channels } = info;
    const all = info.scales.reduce((sum, scale) => sum + scale.width * scale.height, 0);
    picture.reset({ width, height, count: 1, ink: isInk(info) });
    if (method === 'naive') report.textContent = `Drawing the first row: ${info.scales[0].width * channels} full runs`;
    /** @type {Lap} */
    const lap = { rows: [], pixels: 0, whole_ms: 0, whole: false };
    const enough = new AbortController();
    const giveUp = () => enough.abort();
    signal.addEventListener('abort', giveUp);
    const start = performance.now();
    try {
      const drawing = await engine.sample({
        ...settings, method,
        signal: enough.signal,
        onRow: (row) => {
          if (enough.signal.aborted) return;
          picture.paint(row);
          picture.markBelow(row);
          const spent = performance.now() - start;
          lap.rows.push(row.rgba);
          lap.pixels += row.width;
          lap.whole_ms = (spent * all) / lap.pixels;
          report.textContent = `${formatDuration(spent / lap.pixels)} a pixel, about ${formatDuration(lap.whole_ms - spent)} to go`;
          if (lap.pixels < all && lap.whole_ms > WHOLE_MS && spent > PATIENCE_MS) enough.abort();
        },
      });
      report.textContent = `${formatDuration(drawing.elapsed_ms)}, ${formatDuration(drawing.elapsed_ms / all)} a pixel`;
      return { ...lap, whole_ms: drawing.elapsed_ms, whole: true };
    } catch (error) {
      if (signal.aborted || !enough.signal.aborted) throw error;
      const drawn = `${formatCount(lap.pixels)} of ${formatCount(all)} pixels`;
      report.textContent = `${formatDuration(lap.whole_ms / all)} a pixel: ended after ${drawn}, the whole would take about ${formatDuration(lap.whole_ms)}`;
      return lap;
    } finally {
      signal.removeEventListener('abort', giveUp);
      picture.settle();
    }
  }
}

/**
 * @param {Lap} cached
 * @param {Lap} naive
 */
function compare(cached, naive) {
  const same = naive.rows.every((row, at) => row.every((byte, place) => byte === cached.rows[at][place]));
  const times = naive.whole_ms / cached.whole_ms;
  const ratio = naive.whole ? `${formatCount(times)} times faster` : `about ${formatCount(Number(times.toPrecision(2)))} times faster`;
  if (!same) return `${ratio}, but the pictures differ: please report this.`;
  return naive.whole ? `The same ${formatCount(naive.pixels)} pixels, ${ratio}.` : `The same in the first ${formatCount(naive.pixels)} pixels, ${ratio}.`;
}
