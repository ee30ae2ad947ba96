/**
 * The models that can be asked for: those of the list, those brought as files, and what has been loaded of them.
 */

import { readBrought } from '../shared/brought-file.js';
import { fetchIndex } from '../shared/model-list.js';
import { modelUrl } from '../shared/models-folder.js';
import { OwnNetworks } from '../shared/own-networks.js';
import { SharedLoad } from '../shared/shared-load.js';
import { bundleList } from '../worker/bundle-list.js';

/** @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo */

/** Of all engines of a page: one that draws beside another knows what was opened in that. */
const own = new OwnNetworks();

/** Knows models by name, and has the worker load them. */
export class Models {
  #link;
  /** @type {ReturnType<typeof fetchIndex> | null} */
  #index = null;
  /** @type {Map<string, SharedLoad<ModelInfo>>} */
  #loads = new Map();

  /** @param {import('../worker/worker-link.js').WorkerLink} link */
  constructor(link) {
    this.#link = link;
  }

  /** The models on offer, and those brought as files. */
  async entries() {
    return [...(await this.#list()).models, ...own.entries];
  }

  /** The sets of pictures that they are of. */
  async sets() {
    return (await this.#list()).sets;
  }

  /**
   * Takes a weights file that is in no list.
   * @param {Blob | Uint8Array | string | URL} file
   * @param {import('../engine.js').OpenOptions} options
   */
  async open(file, options) {
    const { signal, title } = options;
    const weights = await own.weightsOf(await readBrought(file, options));
    const known = own.known(weights);
    if (known) return known;
    return own.add(weights, await this.#link.request({ type: 'load', id: 0, weights }, signal), title);
  }

  /**
   * Fetches, checks and builds a model; concurrent calls share one download, which ends when nobody waits for it any more.
   * @param {string} name
   * @param {import('../engine.js').LoadOptions} options
   */
  load(name, { onProgress, signal }) {
    const loading = this.#loads.get(name) ?? this.#startLoading(name);
    return loading.wait({ signal, onProgress });
  }

  /**
   * The file that a model is loaded from.
   * @param {string} name
   * @returns {Promise<import('../shared/protocol.js').WeightsFile>}
   */
  async weights(name) {
    const weights = own.weights(name);
    if (weights) return weights;
    const entry = (await this.entries()).find((candidate) => candidate.name === name);
    if (!entry) throw new Error(`There is no model named "${name}".`);
    const { file, bytes, sha256 } = entry;
    return { name, url: modelUrl(file, sha256), bytes, sha256 };
  }

  /**
   * Bytes that the first picture of a model has fetched, code and weights; those that are here already, or on their way, are not counted.
   * @param {string} name
   */
  async downloadBytes(name) {
    if (this.#loads.has(name)) return 0;
    const { bytes, file } = await this.weights(name);
    return (file ? 0 : bytes) + (this.#loads.size > 0 ? 0 : await codeBytes());
  }

  /**
   * Has the worker free what it built of a model.
   * @param {string} name
   */
  async unload(name) {
    if (!this.#loads.delete(name)) return;
    await this.#link.request({ type: 'unload', id: 0, weights: await this.weights(name) });
  }

  #list() {
    this.#index ??= fetchIndex().catch((error) => {
      this.#index = null;
      throw error;
    });
    return this.#index;
  }

  /** @param {string} name */
  #startLoading(name) {
    /** @type {SharedLoad<ModelInfo>} */
    const loading = new SharedLoad(
      async (signal, onProgress) => {
        const weights = await this.weights(name);
        // What is fetched anew, by a worker started anew or past a damaged cache, is not told again.
        let most = 0;
        const { info } = await this.#link.request({ type: 'load', id: 0, weights }, signal, (reply) => {
          if (reply.type !== 'progress' || reply.loaded < most) return;
          most = reply.loaded;
          onProgress(reply.loaded, reply.total);
        });
        return info;
      },
      () => this.#loads.get(name) === loading && this.#loads.delete(name),
    );
    this.#loads.set(name, loading);
    return loading;
  }
}

/** Bytes of the code that draws on the CPU; 0 where the list does not say. */
async function codeBytes() {
  return (await bundleList('no-cache'))?.cpu?.bytes || 0;
}
