/**
 * Turns: long work returns to the event loop between its steps, so that messages are heard and several runs share the worker.
 */

/** @type {Array<() => void>} */
const waiting = [];
/** What is done at a stretch: others are waiting. */
const SLICE_MS = 6;

const turnstile = new MessageChannel();
turnstile.port1.onmessage = () => waiting.shift()?.();

/** Gives a turn where the last one was long enough ago: for steps of which many may be short. */
export function turns() {
  let until = performance.now() + SLICE_MS;
  return async () => {
    if (performance.now() < until) return;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  };
}

/**
 * Lets waiting messages in. A message to oneself, because timers are held back to 4 ms.
 * @returns {Promise<void>}
 */
export function nextTurn() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    turnstile.port2.postMessage(null);
  });
}
