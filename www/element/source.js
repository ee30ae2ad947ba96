/** Which network an element draws with: that of its `src`, its `model`, or the first of the list. */

import { check } from '../shared/arguments.js';
import { sharedEngine } from '../engine.js';
import { hold } from './holders.js';

/** Where the network of one element comes from. */
export class Source {
  #settings;
  #onProgress;
  /** What `src` has given. @type {{ src: string, model: string } | null} */
  #opened = null;
  /** Of what is fetched before anything is drawn. @type {AbortController | null} */
  #ahead = null;

  /**
   * @param {HTMLElement & { readonly src: string, readonly model: string }} element
   * @param {(name: string, loaded: number, total: number) => void} onProgress  of fetching what that name stands for
   */
  constructor(element, onProgress) {
    this.#settings = element;
    this.#onProgress = onProgress;
  }

  /** Whether the file of `src` is still to be opened. */
  get isNew() {
    const { src } = this.#settings;
    return src !== '' && this.#opened?.src !== src;
  }

  /**
   * Name of the network; that of `src` is fetched first.
   * @param {AbortSignal} signal
   */
  async model(signal) {
    const { src } = this.#settings;
    if (!src) return this.#listed();
    if (this.#opened?.src !== src) {
      check({ src });
      const { name } = await sharedEngine().open(src, { signal, onProgress: (loaded, total) => this.#onProgress(src, loaded, total) });
      this.#opened = { src, model: name };
    }
    return this.#opened.model;
  }

  /**
   * Builds a network, for the element to draw with as long as it is on the page.
   * @param {string} model
   * @param {AbortSignal} signal
   */
  load(model, signal) {
    hold(this.#settings, model);
    const loading = sharedEngine().load(model, { signal, onProgress: (loaded, total) => this.#onProgress(model, loaded, total) });
    // From here on the run alone decides whether it is still wanted.
    this.#ahead?.abort();
    return loading;
  }

  /** Fetches what will be drawn with, so that it is there when it is wanted. Faults are told by whoever draws. */
  async fetchAhead() {
    if (this.#settings.src) return;
    const { signal } = (this.#ahead = new AbortController());
    const model = await this.#listed().catch(() => '');
    if (!model || signal.aborted) return;
    hold(this.#settings, model);
    await sharedEngine().load(model, { signal }).catch(() => undefined);
  }

  /** What is fetched ahead is not wanted any more. */
  giveUp() {
    this.#ahead?.abort();
  }

  /** How much a first picture fetches; 0 where that is not known: how large the file of an address is, only its server knows. */
  async downloadBytes() {
    return this.#settings.src ? 0 : this.#listed().then((model) => sharedEngine().downloadBytes(model)).catch(() => 0);
  }

  /** The model of the list, or opened, that is to be drawn with. */
  async #listed() {
    return this.#settings.model || (await sharedEngine().models())[0]?.name || '';
  }
}
