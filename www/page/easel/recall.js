/**
 * The recorded picture, for the moments before the network is there: what the engine told when it was drawn. Made by
 * `scripts/record-picture.mjs`; a test compares it with what the engine tells today.
 */

import recorded from './recorded.js';
import { Trace } from './trace.js';
import { sharpeningOf } from '../sharpening.js';

/** What is asked for, to get this picture. @type {import('./drawing.js').Order} */
export const RECORDED = Object.freeze({ model: recorded.model, seed: BigInt(recorded.seed), image: 0, temperature: 1, forks: [] });

/** The picture with all that the network said of it. */
export function recordedTrace() {
  const { width, height } = recorded;
  const info = { width, height, channels: 1, levels: 2, parameters: 0, scales: [{ width, height }] };
  const trace = new Trace(info, sharpeningOf(RECORDED));
  const [logits, uniforms, nll_nats] = [recorded.logits, recorded.uniforms, recorded.nats].map((text) => new Float32Array(bytesOf(text).buffer));
  const ink = bytesOf(recorded.ink);
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * width, (y + 1) * width];
    const rgba = Uint8ClampedArray.from({ length: 4 * width }, (_, at) => 255 * bitOf(ink, from + (at >> 2)));
    const part = (/** @type {Float32Array<ArrayBuffer>} */ values) => values.subarray(from, to);
    trace.add({ scale: 0, y, width, height, rgba, trace: { logits: part(logits), uniforms: part(uniforms), nll_nats: part(nll_nats) } });
  }
  return trace;
}

/** @param {string} base64 */
function bytesOf(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/**
 * @param {Uint8Array} bytes  eight bits each, the highest first
 * @param {number} at
 */
function bitOf(bytes, at) {
  return (bytes[at >> 3] >> (7 - (at & 7))) & 1;
}
