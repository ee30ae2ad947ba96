/**
 * Frames, for a moment, the pixels that a fork has changed.
 */

/** How long they are framed. */
const FRAMED_MS = 600;

/** Over the picture. */
export class ChangedPixels {
  #marks;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {SVGElement} marks */
  constructor(marks) {
    this.#marks = marks;
  }

  /**
   * @param {Uint8Array | undefined} before  levels, `[C, H, W]`
   * @param {Uint8Array} after
   * @param {import('../pixel-cursor.js').Size} size
   */
  show(before, after, { width, height }) {
    if (before?.length !== after.length) return;
    const changed = new Set();
    after.forEach((level, at) => level !== before[at] && changed.add(at % (width * height)));
    this.#marks.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const path = this.#marks.firstElementChild;
    path?.setAttribute('d', [...changed].map((at) => `M${at % width} ${Math.floor(at / width)}h1v1h-1z`).join(''));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => path?.removeAttribute('d'), FRAMED_MS);
  }
}
