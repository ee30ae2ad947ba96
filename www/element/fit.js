/** Keeps a picture as large as there is room for it, and sharp. */

import { onDensityChange } from '../shared/density.js';
import { onPrint } from '../shared/printing.js';

/**
 * @param {import('../shared/row-canvas.js').RowCanvas} picture
 * @param {Element} stage  what it stands on
 * @param {AbortSignal} signal  until then
 */
export function keepFitted(picture, stage, signal) {
  const observer = new ResizeObserver(([entry]) => picture.fit(entry.contentRect.width));
  observer.observe(stage);
  signal.addEventListener('abort', () => observer.disconnect());
  onDensityChange(() => picture.refit(), signal);
  onPrint(() => picture.settle(), signal);
}
