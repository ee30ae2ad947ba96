/**
 * Work that several callers wait for: begun once, and given up when nobody waits for it any more.
 * The engine and the worker both load models this way.
 */

/** @typedef {(loaded: number, total: number) => void} OnProgress */

/**
 * Does the work; told when to give up, and whom to tell how far it is.
 * @template T
 * @typedef {(signal: AbortSignal, onProgress: OnProgress) => Promise<T>} Work
 */

/**
 * One piece of work and those who wait for it.
 * @template T
 */
export class SharedLoad {
  #promise;
  #forget;
  #abort = new AbortController();
  /** @type {Set<OnProgress>} */
  #listeners = new Set();
  /** How far it is, for who comes later. @type {Parameters<OnProgress> | null} */
  #last = null;
  #waiting = 0;
  #settled = false;

  /**
   * @param {Work<T>} work
   * @param {() => void} forget  told at once when the work has failed or is given up: whoever comes
   *   later must begin anew, and not join what is about to fail
   */
  constructor(work, forget) {
    this.#forget = forget;
    this.#promise = work(this.#abort.signal, (loaded, total) => {
      this.#last = [loaded, total];
      for (const listener of this.#listeners) listener(loaded, total);
    });
    this.#promise.then(
      () => (this.#settled = true),
      () => this.#end(),
    );
  }

  /**
   * The result, or the signal's reason if that comes first.
   * @param {{ signal?: AbortSignal, onProgress?: OnProgress }} [options]
   * @returns {Promise<T>}
   */
  async wait({ signal, onProgress } = {}) {
    if (onProgress && !this.#settled) {
      this.#listeners.add(onProgress);
      if (this.#last) onProgress(...this.#last);
    }
    this.#waiting += 1;
    try {
      return await abortable(this.#promise, signal);
    } finally {
      this.#waiting -= 1;
      if (onProgress) this.#listeners.delete(onProgress);
      if (this.#waiting === 0 && !this.#settled) {
        this.#end();
        this.#abort.abort();
      }
    }
  }

  #end() {
    if (this.#settled) return;
    this.#settled = true;
    this.#forget();
  }
}

/**
 * The promise, or the signal's reason if that comes first.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function abortable(promise, signal) {
  if (!signal) return promise;
  /** @type {() => void} */
  let unlisten = () => {};
  const aborted = new Promise((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    unlisten = () => signal.removeEventListener('abort', abort);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (aborted)]);
  } finally {
    unlisten();
  }
}
