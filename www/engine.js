/**
 * The JavaScript API: models, drawing, completing, scoring, and the choice of where to draw. Owns the
 * worker through `worker-link.js`; knows no element and no canvas. The types of everything public are
 * in `engine.d.ts`.
 */

import { findAdapter } from './shared/adapter.js';
import { SCORING, check, checkDrawing } from './shared/arguments.js';
import { fetchFile, mistaken } from './shared/fetching.js';
import { formatDuration } from './shared/format.js';
import { modelUrl } from './shared/models-folder.js';
import { sentence } from './shared/sentence.js';
import { SharedLoad } from './shared/shared-load.js';
import { WorkerLink } from './worker/worker-link.js';

/** @typedef {import('./engine.js').Backend} Backend */
/** @typedef {import('./engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./engine.js').ModelSet} ModelSet */
/** @typedef {import('./engine.js').SampleOptions} SampleOptions */
/** @typedef {import('./engine.js').CompleteOptions} CompleteOptions */

const BUNDLE_POLL_MS = 5000;
const BUNDLE_POLLS = 60;

/** Workers that draw one batch, where there are as many cores: the further ones of a phone are slow, and a share gets small. */
const MOST_THREADS = 4;

/** Without anything drawn for as long, there is time to find out whether the GPU would be faster. */
const IDLE_MS = 400;

/**
 * @typedef {{ measured: import('./engine.js').Calibration } | { refused: string }} Choice
 */

/** Owns one worker, which may have helpers. Fires `choice` when it has found out what draws a batch faster, and `bundle` when the GPU bundle has become available. */
export class Engine extends EventTarget {
  #link = new WorkerLink();
  /** @type {ReturnType<typeof fetchIndex> | null} */
  #index = null;
  /** @type {Map<string, SharedLoad<import('./shared/protocol.js').ModelInfo>>} */
  #loads = new Map();
  /** @type {Promise<boolean> | null} */
  #bundle = null;
  /** Of batches measured: what draws them faster, or why the GPU does not. @type {Map<string, Choice>} */
  #choices = new Map();
  /** Runs and measurements under way. */
  #busy = 0;

  /** The models on offer. */
  async models() {
    return (await this.#list()).models;
  }

  /** The sets of pictures that they are of. */
  async sets() {
    return (await this.#list()).sets;
  }

  /**
   * Fetches, checks and builds a model; concurrent calls share one download, which ends when
   * nobody waits for it any more.
   * @param {string} name
   * @param {import('./engine.js').LoadOptions} [options]
   */
  async load(name, options = {}) {
    check(options);
    check({ name }, ['name']);
    const { onProgress, signal } = options;
    signal?.throwIfAborted();
    const loading = this.#loads.get(name) ?? this.#startLoading(name);
    return loading.wait({ signal, onProgress });
  }

  /**
   * Draws images.
   * @param {SampleOptions} options
   */
  async sample(options) {
    checkDrawing(options, ['model', 'seed']);
    return this.#draw(options);
  }

  /**
   * Draws the masked pixels of given images.
   * @param {CompleteOptions} options
   */
  async complete(options) {
    checkDrawing(options, ['model', 'seed', 'given', 'mask']);
    return this.#draw(options);
  }

  /**
   * Minus the log-probability of each value.
   * @param {{ model: string, levels: Uint8Array, count: number, signal?: AbortSignal }} options
   */
  async score(options) {
    check(options, ['model', 'levels', 'count'], SCORING);
    const { model, levels, count, signal } = options;
    await this.load(model, { signal });
    const weights = await this.#weights(model);
    /** @type {import('./shared/protocol.js').ScoredReply} */
    const { nll_nats } = await this.#link.request({ type: 'score', id: 0, weights, levels, count }, signal);
    return nll_nats;
  }

  /**
   * The probability of each level of one value, knowing everything that is drawn before it.
   * @param {import('./engine.js').DistributionOptions} options
   */
  async distribution(options) {
    check(options, ['model', 'levels', 'channel', 'y', 'x']);
    const { model, levels, channel, y, x, signal } = options;
    await this.load(model, { signal });
    const weights = await this.#weights(model);
    /** @type {import('./shared/protocol.js').DistributedReply} */
    const { probabilities } = await this.#link.request({ type: 'distribution', id: 0, weights, levels, channel, y, x }, signal);
    return probabilities;
  }

  /**
   * Finds out whether the CPU or the GPU draws a batch faster. Takes under a second once the GPU bundle is there.
   * @param {import('./engine.js').Batch & { signal?: AbortSignal }} options
   * @returns {Promise<import('./engine.js').Calibration>}
   */
  async calibrate(options) {
    check(options, ['model', 'count']);
    const { model, count, signal } = options;
    await this.load(model, { signal });
    const report = await this.describe('gpu');
    if (report.backend === 'cpu') throw new Error(report.sentence);
    const weights = await this.#weights(model);
    /** @type {import('./shared/protocol.js').CalibratedReply} */
    const { cpu_ms, gpu_ms, elapsed_ms } = await this.#link.request({ type: 'calibrate', id: 0, weights, count, threads: threadsHere() }, signal);
    return { backend: gpu_ms < cpu_ms ? 'gpu' : 'cpu', adapter: report.adapter, cpu_ms, gpu_ms, elapsed_ms };
  }

  /**
   * Says where a run with this setting draws, and why.
   * @param {Backend} backend
   * @param {import('./engine.js').Batch} [batch]  that is to be drawn
   * @returns {Promise<import('./engine.js').BackendReport>}
   */
  async describe(backend, batch) {
    check({ backend }, ['backend']);
    if (batch !== undefined) check(batch, ['model', 'count']);
    if (backend === 'cpu') return onCpu('CPU, cached sampler.');
    const adapter = await findAdapter();
    if (!adapter.present) return onCpu(`CPU, cached sampler. ${adapter.reason}`);
    const named = adapter.software ? `${adapter.name}, a software adapter` : adapter.name;
    const bundle = await this.#gpuBundle();
    if (backend === 'auto') {
      const choice = batch && this.#choices.get(keyOf(batch));
      if (!choice) return onCpu(`CPU, cached sampler. WebGPU adapter present: ${named}.`, adapter.name);
      if ('refused' in choice) return onCpu(`CPU, cached sampler. ${choice.refused}`, adapter.name);
      const { cpu_ms, gpu_ms } = choice.measured;
      const row = `${formatDuration(Math.min(cpu_ms, gpu_ms))} for a row of ${batch.count === 1 ? 'the image' : `${batch.count} images`}`;
      if (choice.measured.backend === 'gpu') {
        return { backend: 'gpu', adapter: adapter.name, sentence: `GPU, whole rows in one kernel, on ${named}: ${row}, the CPU takes ${formatDuration(cpu_ms)}.` };
      }
      return onCpu(`CPU, cached sampler: ${row}, ${named} takes ${formatDuration(gpu_ms)}.`, adapter.name);
    }
    if (!bundle) return onCpu('CPU, cached sampler. The GPU bundle is not there yet.', adapter.name);
    return { backend: 'gpu', adapter: adapter.name, sentence: `GPU, whole rows in one kernel, on ${named}.` };
  }

  /** Stops every run. */
  stop() {
    this.#link.stop();
  }

  /** Stops everything and ends the worker. */
  dispose() {
    this.#link.dispose();
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
    /** @type {SharedLoad<import('./shared/protocol.js').ModelInfo>} */
    const loading = new SharedLoad(
      async (signal, onProgress) => {
        const weights = await this.#weights(name);
        const { info } = await this.#link.request({ type: 'load', id: 0, weights }, signal, (reply) => {
          if (reply.type === 'progress') onProgress(reply.loaded, reply.total);
        });
        return info;
      },
      () => this.#loads.get(name) === loading && this.#loads.delete(name),
    );
    this.#loads.set(name, loading);
    return loading;
  }

  /**
   * @param {SampleOptions & Partial<CompleteOptions>} options
   * @returns {Promise<import('./engine.js').Drawing>}
   */
  async #draw(options) {
    const { model, seed, first = 0, count = 1, temperature = 1, threads = threadsHere(), given, mask, trace, signal, onRow, onFallback } = options;
    const info = await this.load(model, { signal });
    const weights = await this.#weights(model);
    const method = await this.#method(options);
    signal?.throwIfAborted();
    /** @type {import('./shared/protocol.js').SampleRequest} */
    const request = { type: 'sample', id: 0, weights, method, seed: BigInt(seed), first, count, temperature, threads, given, mask, trace };
    this.#busy += 1;
    /** @type {import('./shared/protocol.js').DoneReply} */
    const done = await this.#link.request(request, signal, (reply) => {
      if (reply.type === 'row') {
        const { scale, y, rgba, trace } = reply;
        onRow?.({ scale, y, ...info.scales[scale], rgba, ...(trace && { trace }) });
      } else if (reply.type === 'fallback') {
        // What was faster is not there any more.
        this.#choices.set(keyOf({ model, count }), { refused: reply.reason });
        onFallback?.(reply.reason);
      }
    }).finally(() => (this.#busy -= 1));
    if (method === 'cached' && (options.backend ?? 'auto') === 'auto') this.#chooseWhenIdle({ model, count });
    const pixels = info.scales.reduce((sum, { width, height }) => sum + count * width * height, 0);
    return {
      levels: done.levels,
      nll_nats: done.nll_nats,
      elapsed_ms: done.elapsed_ms,
      pixels_per_second: (1000 * pixels) / Math.max(done.elapsed_ms, 1e-3),
      backend: done.method === 'gpu' ? 'gpu' : 'cpu',
      adapter: done.method === 'gpu' ? (await findAdapter()).name : '',
      threads: done.threads,
      wasm_bytes: done.wasm_bytes,
    };
  }

  /**
   * @param {SampleOptions} options
   * @returns {Promise<import('./shared/protocol.js').Method>}
   */
  async #method({ method = 'cached', backend = 'auto', model, count = 1, trace, onFallback }) {
    if (method === 'naive' || backend === 'cpu' || trace !== undefined) return method;
    if (backend === 'auto') {
      const choice = this.#choices.get(keyOf({ model, count }));
      return choice && 'measured' in choice && choice.measured.backend === 'gpu' ? 'gpu' : method;
    }
    const report = await this.describe('gpu');
    if (report.backend === 'gpu') return 'gpu';
    onFallback?.(report.sentence);
    return method;
  }

  /**
   * Calibrates a batch that was drawn on the CPU, once, when nothing else is to be done, and where there is hope: not for
   * software adapters, nor where a visitor saves data.
   * @param {import('./engine.js').Batch} batch
   */
  #chooseWhenIdle(batch) {
    if (this.#choices.has(keyOf(batch))) return;
    setTimeout(async () => {
      const { connection } = /** @type {{ connection?: { saveData?: boolean } }} */ (/** @type {unknown} */ (navigator));
      const { present, software } = await findAdapter();
      if (!present || software || connection?.saveData || !(await this.#gpuBundle())) return;
      if (this.#busy > 0 || this.#choices.has(keyOf(batch))) return;
      this.#busy += 1;
      try {
        this.#choices.set(keyOf(batch), { measured: await this.calibrate(batch) });
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') return;
        this.#choices.set(keyOf(batch), { refused: sentence(error) });
      } finally {
        this.#busy -= 1;
      }
      this.dispatchEvent(new Event('choice'));
    }, IDLE_MS);
  }

  /**
   * Whether the GPU bundle is built. While it is not, asks again now and then.
   * @returns {Promise<boolean>}
   */
  #gpuBundle() {
    this.#bundle ??= bundleListed().then((listed) => {
      if (!listed) void this.#awaitBundle();
      return listed;
    });
    return this.#bundle;
  }

  async #awaitBundle() {
    for (let poll = 0; poll < BUNDLE_POLLS; poll++) {
      await new Promise((resolve) => setTimeout(resolve, BUNDLE_POLL_MS));
      if (!(await bundleListed())) continue;
      this.#bundle = Promise.resolve(true);
      this.dispatchEvent(new Event('bundle'));
      return;
    }
  }

  /**
   * @param {string} name
   * @returns {Promise<import('./shared/protocol.js').WeightsFile>}
   */
  async #weights(name) {
    const entry = (await this.models()).find((candidate) => candidate.name === name);
    if (!entry) throw new Error(`There is no model named "${name}".`);
    const { file, bytes, sha256 } = entry;
    return { name, url: modelUrl(file, sha256), bytes, sha256 };
  }
}

/** @type {Engine | null} */
let shared = null;

/**
 * The engine that all elements of a page share.
 * @returns {import('./engine.js').Engine}
 */
export function sharedEngine() {
  shared ??= new Engine();
  return shared;
}

/** @returns {Promise<{ models: ModelEntry[], sets: ModelSet[] }>} */
async function fetchIndex() {
  const response = await fetchFile(modelUrl('index.json'), 'The list of models', { cache: 'no-cache' });
  const text = await response.text();
  const index = parsed(text);
  const other = mistaken(text);
  if (!Array.isArray(index?.models)) throw new Error(`The list of models, models/index.json, is damaged${other && `: ${other}`}.`);
  return { models: index.models, sets: Array.isArray(index.sets) ? index.sets : [] };
}

/** @param {string} json */
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** Whether `pkg/index.json` lists the GPU bundle. */
async function bundleListed() {
  try {
    const response = await fetch(new URL('./pkg/index.json', import.meta.url), { cache: 'no-store' });
    return response.ok && Boolean((await response.json()).gpu);
  } catch {
    return false;
  }
}

/**
 * @param {string} sentence
 * @returns {import('./engine.js').BackendReport}
 */
function onCpu(sentence, adapter = '') {
  return { backend: 'cpu', adapter, sentence };
}

function threadsHere() {
  return Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
}

/** @param {import('./engine.js').Batch} batch */
function keyOf({ model, count }) {
  return `${model} ${count}`;
}
