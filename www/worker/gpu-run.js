/**
 * A batch drawn on WebGPU, row by row.
 */

import { findAdapter } from '../shared/adapter.js';
import { SamplerRun } from './sampler-run.js';
import { gpuPackage } from './wasm.js';

/** @type {Promise<import('./wasm.js').WasmGpu> | null} */
let opened = null;

/**
 * Starts WebGPU once for all runs, failed or not: the device cannot be started twice in a worker. While there is no
 * adapter, nothing is started.
 */
export async function openGpu() {
  const { Gpu } = await gpuPackage();
  const { present, software, reason } = await findAdapter();
  if (!present) throw new Error(reason);
  return (opened ??= Gpu.init(software));
}

/** Draws a request. */
export class GpuRun extends SamplerRun {
  /**
   * A run before its first row.
   * @param {import('../shared/protocol.js').SampleRequest} request
   * @param {() => Promise<import('./wasm.js').WasmModel>} model  of the large bundle
   * @param {AbortSignal} signal
   */
  static async open(request, model, signal) {
    const { GpuSampler } = await gpuPackage();
    const gpu = await openGpu();
    signal.throwIfAborted();
    return new GpuRun(await GpuSampler.create(gpu, await model(), { ...request, method: 'fused' }), true);
  }

  /** The next step of the drawing. */
  async step() {
    return { rgba: await this.nextRow(), values: undefined };
  }

  /** @override */
  async drawn() {
    return { ...(await super.drawn()), threads: 1, method: /** @type {const} */ ('gpu') };
  }
}
