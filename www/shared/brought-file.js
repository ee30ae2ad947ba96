/**
 * Reads a weights file that is no line of `models/index.json`: one that a visitor has brought, bytes, or an address. All of it
 * is taken into memory, because what lies on a disk may be changed or moved before it is read again.
 */

import { fetchFile } from './fetching.js';
import { formatBytes } from './format.js';
import { SharedLoad } from './shared-load.js';

/** Drawing needs about three times as much memory, of which wasm has 4 GB. */
const MOST_BYTES = 500e6;

const EXTENSION = '.safetensors';

/** Of addresses, as long as they last. @type {Map<string, SharedLoad<Uint8Array<ArrayBuffer>>>} */
const downloads = new Map();

/**
 * @typedef {object} BroughtFile
 * @property {string} name  of the file, ending in `.safetensors`
 * @property {Uint8Array<ArrayBuffer>} bytes
 */

/**
 * @param {Blob | Uint8Array | string | URL} source
 * @param {{ name?: string, signal?: AbortSignal, onProgress?: (loaded: number, total: number) => void }} options
 * @returns {Promise<BroughtFile>}
 */
export async function readBrought(source, { name, signal, onProgress }) {
  if (typeof source === 'string' || isURL(source)) {
    const url = addressOf(source);
    const called = fileName(name ?? lastPart(url));
    return { name: called, bytes: await (downloads.get(url) ?? startDownload(url, called)).wait({ signal, onProgress }) };
  }
  const called = fileName(name ?? ('name' in source ? String(source.name) : ''));
  const size = 'size' in source ? source.size : source.length;
  if (size > MOST_BYTES) throw tooLarge(called, size);
  const bytes = 'size' in source ? new Uint8Array(await source.arrayBuffer().catch(unreadable(called))) : Uint8Array.from(source);
  signal?.throwIfAborted();
  onProgress?.(bytes.length, bytes.length);
  return { name: called, bytes };
}

/**
 * Whether a name is one that networks of such files have.
 * @param {string} name
 */
export function isFileName(name) {
  return name.toLowerCase().endsWith(EXTENSION);
}

/**
 * The absolute address, as `fetch` understands it: relative to the document where there is one.
 * @param {string | URL} address
 */
export function addressOf(address) {
  return new Request(address).url;
}

/**
 * @param {Blob | Uint8Array | URL} source
 * @returns {source is URL}
 */
function isURL(source) {
  return 'href' in source;
}

/**
 * Several elements of a page may have the same address.
 * @param {string} url
 * @param {string} called
 */
function startDownload(url, called) {
  const forget = () => void downloads.delete(url);
  const loading = new SharedLoad((signal, onProgress) => download(url, called, signal, onProgress).finally(forget), forget);
  downloads.set(url, loading);
  return loading;
}

/**
 * @param {string} url
 * @param {string} called
 * @param {AbortSignal} signal
 * @param {import('./shared-load.js').OnProgress} onProgress
 */
async function download(url, called, signal, onProgress) {
  const { body, headers } = await fetchFile(url, called, { signal, cache: 'no-cache' });
  // Of compressed bytes the length says nothing.
  const listed = headers.has('content-encoding') ? 0 : Number(headers.get('content-length'));
  const chunks = [];
  let loaded = 0;
  for (const reader = body?.getReader(); reader; ) {
    const { done, value } = await reader.read().catch((cause) => {
      signal.throwIfAborted();
      throw new Error(`${called} broke off after ${loaded} bytes.`, { cause });
    });
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    if (Math.max(loaded, listed) > MOST_BYTES) {
      await reader.cancel();
      throw tooLarge(called, Math.max(loaded, listed));
    }
    onProgress(loaded, Math.max(loaded, listed));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** @param {string} url */
function lastPart(url) {
  const { protocol, pathname } = new URL(url);
  const part = protocol.startsWith('http') ? (pathname.split('/').pop() ?? '') : '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The name as it is shown: one line, not endless, and with the ending that tells it from the names in the list.
 * @param {string} name
 */
function fileName(name) {
  const stem = name.replace(/[\s\p{Cc}\p{Cs}\p{Bidi_Control}]+/gu, ' ').trim().replace(/\.safetensors$/i, '').slice(0, 64);
  return `${stem || 'weights'}${EXTENSION}`;
}

/** @param {string} name */
function unreadable(name) {
  return (/** @type {unknown} */ cause) => {
    throw new Error(`${name} could not be read: it may have been moved or changed; choose it again.`, { cause });
  };
}

/**
 * @param {string} name
 * @param {number} bytes
 */
function tooLarge(name, bytes) {
  return new Error(`${name} has ${formatBytes(bytes)}, at most ${formatBytes(MOST_BYTES)} expected.`);
}
