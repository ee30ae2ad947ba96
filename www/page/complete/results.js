/**
 * Sixteen ways in which a network finishes a picture, drawn anew whenever it is asked. The newest request counts: what is
 * under way for an older one is ended, but for those that come first where that takes but a moment: a brush moves on every
 * frame, and if every move ended the drawing of the one before, nothing would be seen until it rests.
 */

import { isInk } from '../../shared/format.js';
import { RowCanvas } from '../../shared/row-canvas.js';
import { sharpeningOf } from '../sharpening.js';

/** Pictures drawn, in a square. */
export const RESULTS = 16;
const COLUMNS = 4;

/** Largest side of one in CSS pixels, where there is room for four of these and where not. */
const LARGEST = { wide: 112, narrow: 84 };
const WIDE = 472;

/** Space between two, in pixels of theirs. */
const GAP = 2;

/** Where all of them take longer than this, some come before the others. */
const BLINK_MS = 100;
const FIRST = 4;

/** What takes longer is not waited for when there is a newer wish. */
const MOMENT_MS = 300;

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * What is to be finished, and by which network.
 * @typedef {import('../sharpening.js').Sharpening & Wished} Wish
 *
 * @typedef {object} Wished
 * @property {string} model
 * @property {ModelInfo} info
 * @property {bigint} seed
 * @property {Uint8Array} given  levels, `[C, H, W]`
 * @property {Uint8Array} mask   `[H, W]`, 1 = hidden
 */

/**
 * A picture that somebody wants to look at closely: with this seed it is number `image` of what the network draws.
 * @typedef {Wish & { image: number, levels: Uint8Array, pixel: { x: number, y: number } | null }} Completion
 */

/**
 * @typedef {object} ResultActions
 * @property {(elapsed_ms: number) => void} onWhole  every picture is of the newest wish
 * @property {(error: unknown) => void} onFault      nothing is shown then
 * @property {(completion: Completion) => void} onPick
 */

/** Draws them on a canvas. */
export class Results {
  #engine;
  #actions;
  #frame;
  #picture;
  #buttons;
  /** The newest. @type {Wish | null} */
  #asked = null;
  /** Not begun yet. @type {Wish | null} */
  #wanted = null;
  /** @type {AbortController | null} */
  #run = null;
  #working = false;
  /** Whether a newer wish ends what is under way. */
  #yields = false;
  /** What one of them took, the last time. */
  #each_ms = 0;
  /** Every row shown, `[16, width, 4]`. @type {Map<number, Uint8ClampedArray<ArrayBuffer>>} */
  #rows = new Map();
  /** What is shown, if it is whole. @type {(Wish & { levels: Uint8Array }) | null} */
  #whole = null;
  #model = '';
  #width = 28;
  #height = 28;
  #available = 0;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} frame
   * @param {ResultActions} actions
   */
  constructor(engine, frame, actions) {
    this.#engine = engine;
    this.#actions = actions;
    this.#frame = frame;
    const canvas = /** @type {HTMLCanvasElement} */ (frame.querySelector('canvas'));
    this.#picture = new RowCanvas(canvas);
    canvas.addEventListener('click', (event) => {
      const at = this.#picture.pixelAt(event);
      if (at) this.#pick(at.image, { x: at.x, y: at.y });
    });
    this.#buttons = Array.from({ length: RESULTS }, (_, image) => this.#button(image));
    const group = /** @type {HTMLElement} */ (frame.querySelector('[role="group"]'));
    group.append(...this.#buttons);
    group.addEventListener('keydown', (event) => this.#key(event));
    this.#reset();
  }

  /** @param {Wish} wish */
  ask(wish) {
    if (this.#asked && isSame(wish, this.#asked)) return;
    this.#asked = this.#wanted = wish;
    this.#whole = null;
    this.#frame.setAttribute('aria-busy', 'true');
    if (this.#yields) this.#run?.abort();
    if (!this.#working) void this.#work();
  }

  /** Shows nothing, and draws nothing until asked. */
  clear() {
    this.#asked = this.#wanted = null;
    this.#run?.abort();
    this.#model = '';
    this.#reset();
  }

  /**
   * As large as there is room for.
   * @param {number} available  in CSS pixels
   */
  fit(available) {
    this.#available = available;
    const side = Math.max(this.#width, this.#height);
    const pixels = COLUMNS * (this.#width + GAP) - GAP;
    const scale = Math.max(1, Math.floor((available < WIDE ? LARGEST.narrow : LARGEST.wide) / side));
    this.#picture.fit(Math.min(available, scale * pixels), pixels);
    this.#frame.style.setProperty('--gap-x', `${(100 * GAP) / pixels}%`);
    this.#frame.style.setProperty('--gap-y', `${(100 * GAP) / (COLUMNS * (this.#height + GAP) - GAP)}%`);
  }

  async #work() {
    this.#working = true;
    for (let wish = this.#next(); wish; wish = this.#next()) {
      const run = new AbortController();
      this.#run = run;
      try {
        await this.#draw(wish, run.signal);
      } catch (error) {
        if (run.signal.aborted) continue;
        run.abort();
        this.clear();
        this.#actions.onFault(error);
      }
    }
    this.#run = null;
    this.#working = false;
  }

  #next() {
    const wish = this.#wanted;
    this.#wanted = null;
    return wish;
  }

  /**
   * @param {Wish} wish
   * @param {AbortSignal} signal
   */
  async #draw(wish, signal) {
    const { model, info, seed, given, mask } = wish;
    if (model !== this.#model) this.#reset(wish);
    const parts = RESULTS * this.#each_ms > BLINK_MS ? [[0, FIRST], [FIRST, RESULTS - FIRST]] : [[0, RESULTS]];
    const levels = new Uint8Array(RESULTS * given.length);
    let elapsed_ms = 0;
    for (const [first, count] of parts) {
      // The first of something newer come before the others of this.
      if (first && this.#wanted) return;
      this.#yields = first > 0 || count * this.#each_ms > MOMENT_MS;
      const drawing = await this.#engine.complete({
        model, seed, ...sharpeningOf(wish, info.levels), given, mask, first, count, signal,
        onRow: (row) => !signal.aborted && this.#paint(row, info, first),
      });
      signal.throwIfAborted();
      levels.set(drawing.levels, first * given.length);
      this.#each_ms = drawing.elapsed_ms / count;
      elapsed_ms += drawing.elapsed_ms;
    }
    if (this.#wanted) return;
    this.#whole = { ...wish, levels };
    this.#frame.setAttribute('aria-busy', 'false');
    this.#actions.onWhole(elapsed_ms);
  }

  /**
   * Rows go over those shown before. (Those of a smaller picture, drawn first, would hide them.)
   * @param {import('../../engine.js').Row} row
   * @param {ModelInfo} info
   * @param {number} first  image of the row
   */
  #paint(row, info, first) {
    const { y, width, rgba } = row;
    if (row.scale < info.scales.length - 1) return;
    const whole = this.#rows.get(y) ?? new Uint8ClampedArray(4 * RESULTS * width);
    whole.set(rgba, 4 * first * width);
    this.#rows.set(y, whole);
    this.#picture.paint({ ...row, rgba: whole });
  }

  /** @param {Wish} [wish]  whose results come, if any */
  #reset(wish) {
    if (wish) [this.#model, this.#width, this.#height] = [wish.model, wish.info.width, wish.info.height];
    this.#whole = null;
    this.#each_ms = 0;
    this.#rows.clear();
    this.#frame.setAttribute('aria-busy', 'false');
    this.#picture.reset({ width: this.#width, height: this.#height, count: RESULTS, columns: COLUMNS, ink: wish && isInk(wish.info) });
    this.fit(this.#available);
  }

  /**
   * @param {number} image
   * @param {{ x: number, y: number } | null} pixel
   */
  #pick(image, pixel) {
    if (!this.#whole) return;
    const size = this.#whole.given.length;
    this.#actions.onPick({ ...this.#whole, image, pixel, levels: this.#whole.levels.slice(image * size, (image + 1) * size) });
  }

  /**
   * For those who come with the keyboard; pointers go through to the canvas. One of them is reached with Tab.
   * @param {number} image
   */
  #button(image) {
    const button = Object.assign(document.createElement('button'), { type: 'button', tabIndex: image ? -1 : 0 });
    button.setAttribute('aria-label', `Look into result ${image + 1}`);
    button.addEventListener('click', () => this.#pick(image, null));
    return button;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const at = this.#buttons.findIndex((button) => button === event.target);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    const next = by && this.#buttons[at + by];
    if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
    this.#buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}

/**
 * @param {Wish} one
 * @param {Wish} other
 */
function isSame(one, other) {
  const alike = (/** @type {Uint8Array} */ bytes, /** @type {Uint8Array} */ others) => bytes.length === others.length && bytes.every((byte, at) => byte === others[at]);
  const { model, seed, given, mask } = one;
  const how = (/** @type {Wish} */ wish) => JSON.stringify(sharpeningOf(wish));
  return model === other.model && seed === other.seed && how(one) === how(other) && alike(mask, other.mask) && alike(given, other.given);
}
