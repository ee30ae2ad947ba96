/**
 * The engine for benchmarks of others: `globalThis.pixelBench` (see `bench.html`).
 */

import { cpuPackage } from './wasm.js';

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
 */

/**
 * @typedef {object} BenchResult
 * @property {number[]} ms_per_image  one number per repetition
 * @property {number} pixels          of one image
 * @property {boolean} extrapolated   whether any repetition ran into its budget
 * @property {number} init_ms         from the shape to a network ready to draw
 */

/**
 * Draws untrained networks of a shape and tells how long it took.
 * @param {BenchOptions} options
 * @returns {Promise<BenchResult>}
 */
async function pixelBench({ model: shape, batch = 1, reps = 3, budgetMs = Infinity }) {
  const { Model, Sampler } = await cpuPackage();
  const start = performance.now();
  const model = Model.untrained(JSON.stringify(configOf(shape)), 1n);
  const init_ms = performance.now() - start;
  let extrapolated = false;
  try {
    /** @type {number[]} */
    const ms_per_image = [];
    for (let repetition = 0; repetition < reps; repetition++) {
      const sampler = new Sampler(model, 'cached', BigInt(repetition), 0, batch, 1);
      try {
        const { rows, ms } = drawWithin(sampler, budgetMs);
        extrapolated ||= rows < shape.side;
        ms_per_image.push((ms * shape.side) / rows / batch);
      } finally {
        sampler.free();
      }
      // The page stays alive between two repetitions.
      await new Promise((resolve) => setTimeout(resolve));
    }
    return { ms_per_image, pixels: shape.side ** 2, extrapolated, init_ms };
  } finally {
    model.free();
  }
}

/**
 * Draws rows until all are drawn or the time is over.
 * @param {import('./wasm.js').WasmSampler} sampler
 * @param {number} budgetMs
 */
function drawWithin(sampler, budgetMs) {
  const start = performance.now();
  let rows = 0;
  let ms = 0;
  while (!sampler.done && (rows === 0 || ms < budgetMs)) {
    sampler.nextRow();
    rows += 1;
    ms = performance.now() - start;
  }
  return { rows, ms };
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
  state.textContent = error instanceof Error ? error.message : String(error);
}
