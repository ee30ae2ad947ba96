/**
 * Which of two samplers draws a batch faster: both draw its first rows, together in less than a second.
 */

/** Time for a sampler's rows, the first not counted. */
const BUDGET_MS = 150;

/** A first row that takes longer than this, kernels compiled and all, says enough. */
const PATIENCE_MS = 500;

/**
 * @typedef {object} RowSampler
 * @property {boolean} done
 * @property {() => unknown} nextRow
 * @property {() => void} free
 */

/**
 * @typedef {object} Calibration
 * @property {number} cpu_ms      a row of the whole batch
 * @property {number} gpu_ms      the same
 * @property {number} elapsed_ms  what it took to know
 */

/**
 * Measures both.
 * @param {{ cpu: () => Promise<RowSampler>, gpu: () => Promise<RowSampler>, signal: AbortSignal }} samplers
 * @returns {Promise<Calibration>}
 */
export async function calibrate({ cpu, gpu, signal }) {
  /** @type {RowSampler[]} */
  const samplers = [];
  try {
    // Opening a device and reading weights are done once and not part of drawing.
    for (const open of [cpu, gpu]) samplers.push(await open());
    const start = performance.now();
    const [cpu_ms, gpu_ms] = [await rowTime(samplers[0], signal), await rowTime(samplers[1], signal)];
    return { cpu_ms, gpu_ms, elapsed_ms: performance.now() - start };
  } finally {
    for (const sampler of samplers) sampler.free();
  }
}

/**
 * Milliseconds of a row.
 * @param {RowSampler} sampler
 * @param {AbortSignal} signal
 */
async function rowTime(sampler, signal) {
  const start = performance.now();
  await sampler.nextRow();
  const first_ms = performance.now() - start;
  if (first_ms > PATIENCE_MS || sampler.done) return first_ms;
  const second = performance.now();
  let rows = 0;
  while (!sampler.done && (rows === 0 || performance.now() - second < BUDGET_MS)) {
    signal.throwIfAborted();
    await sampler.nextRow();
    rows += 1;
  }
  return (performance.now() - second) / rows;
}
