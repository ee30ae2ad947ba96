/**
 * The moment before a page is printed. Nothing can be waited for then: what is on the page when the listeners
 * return is what comes out.
 */

const PRINT = 'print';

/** Only ever asked: Chromium tells no change of a list that was asked before it could. */
const media = globalThis.matchMedia?.(PRINT);
let asked = false;

// Before those of others, which may ask.
globalThis.addEventListener?.('beforeprint', () => (asked = true), { capture: true });
globalThis.addEventListener?.('afterprint', () => (asked = false));

/** Whether the page is being printed, or shown as it would be. */
export function isPrinting() {
  return asked || Boolean(media?.matches);
}

/**
 * Tells when the page is about to be printed.
 * @param {() => void} told
 * @param {AbortSignal} [signal]  until then
 */
export function onPrint(told, signal) {
  globalThis.addEventListener?.('beforeprint', told, { signal });
  globalThis.matchMedia?.(PRINT).addEventListener('change', ({ matches }) => matches && told(), { signal });
}
