/**
 * Where the worker's script is. Bundlers learn of a worker from the words `new Worker(new URL('…', import.meta.url), …)` alone, and put
 * the address and the options of what they made of it there; but what is to be started depends on that address. So while these words
 * are carried out, and no longer, `Worker` is what starts none and only tells what it was given.
 */

/** @typedef {{ url: URL, options?: WorkerOptions }} WorkerScript */

/** @type {WorkerScript | null} */
let known = null;

/** The address of the script, and how it is started. */
export function workerScript() {
  known ??= scriptHere(wordsToldTo());
  return known;
}

/**
 * A worker's helper has the worker's own script, whose name not every bundler tells inside of it.
 * @param {WorkerScript} told
 * @returns {WorkerScript}
 */
function scriptHere({ url, options }) {
  const inWorker = 'WorkerGlobalScope' in globalThis && location.protocol !== 'blob:';
  return { url: inWorker ? new URL(location.pathname + location.search, location.origin) : url, options };
}

/** @returns {WorkerScript} */
function wordsToldTo() {
  /** @type {WorkerScript[]} */
  const told = [];
  const scope = /** @type {{ Worker: unknown }} */ (globalThis);
  const real = scope.Worker;
  scope.Worker = class {
    /** @param {URL} url @param {WorkerOptions} [options] */
    constructor(url, options) {
      told.push({ url: new URL(url), options });
    }
  };
  try {
    new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } finally {
    scope.Worker = real;
  }
  return told[0];
}
