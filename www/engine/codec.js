/** Compressed images: what the engine asks the worker, and what it makes of the answer. */

import { BYTES_FILE, SCORING, check } from '../shared/arguments.js';

/** @typedef {import('../shared/protocol.js').Ask} Ask */

/**
 * Images as few bytes.
 * @param {Ask} ask
 * @param {import('../engine.js').CompressOptions} options
 */
export async function compress(ask, options) {
  check(options, ['model', 'levels', 'count'], SCORING);
  const { model, levels, count, signal, onProgress } = options;
  /** @type {import('../shared/protocol.js').CodedReply} */
  const { bytes } = await ask(model, { type: 'compress', levels, count }, { signal, onReply: progressTo(onProgress) });
  return bytes;
}

/**
 * The images of a compressed file.
 * @param {Ask} ask
 * @param {import('../engine.js').DecompressOptions} options
 * @param {(model: string, options: { signal?: AbortSignal }) => Promise<import('../shared/protocol.js').ModelInfo>} load
 */
export async function decompress(ask, options, load) {
  check(options, ['model', 'file'], BYTES_FILE);
  const { model, file, signal, onProgress } = options;
  /** @type {import('../shared/protocol.js').CodedReply} */
  const { bytes: levels } = await ask(model, { type: 'decompress', file }, { signal, onReply: progressTo(onProgress) });
  const { channels, height, width } = await load(model, { signal });
  return { levels, count: levels.length / (channels * height * width) };
}

/**
 * Tells of the rows that are done; a worker that was started anew does some of them again.
 * @param {((done: number, total: number) => void) | undefined} onProgress
 */
function progressTo(onProgress) {
  let most = 0;
  return (/** @type {import('../shared/protocol.js').Reply} */ reply) => {
    if (reply.type !== 'progress' || reply.loaded <= most) return;
    most = reply.loaded;
    onProgress?.(reply.loaded, reply.total);
  };
}
