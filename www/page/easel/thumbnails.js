/**
 * The first pictures of a seed, small: one of them stands on the easel, and each can be put there.
 */

import { isInk } from '../../shared/format.js';
import { RowCanvas } from '../../shared/row-canvas.js';
import { sharpeningOf } from '../sharpening.js';

const COUNT = 12;

/** A row of buttons with a picture each. */
export class Thumbnails {
  #root;
  /** @type {Array<{ button: HTMLButtonElement, picture: RowCanvas }>} */
  #all;
  /** Of the pictures there are, as text. */
  #shown = '';
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {HTMLElement} root
   * @param {(image: number) => void} onPick
   */
  constructor(root, onPick) {
    this.#root = root;
    this.#all = Array.from({ length: COUNT }, (_, image) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', ariaLabel: `Picture ${image + 1}` });
      const canvas = document.createElement('canvas');
      button.append(canvas);
      button.addEventListener('click', () => onPick(image));
      const picture = new RowCanvas(canvas);
      picture.reset({ width: 28, height: 28, count: 1 });
      return { button, picture };
    });
    root.replaceChildren(...this.#all.map(({ button }) => button));
  }

  /** @param {number} image  that stands on the easel */
  mark(image) {
    this.#all.forEach(({ button }, at) => button.setAttribute('aria-pressed', String(at === image)));
  }

  /**
   * Draws them, unless they are there.
   * @param {import('../../engine.js').Engine} engine
   * @param {import('./drawing.js').Order} order
   */
  async show(engine, { model, seed, ...how }) {
    const wanted = `${model} ${seed} ${JSON.stringify(sharpeningOf(how))}`;
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    try {
      const info = await engine.load(model, { signal: run.signal });
      const { width, height } = info;
      this.#root.style.setProperty('--columns', String(width));
      for (const { picture } of this.#all) picture.reset({ width, height, count: 1, ink: isInk(info) });
      await engine.sample({
        model, seed, ...sharpeningOf(how, info.levels), count: COUNT, backend: 'cpu', signal: run.signal,
        onRow: (row) => this.#all.forEach(({ picture }, image) => picture.paint({ ...row, rgba: row.rgba.slice(4 * image * row.width, 4 * (image + 1) * row.width) })),
      });
    } catch {
      // The easel tells what went wrong; here it may be tried again.
      if (this.#run === run) this.#shown = '';
    }
  }
}
