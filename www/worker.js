/**
 * The worker: owns the wasm bundles, the models and the samplers. Messages in, rows out
 * (`protocol.js`). Between two rows it returns to the event loop, so a stop is heard at any moment
 * and several runs share the worker row by row.
 */

import { adapterName, findAdapter } from './adapter.js';
import { calibrate } from './calibration.js';
import { CpuRun } from './cpu-run.js';
import { Helpers } from './helpers.js';
import { ModelShelf } from './model-shelf.js';
import { cpuModule, cpuPackage, gpuPackage, release, useCpuModule, wasmBytes } from './wasm.js';
import { fetchWeights } from './weights.js';

/** @typedef {import('./protocol.js').Request} Request */
/** @typedef {import('./protocol.js').Reply} Reply */
/** @typedef {import('./protocol.js').SampleRequest} SampleRequest */
/** @typedef {import('./wasm.js').WasmModel} WasmModel */

/**
 * A model, and the same in the other bundle, which is another program with memory of its own.
 * @typedef {{ model: WasmModel, bytes: Uint8Array<ArrayBuffer>, gpuModel(): Promise<WasmModel>, free(): void }} LoadedModel
 */

/**
 * The part of a dedicated worker's global scope used here; the page's type library has no worker.
 * @typedef {object} WorkerScope
 * @property {((event: MessageEvent<Request>) => void) | null} onmessage
 * @property {(reply: Reply, transfer?: Transferable[]) => void} postMessage
 */

const scope = /** @type {WorkerScope} */ (/** @type {unknown} */ (globalThis));

/** @type {Map<number, AbortController>} */
const jobs = new Map();

/**
 * Weights kept built. Each takes about three times its file: the file's bytes, the layers, and the
 * weights in the order in which the sampler reads them.
 */
const SHELF_ROOM_BYTES = 48e6;

/** @type {ModelShelf<LoadedModel>} */
const shelf = new ModelShelf({ build: buildModel, room_bytes: SHELF_ROOM_BYTES });

/** Of a worker that is itself a helper, which nobody asks for more threads than one, it stays empty. */
const helpers = new Helpers();

/** @type {Promise<{ gpu: import('./wasm.js').WasmGpu, adapter: string }> | null} */
let gpuReady = null;

scope.onmessage = ({ data }) => {
  if (data.type === 'stop') jobs.get(data.id)?.abort();
  else void serve(data);
};

/**
 * Runs one request to its end, whatever the end is.
 * @param {import('./protocol.js').WorkRequest} request
 */
async function serve(request) {
  const { id } = request;
  const job = new AbortController();
  jobs.set(id, job);
  try {
    await work(request, job.signal);
  } catch (error) {
    if (job.signal.aborted) scope.postMessage({ type: 'stopped', id });
    else scope.postMessage({ type: 'failed', id, message: sentence(error), fatal: isPanic(error) });
  } finally {
    jobs.delete(id);
  }
}

/**
 * @param {import('./protocol.js').WorkRequest} request
 * @param {AbortSignal} signal
 */
async function work(request, signal) {
  const { id, weights } = request;
  if (request.type === 'load' && request.source) takeFrom(weights, request.source);
  const onProgress = (/** @type {number} */ loaded, /** @type {number} */ total) => {
    if (request.type === 'load') scope.postMessage({ type: 'progress', id, loaded, total });
  };
  await shelf.lend(weights, { signal, onProgress }, async (loaded) => {
    signal.throwIfAborted();
    if (request.type === 'load') {
      scope.postMessage({ type: 'loaded', id, info: describe(loaded.model) });
    } else if (request.type === 'score') {
      const { score } = await cpuPackage();
      const nll_nats = score(loaded.model, request.levels, request.count);
      scope.postMessage({ type: 'scored', id, nll_nats }, [nll_nats.buffer]);
    } else if (request.type === 'calibrate') {
      const { count, threads } = request;
      await helpers.prepare(weights, () => sourceOf(loaded), count, threads);
      /** @type {SampleRequest} */
      const batch = { type: 'sample', id, weights, method: 'cached', seed: 0n, first: 0, count, temperature: 1, threads };
      const measured = await calibrate({
        cpu: () => CpuRun.open(batch, loaded.model, helpers),
        gpu: async () => {
          const { GpuSampler } = await gpuPackage();
          const { gpu } = await gpuOnce();
          return GpuSampler.create(gpu, await loaded.gpuModel(), 'fused', 0n, 0, count, 1);
        },
        signal,
      });
      const { adapter } = await gpuOnce();
      scope.postMessage({ type: 'calibrated', id, adapter, ...measured });
    } else if (request.type === 'distribution') {
      const { distribution } = await cpuPackage();
      // Whoever walks over a picture gives up most of what was asked: let that be heard first.
      await nextTurn();
      signal.throwIfAborted();
      const probabilities = distribution(loaded.model, request.levels, request.channel, request.y, request.x);
      scope.postMessage({ type: 'distributed', id, probabilities }, [probabilities.buffer]);
    } else {
      const drawn = request.method === 'gpu' ? await drawOnGpu(request, loaded, signal) : await drawOnCpu(request, loaded.model, signal);
      scope.postMessage({ type: 'done', id, ...drawn }, [drawn.levels.buffer]);
      // After the picture, not before it: who draws once needs no help.
      if (drawn.method === 'cached') void helpers.prepare(weights, () => sourceOf(loaded), request.count, request.threads);
    }
  });
}

/**
 * @param {WasmModel} model
 * @returns {import('./protocol.js').ModelInfo}
 */
function describe({ width, height, channels, levels, parameters, scales }) {
  const sizes = Array.from({ length: scales.length / 2 }, (_, at) => ({ width: scales[2 * at], height: scales[2 * at + 1] }));
  return { width, height, channels, levels, parameters, scales: sizes };
}

/**
 * Fetches wasm and weights side by side.
 * @param {import('./protocol.js').WeightsFile} weights
 * @param {AbortSignal} signal
 * @param {import('./shared-load.js').OnProgress} onProgress
 * @returns {Promise<LoadedModel>}
 */
async function buildModel(weights, signal, onProgress) {
  const [{ Model }, bytes] = await Promise.all([
    cpuPackage(),
    bytesOf(weights, signal, (loaded) => onProgress(loaded, weights.bytes)),
  ]);
  const { untrained } = weights;
  const build = (/** @type {import('./wasm.js').CpuPackage["Model"]} */ Model) =>
    untrained === undefined ? Model.load(bytes) : Model.untrained(untrained, 1n);
  const model = build(Model);
  /** @type {Promise<WasmModel> | null} */
  let onGpu = null;
  return {
    model,
    bytes,
    gpuModel: () => (onGpu ??= gpuPackage().then((gpu) => build(gpu.Model))),
    free() {
      release(model);
      void onGpu?.then(release, () => undefined);
    },
  };
}

/** Given by another worker, until the model is built: by address. @type {Map<string, Uint8Array<ArrayBuffer>>} */
const given = new Map();

/**
 * @param {import('./protocol.js').WeightsFile} weights
 * @param {import('./protocol.js').LoadSource} source
 */
function takeFrom(weights, { bytes, module }) {
  useCpuModule(module);
  given.set(weights.url, /** @type {Uint8Array<ArrayBuffer>} */ (bytes));
}

/**
 * @param {import('./protocol.js').WeightsFile} weights
 * @param {AbortSignal} signal
 * @param {(loaded: number) => void} onProgress
 */
async function bytesOf(weights, signal, onProgress) {
  const bytes = given.get(weights.url);
  given.delete(weights.url);
  if (bytes) return bytes;
  return weights.untrained === undefined ? fetchWeights(weights, signal, onProgress) : new Uint8Array(0);
}

/**
 * @param {LoadedModel} loaded
 * @returns {Promise<import('./protocol.js').LoadSource>}
 */
async function sourceOf({ bytes }) {
  return { bytes, module: await cpuModule() };
}

/**
 * Draws every row of a request on the CPU.
 * @param {SampleRequest} request
 * @param {WasmModel} model
 * @param {AbortSignal} signal
 */
async function drawOnCpu(request, model, signal) {
  /** @type {import('./protocol.js').Method} */
  const method = request.method === 'naive' ? 'naive' : 'cached';
  const run = await CpuRun.open(request, model, helpers);
  try {
    while (!run.done) {
      const { scale, y } = run;
      postRow(request.id, { scale, y, rgba: await run.nextRow() });
      await nextTurn();
      signal.throwIfAborted();
    }
    return { ...(await run.drawn()), method, adapter: '' };
  } finally {
    run.free();
  }
}

/**
 * Draws on WebGPU. Whatever goes wrong there, the CPU draws the whole picture: it is the same for the seed.
 * @param {SampleRequest} request
 * @param {LoadedModel} loaded
 * @param {AbortSignal} signal
 */
async function drawOnGpu(request, { model, gpuModel }, signal) {
  /** @type {import('./wasm.js').WasmGpuSampler | null} */
  let sampler = null;
  let elapsed_ms = 0;
  try {
    const { GpuSampler } = await gpuPackage();
    const { gpu, adapter } = await gpuOnce();
    signal.throwIfAborted();
    const { seed, first, count, temperature, given, mask } = request;
    sampler = await GpuSampler.create(gpu, await gpuModel(), 'fused', seed, first, count, temperature, given, mask);
    while (!sampler.done) {
      const { scale, y } = sampler;
      const start = performance.now();
      const rgba = await sampler.nextRow();
      elapsed_ms += performance.now() - start;
      postRow(request.id, { scale, y, rgba });
      await nextTurn();
      signal.throwIfAborted();
    }
    const nll_nats = sampler.nllNats() ?? null;
    const method = /** @type {const} */ ('gpu');
    return { levels: sampler.levels(), nll_nats, elapsed_ms, method, adapter, threads: 1, wasm_bytes: wasmBytes() };
  } catch (error) {
    signal.throwIfAborted();
    const reason = isPanic(error) ? 'The GPU code stopped unexpectedly.' : sentence(error);
    scope.postMessage({ type: 'fallback', id: request.id, reason });
    return drawOnCpu(request, model, signal);
  } finally {
    release(sampler);
  }
}

/**
 * Starts WebGPU once for all runs, failed or not: the device cannot be started twice in a worker. While there is no
 * adapter, nothing is started.
 */
async function gpuOnce() {
  const { Gpu } = await gpuPackage();
  const { present, software, reason } = await findAdapter();
  if (!present && !gpuReady) throw new Error(reason);
  gpuReady ??= Gpu.init(software).then((gpu) => ({ gpu, adapter: adapterName(JSON.parse(gpu.adapter)) }));
  return gpuReady;
}

/**
 * @param {number} id
 * @param {{ scale: number, y: number, rgba: Uint8ClampedArray<ArrayBuffer> }} row
 */
function postRow(id, row) {
  scope.postMessage({ type: 'row', id, ...row }, [row.rgba.buffer]);
}

/** @type {Array<() => void>} */
const waiting = [];
const turnstile = new MessageChannel();
turnstile.port1.onmessage = () => waiting.shift()?.();

/**
 * Lets waiting messages in. A message to oneself, because timers are held back to 4 ms.
 * @returns {Promise<void>}
 */
function nextTurn() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    turnstile.port2.postMessage(null);
  });
}

/** @param {unknown} error */
function isPanic(error) {
  return error instanceof WebAssembly.RuntimeError;
}

/** @param {unknown} error */
function sentence(error) {
  if (isPanic(error)) return 'The drawing code stopped unexpectedly and was started anew.';
  const text = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
