/**
 * The picture to be finished: its values, which pixels are hidden, and the line. Everything above the line is given as it
 * stands and everything below it is the network's, but for what was hidden or shown by hand.
 */

import { lineOf, presetMask } from './masks.js';

/** @typedef {{ width: number, height: number, channels: number, levels: number }} Shape */

/**
 * Where a picture comes from.
 * @typedef {object} Origin
 * @property {"test" | "own" | "blank"} kind
 * @property {string} name                                    for people
 * @property {import('./own-picture.js').OwnPicture} [picture]  of `own`, for networks of another shape
 */

/**
 * What a step of undoing brings back.
 * @typedef {object} SheetState
 * @property {Uint8Array} levels   `[C, H, W]`
 * @property {Uint8Array} mask     `[H, W]`, 1 = hidden
 * @property {number} line         the first row below it
 * @property {boolean} follows     whether the line stays under the lowest stroke
 * @property {Origin} origin
 */

/** A picture that can be painted, and hidden in parts. */
export class Sheet {
  shape;
  /** @type {SheetState} */
  #state;

  /**
   * @param {Shape} shape
   * @param {Pick<SheetState, "levels" | "mask" | "origin">} picture
   */
  constructor(shape, picture) {
    this.shape = shape;
    this.#state = { ...picture, line: lineOf(picture.mask, shape), follows: false };
  }

  /**
   * Nothing but paper, and all of it the network's.
   * @param {Shape} shape
   */
  static blank(shape) {
    const sheet = new Sheet(shape, { levels: paperOf(shape), mask: presetMask('blank', shape), origin: { kind: 'blank', name: 'A blank sheet' } });
    sheet.#state.follows = true;
    return sheet;
  }

  /**
   * A sheet that was drawn on before. Its line follows the strokes where it has parted what is given from what is not.
   * @param {Shape} shape
   * @param {Pick<SheetState, "levels" | "mask">} drawing
   */
  static drawn(shape, drawing) {
    const sheet = new Sheet(shape, { ...drawing, origin: { kind: 'blank', name: 'A drawing' } });
    sheet.#state.follows = !drawing.mask.subarray(0, sheet.line * shape.width).includes(1);
    return sheet;
  }

  get levels() {
    return this.#state.levels;
  }

  get mask() {
    return this.#state.mask;
  }

  get line() {
    return this.#state.line;
  }

  get origin() {
    return this.#state.origin;
  }

  /**
   * Whether a network draws pictures of this shape.
   * @param {Shape} shape
   */
  fits({ width, height, channels, levels }) {
    const { shape } = this;
    return shape.width === width && shape.height === height && shape.channels === channels && shape.levels === levels;
  }

  /**
   * A pixel in words.
   * @param {import('./brush.js').Pixel} pixel
   */
  describe({ x, y }) {
    return `Row ${y + 1}, column ${x + 1}, ${this.mask[y * this.shape.width + x] ? 'hidden' : 'given'}`;
  }

  /** A copy that later changes do not reach. */
  state() {
    const { levels, mask } = this.#state;
    return { ...this.#state, levels: levels.slice(), mask: mask.slice() };
  }

  /** @param {SheetState} state  that stays as it is */
  restore(state) {
    this.#state = { ...state, levels: state.levels.slice(), mask: state.mask.slice() };
  }

  /**
   * Gives pixels a colour; they are given from now on.
   * @param {number[]} pixels
   * @param {number[]} colour  a level for each channel
   */
  paint(pixels, colour) {
    const { width, height } = this.shape;
    const { levels, mask, follows } = this.#state;
    const lowest = pixels.reduce((low, at) => Math.max(low, at), -1);
    if (follows) this.#sweep(Math.max(this.line, Math.floor(lowest / width) + 1));
    for (const at of pixels) {
      colour.forEach((level, channel) => (levels[channel * width * height + at] = level));
      mask[at] = 0;
    }
  }

  /**
   * Leaves pixels to the network.
   * @param {number[]} pixels
   */
  hide(pixels) {
    for (const at of pixels) this.mask[at] = 1;
  }

  /**
   * Gives pixels as they stand.
   * @param {number[]} pixels
   */
  show(pixels) {
    for (const at of pixels) this.mask[at] = 0;
  }

  /** @param {number} row  the first below the line */
  moveLine(row) {
    this.#state.follows = false;
    this.#sweep(Math.min(Math.max(row, 0), this.shape.height));
  }

  /**
   * Rows that the line passes change sides; those elsewhere stay as they are.
   * @param {number} row
   */
  #sweep(row) {
    const { width } = this.shape;
    const { mask, line } = this.#state;
    if (row > line) mask.fill(0, line * width, row * width);
    else mask.fill(1, row * width, line * width);
    this.#state.line = row;
  }
}

/**
 * A sheet of paper: the networks of one channel know light ink on dark paper.
 * @param {Shape} shape
 */
function paperOf({ width, height, channels, levels }) {
  return new Uint8Array(channels * width * height).fill(channels === 3 ? levels - 1 : 0);
}
