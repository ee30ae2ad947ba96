/**
 * Where a batch is drawn, on the CPU or on the GPU, and why: what was asked for, what is there, and what was measured.
 */

import { findAdapter } from '../shared/adapter.js';
import { formatDuration } from '../shared/format.js';
import { sentence } from '../shared/sentence.js';
import { bundleList } from '../worker/bundle-list.js';

/** @typedef {import('../engine.js').Backend} Backend */
/** @typedef {import('../engine.js').Batch} Batch */
/** @typedef {import('../engine.js').BackendReport} BackendReport */

const BUNDLE_POLL_MS = 5000;
const BUNDLE_POLLS = 60;

/** Without anything drawn for as long, there is time to find out whether the GPU would be faster. */
const IDLE_MS = 400;

/**
 * @typedef {{ measured: import('../engine.js').Calibration } | { refused: string }} Choice
 */

/** Chooses what draws a batch. */
export class Backends {
  #calibrate;
  #onNews;
  /** @type {Promise<boolean> | null} */
  #bundle = null;
  /** Of batches measured: what draws them faster, or why the GPU does not. @type {Map<string, Choice>} */
  #choices = new Map();
  /** Batches to be measured when there is time. @type {Set<string>} */
  #undecided = new Set();
  /** Runs and measurements under way. */
  #busy = 0;

  /**
   * @param {(batch: Batch) => Promise<import('../engine.js').Calibration>} calibrate  measures a batch
   * @param {(news: "choice" | "bundle") => void} onNews  told when a batch is decided, and when the GPU bundle has become available
   */
  constructor(calibrate, onNews) {
    this.#calibrate = calibrate;
    this.#onNews = onNews;
  }

  /**
   * Says where a run with this setting draws, and why.
   * @param {Backend} backend
   * @param {Batch} [batch]  that is to be drawn
   * @returns {Promise<BackendReport>}
   */
  async describe(backend, batch) {
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

  /**
   * How a run draws.
   * @param {import('../engine.js').SampleOptions} options
   * @returns {Promise<import('../shared/protocol.js').Method>}
   */
  async methodOf({ method = 'cached', backend = 'auto', model, count = 1, trace, onFallback }) {
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
   * What was faster for a batch is not there any more.
   * @param {Batch} batch
   * @param {string} reason
   */
  refuse(batch, reason) {
    this.#choices.set(keyOf(batch), { refused: reason });
  }

  /**
   * Nothing is measured while something else is done.
   * @template T
   * @param {Promise<T>} work
   */
  async during(work) {
    this.#busy += 1;
    try {
      return await work;
    } finally {
      this.#busy -= 1;
    }
  }

  /**
   * Measures a batch that was drawn on the CPU, once, when nothing else is to be done, and where there is hope: not for
   * software adapters, nor where a visitor saves data.
   * @param {Batch} batch
   */
  chooseWhenIdle(batch) {
    const key = keyOf(batch);
    if (this.#choices.has(key) || this.#undecided.has(key)) return;
    this.#undecided.add(key);
    setTimeout(async () => {
      this.#undecided.delete(key);
      const { connection } = /** @type {{ connection?: { saveData?: boolean } }} */ (/** @type {unknown} */ (navigator));
      const { present, software } = await findAdapter();
      if (!present || software || connection?.saveData || !(await this.#gpuBundle())) return;
      // There is always something on a page with many pictures; its turn comes.
      if (this.#busy > 0) return this.chooseWhenIdle(batch);
      if (this.#choices.has(key)) return;
      try {
        this.#choices.set(key, { measured: await this.during(this.#calibrate(batch)) });
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') return;
        this.#choices.set(key, { refused: sentence(error) });
      }
      this.#onNews('choice');
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
      this.#onNews('bundle');
      return;
    }
  }
}

/** Whether the GPU bundle is listed. */
async function bundleListed() {
  return Boolean((await bundleList('no-store'))?.gpu);
}

/**
 * @param {string} sentence
 * @returns {BackendReport}
 */
function onCpu(sentence, adapter = '') {
  return { backend: 'cpu', adapter, sentence };
}

/** @param {Batch} batch */
function keyOf({ model, count }) {
  return `${model} ${count}`;
}
