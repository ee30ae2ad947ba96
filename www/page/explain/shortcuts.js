/**
 * "Shortcuts": one block of a network, with the path around it and the one to the end.
 */

import { BlockCells } from './block-cells.js';
import { takeTurns } from './stage.js';
import { drawing, shape } from './svg.js';

const TURN_MS = 6_000;

const SIZE = Object.freeze({ width: 380, height: 300 });
/** Where the bars stand, and what a width of h is. */
const MIDDLE = 170;
const H = 64;
const BAR = 14;
const TOP = 16;

/** @typedef {'conv' | 'lstm'} Kind */
/** @typedef {import('../../engine.js').ModelEntry} ModelEntry */

/**
 * What happens in a block: features in units of h, and what makes them.
 * @type {Record<Kind, Array<{ width: number, by: string }>>}
 */
const STEPS = {
  conv: [{ width: 2, by: '' }, { width: 1, by: '1 × 1' }, { width: 1, by: '3 × 3, mask B' }, { width: 2, by: '1 × 1' }],
  lstm: [{ width: 2, by: '' }, { width: 1, by: 'memory' }, { width: 2, by: '1 × 1' }],
};

/** The sections's figure. */
export class Shortcuts {
  #engine;
  #choices;
  #picture;
  #caption;
  #turns;
  /** @type {ModelEntry[]} */
  #models = [];
  #model = '';
  /** Chosen by the visitor, in place of what the network has. @type {Kind | null} */
  #chosen = null;
  #cells;
  /** What the first block makes of the pixel looked at. @type {import('./block-cells.js').Activations | null} */
  #activations = null;
  /** Things that light up, each from its part of the turn on. @type {Array<{ from: number, what: Element }>} */
  #lit = [];

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    this.#engine = engine;
    this.#choices = /** @type {HTMLInputElement[]} */ ([...section.querySelectorAll('input')]);
    this.#picture = /** @type {HTMLElement} */ (section.querySelector('.picture-place'));
    this.#caption = /** @type {HTMLElement} */ (section.querySelector('figcaption'));
    for (const choice of this.#choices) {
      choice.addEventListener('change', () => {
        this.#chosen = /** @type {Kind} */ (choice.value);
        this.#draw();
        this.#turns.again();
      });
    }
    this.#cells = new BlockCells(engine, this.#picture, (activations) => {
      this.#activations = activations;
      this.#draw();
      this.#show(1);
    });
    this.#draw();
    this.#turns = takeTurns(this.#picture, { ms: TURN_MS, show: (part) => this.#show(part) });
  }

  /** @param {{ model: string }} settings */
  async update({ model }) {
    if (model === this.#model) return;
    this.#model = model;
    this.#chosen = null;
    this.#models = await this.#engine.models().catch(() => []);
    this.#draw();
    this.#show(1);
  }

  /** What stands on the easel. @param {import('./block-cells.js').Shown} shown */
  offer(shown) {
    this.#cells.offer(shown);
  }

  /** The pixel that is looked at there. @param {import('../pixel-cursor.js').Pixel | null} pixel */
  look(pixel) {
    this.#cells.look(pixel);
  }

  #draw() {
    const picked = this.#models.find(({ name }) => name === this.#model);
    const kind = this.#chosen ?? (picked ? kindOf(picked) : 'lstm');
    for (const choice of this.#choices) choice.checked = choice.value === kind;
    const entry = picked && kindOf(picked) === kind ? picked : this.#models.find((other) => other.set === picked?.set && kindOf(other) === kind);
    // The sizes of its layers are those of the network at hand.
    const { h, layers, skip } = /** @type {{ h?: number, layers?: number, skip?: boolean }} */ (entry?.config ?? {});
    const activations = entry && entry.name === this.#activations?.model ? this.#activations : null;
    this.#caption.textContent = h && entry ? captionOf(entry.title, layers ?? 1, h) : '';
    if (activations) this.#caption.append(` ${cellsCaption(activations.pixel)}`);
    this.#picture.replaceChildren(this.#block(kind, h, skip !== false, activations?.features));
  }

  /**
   * @param {Kind} kind
   * @param {number | undefined} h
   * @param {boolean} skip  whether the block has a path to the end
   * @param {Float32Array} [features]  of all steps, one after another, where they are known
   */
  #block(kind, h, skip, features) {
    const steps = STEPS[kind];
    const gap = (SIZE.height - 2 * TOP - BAR) / (steps.length + 0.5);
    const top = (/** @type {number} */ step) => TOP + step * gap;
    const count = (/** @type {number} */ width) => (h ? String(width * h) : width === 2 ? '2h' : 'h');
    const before = (/** @type {number} */ step) => steps.slice(0, step).reduce((sum, { width }) => sum + width * (h ?? 0), 0);
    const of = (/** @type {number} */ step) => features?.subarray(before(step), before(step + 1)) ?? [];
    // Beside features that are seen, and where no wire leaves the bar.
    const numberOf = (/** @type {number} */ step, /** @type {number} */ half) => {
      const [x, anchor] = !features ? [MIDDLE, 'middle'] : step ? [MIDDLE - half - 5, 'end'] : [MIDDLE + half + 5, 'start'];
      return shape('text', { x, y: top(step) + BAR - 3, 'text-anchor': anchor, class: 'how-many' }, count(steps[step].width));
    };
    const part = 0.9 / (steps.length + 1);
    this.#lit = [];
    const lit = (/** @type {number} */ step, /** @type {Element} */ what) => {
      this.#lit.push({ from: step * part, what });
      return what;
    };
    const bars = steps.flatMap(({ width, by }, step) => [
      lit(step, shape('g', { class: features ? 'features known' : 'features' },
        shape('rect', { x: MIDDLE - (width * H) / 2, y: top(step), width: width * H, height: BAR }),
        ...cells(of(step), MIDDLE - (width * H) / 2, top(step), width * H),
      )),
      numberOf(step, (width * H) / 2),
      ...(step ? [
        lit(step - 0.5, arrow(MIDDLE, top(step - 1) + BAR, top(step))),
        shape('text', { x: MIDDLE + 8, y: (top(step - 1) + BAR + top(step)) / 2 + 4 }, by),
      ] : []),
    ]);
    const sum = top(steps.length) + BAR;
    const last = top(steps.length - 1) + BAR;
    const left = MIDDLE - H - 34;
    const right = MIDDLE + H + 28;
    const worked = top(steps.length - 2) + BAR / 2;
    return drawing(
      { ...SIZE, label: `${kind === 'conv' ? 'A PixelCNN block' : 'An LSTM block'}: features come in, fewer are worked on, as many as before come out, and what came in is added` },
      ...bars,
      lit(steps.length - 0.5, arrow(MIDDLE, last, sum - 9)),
      lit(steps.length - 0.5, shape('path', { class: 'wire', d: `M${MIDDLE - H} ${top(0) + BAR / 2}H${left}V${sum}H${MIDDLE - 10}` })),
      lit(steps.length, shape('circle', { class: 'wire', cx: MIDDLE, cy: sum, r: 9 })),
      shape('text', { x: MIDDLE, y: sum + 4, 'text-anchor': 'middle' }, '+'),
      shape('text', { x: left - 6, y: (top(0) + sum) / 2, 'text-anchor': 'end' }, 'as it'),
      shape('text', { x: left - 6, y: (top(0) + sum) / 2 + 14, 'text-anchor': 'end' }, 'came in'),
      ...(skip ? [
        lit(steps.length - 1, shape('path', { class: 'wire', d: `M${MIDDLE + H / 2} ${worked}H${right}V${sum}M${right - 4} ${sum - 5}L${right} ${sum}L${right + 4} ${sum - 5}` })),
        shape('text', { x: right + 6, y: (worked + sum) / 2 }, 'straight to'),
        shape('text', { x: right + 6, y: (worked + sum) / 2 + 14 }, 'the end'),
      ] : []),
    );
  }

  /** @param {number} part */
  #show(part) {
    for (const { from, what } of this.#lit) what.classList.toggle('lit', part >= from);
  }
}

/**
 * Features side by side, each as strong as it is beside the strongest of its bar.
 * @param {ArrayLike<number>} features
 * @param {number} x
 * @param {number} y
 * @param {number} width  of all
 */
function cells(features, x, y, width) {
  const each = width / features.length;
  const most = Math.max(...Array.from(features, Math.abs));
  return Array.from(features, (value, at) => shape('rect', {
    class: value > 0 ? 'above' : 'below', x: x + at * each, y, width: each, height: BAR, 'fill-opacity': most && Math.abs(value) / most,
  }));
}

/**
 * @param {number} x
 * @param {number} from
 * @param {number} to
 */
function arrow(x, from, to) {
  return shape('path', { class: 'wire', d: `M${x} ${from}V${to}M${x - 4} ${to - 5}L${x} ${to}L${x + 4} ${to - 5}` });
}

/** @param {ModelEntry} entry @returns {Kind} */
function kindOf({ config }) {
  return config?.network === 'pixelcnn' ? 'conv' : 'lstm';
}

/**
 * @param {string} title
 * @param {number} layers
 * @param {number} h
 */
function captionOf(title, layers, h) {
  const blocks = layers === 1 ? 'one such block' : `${layers} such blocks`;
  return `${title}: ${blocks}. ${2 * h} features a pixel enter, ${h} are worked on, ${2 * h} come out.`;
}

/** @param {import('../pixel-cursor.js').Pixel} pixel */
function cellsCaption({ x, y }) {
  return `The bars are what the first block makes of row ${y + 1}, column ${x + 1} of the picture above: blue above zero, orange below.`;
}
