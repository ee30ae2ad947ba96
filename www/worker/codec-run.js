/** Images as few bytes, and back, a slice at a time. */

import { nextTurn } from './turns.js';
import { cpuPackage, owned, release } from './wasm.js';

/** What is done at a stretch: others are drawing, and are waited for. */
const SLICE_MS = 20;

/**
 * Works a request out: the compressed file, or the levels of its images.
 * @param {import('../shared/protocol.js').CompressRequest | import('../shared/protocol.js').DecompressRequest} request
 * @param {import('./wasm.js').WasmModel} model
 * @param {object} options
 * @param {AbortSignal} options.signal  looked at between slices
 * @param {import('../shared/shared-load.js').OnProgress} options.onProgress  told of rows, of all images at every scale
 */
export async function runCodec(request, model, { signal, onProgress }) {
  const { sha256 } = request.weights;
  if (!sha256) throw new Error('A network brought as a file is named by its SHA-256, which browsers compute on pages served over https only.');
  const { Codec } = await cpuPackage();
  const run = request.type === 'compress' ? Codec.compress(model, sha256, request.levels, request.count) : Codec.decompress(model, sha256, request.file);
  try {
    while (run.rowsDone < run.rows) {
      const until = performance.now() + SLICE_MS;
      while (run.rowsDone < run.rows && performance.now() < until) run.step();
      onProgress(run.rowsDone, run.rows);
      await nextTurn();
      signal.throwIfAborted();
    }
  } catch (error) {
    release(run);
    throw error;
  }
  // Which frees it.
  return owned(run.finish());
}
