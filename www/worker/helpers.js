/**
 * Further workers beside the first one, which owns them: each draws some images of a batch, or flips some rows. The first
 * never waits for them. Until they have started and have the model it draws alone, and what one of them
 * fails at it draws itself.
 */

import { weightsKey } from './weights.js';
import { WorkerLink } from './worker-link.js';

/** @typedef {import('../shared/protocol.js').WeightsFile} WeightsFile */
/** @typedef {import('../shared/protocol.js').LoadSource} LoadSource */

/** Images that a core draws together: a smaller share of a batch is not worth a message a row. */
const SHARE = 2;

/**
 * @typedef {object} Helper
 * @property {WorkerLink} link
 * @property {Map<string, Promise<boolean>>} models  by address and sum; whether they are ready once that is known
 * @property {Set<string>} ready
 */

/** The helpers of a worker. */
export class Helpers {
  /** @type {Helper[]} */
  #helpers = [];
  /** A browser that refuses one refuses all. */
  #refused = false;

  /**
   * How a batch is divided: numbers of images in their order, the last one being the share of the worker itself, and who
   * draws the others.
   * @param {WeightsFile} weights
   * @param {number} count
   * @param {number} threads  that may draw, the worker's own among them
   */
  divide(weights, count, threads) {
    const portions = Math.ceil(count / SHARE);
    const drawing = this.ready(weights, Math.min(threads, portions) - 1);
    /** @type {Array<{ link: WorkerLink, count: number }>} */
    const shares = [];
    let left = portions;
    for (const [at, link] of drawing.entries()) {
      const portion = Math.ceil(left / (drawing.length + 1 - at));
      shares.push({ link, count: portion * SHARE });
      left -= portion;
    }
    return { shares, own: count - shares.reduce((sum, share) => sum + share.count, 0) };
  }

  /**
   * Helpers that have started and have the model.
   * @param {WeightsFile} weights
   * @param {number} most
   */
  ready(weights, most) {
    const key = weightsKey(weights);
    return this.#helpers.filter(({ ready }) => ready.has(key)).slice(0, Math.max(0, most)).map(({ link }) => link);
  }

  /**
   * Starts helpers, as many as a batch can use, and gives them the model.
   * @param {WeightsFile} weights
   * @param {() => Promise<LoadSource>} source
   * @param {number} count
   * @param {number} threads
   */
  async prepare(weights, source, count, threads) {
    const wanted = Math.min(threads, Math.ceil(count / SHARE)) - 1;
    if (this.#refused || wanted < 1 || typeof Worker !== 'function') return;
    while (this.#helpers.length < wanted) this.#helpers.push({ link: new WorkerLink('helper'), models: new Map(), ready: new Set() });
    const given = await source();
    await Promise.all(this.#helpers.slice(0, wanted).map((helper) => this.#load(helper, weights, given)));
  }

  /**
   * @param {Helper} helper
   * @param {WeightsFile} weights
   * @param {LoadSource} source
   */
  async #load({ link, models, ready }, weights, source) {
    const key = weightsKey(weights);
    if (!models.has(key)) {
      const loading = link.request({ type: 'load', id: 0, weights, source }).then(
        () => true,
        () => false,
      );
      models.set(key, loading);
    }
    if (!(await models.get(key))) this.#refuse();
    // Unless it has been freed since.
    else if (models.has(key)) ready.add(key);
  }

  /**
   * Has the helpers free a model too.
   * @param {WeightsFile} weights
   */
  free(weights) {
    const key = weightsKey(weights);
    for (const { link, models, ready } of this.#helpers) {
      ready.delete(key);
      if (models.delete(key)) void link.request({ type: 'unload', id: 0, weights }).catch(() => undefined);
    }
  }

  #refuse() {
    this.#refused = true;
    for (const { link } of this.#helpers) link.dispose();
    this.#helpers = [];
  }
}
