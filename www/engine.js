/**
 * The JavaScript API: models, drawing, completing, scoring, looking inside. Owns the worker through `worker-link.js`; knows no
 * element and no canvas. The types of everything public are in `engine.d.ts`.
 */

import { Backends } from './engine/backends.js';
import { compress, decompress } from './engine/codec.js';
import { influence, influenceMap } from './engine/influence.js';
import { Models } from './engine/models.js';
import { findAdapter } from './shared/adapter.js';
import { SCORING, check, checkDrawing } from './shared/arguments.js';
import { WorkerLink } from './worker/worker-link.js';

/** @typedef {import('./engine.js').Backend} Backend */
/** @typedef {import('./engine.js').SampleOptions} SampleOptions */
/** @typedef {import('./engine.js').CompleteOptions} CompleteOptions */

/** Workers that draw one batch, where there are as many cores: the further ones of a phone are slow, and a share gets small. */
const MOST_THREADS = 4;

/** Owns one worker, which may have helpers. Fires `choice` when it has found out what draws a batch faster, and `bundle` when the GPU bundle has become available. */
export class Engine extends EventTarget {
  #link = new WorkerLink();
  #models = new Models(this.#link);
  #backends = new Backends(
    (batch) => this.calibrate(batch),
    (news) => this.dispatchEvent(new Event(news)),
  );

  /** Once the model is there. @type {import('./shared/protocol.js').Ask} */
  #ask = async (model, question, { signal, onReply } = {}) => {
    await this.load(model, { signal });
    const weights = await this.#models.weights(model);
    return this.#link.request({ ...question, id: 0, weights }, signal, onReply);
  };

  /** The models on offer, and those brought as files. */
  async models() {
    return this.#models.entries();
  }

  /** The sets of pictures that they are of. */
  async sets() {
    return this.#models.sets();
  }

  /**
   * Takes a weights file that is in no list; the name of its network then goes wherever one is asked for.
   * @param {Blob | Uint8Array | string | URL} file
   * @param {import('./engine.js').OpenOptions} [options]
   */
  async open(file, options = {}) {
    check(options);
    check({ file }, ['file']);
    options.signal?.throwIfAborted();
    return this.#models.open(file, options);
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
    options.signal?.throwIfAborted();
    return this.#models.load(name, options);
  }

  /**
   * Bytes that a first picture of a model would fetch.
   * @param {string} name
   */
  async downloadBytes(name) {
    check({ name }, ['name']);
    return this.#models.downloadBytes(name);
  }

  /**
   * Frees the memory of a model, which is built anew when it is wanted again.
   * @param {string} name
   */
  async unload(name) {
    check({ name }, ['name']);
    return this.#models.unload(name);
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
   * Draws the masked pixels, or values, of given images.
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
    /** @type {import('./shared/protocol.js').ScoredReply} */
    const { nll_nats } = await this.#ask(model, { type: 'score', levels, count }, { signal });
    return nll_nats;
  }

  /**
   * The probability of each level of one value, knowing everything that is drawn before it.
   * @param {import('./engine.js').DistributionOptions} options
   */
  async distribution(options) {
    check(options, ['model', 'levels', 'channel', 'y', 'x']);
    const { model, levels, channel, y, x, signal } = options;
    return (await this.#ask(model, { type: 'distribution', levels, channel, y, x }, { signal })).probabilities;
  }

  /**
   * What one block makes of a pixel.
   * @param {import('./engine.js').PixelOptions & { block: number }} options
   */
  async activations(options) {
    check(options, ['model', 'levels', 'block', 'y', 'x']);
    const { model, levels, block, y, x, signal } = options;
    return (await this.#ask(model, { type: 'activations', levels, block, y, x }, { signal })).activations;
  }

  /**
   * What the wiring of a network joins with a pixel, whatever its weights.
   * @param {Pick<import('./engine.js').PixelOptions, "model" | "y" | "x" | "signal">} options
   */
  async reach(options) {
    check(options, ['model', 'y', 'x']);
    const { model, y, x, signal } = options;
    return (await this.#ask(model, { type: 'reach', y, x }, { signal })).joined;
  }

  /**
   * How far a pixel, flipped, moves the distributions of those after it.
   * @param {import('./engine.js').PixelOptions} options
   */
  async changes(options) {
    check(options, ['model', 'levels', 'y', 'x']);
    return (await influence(this.#ask, { question: 'of', threads: threadsHere() }, options)).effects;
  }

  /**
   * How far the pixels before a pixel, flipped, move its distribution.
   * @param {import('./engine.js').InfluenceOptions} options
   */
  async influence(options) {
    check(options, ['model', 'levels', 'y', 'x']);
    const onFlipped = (/** @type {import('./shared/protocol.js').FlippedReply} */ { y, effects }) => effects && options.onRow?.(y, effects);
    return (await influence(this.#ask, { question: 'on', threads: threadsHere() }, options, onFlipped)).effects;
  }

  /**
   * How far each pixel, flipped, moves the distribution of each.
   * @param {import('./engine.js').InfluenceMapOptions} options
   * @returns {Promise<import('./engine.js').InfluenceMap>}
   */
  async influenceMap(options) {
    check(options, ['model', 'levels']);
    const { height } = await this.load(options.model, { signal: options.signal });
    return influenceMap(this.#ask, threadsHere(), options, height);
  }

  /**
   * Images as few bytes, which are the same on every machine.
   * @param {import('./engine.js').CompressOptions} options
   */
  async compress(options) {
    return compress(this.#ask, options);
  }

  /**
   * The images of a compressed file.
   * @param {import('./engine.js').DecompressOptions} options
   */
  async decompress(options) {
    return decompress(this.#ask, options, (model, { signal }) => this.load(model, { signal }));
  }

  /**
   * The mask of a convolution with one feature a colour.
   * @param {import('./engine.js').MaskOptions} options
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async mask(options) {
    check(options, ['kind', 'size', 'channels']);
    const { kind, size, channels, signal } = options;
    return (await this.#link.request({ type: 'mask', id: 0, kind, size, channels }, signal)).mask;
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
    /** @type {import('./shared/protocol.js').CalibratedReply} */
    const { cpu_ms, gpu_ms, elapsed_ms } = await this.#ask(model, { type: 'calibrate', count, threads: threadsHere() }, { signal });
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
    return this.#backends.describe(backend, batch);
  }

  /** Stops every run. */
  stop() {
    this.#link.stop();
  }

  /** Stops everything and ends the worker. */
  dispose() {
    this.#link.dispose();
  }

  /**
   * @param {SampleOptions & Partial<CompleteOptions>} options
   * @returns {Promise<import('./engine.js').Drawing>}
   */
  async #draw(options) {
    const { model, seed, first = 0, count = 1, temperature = 1, topK, topP, threads = threadsHere(), given, mask, trace, signal, onRow, onValue, onFallback } = options;
    const info = await this.load(model, { signal });
    const weights = await this.#models.weights(model);
    const method = await this.#backends.methodOf(options);
    signal?.throwIfAborted();
    /** @type {import('./shared/protocol.js').SampleRequest} */
    const request = { type: 'sample', id: 0, weights, method, seed: BigInt(seed), first, count, temperature, topK, topP, threads, given, mask, trace };
    const drawing = this.#link.request(request, signal, (reply) => {
      if (reply.type === 'row') {
        const { scale, y, rgba, values, trace } = reply;
        const row = { scale, y, ...info.scales[scale], rgba, ...(trace && { trace }) };
        if (values) onValue?.({ ...row, values });
        else onRow?.(row);
      } else if (reply.type === 'fallback') {
        this.#backends.refuse({ model, count }, reply.reason);
        onFallback?.(reply.reason);
      }
    });
    /** @type {import('./shared/protocol.js').DoneReply} */
    const done = await this.#backends.during(drawing);
    if (method === 'cached' && (options.backend ?? 'auto') === 'auto') this.#backends.chooseWhenIdle({ model, count });
    const pixels = info.scales.reduce((sum, { width, height }) => sum + count * width * height, 0);
    return {
      levels: done.levels,
      nll_nats: done.nll_nats,
      elapsed_ms: done.elapsed_ms,
      pixels_per_second: (1000 * pixels) / done.elapsed_ms,
      backend: done.method === 'gpu' ? 'gpu' : 'cpu',
      adapter: done.method === 'gpu' ? (await findAdapter()).name : '',
      threads: done.threads,
      wasm_bytes: done.wasm_bytes,
    };
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

function threadsHere() {
  return Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
}
