/**
 * `<pixel-rnn>`: draws a grid of images row by row, with controls. All elements of a page share one
 * engine. Importing the module defines the element; where there is no document (server-side
 * rendering) it does nothing. Public types are in `pixel-rnn.d.ts`.
 */

import { check } from './shared/arguments.js';
import { sharedEngine } from './engine.js';
import { Panel } from './element/panel.js';
import { letGo } from './element/holders.js';
import { keepFitted } from './element/fit.js';
import { onApproach } from './element/approach.js';
import { onceATurn } from './element/once-a-turn.js';
import { rescueProperties } from './element/properties.js';
import { SettingsElement } from './element/settings-element.js';
import { Source } from './element/source.js';
import { isInk } from './shared/format.js';
import { PACES, Reveal } from './shared/reveal.js';
import { RowCanvas } from './shared/row-canvas.js';
import { saveFile } from './shared/save-file.js';
import { sentence } from './shared/sentence.js';
import { readSeed } from './shared/settings.js';

/** Attributes that change the look only, not the picture. */
const LOOK = new Set(['controls', 'pace', 'loading']);

/**
 * Draws a grid of images row by row. Its events do not bubble, so that no form takes them for a field's: listen on the element itself.
 *
 * @tagname pixel-rnn
 * @slot caption - The figure's caption, below the picture and its controls, in the page's own type.
 * @slot poster - A picture, as an `<img>`, shown in place of the grid until the first row is drawn.
 * @fires {CustomEvent<ReadyDetail>} ready - The network is there: its name, size, channels and levels.
 * @fires {CustomEvent<StartDetail>} start - A picture begins; the rows that follow are of it.
 * @fires {CustomEvent<ProgressDetail>} progress - How far it is: `done` of `total`, in the `unit` `bytes` while code and weights are fetched, then in `rows`.
 * @fires {CustomEvent<RowDetail>} row - A row of every image is shown.
 * @fires {CustomEvent<DoneDetail>} done - All rows are shown: levels, likelihood, backend and speed.
 * @fires {CustomEvent<FailedDetail>} failed - Nothing can be drawn; `message` says why in one sentence.
 * @fires {CustomEvent<ChangeDetail>} change - The visitor has changed a setting.
 * @fires {CustomEvent<PickDetail>} pick - The visitor has chosen a pixel of the picture.
 * @csspart figure - Everything: the picture, what is beside it, the caption.
 * @csspart stage - What the picture stands on.
 * @csspart canvas - The picture.
 * @csspart offer - The button that draws where `loading` is `manual`.
 * @csspart controls - The form with the settings and buttons.
 * @csspart report - What is said of fetching, speed, likelihood and faults.
 * @csspart caption - What the caption stands in; not there without one.
 * @cssproperty [--pixel-rnn-line=color-mix(in srgb, currentColor 55%, transparent)] - The edges of controls.
 * @cssproperty [--pixel-rnn-muted=color-mix(in srgb, currentColor 72%, transparent)] - The text of labels, and of what is said in passing.
 * @cssproperty [--pixel-rnn-accent=CanvasText] - Buttons that draw, and bars.
 * @cssproperty [--pixel-rnn-on-accent=Canvas] - The text of those buttons.
 * @cssproperty [--pixel-rnn-focus=currentColor] - The ring around what has the focus; that of a button that draws has the accent's colour where it is not set.
 * @cssproperty [--pixel-rnn-invert=0] - 1 shows ink as black on white, 0 as white on black; on paper it is 1 where it is not set.
 */
export class PixelRnnElement extends SettingsElement {
  /** @type {Panel | null} */
  #panel = null;
  /** @type {RowCanvas | null} */
  #picture = null;
  /** Lasts while the element is on a page. @type {AbortController | null} */
  #life = null;
  /** @type {AbortController | null} */
  #run = null;
  #asked = false;
  /** Several attributes changed in one turn make one run. */
  #redraw = onceATurn(() => void (this.isConnected && this.draw()));
  #hurry = false;
  #readyModel = '';
  #source = new Source(this, (name, done, total) => {
    this.#panel?.showProgress(name, done, total);
    this.#emit('progress', { unit: 'bytes', done, total });
  });
  /** What the picture is of. @type {{ model: string, seed: bigint } | null} */
  #shown = null;

  connectedCallback() {
    // A move: the clean-up of disconnectedCallback has not run yet and will see it is connected.
    if (this.#life) return;
    rescueProperties(this);
    if (!this.#panel || !this.#picture) {
      this.#panel = new Panel(this.shadowRoot ?? this.attachShadow({ mode: 'open' }));
      this.#picture = new RowCanvas(this.#panel.canvas);
      this.#picture.reset({ width: 28, height: 28, count: this.count });
    }
    this.#life = new AbortController();
    this.#panel.showSettings(this);
    this.#listen(this.#panel, this.#picture, this.#life.signal);
    this.#begin(this.#panel, this.#life.signal);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#life?.abort();
      this.#life = null;
      this.stop();
      letGo(this);
    });
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} value
   */
  attributeChangedCallback(name, before, value) {
    this.#panel?.showSettings(this);
    if (this.#asked && before !== value && !LOOK.has(name)) this.#redraw.ask();
  }

  /** Whether it draws. @type {boolean} */
  get running() {
    return this.#run !== null;
  }

  /** Draws anew; resolves when all rows are shown, the run is stopped, or it failed. @returns {Promise<void>} */
  async draw() {
    if (!this.#panel || !this.#picture) return;
    this.#endRun();
    this.#asked = true;
    this.#redraw.takeBack();
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

  /** Stops at the row shown now, and gives up what is still being fetched. @returns {void} */
  stop() {
    this.#source.giveUp();
    this.#endRun();
  }

  /**
   * The picture on a white ground as a PNG, each of its pixels a square of `scale` pixels a side.
   * @param {number} [scale]
   * @returns {Promise<Blob>}
   */
  async toPng(scale = 8) {
    check({ scale });
    if (!this.#picture) throw new Error('The element is not on a page.');
    return this.#picture.toPng(scale);
  }

  #endRun() {
    this.#run?.abort();
    this.#rest();
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
    const { seed, first, count, temperature, topK, topP, backend } = this;
    const hurry = this.#hurry;
    const rowsPerSecond = hurry ? Infinity : PACES[this.pace];
    this.#hurry = false;
    panel.clear();
    if (this.#source.isNew) this.#showNothing();
    const model = await this.#source.model(signal);
    if (this.#shown?.model !== model) this.#showNothing();
    const info = await this.#source.load(model, signal);
    signal.throwIfAborted();
    // What a slider follows is there again before it could be missed.
    if (!hurry) this.#showNothing();
    this.#shown = { model, seed };
    panel.showStart(count);
    if (this.#readyModel !== model) this.#emit('ready', { model, ...info });
    this.#readyModel = model;
    void this.#showBackend(panel);

    picture.reset({ width: info.width, height: info.height, count, ink: isInk(info) });
    this.#emit('start', { model, seed, first, count, temperature, topK, topP });
    const rows = info.scales.reduce((sum, scale) => sum + scale.height, 0);
    let shown = 0;
    const reveal = new Reveal((row) => {
      picture.paint(row);
      panel.showFirstRow();
      if (rowsPerSecond < Infinity) picture.markBelow(row);
      this.#emit('row', { ...row, model, seed });
      this.#emit('progress', { unit: 'rows', done: ++shown, total: rows });
    }, { rowsPerSecond, signal });
    const drawing = await sharedEngine().sample({
      model, seed, first, count, temperature, topK: topK ?? undefined, topP, backend, signal,
      onRow: (row) => reveal.push(row),
      onFallback: (reason) => panel.showBackend(`${reason} Drawing on the CPU.`),
    });
    panel.showSpeed(count, drawing);
    panel.showLikelihood(info, drawing);
    await reveal.drained();
    panel.showDone(count, model, seed, drawing.elapsed_ms);
    this.#emit('done', { ...drawing, model, seed, first, count, temperature, topK, topP, info });
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
   * @param {RowCanvas} picture
   * @param {AbortSignal} signal
   */
  #listen(panel, picture, signal) {
    panel.listen({
      draw: () => void this.draw(),
      stop: () => this.stop(),
      save: () => void this.#save(),
      set: (name, value, live) => {
        // What is no seed leaves the one in force, and so the picture.
        if (name === 'seed' && readSeed(value, this.seed) === this.seed) return panel.showSettings(this);
        // A moving slider is followed at once.
        this.#hurry = live;
        this.setAttribute(name, value);
        this.#emit('change', { name, live });
      },
    }, signal);
    panel.canvas.addEventListener('click', (event) => {
      const pixel = picture.pixelAt(event);
      if (pixel) this.#emit('pick', pixel);
    }, { signal });
    for (const news of ['bundle', 'choice']) sharedEngine().addEventListener(news, () => void this.#showBackend(panel), { signal });
    keepFitted(picture, panel.stage, signal);
  }

  /**
   * Draws now, when scrolled into view or printed, or when asked, as `loading` says.
   * @param {Panel} panel
   * @param {AbortSignal} signal
   */
  #begin(panel, signal) {
    if (this.loading === 'eager') return void this.draw();
    if (this.loading === 'manual') return void this.#source.downloadBytes().then((bytes) => this.#asked || panel.offer(this.count, bytes));
    onApproach(this, {
      near: () => void (this.#asked || this.#source.fetchAhead()),
      inSight: () => void (this.#asked || this.draw()),
    }, signal);
  }

  async #save() {
    try {
      saveFile(`${this.#shown?.model}-seed-${this.#shown?.seed}.png`, await this.toPng());
    } catch (error) {
      this.#panel?.showError(`The picture could not be saved: ${sentence(error)}`);
    }
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
