/** When an element comes near, and into sight. */

import { onPrint } from '../shared/printing.js';

/** How near is near: about a flick of a finger. */
const NEAR = '400px';

/**
 * Tells each once, the first before or with the second. Who prints sees everything.
 * @param {Element} element
 * @param {{ near: () => void, inSight: () => void }} told
 * @param {AbortSignal} signal  until then
 */
export function onApproach(element, { near, inSight }, signal) {
  const watch = (/** @type {() => void} */ tell, /** @type {IntersectionObserverInit} */ options = {}) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      tell();
    }, options);
    observer.observe(element);
    signal.addEventListener('abort', () => observer.disconnect());
  };
  watch(near, { rootMargin: NEAR });
  watch(inSight);
  onPrint(inSight, signal);
}
