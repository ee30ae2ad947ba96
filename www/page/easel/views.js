/**
 * The views of the picture: which of them is shown, what it says, what its colours stand for, and the map over the picture in those
 * that are about one pixel.
 */

import { Heat } from './heat.js';
import { Influences } from './influences.js';
import { Legend } from './legend.js';
import { VIEWS } from './picture.js';

/** @typedef {import('./trace.js').Trace} Trace */
/** @typedef {import('./picture.js').View} View */

/** Shows one view at a time. */
export class Views {
  /** @type {View} */
  view = 'picture';
  /** Said before what the view says, while there is something to be said. */
  note = '';
  #parts;
  #heat;
  #influences;
  #legend;

  /**
   * @param {Promise<import('../../engine.js').Engine>} engine
   * @param {HTMLElement} section
   * @param {object} reports
   * @param {(view: View) => void} reports.onView  a visitor wants it
   * @param {() => void} reports.onNews            there is more to show
   */
  constructor(engine, section, { onView, onNews }) {
    const part = (/** @type {string} */ id) => /** @type {any} */ (section.querySelector(`#${id}`));
    this.#parts = { views: /** @type {HTMLElement} */ (part('views')), caption: /** @type {HTMLElement} */ (part('view-caption')) };
    this.#heat = new Heat(part('easel-heat'));
    this.#influences = new Influences(engine, onNews);
    this.#legend = new Legend(part('view-legend'));
    this.#parts.views.addEventListener('change', ({ target }) => {
      const view = VIEWS.find((one) => one === /** @type {HTMLInputElement} */ (target).value);
      if (view) onView(view);
    });
    new ResizeObserver(onNews).observe(part('easel-heat').parentElement);
  }

  /**
   * @param {import('./drawing.js').Order} order
   * @param {Trace} trace
   * @param {object} shown
   * @param {number} shown.count   values shown
   * @param {import('./trace.js').Place} shown.place  of the pixel looked at
   * @param {boolean} shown.live   whether it is about to be another one
   */
  show(order, trace, { count, place, live }) {
    for (const radio of this.#parts.views.querySelectorAll('input')) radio.checked = radio.value === this.view;
    this.#legend.show(this.view);
    this.#parts.caption.textContent = `${this.note} ${this.#caption(order, trace, { count, place, live })}`.trim();
  }

  /** Nothing is drawn. */
  clear() {
    this.#heat.hide();
    this.#influences.stop();
    this.#parts.caption.textContent = '';
  }

  /**
   * @param {import('./drawing.js').Order} order
   * @param {Trace} trace
   * @param {{ count: number, place: import('./trace.js').Place, live: boolean }} shown
   */
  #caption(order, trace, { count, place, live }) {
    if (this.view === 'looks' || this.view === 'changes') return this.#showInfluence(order, trace, this.view, { place, live });
    this.#heat.hide();
    this.#influences.stop();
    const { topK, topP } = trace.sharpening;
    const cut = topK || topP;
    if (this.view === 'chance') return `${trace.info.levels === 2 ? 'How likely ink was' : 'The mean of what was expected'}, just before each draw${cut ? ', without what was cut off' : ''}.`;
    if (this.view === 'surprise') return `How unexpected each value was. The whole picture: ${trace.sum(trace.known).toFixed(1)} bits.`;
    return `${count === trace.length ? 'All' : `The first ${count} of`} ${trace.length} values, drawn with seed ${order.seed}.${cut ? ' What is cut off is grey; chances are those before the cut.' : ''}`;
  }

  /**
   * @param {import('./drawing.js').Order} order
   * @param {Trace} trace
   * @param {"looks" | "changes"} view
   * @param {{ place: import('./trace.js').Place, live: boolean }} shown
   */
  #showInfluence(order, trace, view, { place: { scale, x, y }, live }) {
    const later = view === 'changes';
    const about = later
      ? 'How far later answers move when this pixel is flipped.'
      : 'How far the answer here moves when one earlier pixel is flipped.';
    if (scale !== trace.parts.length - 1 || live || trace.known < trace.length) {
      this.#heat.hide();
      return `${about} ${live ? 'Pause, or choose a pixel.' : 'Choose a pixel of the large picture.'}`;
    }
    const { width } = trace.info;
    const influence = this.#influences.of(order, trace, view, { x, y });
    const at = y * width + x;
    this.#heat.show(trace, at, later, influence);
    return influence ? `${about} ${count(influence, at, later)}` : about;
  }
}

/**
 * How many pixels matter, of those that could.
 * @param {import('./influences.js').Influence} influence
 * @param {number} at
 * @param {boolean} later
 */
function count({ effects, joined, known }, at, later) {
  const [from, to] = later ? [at + 1, effects.length] : [0, at];
  let [moved, cannot, told] = [0, 0, 0];
  for (let pixel = from; pixel < to; pixel++) {
    moved += Number(effects[pixel] > 0);
    cannot += Number(!joined[pixel]);
    told += known[pixel];
  }
  const which = `Of ${to - from} ${later ? 'later' : 'earlier'} pixels`;
  if (told < to - from) return `${which} ${moved} so far; hatched: it cannot matter.`;
  return `${which} ${moved} ${later ? 'are moved' : 'moved the answer'}, ${cannot} cannot (hatched).`;
}
