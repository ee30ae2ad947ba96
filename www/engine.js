/**
 * The JavaScript API: models, drawing, completing, scoring, and the choice of where to draw. Owns the
 * worker through `worker-link.js`; knows no element and no canvas. The types of everything public are
 * in `engine.d.ts`.
 */

import { findAdapter } from './adapter.js';
import { SharedLoad } from './shared-load.js';
import { WorkerLink } from './worker-link.js';

/** @typedef {import('./engine.js').Backend} Backend */
/** @typedef {import('./engine.js').ModelEntry} ModelEntry */
/** @typedef {import('./engine.js').SampleOptions} SampleOptions */
/** @typedef {import('./engine.js').CompleteOptions} CompleteOptions */

const BUNDLE_POLL_MS = 5000;
const BUNDLE_POLLS = 60;

const SEVERAL_SCALES = 'Networks of several scales are not drawn on the GPU.';

/** Owns one worker. Fires `bundle` when the GPU bundle has become available. */
export class Engine extends EventTarget {
  #link = new WorkerLink();
  /** @type {Promise<ModelEntry[]> | null} */
  #index = null;
  /** @type {Map<string, SharedLoad<import('./protocol.js').ModelInfo>>} */
  #loads = new Map();
  /** @type {Promise<boolean> | null} */
  #bundle = null;

  /**
   * The models on offer.
   * @returns {Promise<ModelEntry[]>}
   */
  models() {
    this.#index ??= fetchIndex().catch((error) => {
      this.#index = null;
      throw error;
    });
    return this.#index;
  }

  /**
   * Fetches, checks and builds a model; concurrent calls share one download, which ends when
   * nobody waits for it any more.
   * @param {string} name
   * @param {import('./engine.js').LoadOptions} [options]
   */
  async load(name, { onProgress, signal } = {}) {
    signal?.throwIfAborted();
    const loading = this.#loads.get(name) ?? this.#startLoading(name);
    return loading.wait({ signal, onProgress });
  }

  /**
   * Draws images.
   * @param {SampleOptions} options
   */
  sample(options) {
    return this.#draw(options);
  }

  /**
   * Draws the masked pixels of given images.
   * @param {CompleteOptions} options
   */
  complete(options) {
    return this.#draw(options);
  }

  /**
   * Minus the log-probability of each value.
   * @param {{ model: string, levels: Uint8Array, count: number, signal?: AbortSignal }} options
   */
  async score({ model, levels, count, signal }) {
    await this.load(model, { signal });
    const weights = await this.#weights(model);
    /** @type {import('./protocol.js').ScoredReply} */
    const { nll_nats } = await this.#link.request({ type: 'score', id: 0, weights, levels, count }, signal);
    return nll_nats;
  }

  /**
   * The probability of each level of one value, knowing everything that is drawn before it.
   * @param {import('./engine.js').DistributionOptions} options
   */
  async distribution({ model, levels, channel, y, x, signal }) {
    await this.load(model, { signal });
    const weights = await this.#weights(model);
    /** @type {import('./protocol.js').DistributedReply} */
    const { probabilities } = await this.#link.request({ type: 'distribution', id: 0, weights, levels, channel, y, x }, signal);
    return probabilities;
  }

  /**
   * Says where a run with this setting draws, and why.
   * @param {Backend} backend
   * @param {import('./protocol.js').ModelInfo} [info]  of the network that draws
   * @returns {Promise<import('./engine.js').BackendReport>}
   */
  async describe(backend, info) {
    if (backend === 'cpu') return onCpu('CPU, cached sampler.');
    if (info && info.scales.length > 1) return onCpu(`CPU, cached sampler. ${SEVERAL_SCALES}`);
    const adapter = await findAdapter();
    if (!adapter.present) return onCpu(`CPU, cached sampler. ${adapter.reason}`);
    const named = adapter.software ? `${adapter.name}, a software adapter` : adapter.name;
    const bundle = await this.#gpuBundle();
    if (backend === 'auto') return onCpu(`CPU, cached sampler. WebGPU adapter present: ${named}.`, adapter.name);
    if (!bundle) return onCpu('CPU, cached sampler. The GPU bundle is not there yet.', adapter.name);
    return { backend: 'gpu', adapter: adapter.name, sentence: `GPU, a full pass for each pixel, on ${named}.` };
  }

  /** Stops every run. */
  stop() {
    this.#link.stop();
  }

  /** Stops everything and ends the worker. */
  dispose() {
    this.#link.dispose();
  }

  /** @param {string} name */
  #startLoading(name) {
    /** @type {SharedLoad<import('./protocol.js').ModelInfo>} */
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
    const { model, seed, first = 0, count = 1, temperature = 1, given, mask, signal, onRow, onFallback } = options;
    const info = await this.load(model, { signal });
    const weights = await this.#weights(model);
    const method = await this.#method(options, info);
    signal?.throwIfAborted();
    /** @type {import('./protocol.js').SampleRequest} */
    const request = { type: 'sample', id: 0, weights, method, seed, first, count, temperature, given, mask };
    /** @type {import('./protocol.js').DoneReply} */
    const done = await this.#link.request(request, signal, (reply) => {
      if (reply.type === 'row') onRow?.({ scale: reply.scale, y: reply.y, ...info.scales[reply.scale], rgba: reply.rgba });
      else if (reply.type === 'fallback') onFallback?.(reply.reason);
    });
    const pixels = info.scales.reduce((sum, { width, height }) => sum + count * width * height, 0);
    return {
      levels: done.levels,
      nll_nats: done.nll_nats,
      elapsed_ms: done.elapsed_ms,
      pixels_per_second: (1000 * pixels) / Math.max(done.elapsed_ms, 1e-3),
      backend: done.method === 'gpu' ? 'gpu' : 'cpu',
      adapter: done.adapter,
      wasm_bytes: done.wasm_bytes,
    };
  }

  /**
   * @param {SampleOptions} options
   * @param {import('./protocol.js').ModelInfo} info
   * @returns {Promise<import('./protocol.js').Method>}
   */
  async #method({ method = 'cached', backend = 'auto', onFallback }, info) {
    if (method === 'naive' || backend !== 'gpu') return method;
    if (info.scales.length > 1) {
      onFallback?.(SEVERAL_SCALES);
      return method;
    }
    const report = await this.describe('gpu');
    if (report.backend === 'gpu') return 'gpu';
    onFallback?.(report.sentence);
    return method;
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
   * @returns {Promise<import('./protocol.js').WeightsFile>}
   */
  async #weights(name) {
    const entry = (await this.models()).find((candidate) => candidate.name === name);
    if (!entry) throw new Error(`There is no model named "${name}".`);
    const { file, bytes, sha256 } = entry;
    return { name, url: new URL(file, modelsUrl()).href, bytes, sha256 };
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

function modelsUrl() {
  return new URL('./models/', import.meta.url);
}

/** @returns {Promise<ModelEntry[]>} */
async function fetchIndex() {
  const response = await fetch(new URL('index.json', modelsUrl()), { cache: 'no-cache' });
  if (!response.ok) throw new Error(`The list of models could not be fetched: the server answered ${response.status}.`);
  const index = await response.json().catch(() => null);
  if (!Array.isArray(index?.models)) throw new Error('The list of models, models/index.json, is damaged.');
  return index.models;
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
