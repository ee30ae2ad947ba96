/**
 * The worker: owns the wasm bundles, the models and the samplers. Messages in, rows out
 * (`protocol.js`). Every few milliseconds, between two rows, it returns to the event loop, so a stop is heard at any moment
 * and several runs share the worker.
 */

import { sentence } from '../shared/sentence.js';
import { calibrate } from './calibration.js';
import { runCodec } from './codec-run.js';
import { CpuRun } from './cpu-run.js';
import { GpuRun } from './gpu-run.js';
import { Helpers } from './helpers.js';
import { influence } from './influence-run.js';
import { LoadedModel, takeFrom } from './loaded-model.js';
import { ModelShelf } from './model-shelf.js';
import { nextTurn, turns } from './turns.js';
import { cpuPackage, isPanic, owned } from './wasm.js';

/** @typedef {import('../shared/protocol.js').Request} Request */
/** @typedef {import('../shared/protocol.js').Reply} Reply */
/** @typedef {import('../shared/protocol.js').SampleRequest} SampleRequest */

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
const shelf = new ModelShelf({ build: LoadedModel.fetch, room_bytes: SHELF_ROOM_BYTES });

/** Of a worker that is itself a helper, which nobody asks for more threads than one, it stays empty. */
const helpers = new Helpers();

scope.onmessage = ({ data }) => {
  if (data.type === 'stop') jobs.get(data.id)?.abort();
  else void serve(data);
};

/**
 * Runs one request to its end, whatever the end is.
 * @param {import('../shared/protocol.js').WorkRequest} request
 */
async function serve(request) {
  const { id } = request;
  const job = new AbortController();
  jobs.set(id, job);
  try {
    await work(request, job.signal);
  } catch (error) {
    if (job.signal.aborted) scope.postMessage({ type: 'stopped', id });
    else {
      const fatal = isPanic(error);
      const message = fatal ? 'The drawing code stopped unexpectedly and was started anew.' : sentence(error);
      scope.postMessage({ type: 'failed', id, message, fatal });
    }
  } finally {
    jobs.delete(id);
  }
}

/**
 * @param {import('../shared/protocol.js').WorkRequest} request
 * @param {AbortSignal} signal
 */
async function work(request, signal) {
  const { id } = request;
  if (request.type === 'mask') {
    const { mask } = await cpuPackage();
    return scope.postMessage({ type: 'masked', id, mask: owned(mask(request.kind === 'B', request.size, request.channels)) });
  }
  const { weights } = request;
  if (request.type === 'unload') {
    shelf.free(weights);
    helpers.free(weights);
    return scope.postMessage({ type: 'unloaded', id });
  }
  if (request.type === 'load' && request.source) takeFrom(weights, request.source);
  const onProgress = (/** @type {number} */ loaded, /** @type {number} */ total) => {
    if (request.type === 'load') scope.postMessage({ type: 'progress', id, loaded, total });
  };
  await shelf.lend(weights, { signal, onProgress }, async (loaded) => {
    signal.throwIfAborted();
    if (request.type === 'load') {
      scope.postMessage({ type: 'loaded', id, info: loaded.info, metadata: loaded.onCpu.metadata });
    } else if (request.type === 'score') {
      const { score } = await cpuPackage();
      const nll_nats = owned(score(loaded.onCpu, request.levels, request.count));
      scope.postMessage({ type: 'scored', id, nll_nats }, [nll_nats.buffer]);
    } else if (request.type === 'calibrate') {
      const { count, threads } = request;
      await helpers.prepare(weights, () => loaded.source(), count, threads);
      /** @type {SampleRequest} */
      const batch = { type: 'sample', id, weights, method: 'cached', seed: 0n, first: 0, count, temperature: 1, threads };
      const measured = await calibrate({
        cpu: () => CpuRun.open(batch, loaded.onCpu, helpers),
        gpu: () => GpuRun.open(batch, () => loaded.onGpu(), signal),
        signal,
      });
      scope.postMessage({ type: 'calibrated', id, ...measured });
    } else if (request.type === 'distribution') {
      const { distribution } = await cpuPackage();
      // Whoever walks over a picture gives up most of what was asked: let that be heard first.
      await nextTurn();
      signal.throwIfAborted();
      const probabilities = owned(distribution(loaded.onCpu, request.levels, request.channel, request.y, request.x));
      scope.postMessage({ type: 'distributed', id, probabilities }, [probabilities.buffer]);
    } else if (request.type === 'activations') {
      const { activations } = await cpuPackage();
      const found = owned(activations(loaded.onCpu, request.levels, request.block, request.y, request.x));
      scope.postMessage({ type: 'activated', id, activations: found }, [found.buffer]);
    } else if (request.type === 'reach') {
      const { reach } = await cpuPackage();
      scope.postMessage({ type: 'reached', id, joined: owned(reach(loaded.onCpu, request.y, request.x)) });
    } else if (request.type === 'influence') {
      const onRow = (/** @type {number} */ y, /** @type {Float32Array<ArrayBuffer> | undefined} */ effects) =>
        scope.postMessage({ type: 'flipped', id, y, effects }, effects && [effects.buffer]);
      const { effects, mean } = await influence(request, loaded.onCpu, { signal, onRow, helpers });
      scope.postMessage({ type: 'influenced', id, effects, mean }, [effects.buffer]);
    } else if (request.type === 'compress' || request.type === 'decompress') {
      const onProgress = (/** @type {number} */ loaded, /** @type {number} */ total) => scope.postMessage({ type: 'progress', id, loaded, total });
      const bytes = await runCodec(request, loaded.onCpu, { signal, onProgress });
      scope.postMessage({ type: 'coded', id, bytes }, [bytes.buffer]);
    } else {
      const drawn = await draw(request, loaded, signal);
      scope.postMessage({ type: 'done', id, ...drawn }, [drawn.levels.buffer]);
      // After the picture, not before it: who draws once needs no help.
      if (drawn.method === 'cached') void helpers.prepare(weights, () => loaded.source(), request.count, request.threads);
    }
  });
}

/**
 * Draws a request on what it names. Whatever goes wrong on the GPU, the CPU draws the whole picture: it is the same for
 * the seed.
 * @param {SampleRequest} request
 * @param {LoadedModel} loaded
 * @param {AbortSignal} signal
 */
async function draw(request, loaded, signal) {
  const { id, method } = request;
  if (method === 'gpu') {
    try {
      return await drawRows(id, await GpuRun.open(request, () => loaded.onGpu(), signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = isPanic(error) ? 'The GPU code stopped unexpectedly.' : sentence(error);
      scope.postMessage({ type: 'fallback', id, reason });
    }
  }
  return drawRows(id, await CpuRun.open(request, loaded.onCpu, helpers), signal);
}

/**
 * @param {number} id
 * @param {CpuRun | GpuRun} run
 * @param {AbortSignal} signal
 */
async function drawRows(id, run, signal) {
  const turn = turns();
  try {
    while (!run.done) {
      const { scale, y } = run;
      const { rgba, values } = await run.step();
      const trace = run.trace();
      const traced = trace ? [trace.logits.buffer, trace.uniforms.buffer, trace.nll_nats.buffer] : [];
      scope.postMessage({ type: 'row', id, scale, y, rgba, values, trace }, [rgba.buffer, ...traced]);
      await turn();
      signal.throwIfAborted();
    }
    return await run.drawn();
  } finally {
    run.free();
  }
}
