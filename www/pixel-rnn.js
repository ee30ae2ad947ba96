/**
 * `<pixel-rnn>`: draws a grid of images row by row, with controls. All elements of a page share one
 * engine. Importing the module defines the element; where there is no document (server-side
 * rendering) it does nothing. Public types are in `pixel-rnn.d.ts`.
 */

import { check } from './shared/arguments.js';
import { onDensityChange } from './shared/density.js';
import { sharedEngine } from './engine.js';
import { Panel } from './element/panel.js';
import { onPrint } from './shared/printing.js';
import { attributeText, rescueProperties } from './element/properties.js';
import { isInk } from './shared/format.js';
import { PACES, Reveal, defaultPace } from './shared/reveal.js';
import { RowCanvas } from './shared/row-canvas.js';
import { sentence } from './shared/sentence.js';
import * as read from './shared/settings.js';

/** Attributes that change the look only, not the picture. */
const LOOK = new Set(['controls', 'pace', 'loading']);

const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** Draws a grid of images row by row. */
export class PixelRnnElement extends Base {
  static observedAttributes = read.ATTRIBUTES;

  /** @type {Panel | null} */
  #panel = null;
  /** @type {RowCanvas | null} */
  #picture = null;
  /** Lasts while the element is on a page. @type {AbortController | null} */
  #life = null;
  /** @type {AbortController | null} */
  #run = null;
  #asked = false;
  #redrawQueued = false;
  #hurry = false;
  #readyModel = '';
  /** What the picture is of. @type {{ model: string, seed: bigint } | null} */
  #shown = null;

  connectedCallback() {
    // A move: the clean-up of disconnectedCallback has not run yet and will see it is connected.
    if (this.#life) return;
    rescueProperties(this);
    if (!this.#panel) {
      this.#panel = new Panel(this.shadowRoot ?? this.attachShadow({ mode: 'open' }));
      this.#picture = new RowCanvas(this.#panel.canvas);
      this.#picture.reset({ width: 28, height: 28, count: this.count });
    }
    this.#life = new AbortController();
    this.#panel.showSettings(this);
    this.#listen(this.#panel, this.#life.signal);
    this.#begin(this.#panel, this.#life.signal);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#life?.abort();
      this.#life = null;
      this.stop();
    });
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} value
   */
  attributeChangedCallback(name, before, value) {
    this.#panel?.showSettings(this);
    if (this.#asked && before !== value && !LOOK.has(name)) this.#queueRedraw();
  }

  get model() {
    return this.getAttribute('model') ?? '';
  }
  set model(name) {
    this.#set('model', name);
  }
  get seed() {
    return read.readSeed(this.getAttribute('seed'));
  }
  set seed(seed) {
    this.#set('seed', seed);
  }
  get count() {
    return read.readCount(this.getAttribute('count'));
  }
  set count(count) {
    this.#set('count', count);
  }
  get temperature() {
    return read.readTemperature(this.getAttribute('temperature'));
  }
  set temperature(temperature) {
    this.#set('temperature', temperature);
  }
  get backend() {
    return read.readBackend(this.getAttribute('backend'));
  }
  set backend(backend) {
    this.#set('backend', backend);
  }
  get controls() {
    return read.readChoice(this.getAttribute('controls'), /** @type {const} */ (['full', 'min', 'none']), 'full');
  }
  set controls(controls) {
    this.#set('controls', controls);
  }
  get pace() {
    return read.readChoice(this.getAttribute('pace'), read.PACE_NAMES, defaultPace());
  }
  set pace(pace) {
    this.#set('pace', pace);
  }
  get loading() {
    return read.readChoice(this.getAttribute('loading'), /** @type {const} */ (['lazy', 'eager', 'manual']), 'lazy');
  }
  set loading(loading) {
    this.#set('loading', loading);
  }
  get running() {
    return this.#run !== null;
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  #set(name, value) {
    const text = attributeText(name, value);
    if (text === null) this.removeAttribute(name);
    else this.setAttribute(name, text);
  }

  /** Draws anew; resolves when all rows are shown, the run is stopped, or it failed. */
  async draw() {
    if (!this.#panel || !this.#picture) return;
    this.stop();
    this.#asked = true;
    this.#redrawQueued = false;
    const run = new AbortController();
    this.#run = run;
    this.#panel.showRunning(true);
    try {
      await this.#drawUntil(run.signal, this.#panel, this.#picture);
    } catch (error) {
      if (!run.signal.aborted) {
        // Rows that are still to be shown are not.
        run.abort();
        this.#fail(error);
      }
    }
    // Not if a later draw() has taken over.
    if (this.#run === run) this.#rest();
  }

  /** Stops at the row shown now. */
  stop() {
    this.#run?.abort();
    this.#rest();
  }

  /** The picture on a white ground, enlarged without smoothing. */
  async toPng(scale = 8) {
    check({ scale });
    if (!this.#picture) throw new Error('The element is not on a page.');
    return this.#picture.toPng(scale);
  }

  #rest() {
    this.#run = null;
    this.#picture?.settle();
    this.#panel?.showRunning(false);
  }

  /**
   * @param {AbortSignal} signal
   * @param {Panel} panel
   * @param {RowCanvas} picture
   */
  async #drawUntil(signal, panel, picture) {
    const engine = sharedEngine();
    const { seed, count, temperature, backend } = this;
    const hurry = this.#hurry;
    const rowsPerSecond = hurry ? Infinity : PACES[this.pace];
    this.#hurry = false;
    panel.clear();
    const model = this.model || (await engine.models())[0]?.name || '';
    if (this.#shown?.model !== model) this.#showNothing();
    const info = await engine.load(model, { signal, onProgress: (loaded, total) => panel.showProgress(model, loaded, total) });
    signal.throwIfAborted();
    // What a slider follows is there again before it could be missed.
    if (!hurry) this.#showNothing();
    this.#shown = { model, seed };
    panel.showStart(count);
    if (this.#readyModel !== model) this.#emit('ready', { model, ...info });
    this.#readyModel = model;
    void this.#showBackend(panel);

    const { width, height } = info;
    picture.reset({ width, height, count, ink: isInk(info) });
    this.#emit('start', { model, seed, count, temperature });
    const reveal = new Reveal((row) => {
      picture.paint(row);
      if (rowsPerSecond < Infinity) picture.markBelow(row);
      this.#emit('row', { ...row, model, seed });
    }, { rowsPerSecond, signal });
    const drawing = await engine.sample({
      model, seed, count, temperature, backend, signal,
      onRow: (row) => reveal.push(row),
      onFallback: (reason) => panel.showBackend(`${reason} Drawing on the CPU.`),
    });
    panel.showSpeed(count, drawing);
    panel.showLikelihood(info, drawing);
    await reveal.drained();
    panel.showDone(count, model, seed, drawing.elapsed_ms);
    this.#emit('done', { ...drawing, model, seed, count, temperature, info });
  }

  /**
   * Says where a run draws. Not waited for: asking for an adapter may take longer than drawing.
   * @param {Panel} panel
   */
  async #showBackend(panel) {
    const { backend, count } = this;
    const report = await sharedEngine().describe(backend, { model: this.#readyModel, count });
    if (backend === this.backend) panel.showBackend(report.sentence);
  }

  /** Whatever earlier runs have left is of something else than is chosen now. */
  #showNothing() {
    this.#shown = null;
    this.#picture?.clear(this.count);
    this.#panel?.showNothing();
  }

  /** @param {unknown} error */
  #fail(error) {
    const message = sentence(error);
    this.#showNothing();
    this.#panel?.showError(message);
    this.#emit('failed', { message });
  }

  /**
   * @param {Panel} panel
   * @param {AbortSignal} signal
   */
  #listen(panel, signal) {
    panel.listen({
      draw: () => void this.draw(),
      stop: () => this.stop(),
      save: () => void this.#save(),
      set: (name, value, live) => {
        // What is no seed leaves the one in force, and so the picture.
        if (name === 'seed' && read.readSeed(value, this.seed) === this.seed) return panel.showSettings(this);
        // A moving slider is followed at once.
        this.#hurry = live;
        this.setAttribute(name, value);
        this.#emit('change', { name, live });
      },
    }, signal);
    panel.canvas.addEventListener('click', (event) => {
      const pixel = this.#picture?.pixelAt(event);
      if (pixel) this.#emit('pick', pixel);
    }, { signal });
    for (const news of ['bundle', 'choice']) sharedEngine().addEventListener(news, () => void this.#showBackend(panel), { signal });
    const observer = new ResizeObserver(([entry]) => this.#picture?.fit(entry.contentRect.width));
    observer.observe(panel.stage);
    onDensityChange(() => this.#picture?.refit(), signal);
    onPrint(() => this.#picture?.settle(), signal);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /**
   * Draws now, when scrolled into view or printed, or when asked, as `loading` says.
   * @param {Panel} panel
   * @param {AbortSignal} signal
   */
  #begin(panel, signal) {
    if (this.loading === 'eager') return void this.draw();
    if (this.loading === 'manual') return void this.#offer(panel);
    const begin = () => {
      observer.disconnect();
      if (!this.#asked) void this.draw();
    };
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin());
    observer.observe(this);
    onPrint(begin, signal);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /** @param {Panel} panel */
  async #offer(panel) {
    const models = await sharedEngine().models().catch(() => []);
    const entry = models.find(({ name }) => name === this.model) ?? models[0];
    if (!this.#asked) panel.offer(this.count, entry?.bytes ?? 0);
  }

  /** Several attributes changed in one turn make one run. */
  #queueRedraw() {
    if (this.#redrawQueued) return;
    this.#redrawQueued = true;
    queueMicrotask(() => {
      const wanted = this.#redrawQueued && this.isConnected;
      this.#redrawQueued = false;
      if (wanted) void this.draw();
    });
  }

  async #save() {
    const link = document.createElement('a');
    link.download = `${this.#shown?.model}-seed-${this.#shown?.seed}.png`;
    try {
      link.href = URL.createObjectURL(await this.toPng());
    } catch (error) {
      return this.#panel?.showError(`The picture could not be saved: ${sentence(error)}`);
    }
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /**
   * For those who listen to the element: a form around it would take a `change` for that of a field.
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

if (globalThis.customElements && !customElements.get('pixel-rnn')) customElements.define('pixel-rnn', PixelRnnElement);
