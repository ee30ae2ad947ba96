/**
 * Networks that are in no list: each was brought as a file, and is kept as long as the page and nowhere else.
 */

import { sha256Of } from './sha256.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./protocol.js').WeightsFile} WeightsFile */
/** @typedef {import('./protocol.js').LoadedReply} LoadedReply */

/** Such networks, by name. */
export class OwnNetworks {
  /** @type {Map<string, { entry: ModelEntry, weights: WeightsFile }>} */
  #networks = new Map();
  #brought = 0;

  get entries() {
    return Array.from(this.#networks.values(), ({ entry }) => entry);
  }

  /** @param {string} name */
  weights(name) {
    return this.#networks.get(name)?.weights;
  }

  /**
   * The network of a file that was brought before.
   * @param {WeightsFile} weights
   */
  known({ name, url }) {
    return [...this.#networks.values()].find(({ weights }) => weights.name === name && weights.url === url)?.entry;
  }

  /**
   * What a worker needs of a file. It travels with every request, so that a worker that is started anew has it too.
   * @param {import('./brought-file.js').BroughtFile} file
   * @returns {Promise<WeightsFile>}
   */
  async weightsOf({ name, bytes }) {
    const sha256 = await sha256Of(bytes);
    return { name, url: `own:${sha256 || ++this.#brought}`, bytes: bytes.length, sha256, file: new Blob([bytes]) };
  }

  /**
   * Adds the network of a file that was found good.
   * @param {WeightsFile} weights
   * @param {LoadedReply} loaded
   * @param {string} [title]
   */
  add(weights, { info, metadata }, title) {
    const known = this.known(weights);
    if (known) return known;
    const { name: file, bytes, sha256 } = weights;
    // Other networks may have come in files of this name.
    const nameOf = (/** @type {number} */ copy) => (copy === 1 ? file : file.replace(/(?=\.safetensors$)/, ` (${copy})`));
    let copy = 1;
    while (this.#networks.has(nameOf(copy))) copy += 1;
    const name = nameOf(copy);
    const { config, training, results } = JSON.parse(metadata);
    /** @type {ModelEntry} */
    const entry = {
      name, file, bytes, sha256, config, title: title === undefined ? name : copy === 1 ? title : `${title} (${copy})`, parameters: info.parameters, own: true,
      set: dataOf(training), test_nll: measured(results?.test), valid_nll: measured(results?.valid),
    };
    this.#networks.set(name, { entry, weights });
    return entry;
  }
}

/**
 * Name of the pictures that a network was trained on; empty where its file does not say. Files come from anywhere: what
 * `pixelrnn train` has not written is no record.
 * @param {any} training
 */
function dataOf(training) {
  const dataset = training?.config?.dataset;
  const name = dataset?.name ?? dataset;
  return typeof name === 'string' ? name.slice(0, 64) : '';
}

/**
 * @param {any} nll
 * @returns {import('../engine.js').MeasuredNll | undefined}
 */
function measured(nll) {
  const { nats_per_image, bits_per_dim, images, protocol } = Object(nll);
  const isMeasured = [nats_per_image, bits_per_dim, images].every(Number.isFinite) && typeof protocol === 'string';
  return isMeasured ? { nats_per_image, bits_per_dim, images, protocol } : undefined;
}
