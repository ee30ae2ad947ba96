/**
 * A batch drawn on the CPU, row by row: by this worker alone, or in shares by this worker and its helpers.
 * The pictures are the same either way.
 */

import { SamplerRun } from './sampler-run.js';
import { cpuPackage } from './wasm.js';

/** @typedef {import('../shared/protocol.js').SampleRequest} SampleRequest */
/** @typedef {import('../shared/protocol.js').DoneReply} DoneReply */
/** @typedef {import('./wasm.js').WasmModel} WasmModel */

/** @typedef {Uint8ClampedArray<ArrayBuffer>} Rgba */

/**
 * What a share has drawn.
 * @typedef {Pick<DoneReply, "levels" | "nll_nats" | "elapsed_ms" | "wasm_bytes">} Drawn
 */

/**
 * Some images of the batch.
 * @typedef {object} Share
 * @property {() => Promise<Rgba>} nextRow
 * @property {() => Promise<Drawn>} drawn  once every row is
 * @property {() => void} free
 */

/** Draws a request. */
export class CpuRun {
  #method;
  #own;
  #shares;

  /**
   * @param {"cached" | "naive"} method
   * @param {SamplerRun} own
   * @param {Share[]} helped
   */
  constructor(method, own, helped) {
    this.#method = method;
    this.#own = own;
    this.#shares = [...helped, own];
  }

  /**
   * A run before its first row.
   * @param {SampleRequest} request
   * @param {WasmModel} model
   * @param {import('./helpers.js').Helpers} helpers
   */
  static async open(request, model, helpers) {
    const { Sampler } = await cpuPackage();
    const method = request.method === 'naive' ? 'naive' : 'cached';
    // A full pass for each pixel tells how likely the picture was, but not the small one drawn before it.
    const knowing = method === 'cached' || model.scales.length === 2;
    const open = (/** @type {SampleRequest} */ request) => new SamplerRun(new Sampler(model, { ...request, method }), knowing);
    if (!divisible(request, model)) return new CpuRun(method, open(request), []);
    const { shares, own } = helpers.divide(request.weights, request.count, request.threads);
    let from = 0;
    const part = (/** @type {number} */ count) => {
      const some = partOf(request, model, from, count);
      from += count;
      return some;
    };
    const helped = shares.map(({ link, count }) => ({ link, request: part(count) }));
    // This one first: what cannot be drawn fails before anybody is asked to help.
    const ownShare = open(part(own));
    return new CpuRun(method, ownShare, helped.map(({ link, request }) => new HelpedShare(link, request, open)));
  }

  /** Of the row drawn next. */
  get scale() {
    return this.#own.scale;
  }

  /** The row drawn next. */
  get y() {
    return this.#own.y;
  }

  get done() {
    return this.#own.done;
  }

  /** The next row of every image, `[count, width, 4]`. */
  async nextRow() {
    if (this.#shares.length === 1) return this.#own.nextRow();
    // Those of the helpers are on their way while this worker draws its own.
    return join(await Promise.all(this.#shares.map((share) => share.nextRow())), (length) => new Uint8ClampedArray(length));
  }

  /** The next step of the drawing: a row, or, where each takes a run of the network, one value of it. */
  async step() {
    return this.#method === 'naive' ? this.#own.nextValue() : { rgba: await this.nextRow(), values: undefined };
  }

  /** What the network said of the row drawn last, of the image that is traced. */
  trace() {
    return this.#own.trace();
  }

  /** The images, once every row is drawn. */
  async drawn() {
    const drawn = await Promise.all(this.#shares.map((share) => share.drawn()));
    const nll_nats = drawn.map((share) => share.nll_nats).filter((nll) => nll !== null);
    return {
      levels: join(drawn.map((share) => share.levels), (length) => new Uint8Array(length)),
      nll_nats: nll_nats.length ? join(nll_nats, (length) => new Float32Array(length)) : null,
      // They draw at the same time.
      elapsed_ms: Math.max(...drawn.map((share) => share.elapsed_ms)),
      wasm_bytes: drawn.reduce((sum, share) => sum + share.wasm_bytes, 0),
      threads: this.#shares.length,
      method: this.#method,
    };
  }

  /** Gives up what is not drawn yet. */
  free() {
    for (const share of this.#shares) share.free();
  }
}

/**
 * Images that a helper draws, as far as it can: it runs ahead, and its rows wait here.
 * @implements {Share}
 */
class HelpedShare {
  #open;
  #request;
  #abort = new AbortController();
  /** @type {Promise<DoneReply>} */
  #done;
  /** @type {Rgba[]} */
  #rows = [];
  #taken = 0;
  /** Told of the next row, or that there will be none. */
  #heard = () => {};
  #failed = false;
  /** @type {SamplerRun | null} */
  #own = null;

  /**
   * @param {import('./worker-link.js').WorkerLink} link  to the helper
   * @param {SampleRequest} request
   * @param {(request: SampleRequest) => SamplerRun} open  for when it fails
   */
  constructor(link, request, open) {
    this.#request = request;
    this.#open = open;
    this.#done = link.request(request, this.#abort.signal, (reply) => {
      if (reply.type !== 'row') return;
      this.#rows.push(reply.rgba);
      this.#heard();
    });
    this.#done.catch(() => {
      this.#failed = true;
      this.#heard();
    });
  }

  async nextRow() {
    const at = this.#taken++;
    while (!this.#own && !this.#failed && at >= this.#rows.length) {
      await new Promise((resolve) => (this.#heard = () => resolve(null)));
    }
    if (!this.#own && at < this.#rows.length) {
      const rgba = this.#rows[at];
      this.#rows[at] = new Uint8ClampedArray(0);
      return rgba;
    }
    return (await this.#takeOver(at)).nextRow();
  }

  /**
   * Draws it here, once: from its first row on, of which those taken already are dropped.
   * @param {number} taken
   */
  async #takeOver(taken) {
    if (this.#own) return this.#own;
    this.#own = this.#open(this.#request);
    for (let row = 0; row < taken; row++) await this.#own.nextRow();
    return this.#own;
  }

  async drawn() {
    if (!this.#own && !this.#failed) await this.#done.catch(() => undefined);
    if (!this.#own && !this.#failed) return this.#done;
    return (await this.#takeOver(this.#taken)).drawn();
  }

  free() {
    this.#abort.abort();
    this.#own?.free();
  }
}

/**
 * Whether the request can be divided. One with a fault is left whole, so that the error speaks of the whole request.
 * @param {SampleRequest} request
 * @param {WasmModel} model
 */
function divisible({ method, first, count, given, mask, trace }, { width, height, channels }) {
  const fits = (/** @type {Uint8Array | undefined} */ array, /** @type {number} */ one) =>
    !array || array.length === one || array.length === count * one;
  const counted = Number.isInteger(first) && Number.isInteger(count) && first >= 0 && first + count <= 2 ** 32;
  // An image that is looked into is drawn here.
  const pixels = width * height;
  const masked = fits(mask, pixels) || fits(mask, pixels * channels);
  return method !== 'naive' && trace === undefined && counted && fits(given, pixels * channels) && masked;
}

/**
 * Some images of a request.
 * @param {SampleRequest} request
 * @param {WasmModel} model
 * @param {number} from
 * @param {number} count
 * @returns {SampleRequest}
 */
function partOf(request, { width, height, channels }, from, count) {
  const [pixels, values] = [width * height, width * height * channels];
  const cut = (/** @type {Uint8Array | undefined} */ array, /** @type {number} */ one) =>
    array && array.length > one ? array.slice(from * one, (from + count) * one) : array;
  const given = cut(request.given, values);
  // Told apart as the samplers do.
  const planes = request.mask?.length === values && request.count !== channels;
  const whole = planes && request.mask ? repeated(request.mask, request.count) : request.mask;
  const mask = cut(whole, whole?.length === request.count * values ? values : pixels);
  return { ...request, method: 'cached', first: request.first + from, count, threads: 1, given, mask };
}

/**
 * @param {Uint8Array} array
 * @param {number} times
 */
function repeated(array, times) {
  const whole = new Uint8Array(times * array.length);
  for (let at = 0; at < whole.length; at += array.length) whole.set(array, at);
  return whole;
}

/**
 * One array of several.
 * @template {Uint8ClampedArray<ArrayBuffer> | Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>} T
 * @param {T[]} parts
 * @param {(length: number) => T} make
 * @returns {T}
 */
function join(parts, make) {
  if (parts.length === 1) return parts[0];
  const whole = make(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
