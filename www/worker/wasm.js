/**
 * Loads the two wasm bundles and gives their exports a type. Each file is named by `new URL` with plain words: from these a
 * bundler learns that it is wanted, takes it along as it is, and puts its new address there.
 */

import { fetchFile, refusal } from '../shared/fetching.js';
import { sentence } from '../shared/sentence.js';
import { bundleList } from './bundle-list.js';
import { Download } from './progress.js';

/**
 * The types are wasm-bindgen's own.
 * @typedef {typeof import('../../pkg/gpu/pixelrnn.js')} GpuPackage
 * @typedef {import('../../pkg/gpu/pixelrnn.js').Model} WasmModel
 * @typedef {import('../../pkg/gpu/pixelrnn.js').Sampler} WasmSampler
 * @typedef {import('../../pkg/gpu/pixelrnn.js').Gpu} WasmGpu
 * @typedef {import('../../pkg/gpu/pixelrnn.js').GpuSampler} WasmGpuSampler
 * @typedef {import('../../pkg/gpu/pixelrnn.js').SampleRequest} SampleRequest
 * @typedef {import('../../pkg/gpu/pixelrnn.js').Influence} WasmInfluence
 */

/**
 * What both bundles export.
 * @typedef {Pick<GpuPackage, keyof typeof import('../../pkg/cpu/pixelrnn.js')>} CpuPackage
 */

/**
 * An array with memory of its own, which can be transferred.
 * @template {Float32Array | Uint8Array | Uint8ClampedArray} T
 * @typedef {T extends Float32Array ? Float32Array<ArrayBuffer>
 *   : T extends Uint8Array ? Uint8Array<ArrayBuffer> : Uint8ClampedArray<ArrayBuffer>} Owned
 */

/** @typedef {"cpu" | "gpu"} Bundle */

/** The glue is a module without imports. @type {Record<Bundle, { glue: URL, wasm: URL }>} */
const FILES = {
  cpu: { glue: new URL('../pkg/cpu/pixelrnn.js', import.meta.url), wasm: new URL('../pkg/cpu/pixelrnn_bg.wasm', import.meta.url) },
  gpu: { glue: new URL('../pkg/gpu/pixelrnn.js', import.meta.url), wasm: new URL('../pkg/gpu/pixelrnn_bg.wasm', import.meta.url) },
};

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

/** Of the CPU bundle. */
const download = new Download();

/** The bundles, compiled. @type {Map<Bundle, Promise<WebAssembly.Module>>} */
const modules = new Map();

/**
 * The small bundle that draws on the CPU.
 * @param {import('../shared/shared-load.js').OnProgress} [onProgress]  told of its download, and at once where there is none
 * @returns {Promise<CpuPackage>}
 */
export function cpuPackage(onProgress) {
  const loading = loadPackage('cpu');
  if (onProgress) download.listen(onProgress);
  return loading;
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
 * An array that wasm has handed over: a copy made for the asker, which wasm-bindgen's types do not say.
 * @template {Float32Array | Uint8Array | Uint8ClampedArray} T
 * @param {T} array
 */
export function owned(array) {
  return /** @type {Owned<T>} */ (/** @type {unknown} */ (array));
}

/**
 * Whether the wasm instance is dead.
 * @param {unknown} error
 */
export function isPanic(error) {
  return error instanceof WebAssembly.RuntimeError;
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
 * @param {Bundle} bundle
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
 * @param {Bundle} bundle
 * @returns {Promise<GpuPackage>}
 */
async function instantiate(bundle) {
  if (typeof WebAssembly !== 'object') throw new Error('This browser has no WebAssembly.');
  try {
    const [exports, module_or_path] = await Promise.all([importGlue(bundle), moduleOf(bundle)]);
    const instance = await exports.default({ module_or_path });
    memories.add(instance.memory);
    return exports;
  } catch (cause) {
    throw new Error(`The ${bundle.toUpperCase()} bundle could not be loaded: ${sentence(cause)}`, { cause });
  }
}

/**
 * The comments are for bundlers, which would look for a module of their own behind the address.
 * @param {Bundle} bundle
 * @returns {Promise<GpuPackage>}
 */
async function importGlue(bundle) {
  const { glue } = FILES[bundle];
  return import(/* webpackIgnore: true */ /* @vite-ignore */ glue.href).catch(async (cause) => {
    const reason = await refusal(glue);
    throw reason ? new Error(`pixelrnn.js could not be fetched: ${reason}`, { cause }) : cause;
  });
}

/**
 * A bundle compiled, once: that of the CPU is handed on to other workers.
 * @param {Bundle} bundle
 */
function moduleOf(bundle) {
  const known = modules.get(bundle);
  if (known) return known;
  const compiling = compile(bundle, 'default')
    .catch((error) => {
      // What the browser's cache holds may be damaged: the server is asked before anybody is told.
      if (error instanceof WebAssembly.CompileError) return compile(bundle, 'reload');
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
 * @param {Bundle} bundle
 * @param {RequestCache} cache
 */
async function compile(bundle, cache) {
  // Nobody waits for the other one: until it is there, the CPU draws.
  const counted = bundle === 'cpu';
  if (counted) download.begin();
  try {
    const size = counted && listedBytes();
    const response = await fetchFile(FILES[bundle].wasm, 'pixelrnn_bg.wasm', { cache });
    // A copy is counted: browsers keep what they compiled of an answer only with that answer itself.
    if (size) void download.follow(response.clone(), size);
    if (response.headers.get('content-type') === 'application/wasm') return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } finally {
    if (counted) download.end();
  }
}

/** How large the CPU bundle is: of one that is compressed on its way, its server does not say that. */
async function listedBytes() {
  return Number((await bundleList('default'))?.cpu?.bytes);
}
