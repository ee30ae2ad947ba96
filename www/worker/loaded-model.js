/**
 * A model from its weights, built in the small bundle and, once a GPU draws with it, in the large one too: that is
 * another program with memory of its own.
 */

import { sentence } from '../shared/sentence.js';
import { summed } from './progress.js';
import { cpuModule, cpuPackage, gpuPackage, isPanic, release, useCpuModule } from './wasm.js';
import { fetchWeights, fileName } from './weights.js';

/** @typedef {import('../shared/protocol.js').WeightsFile} WeightsFile */
/** @typedef {import('../shared/protocol.js').LoadSource} LoadSource */
/** @typedef {import('./wasm.js').WasmModel} WasmModel */

/** A model ready to draw. */
export class LoadedModel {
  #bytes;
  #build;
  /** @type {Promise<WasmModel> | null} */
  #onGpu = null;

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes  of the weights file
   * @param {(Model: import('./wasm.js').CpuPackage["Model"]) => WasmModel} build
   * @param {import('./wasm.js').CpuPackage["Model"]} Model  of the small bundle
   */
  constructor(bytes, build, Model) {
    this.#bytes = bytes;
    this.#build = build;
    this.onCpu = build(Model);
  }

  /**
   * Fetches wasm and weights side by side.
   * @param {WeightsFile} weights
   * @param {AbortSignal} signal
   * @param {import('../shared/shared-load.js').OnProgress} onProgress
   */
  static async fetch(weights, signal, onProgress) {
    const [onBundle, onWeights] = summed(2, onProgress);
    const [{ Model }, bytes] = await Promise.all([cpuPackage(onBundle), bytesOf(weights, signal, onWeights)]);
    const { untrained } = weights;
    return new LoadedModel(bytes, (Model) => (untrained === undefined ? read(weights, bytes, Model) : Model.untrained(untrained, 1n)), Model);
  }

  /** The model in the large bundle. */
  onGpu() {
    return (this.#onGpu ??= gpuPackage().then(({ Model }) => this.#build(Model)));
  }

  /** What it says about itself. @returns {import('../shared/protocol.js').ModelInfo} */
  get info() {
    const { width, height, channels, levels, parameters, scales } = this.onCpu;
    const sizes = Array.from({ length: scales.length / 2 }, (_, at) => ({ width: scales[2 * at], height: scales[2 * at + 1] }));
    return { width, height, channels, levels, parameters, scales: sizes };
  }

  /** All that another worker needs to build it. @returns {Promise<LoadSource>} */
  async source() {
    return { bytes: this.#bytes, module: await cpuModule() };
  }

  free() {
    release(this.onCpu);
    void this.#onGpu?.then(release, () => undefined);
  }
}

/**
 * @param {WeightsFile} weights
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {import('./wasm.js').CpuPackage["Model"]} Model
 */
function read(weights, bytes, Model) {
  try {
    return Model.load(bytes);
  } catch (error) {
    if (isPanic(error)) throw error;
    // The reason names the tensor or field.
    throw new Error(`${fileName(weights)} cannot be opened: ${sentence(error).slice(0, -1)}; files written by pixelrnn train can.`, { cause: error });
  }
}

/** Given by another worker, until the model is built: by address. @type {Map<string, Uint8Array<ArrayBuffer>>} */
const given = new Map();

/**
 * Takes from another worker what would be fetched.
 * @param {WeightsFile} weights
 * @param {LoadSource} source
 */
export function takeFrom(weights, { bytes, module }) {
  useCpuModule(module);
  given.set(weights.url, /** @type {Uint8Array<ArrayBuffer>} */ (bytes));
}

/**
 * @param {WeightsFile} weights
 * @param {AbortSignal} signal
 * @param {import('../shared/shared-load.js').OnProgress} onProgress
 */
async function bytesOf(weights, signal, onProgress) {
  const { url, file, untrained } = weights;
  const bytes = given.get(url);
  given.delete(url);
  if (!bytes && !file && untrained === undefined) {
    onProgress(0, weights.bytes);
    return fetchWeights(weights, signal, (loaded) => onProgress(loaded, weights.bytes));
  }
  onProgress(0, 0);
  return bytes ?? new Uint8Array((await file?.arrayBuffer()) ?? []);
}
