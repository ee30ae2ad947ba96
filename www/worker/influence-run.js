/**
 * How far flipped pixels move distributions, found out a slice at a time. Where helpers are ready it is found out in
 * shares, by this worker and them: each flips every so many rows. The answer is the same either way.
 */

import { nextTurn, turns } from './turns.js';
import { cpuPackage, owned, release } from './wasm.js';

/** @typedef {import('../shared/protocol.js').InfluenceRequest} InfluenceRequest */
/** @typedef {import('./wasm.js').WasmModel} WasmModel */

/**
 * Told of the rows whose pixels have been flipped, the last first, with their effects where it is one pixel that they move.
 * @typedef {(y: number, effects: Float32Array<ArrayBuffer> | undefined) => void} OnRow
 */

/**
 * Works a request out.
 * @param {InfluenceRequest} request
 * @param {WasmModel} model
 * @param {object} options
 * @param {AbortSignal} options.signal  looked at between slices
 * @param {OnRow} options.onRow
 * @param {import('./helpers.js').Helpers} options.helpers
 */
export async function influence(request, model, { signal, onRow, helpers }) {
  const { weights, question, y, threads, share } = request;
  const rows = { on: y + 1, of: 1, all: model.height }[question];
  const links = share ? [] : helpers.ready(weights, Math.min(threads, rows) - 1);
  const effects = links.length ? await workOutTogether(request, model, { signal, onRow, links, rows }) : await workOut(request, model, signal, onRow);
  const { meanEffects } = await cpuPackage();
  return { effects, mean: question === 'all' && !share ? owned(meanEffects(effects, model.height, model.width)) : undefined };
}

/**
 * Works it out in shares.
 * @param {InfluenceRequest} request
 * @param {WasmModel} model
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {OnRow} options.onRow  told of the rows in their order
 * @param {import('./worker-link.js').WorkerLink[]} options.links  to the helpers
 * @param {number} options.rows  whose pixels are flipped
 */
async function workOutTogether(request, model, { signal, onRow, links, rows }) {
  /** Rows that are known before one below. @type {Map<number, Float32Array<ArrayBuffer> | undefined>} */
  const early = new Map();
  let next = rows - 1;
  /** @type {OnRow} */
  const take = (row, own) => {
    // A share that is begun anew tells of its rows again.
    if (row <= next) early.set(row, own);
    for (; early.has(next); next--) {
      onRow(next, early.get(next));
      early.delete(next);
    }
  };
  // What goes wrong here ends the work of the helpers.
  const all = new AbortController();
  const stop = () => all.abort(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    const part = (/** @type {number} */ at) => ({ ...request, threads: 1, share: { at, of: links.length + 1 } });
    const helped = links.map((link, at) => link
      .request(part(at + 1), all.signal, (reply) => reply.type === 'flipped' && take(reply.y, reply.effects))
      // What a helper fails at is done here.
      .then(({ effects }) => /** @type {Float32Array<ArrayBuffer>} */ (effects), () => workOut(part(at + 1), model, all.signal, take)));
    const [effects, ...others] = await Promise.all([workOut(part(0), model, all.signal, take), ...helped]);
    // A share has 0 where the others have theirs.
    for (const own of others) own.forEach((effect, at) => (effects[at] += effect));
    return effects;
  } finally {
    signal.removeEventListener('abort', stop);
    all.abort();
  }
}

/**
 * Works it, or a share of it, out alone.
 * @param {InfluenceRequest} request
 * @param {WasmModel} model
 * @param {AbortSignal} signal
 * @param {OnRow} onRow
 */
async function workOut({ question, levels, y, x, share = { at: 0, of: 1 } }, model, signal, onRow) {
  const { Influence } = await cpuPackage();
  // Whoever walks over a picture gives up most of what was asked: let that be heard first.
  await nextTurn();
  signal.throwIfAborted();
  const turn = turns();
  const run = new Influence(model, levels, question, y, x, share.at, share.of);
  try {
    while (!run.done) {
      const row = run.step();
      if (row !== undefined) {
        const start = row * model.width;
        onRow(row, question === 'on' ? owned(run.effects()).slice(start, start + model.width) : undefined);
      }
      await turn();
      signal.throwIfAborted();
    }
    return owned(run.effects());
  } finally {
    release(run);
  }
}
