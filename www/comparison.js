/**
 * "How it was done": the same digit drawn with kept features and with a full run per pixel, timed.
 */

import { Engine } from './engine.js';
import { RowCanvas } from './row-canvas.js';
import { formatDuration } from './settings.js';

/**
 * @typedef {object} ComparisonSettings
 * @property {string} model
 * @property {bigint} seed
 * @property {number} temperature
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
   * @param {import('./engine.js').Engine} engine
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
    this.#button.disabled = false;
    this.#button.addEventListener('click', () => (this.#run ? this.#stop() : void this.#compare()));
  }

  /**
   * Takes new settings. A comparison under way is about the old ones and ends; one that is done is
   * about another digit or network and goes.
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
    this.#verdict.textContent = '';
    // Its own worker: a row of full runs takes long, and the rest of the page shall not wait for it.
    const slow = new Engine();
    try {
      const cached = await this.#race('cached', this.#engine, this.#settings, run.signal);
      const naive = await this.#race('naive', slow, this.#settings, run.signal);
      const same = cached.levels.every((level, at) => level === naive.levels[at]);
      const ratio = Math.round(naive.elapsed_ms / cached.elapsed_ms);
      this.#verdict.textContent = same
        ? `The same ${cached.levels.length} pixels, ${ratio} times faster.`
        : `${ratio} times faster, but the pictures differ: please report this.`;
    } catch (error) {
      const stopped = run.signal.aborted;
      this.#verdict.textContent = stopped ? 'Stopped.' : error instanceof Error ? error.message : String(error);
    } finally {
      slow.dispose();
      if (this.#run === run) this.#stop();
    }
  }

  /**
   * Draws one digit and shows the time it takes, measured and expected.
   * @param {"cached" | "naive"} method
   * @param {Engine} engine
   * @param {ComparisonSettings} settings
   * @param {AbortSignal} signal
   */
  async #race(method, engine, settings, signal) {
    const { picture, report } = this.#lanes[method];
    const { width, height } = await engine.load(settings.model, { signal });
    picture.reset({ width, height, count: 1 });
    if (method === 'naive') this.#lanes.naive.report.textContent = 'Drawing the first row';
    const start = performance.now();
    try {
      const drawing = await engine.sample({
        ...settings, method, signal,
        onRow: ({ y, rgba }) => {
          picture.paint(y, rgba);
          picture.mark(y + 1);
          const each = (performance.now() - start) / ((y + 1) * width);
          report.textContent = `${formatDuration(each)} a pixel, about ${formatDuration(each * width * (height - y - 1))} to go`;
        },
      });
      report.textContent = `${formatDuration(drawing.elapsed_ms)}, ${formatDuration(drawing.elapsed_ms / (width * height))} a pixel`;
      return drawing;
    } finally {
      picture.settle();
    }
  }
}
