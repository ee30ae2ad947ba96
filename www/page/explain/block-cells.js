/**
 * What a network's first block makes of the pixel that is looked at on the easel, while somebody can see it.
 */

import { onSight } from '../in-sight.js';

/** The first: what comes before it is one convolution, so that it is quickly known of large networks too. */
const BLOCK = 0;

/** @typedef {import('../easel/easel.js').Easel["shown"]} Shown */
/** @typedef {import('../pixel-cursor.js').Pixel} Pixel */

/**
 * What is known of a block.
 * @typedef {object} Activations
 * @property {string} model
 * @property {Pixel} pixel
 * @property {Float32Array} features  those that come in, and those that each layer gives
 */

/** Asks the engine anew when another picture is shown or another pixel looked at; only the last answer counts. */
export class BlockCells {
  #engine;
  #told;
  /** @type {Shown} */
  #shown = null;
  /** @type {Pixel | null} */
  #pixel = null;
  #near = false;
  /** What was asked for last. */
  #asked = '';
  /** Counts pictures. */
  #picture = 0;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {Element} figure
   * @param {(activations: Activations) => void} told
   */
  constructor(engine, figure, told) {
    this.#engine = engine;
    this.#told = told;
    onSight(figure, 0.1, (near) => {
      this.#near = near;
      void this.#ask();
    });
  }

  /** @param {Shown} shown */
  offer(shown) {
    if (!shown || shown === this.#shown) return;
    this.#shown = shown;
    this.#picture += 1;
    void this.#ask();
  }

  /** @param {Pixel | null} pixel */
  look(pixel) {
    this.#pixel = pixel;
    void this.#ask();
  }

  async #ask() {
    if (!this.#near || !this.#shown) return;
    const { order: { model }, trace } = this.#shown;
    const { width, height } = trace.info;
    const pixel = this.#pixel && this.#pixel.x < width && this.#pixel.y < height ? this.#pixel : { x: width >> 1, y: height >> 1 };
    const wanted = `${this.#picture} ${pixel.x},${pixel.y}`;
    if (wanted === this.#asked) return;
    this.#asked = wanted;
    this.#run?.abort();
    const { signal } = (this.#run = new AbortController());
    try {
      const features = await this.#engine.activations({ model, levels: trace.image(), block: BLOCK, ...pixel, signal });
      if (!signal.aborted) this.#told({ model, pixel, features });
    } catch {
      // What is wrong with the network is told where it draws; here it may be tried again.
      if (!signal.aborted) this.#asked = '';
    }
  }
}
