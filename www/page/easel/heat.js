/**
 * The map over the easel: a colour for how far a pixel moves another one, a hatch where the wiring lets it not, the picture's own
 * pixels small in the middle of each cell, and an outline around all that may matter. The map of another pixel appears over the one
 * before.
 */

import { wantsStill } from '../in-sight.js';
import { influenceColour } from './ramps.js';

/** Side of a picture's pixel within its cell. */
const SMALL = 0.4;

/** Between two lines of the hatch, in CSS pixels. */
const HATCH = 4;

/** What it takes for one map to appear over another. */
const FADE_MS = 160;

/** A canvas over the picture. */
export class Heat {
  #canvas;
  /** The map before, under the canvas. */
  #former = Object.assign(document.createElement('canvas'), { className: 'former', ariaHidden: 'true' });
  /** What the map is of. */
  #shown = '';

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    canvas.before(this.#former);
  }

  hide() {
    this.#canvas.hidden = true;
  }

  /**
   * @param {import('./trace.js').Trace} trace
   * @param {number} at       the pixel looked at, in reading order
   * @param {boolean} later   whether it is told what comes after it, rather than what came before
   * @param {import('./influences.js').Influence | undefined} influence
   */
  show(trace, at, later, influence) {
    const canvas = this.#canvas;
    const shown = `${at} ${later}`;
    if (canvas.hidden || shown !== this.#shown) this.#fade();
    this.#shown = shown;
    canvas.hidden = false;
    const { width, height } = trace.info;
    const [across, down] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * devicePixelRatio));
    const context = canvas.getContext('2d');
    if (!context || !across) return;
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    const style = getComputedStyle(canvas);
    const [line, ground, accent] = ['--line', '--panel', '--focus'].map((name) => style.getPropertyValue(name));
    const [cell, tall] = [across / width, down / height];
    const matters = (/** @type {number} */ pixel) => (later ? pixel > at : pixel < at);
    const joins = (/** @type {number} */ pixel) => matters(pixel) && influence?.joined[pixel] === 1;
    context.fillStyle = ground;
    context.fillRect(0, 0, across, down);
    const beyond = new Path2D();
    const edge = new Path2D();
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      const [left, top] = [x * cell, y * tall];
      if (influence && joins(pixel)) {
        if (influence.known[pixel]) {
          context.fillStyle = `rgb(${influenceColour(influence.effects[pixel]).slice(0, 3).join(' ')})`;
          context.fillRect(Math.floor(left), Math.floor(top), Math.ceil(cell), Math.ceil(tall));
        }
        // An edge wherever the neighbour is not of those that may matter.
        if (!x || !joins(pixel - 1)) edge.rect(left, top, 0, tall);
        if (x === width - 1 || !joins(pixel + 1)) edge.rect(left + cell, top, 0, tall);
        if (!joins(pixel - width)) edge.rect(left, top, cell, 0);
        if (!joins(pixel + width)) edge.rect(left, top + tall, cell, 0);
      } else if (influence && matters(pixel)) beyond.rect(left, top, cell, tall);
    }
    this.#hatch(context, beyond, line);
    this.#drawPixels(context, trace, { cell, tall });
    context.strokeStyle = accent;
    context.lineWidth = 2 * devicePixelRatio;
    context.stroke(edge);
  }

  /** What is painted next appears over what stands there. Who moves on meanwhile does not begin anew. */
  #fade() {
    const [canvas, former] = [this.#canvas, this.#former];
    if (wantsStill() || canvas.getAnimations().length) return;
    const { width, height, hidden } = canvas;
    Object.assign(former, { width, height });
    if (width && !hidden) former.getContext('2d')?.drawImage(canvas, 0, 0);
    canvas.animate({ opacity: [0, 1] }, { duration: FADE_MS, easing: 'ease-out' });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Path2D} area
   * @param {string} colour
   */
  #hatch(context, area, colour) {
    const { width, height } = this.#canvas;
    const step = HATCH * devicePixelRatio * Math.SQRT2;
    context.save();
    context.clip(area);
    context.beginPath();
    for (let from = -height; from < width; from += step) {
      context.moveTo(from, height);
      context.lineTo(from + height, 0);
    }
    context.strokeStyle = colour;
    context.lineWidth = devicePixelRatio;
    context.stroke();
    context.restore();
  }

  /**
   * Ink, or in colour every pixel.
   * @param {CanvasRenderingContext2D} context
   * @param {import('./trace.js').Trace} trace
   * @param {{ cell: number, tall: number }} size
   */
  #drawPixels(context, { info, levels, parts }, { cell, tall }) {
    const { start } = parts[parts.length - 1];
    const { width, height, channels } = info;
    const ink = getComputedStyle(this.#canvas).getPropertyValue('--picture-ink');
    for (let pixel = 0; pixel < width * height; pixel++) {
      const k = start + pixel * channels;
      if (info.levels === 2 && channels === 1 && !levels[k]) continue;
      const colour = [0, 1, 2].map((one) => Math.round((255 * levels[k + Math.min(one, channels - 1)]) / (info.levels - 1)));
      context.fillStyle = info.levels === 2 && channels === 1 ? ink : `rgb(${colour.join(' ')})`;
      const margin = (1 - SMALL) / 2;
      context.fillRect((pixel % width + margin) * cell, (Math.floor(pixel / width) + margin) * tall, SMALL * cell, SMALL * tall);
    }
  }
}
