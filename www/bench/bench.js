/**
 * The engine for benchmarks of others: `globalThis.pixelBench` (see `bench.html`).
 */

import { findAdapter } from '../shared/adapter.js';
import { sentence } from '../shared/sentence.js';
import { openGpu } from '../worker/gpu-run.js';
import { cpuPackage, gpuPackage } from '../worker/wasm.js';
import { WorkerLink } from '../worker/worker-link.js';

/** SampleRequest before the first repetition, for as long: a browser compiles what runs often a second time, and better. */
const WARM_UP_MS = 300;

/**
 * A PixelCNN without skip connections, as its layers are.
 * @typedef {object} Shape
 * @property {string} name
 * @property {number} side    rows and columns of an image
 * @property {number} cin     values of a pixel, 1 or 3
 * @property {number} h       the paper's width
 * @property {number} n       residual blocks
 * @property {number} head    features of the head's hidden layer
 * @property {number} logits  numbers the head gives a pixel or a value: 1 for two levels, 256 a value (or 768 a pixel) for 256
 * @property {"pixelcnn" | "row_lstm" | "diagonal_bilstm"} [network]  `pixelcnn` if left out
 * @property {boolean} [skip]  whether the blocks also feed the head
 */

/**
 * @typedef {object} BenchOptions
 * @property {Shape} model
 * @property {number} batch     images drawn together
 * @property {number} reps      repetitions
 * @property {number} budgetMs  time for one repetition; what takes longer is scaled up from the rows drawn until then
 * @property {"cpu" | "gpu"} [backend]  `cpu` if left out; `gpu` rejects where there is none
 * @property {"cached" | "naive"} [method]  `naive` runs a full pass for each pixel, on either; `cached` if left out
 * @property {number} [threads]  1, the page's own, if left out; with more, workers share a batch on the CPU as they do for the element
 */

/**
 * @typedef {object} BenchResult
 * @property {number[]} ms_per_image  one number per repetition
 * @property {number} pixels          of one image
 * @property {boolean} extrapolated   whether any repetition ran into its budget
 * @property {number[]} first_row_ms    from the request to the first row of the whole batch, one number per repetition
 * @property {number} init_ms         from the shape to a network ready to draw
 * @property {number} cold_ms_per_image  of the very first drawing, scaled up like the others
 * @property {"cpu" | "gpu"} backend  that drew
 * @property {string} adapter         name of the GPU, empty on the CPU
 * @property {number} threads         that drew
 */

/**
 * Draws untrained networks of a shape and tells how long it took.
 * @param {BenchOptions} options
 * @returns {Promise<BenchResult>}
 */
async function pixelBench({ model: shape, batch = 1, reps = 3, budgetMs = Infinity, backend = 'cpu', method = 'cached', threads = 1 }) {
  if (threads > 1 && (backend !== 'cpu' || method !== 'cached')) throw new Error(`threads: found ${threads}, expected 1 but for cached on the CPU`);
  const draws = backend === 'gpu' ? await gpuDraws() : threads > 1 ? workerDraws(threads) : await cpuDraws();
  const start = performance.now();
  const model = await draws.untrained(JSON.stringify(configOf(shape)));
  const init_ms = performance.now() - start;
  let extrapolated = false;
  try {
    let seed = 0n;
    const draw = async (/** @type {number} */ limit_ms) => {
      const opened = performance.now();
      const sampler = await draws.open(model, method, seed++, batch);
      try {
        return await drawWithin(sampler, opened, Math.min(budgetMs, limit_ms), shape.side);
      } finally {
        sampler.free();
        // The page stays alive between two repetitions.
        await new Promise((resolve) => setTimeout(resolve));
      }
    };
    const perImage = (/** @type {{ rows: number, ms: number }} */ { rows, ms }) => (ms * shape.side) / rows / batch;
    const warming = performance.now();
    const cold_ms_per_image = perImage(await draw(Infinity));
    while (performance.now() - warming < WARM_UP_MS) await draw(WARM_UP_MS);

    /** @type {number[]} */
    const ms_per_image = [];
    /** @type {number[]} */
    const first_row_ms = [];
    for (let repetition = 0; repetition < reps; repetition++) {
      const drawn = await draw(Infinity);
      extrapolated ||= drawn.rows < shape.side;
      ms_per_image.push(perImage(drawn));
      first_row_ms.push(drawn.first_row_ms);
    }
    const { adapter } = draws;
    return { ms_per_image, first_row_ms, pixels: shape.side ** 2, extrapolated, init_ms, cold_ms_per_image, backend, adapter, threads };
  } finally {
    model.free();
  }
}

/** @typedef {import('../worker/calibration.js').RowSampler} RowSampler */

/**
 * A way to draw: networks from configurations, and samplers before their first row.
 * @template {{ free(): void }} M
 * @typedef {object} Draws
 * @property {(config: string) => M | Promise<M>} untrained
 * @property {(model: M, method: string, seed: bigint, batch: number) => RowSampler | Promise<RowSampler>} open
 * @property {string} adapter
 */

/**
 * @param {import('../worker/wasm.js').SampleRequest["method"]} method
 * @param {bigint} seed
 * @param {number} count
 */
const request = (method, seed, count) => ({ method, seed, first: 0, count, temperature: 1 });

/** @returns {Promise<Draws<any>>} */
async function cpuDraws() {
  const { Model, Sampler } = await cpuPackage();
  return {
    untrained: (config) => Model.untrained(config, 1n),
    open: (model, method, seed, batch) => new Sampler(model, request(method === 'naive' ? 'naive' : 'cached', seed, batch)),
    adapter: '',
  };
}

/** @returns {Promise<Draws<any>>} */
async function gpuDraws() {
  const { GpuSampler, Model } = await gpuPackage();
  const gpu = await openGpu();
  const { name: adapter } = await findAdapter();
  return {
    untrained: (config) => Model.untrained(config, 1n),
    open: (model, method, seed, batch) => GpuSampler.create(gpu, model, request(method === 'naive' ? 'naive' : 'fused', seed, batch)),
    adapter,
  };
}

/** Long enough for a worker to start and to build a network. */
const START_MS = 20_000;

/**
 * @param {number} threads
 * @returns {Draws<{ link: WorkerLink, weights: import('../shared/protocol.js').WeightsFile, free(): void }>}
 */
function workerDraws(threads) {
  const request = (/** @type {import('../shared/protocol.js').WeightsFile} */ weights, /** @type {bigint} */ seed, /** @type {number} */ count) =>
    /** @type {const} */ ({ type: 'sample', id: 0, weights, method: 'cached', seed, first: 0, count, temperature: 1, threads });
  return {
    async untrained(config) {
      const link = new WorkerLink();
      const weights = { name: 'untrained', url: `untrained:${config}`, bytes: 0, sha256: '', untrained: config };
      const deadline = performance.now() + START_MS;
      // Small batches until all helpers take part.
      for (let drawn = 1; drawn < threads; ) {
        ({ threads: drawn } = await link.request(request(weights, 0n, 2 * threads)));
        if (performance.now() > deadline) throw new Error(`threads: found ${drawn} in ${START_MS / 1000} s, expected ${threads}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { link, weights, free: () => link.dispose() };
    },
    open: ({ link, weights }, _, seed, batch) => new WorkerRows(link, request(weights, seed, batch)),
    adapter: '',
  };
}

/**
 * The rows of a batch as a worker posts them.
 * @implements {RowSampler}
 */
class WorkerRows {
  done = false;
  #abort = new AbortController();
  #ended;
  #posted = 0;
  #taken = 0;
  #heard = () => {};

  /**
   * @param {WorkerLink} link
   * @param {import('../shared/protocol.js').SampleRequest} request
   */
  constructor(link, request) {
    this.#ended = link.request(request, this.#abort.signal, ({ type }) => {
      this.#posted += Number(type === 'row');
      this.#heard();
    });
    this.#ended.catch(() => undefined);
  }

  async nextRow() {
    const row = ++this.#taken;
    const posted = new Promise((resolve) => {
      this.#heard = () => this.#posted >= row && resolve(null);
      this.#heard();
    });
    // A failure comes instead of the row.
    if (this.#posted < row) await Promise.race([posted, this.#ended.then(() => posted)]);
  }

  free() {
    this.#abort.abort();
  }
}

/**
 * Draws rows until all are drawn or the time is over.
 * @param {RowSampler} sampler
 * @param {number} opened  when it was asked for
 * @param {number} limit_ms
 * @param {number} height
 */
async function drawWithin(sampler, opened, limit_ms, height) {
  const start = performance.now();
  let rows = 0;
  let ms = 0;
  let first_row_ms = 0;
  while (rows < height && (rows === 0 || ms < limit_ms)) {
    const row = sampler.nextRow();
    // Not on the CPU: every wait is a turn of the event loop's microtasks.
    if (row instanceof Promise) await row;
    rows += 1;
    ms = performance.now() - start;
    if (rows === 1) first_row_ms = performance.now() - opened;
  }
  return { rows, ms, first_row_ms };
}

/**
 * The configuration of a weights file of this shape.
 * @param {Shape} shape
 */
function configOf({ side, cin, h, n, head, logits, network = 'pixelcnn', skip = false }) {
  const levels = logits === 1 ? 2 : 256;
  if (levels === 256 && logits !== 256 && logits !== 256 * cin) {
    throw new Error(`logits: found ${logits}, expected 1, 256 or ${256 * cin}`);
  }
  return { network, channels: cin, levels, height: side, width: side, layers: n, h, head, skip };
}

const state = /** @type {HTMLElement} */ (document.querySelector('#state'));
const scope = /** @type {typeof globalThis & { pixelReady?: boolean, pixelBench?: typeof pixelBench }} */ (globalThis);
try {
  await cpuPackage();
  scope.pixelBench = pixelBench;
  scope.pixelReady = true;
  state.textContent = 'Ready.';
} catch (error) {
  state.textContent = sentence(error);
}
