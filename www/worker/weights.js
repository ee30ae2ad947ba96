/**
 * Fetches a weights file with true progress, checks it, and keeps it in the browser's cache. The cache is a
 * convenience: where it is missing, full or broken, the file is simply fetched again.
 */

import { fetchFile, mistaken } from '../shared/fetching.js';
import { sha256Of } from '../shared/sha256.js';

const CACHE_NAME = 'pixelrnn-weights';

/** @typedef {import('../shared/protocol.js').WeightsFile} WeightsFile */

/**
 * What tells weights from all others: a file may be another one at the same address.
 * @param {WeightsFile} weights
 */
export function weightsKey({ url, sha256 }) {
  return `${url} ${sha256}`;
}

/**
 * The checked bytes of a weights file.
 * @param {WeightsFile} weights
 * @param {AbortSignal} signal
 * @param {(loaded: number) => void} onProgress  told the number of bytes so far
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function fetchWeights(weights, signal, onProgress) {
  const kept = await readCache(weights);
  if (kept) {
    onProgress(kept.length);
    return kept;
  }
  let { bytes, fault } = await download(weights, signal, onProgress, 'default');
  // What the browser's cache holds may be damaged, or older than the list: the server is asked before anybody is told.
  if (fault) ({ bytes, fault } = await download(weights, signal, onProgress, 'reload'));
  if (fault) throw new Error(`${fileName(weights)} is damaged: ${fault}.`);
  await writeCache(weights, bytes);
  return bytes;
}

/**
 * The bytes, and what is wrong with them.
 * @param {WeightsFile} weights
 * @param {AbortSignal} signal
 * @param {(loaded: number) => void} onProgress
 * @param {RequestCache} cache
 */
async function download(weights, signal, onProgress, cache) {
  const name = fileName(weights);
  const { body } = await fetchFile(weights.url, name, { signal, cache });
  if (!body) throw new Error(`${name} could not be fetched: the answer is empty.`);

  // The listed size, not Content-Length: that one counts compressed bytes.
  const bytes = new Uint8Array(weights.bytes);
  const reader = body.getReader();
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      signal.throwIfAborted();
      throw new Error(`${name} broke off after ${loaded} of ${weights.bytes} bytes.`, { cause });
    });
    if (done) break;
    if (loaded + value.length > bytes.length) {
      await reader.cancel();
      return { bytes, fault: `it is longer than the ${weights.bytes} bytes listed` };
    }
    bytes.set(value, loaded);
    loaded += value.length;
    onProgress(loaded);
  }
  const received = bytes.subarray(0, loaded);
  return { bytes: received, fault: await faultOf(received, weights) };
}

/**
 * What is wrong with the bytes, or null. Without `crypto.subtle` (pages that are not served securely
 * do not have it) only the size is checked.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {WeightsFile} weights
 */
async function faultOf(bytes, weights) {
  const other = mistaken(new TextDecoder().decode(bytes.subarray(0, 64)));
  if (other) return other;
  if (bytes.length !== weights.bytes) return `it has ${bytes.length} bytes, not the ${weights.bytes} listed`;
  const sha256 = await sha256Of(bytes);
  if (sha256 === '' || sha256 === weights.sha256.toLowerCase()) return null;
  return `its SHA-256 begins with ${sha256.slice(0, 8)}, not with ${weights.sha256.slice(0, 8)} as listed`;
}

/**
 * @param {WeightsFile} weights
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>}
 */
async function readCache(weights) {
  try {
    const cache = await caches.open(CACHE_NAME);
    const response = await cache.match(weights.url);
    if (!response) return null;
    const bytes = new Uint8Array(await response.arrayBuffer());
    return (await faultOf(bytes, weights)) ? null : bytes;
  } catch {
    return null;
  }
}

/**
 * Keeps the bytes and drops older versions of the same file.
 * @param {WeightsFile} weights
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function writeCache(weights, bytes) {
  try {
    const cache = await caches.open(CACHE_NAME);
    const old = await cache.keys(weights.url, { ignoreSearch: true });
    await Promise.all(old.map((key) => cache.delete(key)));
    await cache.put(weights.url, new Response(bytes));
  } catch {
    // No cache, or no room in it: the next visit fetches again.
  }
}

/** @param {WeightsFile} weights */
export function fileName(weights) {
  if (weights.file) return weights.name;
  return decodeURIComponent(new URL(weights.url).pathname.split('/').pop() ?? weights.name);
}
