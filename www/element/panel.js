/**
 * The controls and read-outs of `<pixel-rnn>`: shows settings and results, reports what the visitor
 * does. Knows no engine.
 */

import { formatBytes, formatCount, formatDuration, formatLikelihood } from '../shared/format.js';
import { keepOwnEvents } from './own-events.js';
import { buildView } from './pixel-rnn-view.js';
import { randomSeed } from '../shared/settings.js';

/** @typedef {import('../pixel-rnn.js').PixelRnnElement} PixelRnnElement */

/**
 * What the panel reports.
 * @typedef {object} PanelActions
 * @property {() => void} draw
 * @property {() => void} stop
 * @property {() => void} save
 * @property {(name: string, value: string, live: boolean) => void} set  `live` while a slider moves
 */

/** Square on a narrow page, bands of four to one on a wide one. */
const COUNTS = [1, 4, 16, 36, 64, 100];

/** The inside of one element. */
export class Panel {
  #view;

  /** @param {ShadowRoot} root */
  constructor(root) {
    this.#view = buildView(root);
    keepOwnEvents(root);
    const { caption, poster, stage } = this.#view;
    caption.addEventListener('slotchange', ({ target }) => {
      caption.hidden = /** @type {HTMLSlotElement} */ (target).assignedNodes().length === 0;
    });
    poster.addEventListener('slotchange', () => {
      stage.toggleAttribute('data-poster', !poster.hidden && poster.assignedNodes().length > 0);
    });
  }

  get canvas() {
    return this.#view.canvas;
  }

  get stage() {
    return this.#view.stage;
  }

  /**
   * Reports the visitor's actions until the signal.
   * @param {PanelActions} actions
   * @param {AbortSignal} signal
   */
  listen(actions, signal) {
    const { form, run, offer, save, newSeed, seed, temperature } = this.#view;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (run.dataset.running) actions.stop();
      else actions.draw();
    }, { signal });
    form.addEventListener('change', ({ target }) => {
      const { name, value } = /** @type {HTMLInputElement} */ (target);
      actions.set(name, value, false);
    }, { signal });
    temperature.addEventListener('input', () => actions.set('temperature', temperature.value, true), { signal });
    newSeed.addEventListener('click', () => actions.set('seed', String(randomSeed()), false), { signal });
    // Enter in the field would submit, which stops a run: take the seed instead. Enter that ends the writing with an input
    // method is that method's (Safari tells it after the end, by the key code alone).
    seed.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      actions.set('seed', seed.value, false);
    }, { signal });
    offer.addEventListener('click', actions.draw, { signal });
    save.addEventListener('click', actions.save, { signal });
  }

  /**
   * Shows the settings in force: after a malformed entry the field returns to them.
   * @param {PixelRnnElement} settings
   */
  showSettings({ seed, temperature, count, pace, backend }) {
    const view = this.#view;
    view.seed.value = String(seed);
    // The slider has one for all; of several it shows that of the picture itself, which is drawn last.
    const temperatures = [temperature].flat();
    view.temperature.value = String(temperatures.at(-1));
    view.temperatureText.textContent = temperatures.map((one) => one.toFixed(2)).join(', ');
    view.pace.value = pace;
    view.backend.value = backend;
    if (!view.count.querySelector(`[value="${count}"]`)) {
      const sizes = [...new Set([...COUNTS, count])].sort((a, b) => a - b);
      view.count.replaceChildren(...sizes.map((size) => new Option(String(size), String(size))));
    }
    view.count.value = String(count);
  }

  /** @param {boolean} running */
  showRunning(running) {
    const { run, download } = this.#view;
    run.textContent = running ? 'Stop' : 'Draw';
    if (running) run.dataset.running = 'yes';
    else {
      delete run.dataset.running;
      download.hidden = true;
    }
  }

  /**
   * Offers to start, with the size of what will be fetched.
   * @param {number} count
   * @param {number} bytes
   */
  offer(count, bytes) {
    this.#view.offer.textContent = `Draw ${images(count)}${bytes ? ` (${formatBytes(bytes)})` : ''}`;
    this.#view.offer.hidden = false;
  }

  /** A run begins: earlier faults are over. */
  clear() {
    this.#view.error.hidden = true;
    this.#view.offer.hidden = true;
  }

  /** There is something to be seen in place of the poster. */
  showFirstRow() {
    this.#view.poster.hidden = true;
    this.stage.removeAttribute('data-poster');
  }

  /** Nothing is drawn: what was said of earlier pictures goes. */
  showNothing() {
    const { save, ...view } = this.#view;
    for (const said of [view.speed, view.likelihood, view.backendLine, view.spoken]) said.textContent = '';
    this.canvas.setAttribute('aria-label', 'Nothing drawn yet');
    save.disabled = true;
  }

  /**
   * @param {string} model
   * @param {number} loaded
   * @param {number} total
   */
  showProgress(model, loaded, total) {
    const { download, downloadText, progress } = this.#view;
    // What was here already is not worth a word.
    if (loaded >= total && download.hidden) return;
    download.hidden = false;
    downloadText.textContent = loaded < total ? `Fetching ${model}: ${formatCount(loaded / 1000)} of ${formatCount(total / 1000)} kB` : `Starting ${model}`;
    progress.max = total;
    progress.value = loaded;
  }

  /**
   * The canvas is about to fill.
   * @param {number} count
   */
  showStart(count) {
    this.#view.download.hidden = true;
    this.#view.save.disabled = false;
    this.canvas.setAttribute('aria-label', `${images(count)}, being drawn`);
  }

  /**
   * @param {number} count
   * @param {import('../engine.js').Drawing} drawing
   */
  showSpeed(count, { elapsed_ms, pixels_per_second }) {
    const each = count > 1 ? `, ${formatDuration(elapsed_ms / count)} an image` : '';
    this.#view.speed.textContent =
      `Drawn in ${formatDuration(elapsed_ms)}${each}: ${formatCount(pixels_per_second)} pixels a second.`;
  }

  /**
   * How likely the network finds the images it has drawn.
   * @param {import('../engine.js').ModelInfo} info
   * @param {import('../engine.js').Drawing} drawing
   */
  showLikelihood(info, { nll_nats }) {
    const mean = nll_nats && nll_nats.reduce((sum, nats) => sum + nats, 0) / nll_nats.length;
    const pair = info.scales.length > 1 ? ', of the pair: p(small) · p(large | small)' : '';
    this.#view.likelihood.textContent = mean === null ? '' : `${formatLikelihood(mean, info)}${pair}.`;
  }

  /**
   * @param {number} count
   * @param {string} model
   * @param {bigint} seed
   * @param {number} elapsed_ms
   */
  showDone(count, model, seed, elapsed_ms) {
    this.canvas.setAttribute('aria-label', `${images(count)} drawn by ${model} with seed ${seed}`);
    this.#view.spoken.textContent = `${images(count)} drawn in ${formatDuration(elapsed_ms)}.`;
  }

  /** @param {string} sentence */
  showBackend(sentence) {
    this.#view.backendLine.textContent = sentence;
  }

  /** @param {string} message */
  showError(message) {
    const { error, download } = this.#view;
    download.hidden = true;
    error.textContent = message;
    error.hidden = false;
  }
}

/** @param {number} count */
function images(count) {
  return count === 1 ? '1 image' : `${formatCount(count)} images`;
}
