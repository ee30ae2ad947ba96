/**
 * The models a worker keeps. wasm memory is never given back to the browser, and its garbage
 * collector does not see it, so models that are not wanted any more are freed here: the least
 * recently used first, once the weights on the shelf exceed its room.
 */

import { SharedLoad } from '../shared/shared-load.js';
import { weightsKey } from './weights.js';

/** @typedef {import('../shared/protocol.js').WeightsFile} WeightsFile */
/** @typedef {import('../shared/shared-load.js').OnProgress} OnProgress */

/**
 * A place on the shelf.
 * @template T
 * @typedef {object} Slot
 * @property {SharedLoad<T>} load
 * @property {number} bytes   of the weights
 * @property {number} users   requests that wait for the model or draw with it
 * @property {T | null} model  once it is built
 * @property {boolean} unwanted  to be freed after its last user
 */

/**
 * Lends models by their weights file.
 * @template {{ free(): void }} T
 */
export class ModelShelf {
  #build;
  #room_bytes;
  /** The most recently used last. @type {Map<string, Slot<T>>} */
  #slots = new Map();

  /**
   * @param {object} options
   * @param {(weights: WeightsFile, signal: AbortSignal, onProgress: OnProgress) => Promise<T>} options.build
   * @param {number} options.room_bytes  of weights; the model used last stays even if it alone exceeds it
   */
  constructor({ build, room_bytes }) {
    this.#build = build;
    this.#room_bytes = room_bytes;
  }

  /**
   * Fetches and builds the model if it is not here, and keeps it until `use` has ended.
   * @template R
   * @param {WeightsFile} weights
   * @param {{ signal?: AbortSignal, onProgress?: OnProgress }} options
   * @param {(model: T) => R | Promise<R>} use
   * @returns {Promise<R>}
   */
  async lend(weights, options, use) {
    const key = weightsKey(weights);
    const slot = this.#slots.get(key) ?? this.#newSlot(key, weights);
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    slot.users += 1;
    slot.unwanted = false;
    try {
      return await use(await slot.load.wait(options));
    } finally {
      slot.users -= 1;
      if (slot.unwanted) this.#remove(key, slot);
      this.#makeRoom();
    }
  }

  /**
   * Frees a model as soon as nobody uses it; whoever asks for it before then keeps it.
   * @param {WeightsFile} weights
   */
  free(weights) {
    const key = weightsKey(weights);
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.unwanted = true;
    this.#remove(key, slot);
  }

  /**
   * @param {string} key
   * @param {Slot<T>} slot
   */
  #remove(key, slot) {
    if (slot.users > 0 || !slot.model) return;
    this.#slots.delete(key);
    slot.model.free();
    slot.model = null;
  }

  /**
   * @param {string} key
   * @param {WeightsFile} weights
   * @returns {Slot<T>}
   */
  #newSlot(key, weights) {
    const isHere = () => this.#slots.get(key) === slot;
    /** @type {import('../shared/shared-load.js').Work<T>} */
    const work = async (signal, onProgress) => {
      const model = await this.#build(weights, signal, onProgress);
      // Given up when it was nearly done: nobody will ever ask for this one.
      if (signal.aborted) model.free();
      else slot.model = model;
      return model;
    };
    const load = new SharedLoad(work, () => isHere() && this.#slots.delete(key));
    /** @type {Slot<T>} */
    const slot = { load, bytes: weights.bytes, users: 0, model: null, unwanted: false };
    return slot;
  }

  #makeRoom() {
    let bytes = 0;
    for (const slot of this.#slots.values()) bytes += slot.bytes;
    const last = [...this.#slots.keys()].pop();
    for (const [key, slot] of this.#slots) {
      if (bytes <= this.#room_bytes || key === last) return;
      if (slot.users > 0 || !slot.model) continue;
      this.#remove(key, slot);
      bytes -= slot.bytes;
    }
  }
}
