/**
 * Loads the two wasm bundles and gives their exports a type.
 */

import { fetchFile, refusal } from '../shared/fetching.js';
import { sentence } from '../shared/sentence.js';

/**
 * @typedef {object} WasmModel
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} levels
 * @property {number} parameters
 * @property {Uint32Array} scales  width and height of each
 * @property {string} metadata
 * @property {() => void} free
 */

/**
 * @typedef {object} WasmSampler
 * @property {number} scale  of the row drawn next
 * @property {number} y
 * @property {boolean} done
 * @property {() => Uint8ClampedArray<ArrayBuffer>} nextRow
 * @property {() => Uint8Array<ArrayBuffer>} levels
 * @property {() => Float32Array<ArrayBuffer>} nllNats
 * @property {() => WasmRowTrace | undefined} rowTrace
 * @property {() => void} free
 */

/**
 * Each array is made anew when it is asked for.
 * @typedef {object} WasmRowTrace
 * @property {Float32Array<ArrayBuffer>} logits
 * @property {Float32Array<ArrayBuffer>} uniforms
 * @property {Float32Array<ArrayBuffer>} nllNats
 * @property {() => void} free
 */

/** @typedef {{ free(): void }} WasmGpu */

/**
 * @typedef {object} WasmGpuSampler
 * @property {number} scale  of the row drawn next
 * @property {number} y
 * @property {boolean} done
 * @property {() => Promise<Uint8ClampedArray<ArrayBuffer>>} nextRow
 * @property {() => Uint8Array<ArrayBuffer>} levels
 * @property {() => Float32Array<ArrayBuffer> | undefined} nllNats  nothing where `naive` draws
 * @property {() => void} free
 */

/**
 * Images to draw; the fields are those of a request.
 * @typedef {{ method: "naive" | "cached" | "fused" }
 *   & Pick<import('../shared/protocol.js').SampleRequest, "seed" | "first" | "count" | "temperature" | "given" | "mask" | "trace">} SampleRequest
 */

/**
 * What both bundles export.
 * @typedef {object} CpuPackage
 * @property {(options: { module_or_path: WebAssembly.Module }) => Promise<{ memory?: WebAssembly.Memory } | undefined>} default
 * @property {{ load(bytes: Uint8Array): WasmModel, untrained(config: string, seed: bigint): WasmModel }} Model
 * @property {new (model: WasmModel, request: SampleRequest) => WasmSampler} Sampler
 * @property {(model: WasmModel, levels: Uint8Array, count: number) => Float32Array<ArrayBuffer>} score
 * @property {(model: WasmModel, levels: Uint8Array, channel: number, y: number, x: number) => Float32Array<ArrayBuffer>} distribution
 */

/**
 * What only the GPU bundle exports.
 * @typedef {object} GpuExports
 * @property {{ init(software: boolean): Promise<WasmGpu> }} Gpu
 * @property {{ create(gpu: WasmGpu, model: WasmModel, request: SampleRequest): Promise<WasmGpuSampler> }} GpuSampler
 */

/** @typedef {CpuPackage & GpuExports} GpuPackage */

/** @type {Map<string, Promise<GpuPackage>>} */
const packages = new Map();

/** Of the bundles started. @type {Set<WebAssembly.Memory>} */
const memories = new Set();

/** Memory of the bundles started, in bytes. It never shrinks: this is the most that was needed at once. */
export function wasmBytes() {
  let bytes = 0;
  for (const { buffer } of memories) bytes += buffer.byteLength;
  return bytes;
}

/** The bundles, compiled. @type {Map<"cpu" | "gpu", Promise<WebAssembly.Module>>} */
const modules = new Map();

/**
 * The small bundle that draws on the CPU.
 * @returns {Promise<CpuPackage>}
 */
export function cpuPackage() {
  return loadPackage('cpu');
}

/**
 * The CPU bundle for another worker. Only once `cpuPackage` is there.
 * @returns {Promise<WebAssembly.Module>}
 */
export async function cpuModule() {
  await cpuPackage();
  return moduleOf('cpu');
}

/**
 * Takes the CPU bundle from another worker, unless it is here already.
 * @param {WebAssembly.Module} module
 */
export function useCpuModule(module) {
  if (!modules.has('cpu')) modules.set('cpu', Promise.resolve(module));
}

/**
 * The large bundle that draws through WebGPU.
 * @returns {Promise<GpuPackage>}
 */
export function gpuPackage() {
  return loadPackage('gpu');
}

/**
 * Frees what wasm holds; after a panic even that may throw, and the first error is the one to tell.
 * @param {{ free(): void } | null} held
 */
export function release(held) {
  try {
    held?.free();
  } catch {
    // The instance is dead; the page drops this worker.
  }
}

/**
 * Loads a bundle once; a failed load may be tried again.
 * @param {"cpu" | "gpu"} bundle
 * @returns {Promise<GpuPackage>}
 */
function loadPackage(bundle) {
  let loading = packages.get(bundle);
  if (!loading) {
    loading = instantiate(bundle).catch((error) => {
      packages.delete(bundle);
      throw error;
    });
    packages.set(bundle, loading);
  }
  return loading;
}

/**
 * @param {"cpu" | "gpu"} bundle
 * @returns {Promise<GpuPackage>}
 */
async function instantiate(bundle) {
  if (typeof WebAssembly !== 'object') throw new Error('This browser has no WebAssembly.');
  try {
    const [exports, module_or_path] = await Promise.all([importGlue(bundle), moduleOf(bundle)]);
    const instance = await exports.default({ module_or_path });
    if (instance?.memory) memories.add(instance.memory);
    return exports;
  } catch (cause) {
    throw new Error(`The ${bundle.toUpperCase()} bundle could not be loaded: ${sentence(cause)}`, { cause });
  }
}

/**
 * @param {"cpu" | "gpu"} bundle
 * @param {string} file
 */
function urlOf(bundle, file) {
  return new URL(`../pkg/${bundle}/${file}`, import.meta.url);
}

/**
 * @param {"cpu" | "gpu"} bundle
 * @returns {Promise<GpuPackage>}
 */
async function importGlue(bundle) {
  const url = urlOf(bundle, 'pixelrnn.js');
  return import(url.href).catch(async (cause) => {
    const reason = await refusal(url);
    throw reason ? new Error(`pixelrnn.js could not be fetched: ${reason}`, { cause }) : cause;
  });
}

/**
 * A bundle compiled, once: that of the CPU is handed on to other workers.
 * @param {"cpu" | "gpu"} bundle
 */
function moduleOf(bundle) {
  const known = modules.get(bundle);
  if (known) return known;
  const url = urlOf(bundle, 'pixelrnn_bg.wasm');
  const compiling = compile(url, 'default')
    .catch((error) => {
      // What the browser's cache holds may be damaged: the server is asked before anybody is told.
      if (error instanceof WebAssembly.CompileError) return compile(url, 'reload');
      throw error;
    })
    .catch((error) => {
      modules.delete(bundle);
      throw error;
    });
  modules.set(bundle, compiling);
  return compiling;
}

/**
 * Compiles while it downloads, where the server says what it is.
 * @param {URL} url
 * @param {RequestCache} cache
 */
async function compile(url, cache) {
  const response = await fetchFile(url, 'pixelrnn_bg.wasm', { cache });
  if (response.headers.get('content-type') === 'application/wasm') return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
