/**
 * The easel: one large picture that is drawn value by value, with a bar of positions, one pixel looked into, and views of what the
 * network thought.
 */

import { sentence } from '../../shared/sentence.js';
import { outlinePixel } from '../pixel-cursor.js';
import { ChangedPixels } from './changed-pixels.js';
import { draw } from './drawing.js';
import { FirstLook } from './first-look.js';
import { Forks } from './forks.js';
import { Inspector, nameOf } from './inspector.js';
import { Magnifier } from './magnifier.js';
import { Views } from './views.js';
import { Picture, VIEWS } from './picture.js';
import { PixelChoice } from './pixel-choice.js';
import { Playhead, WHOLE_MS } from './playhead.js';
import { Scrubber } from './scrubber.js';
import { Status } from './status.js';
import { Trace } from './trace.js';
import { Transport } from './transport.js';

/** @typedef {import('./drawing.js').Order} Order */
/** @typedef {import('./picture.js').View} View */

/** Of a network that takes longer, the rows are shown as they come. */
const PATIENCE_MS = 500;

/**
 * What a visitor does here.
 * @typedef {object} EaselActions
 * @property {(order: Partial<Order>) => void} onOrder  wants another picture
 * @property {() => void} onAnother                     wants one of another seed
 * @property {(look: Look) => void} onLook              looks at it otherwise
 * @property {() => void} onShown                       is shown another picture, whole, or one that is not whole yet
 */

/**
 * @typedef {object} Look
 * @property {number | null} position  values shown; none: all of them, when they are drawn
 * @property {import('../pixel-cursor.js').Pixel | null} pixel  kept in sight
 * @property {View} view
 */

/** Shows one picture, and draws it. */
export class Easel {
  #parts;
  #engine;
  #actions;
  #picture;
  #playhead;
  #scrubber;
  #transport;
  #inspector;
  #choice;
  #views;
  #status;
  #changed;
  #magnifier;
  #firstLook;
  #forks;
  /** @type {Order | null} */
  #order = null;
  /** @type {Trace | null} */
  #trace = null;
  /** @type {{ order: Order, trace: Trace } | null} */
  #shown = null;
  /** Whether the picture is the recorded one. */
  #recorded = false;
  /** Whether the picture is still being drawn. */
  #drawing = false;
  #inSight = true;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {Promise<import('../../engine.js').Engine>} engine
   * @param {HTMLElement} section
   * @param {EaselActions} actions
   */
  constructor(engine, section, actions) {
    const part = (/** @type {string} */ id) => /** @type {any} */ (section.querySelector(`#${id}`));
    this.#engine = engine;
    this.#actions = actions;
    this.#parts = {
      frame: /** @type {HTMLElement} */ (part('easel')),
      canvas: /** @type {HTMLCanvasElement} */ (part('easel-canvas')),
      cursor: /** @type {HTMLElement} */ (part('easel-cursor')),
    };
    const { canvas } = this.#parts;
    this.#picture = new Picture(canvas);
    this.#views = new Views(engine, section, { onView: (view) => this.#setView(view), onNews: () => this.#show() });
    this.#status = new Status(section);
    this.#changed = new ChangedPixels(part('easel-marks'));
    this.#magnifier = new Magnifier(canvas, part('easel-heat'), part('easel-magnifier'), () => this.#show());
    this.#firstLook = new FirstLook((view) => {
      this.#views.view = view;
      this.#views.note = 'The least expected pixel. Put your finger on any other.';
      this.#show();
    });
    this.#playhead = new Playhead(() => this.#show());
    this.#transport = new Transport(section, this.#playhead, () => this.#tellLook());
    this.#scrubber = new Scrubber(section, (position) => this.#transport.moveTo(position));
    this.#inspector = new Inspector(section, (fork) => this.#order && this.#trace && this.#forks.add(fork, this.#trace));
    this.#forks = new Forks(section, { onForks: (forks) => actions.onOrder({ forks }), onTooMany: (sentence) => this.#status.say(sentence) });
    this.#choice = new PixelChoice(canvas, {
      current: () => this.#pixel(),
      onChange: () => this.#show({ told: true }),
      onKey: (key) => this.#key(key),
    });
    part('draw-another').addEventListener('click', () => actions.onAnother());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#show());
    // Nobody watches a picture that is out of sight.
    new IntersectionObserver((entries) => {
      this.#inSight = entries[entries.length - 1].isIntersecting;
      if (!this.#inSight) this.#playhead.pause();
    }).observe(canvas);
  }

  /** The picture that stands here, whole; the one before, as long as that is what is seen. */
  get shown() {
    return this.#shown;
  }

  /** @param {{ order: Order, trace: Trace } | null} shown */
  #setShown(shown) {
    this.#shown = shown;
    this.#actions.onShown();
  }

  /**
   * Shows a picture that is known already, as if it were drawn now.
   * @param {Order} order
   * @param {Trace} trace
   * @param {Partial<Look>} look
   */
  recall(order, trace, { pixel = null, view = 'picture' }) {
    this.#order = order;
    this.#recorded = true;
    this.#choice.kept = pixel;
    this.#views.view = view;
    this.#take(trace);
    this.#setShown({ order, trace });
    this.#status.say('Recorded; the network is loading.');
    if (pixel || view !== 'picture') this.#firstLook.end();
    this.#begin();
  }

  /**
   * Its network is on its way.
   * @param {string} model
   * @param {number} loaded
   * @param {number} total
   */
  fetching(model, loaded, total) {
    if (this.#recorded) this.#status.showProgress(model, loaded, total);
  }

  /** The network is there for whatever is asked next. */
  ready() {
    if (!this.#recorded) return;
    this.#status.hideProgress();
    this.#status.say('Recorded with this network, which is there now.');
    this.#firstLook.ready();
  }

  /** The network of the recorded picture cannot be had, or none at all. @param {unknown} error */
  failed(error) {
    if (this.#recorded || !this.#order) this.#status.showFault(sentence(error));
  }

  /** Looks otherwise at the picture that is there. @param {Look} look */
  look({ position, pixel, view }) {
    this.#endFirstLook();
    this.#choice.kept = pixel;
    this.#views.view = view;
    this.#choice.keepWithin(this.#trace?.info);
    this.#playhead.pause();
    this.#playhead.moveTo(position ?? this.#playhead.length);
  }

  /**
   * Draws a picture, and plays it from its beginning unless told where to rest.
   * @param {Order} order
   * @param {Partial<Look> & { play?: boolean }} [look]
   */
  async show(order, { position, pixel, view, play = position === undefined || position === null } = {}) {
    this.#recorded = false;
    this.#endFirstLook();
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    const former = this.#trace;
    const [began, before] = [performance.now(), former?.image()];
    let watched = false;
    // Until it is there, what stands here is the picture before, and is told as such.
    const take = (/** @type {Trace} */ trace) => {
      if (this.#order !== order) {
        this.#order = order;
        if (pixel !== undefined) this.#choice.kept = pixel;
        if (view) this.#views.view = view;
      }
      this.#take(trace);
    };
    this.#status.showFault('');
    try {
      const engine = await this.#engine;
      const { trace, elapsed_ms } = await draw(engine, order, {
        signal: run.signal,
        onProgress: (loaded, total) => {
          if (run.signal.aborted) return;
          if (loaded < total && this.#order?.model !== order.model) this.#clear();
          this.#status.showProgress(order.model, loaded, total);
        },
        onRow: (growing) => {
          if (run.signal.aborted || performance.now() - began < PATIENCE_MS) return;
          this.#playhead.pause();
          this.#drawing = watched = true;
          this.#status.hideProgress();
          if (this.#shown) this.#setShown(null);
          if (this.#trace !== growing) take(growing);
          this.#show();
        },
      });
      if (run.signal.aborted) return;
      this.#drawing = false;
      take(trace);
      this.#setShown({ order, trace });
      this.#status.hideProgress();
      this.#status.sayTime(elapsed_ms, play && !watched ? WHOLE_MS / this.#playhead.speed : 0);
      if (order.forks.length) this.#changed.show(before, trace.image(), trace.info);
      if (play && !watched) this.#begin();
      else this.#playhead.moveTo(position ?? trace.length);
    } catch (error) {
      if (run.signal.aborted) return;
      this.#clear();
      this.#status.showFault(sentence(error));
    }
  }

  /** Nothing of the picture before is left until there is another one. */
  #clear() {
    if (!this.#trace) return;
    this.#playhead.pause();
    this.#order = null;
    this.#drawing = true;
    this.#trace = new Trace(this.#trace.info, this.#trace.sharpening);
    this.#playhead.reset(new Float32Array(0));
    this.#scrubber.showTrace(this.#trace);
    this.#status.say('');
    this.#show();
  }

  /** @param {Trace} trace */
  #take(trace) {
    this.#trace = trace;
    const { frame, canvas } = this.#parts;
    const { width, height } = trace.info;
    frame.style.setProperty('--columns', String(width));
    frame.style.setProperty('--rows', String(height));
    canvas.setAttribute('aria-label', `Picture ${(this.#order?.image ?? 0) + 1} of seed ${this.#order?.seed}, ${width} × ${height}, pixel by pixel`);
    this.#scrubber.showTrace(trace);
    if (!this.#drawing) this.#playhead.reset(trace.entropies);
    this.#choice.keepWithin(trace.info);
  }

  /** Plays from the beginning, or shows the whole picture to those who want no motion. */
  #begin() {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden || !this.#inSight;
    if (!still) return this.#playhead.restart();
    this.#playhead.pause();
    this.#playhead.moveTo(this.#playhead.length);
  }

  #endFirstLook() {
    this.#firstLook.end();
    this.#views.note = '';
  }

  /** @param {View | undefined} view */
  #setView(view) {
    if (!view) return false;
    this.#endFirstLook();
    this.#views.view = view;
    this.#show();
    this.#tellLook();
    return true;
  }

  /** @param {string} key  pressed on the picture */
  #key(key) {
    if (key === ' ') this.#transport.toggle();
    else if (key === 'f' || key === 'F') return this.#inspector.fork();
    else return this.#setView(VIEWS[Number(key) - 1]);
    return true;
  }

  /** The pixel looked at: the one chosen, else the last one drawn, else at the end the one that cost most. */
  #pixel() {
    const trace = this.#trace;
    if (!trace) return { x: 0, y: 0 };
    return this.#choice.pixel ?? this.#reading(trace);
  }

  /** @param {Trace} trace */
  #reading(trace) {
    const count = this.#count();
    return trace.place(count >= trace.length ? trace.dearest() : Math.max(count - 1, 0));
  }

  /** Values shown. */
  #count() {
    return this.#drawing ? (this.#trace?.known ?? 0) : this.#playhead.position;
  }

  /** Brings everything in line with the playhead. @param {{ told?: boolean }} [options]  whether the look is to be told */
  #show({ told = false } = {}) {
    const trace = this.#trace;
    if (!trace) return;
    if (this.#choice.pixel || this.#playhead.playing) this.#views.note = '';
    const count = this.#count();
    const { frame, cursor } = this.#parts;
    const { playing } = this.#playhead;
    if (this.#recorded && !playing && count === trace.length) this.#firstLook.rest();
    this.#picture.show(trace, count, this.#views.view);
    frame.dataset.view = this.#views.view;
    this.#transport.show(trace);
    this.#scrubber.showPosition(count, count ? nameOf(trace, count - 1) : '');
    const place = this.#choice.pixel ? { ...this.#choice.pixel, scale: trace.parts.length - 1 } : this.#reading(trace);
    const k = trace.at({ ...place, channel: 0 });
    outlinePixel(cursor, place, trace.parts[place.scale]);
    const { width } = trace.info;
    const given = this.#order?.mask?.[place.y * width + place.x] === 0 && place.scale === trace.parts.length - 1;
    const live = playing && !this.#choice.pixel;
    this.#inspector.show(trace, { k, count, given, live });
    this.#status.showSum(trace, count, playing);
    if (this.#order) this.#views.show(this.#order, trace, { count, place: { ...place, channel: 0 }, live });
    else this.#views.clear();
    this.#magnifier.show(place);
    this.#forks.show(this.#order?.forks ?? [], trace);
    if (told) this.#tellLook();
  }

  /** Tells the page how the picture is looked at. */
  #tellLook() {
    const { position, length, playing } = this.#playhead;
    this.#actions.onLook({ position: playing || position === length ? null : position, pixel: this.#choice.kept, view: this.#views.view });
  }
}
