/**
 * A canvas that shows a batch of images as a grid and grows row by row. Colours come ready from the
 * samplers; here they are only put in place.
 */

import { isPrinting } from './printing.js';

/** Pixels between two images of the grid, in image pixels. */
const GAP = 2;

/** CSS pixels per image pixel at most. */
const MAX_SCALE = 12;

/**
 * Fill of pixels not drawn yet, and of the row about to be drawn: see-through greys, so that they
 * fit light and dark pages. As words of the machine's byte order, like the canvas's data below.
 */
const [UNDRAWN, NEXT_ROW] = new Uint32Array(Uint8Array.of(128, 128, 128, 36, 128, 128, 128, 110).buffer);

/**
 * @typedef {object} GridShape
 * @property {number} width    of one image
 * @property {number} height   of one image
 * @property {number} count
 * @property {number} [columns] chosen to fit the width if left out
 * @property {boolean} [ink]    told to the style sheet: ink on paper is shown as the page likes it
 */

/** @typedef {import('../engine.js').Row} Row */
/** Of a row under way, the first `pixels` of each image are drawn. @typedef {Row & { pixels?: number }} PaintedRow */

/** From this width on, in CSS pixels, a grid is laid out as a band rather than a square. */
const BAND_WIDTH = 640;

/** Width to height of a band, in images. */
const BAND_ASPECT = 4;

/** Paints rows of a batch of images onto a canvas. */
export class RowCanvas {
  #canvas;
  #context;
  /** @type {GridShape} */
  #shape = { width: 1, height: 1, count: 1 };
  #columns = 1;
  /** Rows painted so far, for another layout, by scale and row. @type {Map<string, PaintedRow>} */
  #rows = new Map();
  /** @type {ImageData | null} */
  #image = null;
  /** The image's data, a word per pixel. */
  #words = new Uint32Array(0);
  /** The row marked as the next one. @type {{ top: number, bottom: number } | null} */
  #marked = null;
  #flushing = false;
  #available = 0;
  /** @type {number | undefined} */
  #sharing;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    // Kept in main memory: the page only ever writes pixels.
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  }

  /**
   * Lays out an empty grid.
   * @param {GridShape} shape
   */
  reset(shape) {
    this.#shape = shape;
    this.#rows.clear();
    this.#marked = null;
    this.#canvas.toggleAttribute('data-ink', shape.ink === true);
    this.#canvas.toggleAttribute('data-empty', true);
    this.#layOut();
  }

  /**
   * Empties the grid.
   * @param {number} [count]  of images, if another
   */
  clear(count = this.#shape.count) {
    this.reset({ ...this.#shape, count });
  }

  /**
   * Puts a row of every image in place. A row of a smaller picture fills as much of the image as it stands for. One that is
   * under way leaves the mark on its other pixels.
   * @param {PaintedRow} row
   */
  paint(row) {
    const { y, width, height, rgba } = row;
    if (y < 0 || y >= height || rgba.length !== 4 * this.#shape.count * width) return;
    if (row.pixels === undefined) this.settle();
    this.#rows.set(`${row.scale} ${y}`, row);
    this.#canvas.removeAttribute('data-empty');
    this.#place(row);
    this.#flush();
  }

  /**
   * Marks the row below one just painted as the one about to be drawn; below row −1 is the first.
   * @param {Pick<Row, "y" | "height">} row
   */
  markBelow({ y, height }) {
    if (y + 1 >= height || isPrinting()) return;
    this.#marked = this.#band(y + 1, height);
    for (let at = this.#marked.top; at < this.#marked.bottom; at++) this.#fillRow(at, NEXT_ROW);
    this.#flush();
  }

  /** Takes the mark away, and shows what was under it. */
  settle() {
    if (!this.#marked) return;
    const { top, bottom } = this.#marked;
    this.#marked = null;
    for (let at = top; at < bottom; at++) this.#fillRow(at, UNDRAWN);
    for (const row of this.#rows.values()) this.#place(row, { top, bottom });
    this.#flush();
  }

  /**
   * The pixel of an image under a pointer, or null between images.
   * @param {{ clientX: number, clientY: number }} event
   */
  pixelAt({ clientX, clientY }) {
    const { width, height, count } = this.#shape;
    const box = this.#canvas.getBoundingClientRect();
    const left = Math.floor(((clientX - box.left) / box.width) * this.#canvas.width);
    const top = Math.floor(((clientY - box.top) / box.height) * this.#canvas.height);
    const [x, y] = [left % (width + GAP), top % (height + GAP)];
    const image = Math.floor(top / (height + GAP)) * this.#columns + Math.floor(left / (width + GAP));
    return x < width && y < height && x >= 0 && y >= 0 && image < count ? { image, x, y } : null;
  }

  /**
   * Shows pixels that a mask hides as not drawn.
   * @param {Uint8Array} mask  `[height, width]`, 1 = hidden
   */
  hide(mask) {
    const { width, height, count } = this.#shape;
    for (let k = 0; k < count; k++) {
      for (let y = 0; y < height; y++) {
        const start = this.#offset(k, y);
        for (let x = 0; x < width; x++) if (mask[y * width + x]) this.#words[start + x] = UNDRAWN;
      }
    }
    this.#flush();
  }

  /**
   * Scales the canvas to whole device pixels within the width there is, so that every image pixel
   * is an equally large square.
   * @param {number} available  in CSS pixels
   * @param {number} [pixels]   image pixels that share this width, where canvases stand side by side
   */
  fit(available, pixels) {
    this.#available = available;
    this.#sharing = pixels;
    if (!available) return;
    if (this.#columns !== this.#fittingColumns()) this.#layOut();
    const ratio = globalThis.devicePixelRatio || 1;
    const exact = available / (pixels ?? this.#canvas.width);
    const whole = Math.floor(Math.min(exact, MAX_SCALE) * ratio) / ratio;
    this.#canvas.style.width = `${this.#canvas.width * (whole || exact)}px`;
  }

  /** Does so again, where a pixel has become another size. */
  refit() {
    this.fit(this.#available, this.#sharing);
  }

  /**
   * The picture as a PNG on a white ground, enlarged without smoothing. Written from the rows, not from what the
   * browser says is on the canvas.
   */
  async toPng(scale = 8) {
    const { width, height } = this.#canvas;
    const rgba = new Uint8Array(this.#words.slice().buffer);
    // Who saves nothing needs no more than the picture.
    const { encodePng } = await import('./png.js');
    return encodePng({ width, height, rgba }, scale);
  }

  /** Sizes the canvas and places the rows there are. */
  #layOut() {
    const { width, height, count } = this.#shape;
    this.#columns = this.#fittingColumns();
    const canvasWidth = this.#columns * (width + GAP) - GAP;
    const canvasHeight = Math.ceil(count / this.#columns) * (height + GAP) - GAP;
    if (this.#canvas.width !== canvasWidth) this.#canvas.width = canvasWidth;
    if (this.#canvas.height !== canvasHeight) this.#canvas.height = canvasHeight;
    this.#image = this.#context.createImageData(canvasWidth, canvasHeight);
    this.#words = new Uint32Array(this.#image.data.buffer);
    for (let y = 0; y < height; y++) this.#fillRow(y, UNDRAWN);
    for (const row of this.#rows.values()) this.#place(row);
    this.fit(this.#available, this.#sharing);
    this.#flush();
  }

  /** Columns of a square on a narrow page, of a band on a wide one. */
  #fittingColumns() {
    const { count, columns } = this.#shape;
    const aspect = this.#available < BAND_WIDTH ? 1 : BAND_ASPECT;
    return columns ?? Math.min(count, Math.ceil(Math.sqrt(count * aspect)));
  }

  /**
   * The rows of the image that row `y` of a picture with `rows` rows stands for.
   * @param {number} y
   * @param {number} rows
   */
  #band(y, rows) {
    const { height } = this.#shape;
    return { top: Math.ceil((y * height) / rows), bottom: Math.ceil(((y + 1) * height) / rows) };
  }

  /**
   * @param {PaintedRow} row
   * @param {{ top: number, bottom: number }} [within]  rows of the image that may be touched
   */
  #place({ y, width: across, height: rows, rgba, pixels = across }, within = { top: 0, bottom: this.#shape.height }) {
    const { width, count } = this.#shape;
    const band = this.#band(y, rows);
    const [top, bottom] = [Math.max(band.top, within.top), Math.min(band.bottom, within.bottom)];
    if (top >= bottom) return;
    const words = new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4);
    for (let k = 0; k < count; k++) {
      const line = this.#enlarge(words.subarray(k * across, (k + 1) * across), width).subarray(0, Math.ceil((pixels * width) / across));
      for (let at = top; at < bottom; at++) this.#words.set(line, this.#offset(k, at));
    }
  }

  /**
   * A line of pixels at another width: blocks, not smoothed.
   * @param {Uint32Array} line
   * @param {number} width
   */
  #enlarge(line, width) {
    if (line.length === width) return line;
    return Uint32Array.from({ length: width }, (_, x) => line[Math.floor((x * line.length) / width)]);
  }

  /**
   * Where row `y` of image `k` starts in the canvas.
   * @param {number} k
   * @param {number} y
   */
  #offset(k, y) {
    const { width, height } = this.#shape;
    const left = (k % this.#columns) * (width + GAP);
    const top = Math.floor(k / this.#columns) * (height + GAP) + y;
    return top * this.#canvas.width + left;
  }

  /**
   * @param {number} y
   * @param {number} colour
   */
  #fillRow(y, colour) {
    const { width, count } = this.#shape;
    for (let k = 0; k < count; k++) {
      const start = this.#offset(k, y);
      this.#words.fill(colour, start, start + width);
    }
  }

  /** Brings the data to the canvas once, however many rows came in this turn; at once where the page is printed after it. */
  #flush() {
    if (isPrinting()) return this.#put();
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#put();
    });
  }

  #put() {
    if (this.#image) this.#context.putImageData(this.#image, 0, 0);
  }
}
