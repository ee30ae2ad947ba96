/**
 * What a sampler of this worker draws, row by row, and the time it takes.
 */

import { release, wasmBytes } from './wasm.js';

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
    const start = performance.now();
    const rgba = await this.#sampler.nextRow();
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
    const { logits, uniforms, nllNats: nll_nats } = row;
    row.free();
    return { logits, uniforms, nll_nats };
  }

  /** The images, once every row is drawn. */
  async drawn() {
    return {
      levels: this.#sampler.levels(),
      nll_nats: (this.#knowing && this.#sampler.nllNats()) || null,
      elapsed_ms: this.#elapsed_ms,
      wasm_bytes: wasmBytes(),
    };
  }

  /** Gives up what is not drawn yet. */
  free() {
    release(this.#sampler);
  }
}
