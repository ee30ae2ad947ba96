/**
 * A picture with all that the network said of it: each value with its probabilities, the random number that decided, and its
 * cost. Values are counted in the order drawn: the smaller pictures first where there are several scales, then row by row, in a
 * row pixel by pixel, in a pixel red, green, blue.
 */

import { drawnFrom, keptOf } from '../sharpening.js';

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * Where a value stands.
 * @typedef {object} Place
 * @property {number} scale  index into the model's `scales`
 * @property {number} y      in the picture of that scale
 * @property {number} x
 * @property {number} channel
 */

/** A picture of one scale. @typedef {{ width: number, height: number, start: number, end: number }} Part */

/** Grows by rows. */
export class Trace {
  /** @type {Part[]} */
  parts = [];
  /** Values of the picture with all its scales. */
  length = 0;
  /** The values known are the first so many. */
  known = 0;

  /**
   * @param {ModelInfo} info
   * @param {import('../sharpening.js').Sharpening} sharpening  that it is drawn with
   */
  constructor(info, sharpening) {
    this.info = info;
    this.sharpening = sharpening;
    for (const { width, height } of info.scales) {
      const start = this.length;
      this.length += width * height * info.channels;
      this.parts.push({ width, height, start, end: this.length });
    }
    /** Log-odds of level 1 where there are two levels, else one number a level. */
    this.size = info.levels === 2 ? 1 : info.levels;
    this.logits = new Float32Array(this.length * this.size);
    this.uniforms = new Float32Array(this.length);
    /** Of the network itself, at temperature 1. */
    this.nats = new Float32Array(this.length);
    this.levels = new Uint8Array(this.length);
    /** Of the probabilities drawn from, in bits. */
    this.entropies = new Float32Array(this.length);
    /** The mean level of these. */
    this.means = new Float32Array(this.length);
  }

  /**
   * Takes a row as the engine tells it; rows come in order, and may be told again.
   * @param {import('../../engine.js').Row} row  with its trace
   */
  add({ scale, y, width, rgba, trace }) {
    if (!trace) throw new Error('The row came without its trace.');
    const { channels, levels } = this.info;
    const start = this.at({ scale, y, x: 0, channel: 0 });
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const [from, k] = [channel * width + x, start + x * channels + channel];
        this.levels[k] = Math.round((rgba[4 * x + channel] * (levels - 1)) / 255);
        this.uniforms[k] = trace.uniforms[from];
        this.nats[k] = trace.nll_nats[from];
        for (let at = 0; at < this.size; at++) this.logits[k * this.size + at] = trace.logits[from * this.size + at];
        this.#summarise(k);
      }
    }
    this.known = start + width * channels;
  }

  /** @param {number} k */
  #summarise(k) {
    const probabilities = drawnFrom(this.probabilities(k), this.kept(k));
    let [entropy, mean] = [0, 0];
    for (let level = 0; level < probabilities.length; level++) {
      const p = probabilities[level];
      if (p > 0) entropy -= p * Math.log2(p);
      mean += p * level;
    }
    this.entropies[k] = entropy;
    this.means[k] = mean;
  }

  /**
   * How likely each level of a value was, before any is cut off.
   * @param {number} k
   * @param {number} [temperature]
   */
  probabilities(k, temperature = this.sharpening.temperature) {
    const logits = this.logits.subarray(k * this.size, (k + 1) * this.size);
    if (this.size === 1) {
      const one = 1 / (1 + Math.exp(-logits[0] / temperature));
      return Float64Array.of(1 / (1 + Math.exp(logits[0] / temperature)), one);
    }
    let highest = -Infinity;
    for (const logit of logits) highest = Math.max(highest, logit);
    const weights = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
    let sum = 0;
    for (const weight of weights) sum += weight;
    return weights.map((weight) => weight / sum);
  }

  /** Of which levels a value was drawn, 1 each; null where of all. @param {number} k */
  kept(k) {
    const { topK, topP } = this.sharpening;
    return topK || topP ? keptOf(this.probabilities(k), this.sharpening) : null;
  }

  /** What a value costs, in bits. @param {number} k */
  bits(k) {
    return this.nats[k] / Math.LN2;
  }

  /** What the first values cost together, in bits. @param {number} [count] */
  sum(count = this.known) {
    let nats = 0;
    for (let k = 0; k < count; k++) nats += this.nats[k];
    return nats / Math.LN2;
  }

  /** Which value stands at a place. @param {Place} place */
  at({ scale, y, x, channel }) {
    const { start, width } = this.parts[scale];
    return start + (y * width + x) * this.info.channels + channel;
  }

  /** Where a value stands. @param {number} k @returns {Place} */
  place(k) {
    const scale = this.parts.findIndex(({ end }) => k < end);
    const { start, width } = this.parts[scale];
    const pixel = Math.floor((k - start) / this.info.channels);
    return { scale, y: Math.floor(pixel / width), x: pixel % width, channel: (k - start) % this.info.channels };
  }

  /** The pixel, at its first value, whose values cost most together. */
  dearest() {
    const { channels } = this.info;
    let [dearest, most] = [0, -1];
    for (let k = this.parts[this.parts.length - 1].start; k < this.known; k += channels) {
      let nats = 0;
      for (let channel = 0; channel < channels; channel++) nats += this.nats[k + channel];
      if (nats > most) [dearest, most] = [k, nats];
    }
    return dearest;
  }

  /** The picture itself, without the smaller ones: `[C, H, W]`. */
  image() {
    const { channels } = this.info;
    const { start, end } = this.parts[this.parts.length - 1];
    const plane = (end - start) / channels;
    return Uint8Array.from({ length: end - start }, (_, at) => this.levels[start + (at % plane) * channels + Math.floor(at / plane)]);
  }
}
