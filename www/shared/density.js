/**
 * Device pixels per CSS pixel, which change when a window moves to another screen.
 */

/**
 * Tells when they have changed.
 * @param {() => void} told
 * @param {AbortSignal} [signal]  until then
 */
export function onDensityChange(told, signal) {
  const media = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const changed = () => {
    told();
    if (!signal?.aborted) onDensityChange(told, signal);
  };
  media.addEventListener('change', changed, { once: true, signal });
}
