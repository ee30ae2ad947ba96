/**
 * What a sampler of this worker draws, row by row, and the time it takes.
 */

import { owned, release, wasmBytes } from './wasm.js';

/** Browsers tell time in steps of this: what was drawn within one took some time all the same. */
const CLOCK_MS = 0.1;

/** A sampler at work, on whatever it draws. */
export class SamplerRun {
  #sampler;
  #knowing;
  #elapsed_ms = 0;

  /**
   * @param {import('./wasm.js').WasmSampler | import('./wasm.js').WasmGpuSampler} sampler
   * @param {boolean} knowing  whether it can tell the likelihood of what it has drawn
   */
  constructor(sampler, knowing) {
    this.#sampler = sampler;
    this.#knowing = knowing;
  }

  /** Of the row drawn next. */
  get scale() {
    return this.#sampler.scale;
  }

  /** The row drawn next. */
  get y() {
    return this.#sampler.y;
  }

  get done() {
    return this.#sampler.done;
  }

  /** The next row of every image, `[count, width, 4]`. */
  async nextRow() {
    return this.#timed(() => this.#sampler.nextRow());
  }

  /**
   * The row drawn next with one value more, by a run of the network for every image.
   * @returns {Promise<{ rgba: Uint8ClampedArray<ArrayBuffer>, values: number | undefined }>}  with the number of its values that are
   *   drawn; none where all are
   */
  async nextValue() {
    const sampler = this.#sampler;
    if (!('nextValue' in sampler)) throw new Error('This sampler draws whole rows.');
    const rgba = await this.#timed(() => sampler.nextValue());
    return { rgba, values: sampler.values || undefined };
  }

  /** @param {() => Uint8ClampedArray | Promise<Uint8ClampedArray>} next */
  async #timed(next) {
    const start = performance.now();
    const rgba = owned(await next());
    this.#elapsed_ms += performance.now() - start;
    return rgba;
  }

  /**
   * What the network said of the row drawn last, of the image that is traced.
   * @returns {import('../shared/protocol.js').RowTrace | undefined}
   */
  trace() {
    const row = 'rowTrace' in this.#sampler ? this.#sampler.rowTrace() : undefined;
    if (!row) return undefined;
    const trace = { logits: owned(row.logits), uniforms: owned(row.uniforms), nll_nats: owned(row.nllNats) };
    row.free();
    return trace;
  }

  /** The images, once every row is drawn. */
  async drawn() {
    const nll_nats = this.#knowing ? this.#sampler.nllNats() : undefined;
    return {
      levels: owned(this.#sampler.levels()),
      nll_nats: nll_nats ? owned(nll_nats) : null,
      elapsed_ms: Math.max(this.#elapsed_ms, CLOCK_MS),
      wasm_bytes: wasmBytes(),
    };
  }

  /** Gives up what is not drawn yet. */
  free() {
    release(this.#sampler);
  }
}
