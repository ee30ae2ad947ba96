/**
 * "One number for a whole picture": what each value of a picture costs in bits, and the sum of these costs. The picture is a test
 * picture, the one that was drawn above, or one of the visitor's own, which is counted anew with every stroke.
 */

import { formatCount, isInk } from '../../shared/format.js';
import { swatches } from '../easel/legend.js';
import { loadExamples } from '../complete/examples.js';
import { onSight } from '../in-sight.js';
import { bitsOfImage, paintCosts } from './cost-picture.js';
import { OwnCounted } from './own-counted.js';
import { takeTurns } from './stage.js';

const TURN_MS = 5_000;

/** @typedef {import('../easel/easel.js').Easel["shown"]} Shown */
/** @typedef {"test" | "drawn" | "own"} Which */

/**
 * A picture that is to be counted.
 * @typedef {object} Counted
 * @property {string} model
 * @property {string} name
 * @property {import('../../engine.js').ModelInfo} info
 * @property {Uint8Array} levels  `[C, H, W]`
 */

/** One with its costs. @typedef {Counted & { which: Which, bits: Float64Array }} Scored */

/** Counts the bits of pictures. */
export class OneNumber {
  #engine;
  #parts;
  #own;
  #model = '';
  /** @type {Which} */
  #which = 'test';
  /** Which test picture. */
  #next = 0;
  /** The picture drawn above. @type {Shown} */
  #drawn = null;
  /** Counts the pictures drawn, and the changes of the visitor's own. */
  #change = 0;
  /** Whether a stroke changed it last: then it does not count along. */
  #stroked = false;
  #near = false;
  /** What was asked for last. */
  #asked = '';
  #working = false;
  /** @type {AbortController | null} */
  #run = null;
  /** @type {Scored | null} */
  #scored = null;
  /** @type {ReturnType<typeof takeTurns> | null} */
  #turns = null;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#parts = {
      choices: /** @type {HTMLInputElement[]} */ ([...section.querySelectorAll('[name="counted"]')]),
      canvas: /** @type {HTMLCanvasElement} */ (part('canvas')),
      caption: /** @type {HTMLElement} */ (part('figcaption')),
      legend: /** @type {HTMLElement} */ (part('.ticks')),
      next: /** @type {HTMLButtonElement} */ (part('[data-next]')),
      blind: /** @type {HTMLElement} */ (part('.blind')),
      mean: /** @type {HTMLElement} */ (part('.mean')),
    };
    this.#own = new OwnCounted(section, {
      onBrought: () => {
        // One that was pasted brings the section into sight.
        this.#near = true;
        this.#choose('own');
      },
      onChange: () => this.#follow(),
    });
    for (const choice of this.#parts.choices) choice.addEventListener('change', () => this.#choose(/** @type {Which} */ (choice.value)));
    this.#parts.next.addEventListener('click', () => {
      this.#next += 1;
      void this.#ask();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#show(1));
    onSight(part('figure'), 0.1, (near) => {
      this.#near = near;
      if (near) void this.#ask();
    });
  }

  /** @param {{ model: string }} settings */
  async update({ model }) {
    if (model === this.#model) return;
    this.#model = model;
    if (this.#which !== 'drawn') this.#restart();
    await this.#tellMeans();
  }

  /** The picture drawn above is another one. @param {Shown} drawn */
  offer(drawn) {
    if (!drawn || drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#change += 1;
    if (this.#which === 'drawn') this.#restart();
  }

  /** What this network needs for a picture on average, and what blind guesses would. */
  async #tellMeans() {
    const models = await this.#engine.models().catch(() => []);
    const entry = models.find(({ name }) => name === this.#model);
    if (!entry?.config || !entry.test_nll) return;
    const { width, height, channels, levels } = entry.config;
    const values = width * height * channels;
    this.#parts.blind.textContent = isInk(entry.config)
      ? `Tossing a coin for each of ${formatCount(values)} pixels costs ${formatCount(values)} bits.`
      : `Guessing each of ${formatCount(values)} values blindly costs ${formatCount(values * Math.log2(levels))} bits.`;
    this.#parts.mean.textContent = formatBits(entry.test_nll.nats_per_image / Math.LN2);
  }

  /** @param {Which} which */
  #choose(which) {
    this.#which = which;
    for (const choice of this.#parts.choices) choice.checked = choice.value === which;
    this.#parts.next.hidden = which !== 'test';
    this.#own.shown = which === 'own';
    this.#restart();
  }

  /** What is asked for is another picture: the one before is not waited for. */
  #restart() {
    this.#run?.abort();
    this.#asked = '';
    this.#stroked = false;
    void this.#ask();
  }

  /** A stroke is seen at once, and then its cost. */
  #follow() {
    this.#change += 1;
    this.#stroked = true;
    this.#turns?.hold();
    if (this.#scored?.which === 'own') this.#scored.levels = this.#own.levels;
    this.#show(1);
    void this.#ask();
  }

  /** What is to be counted, in a word; empty: nothing yet. */
  #wanted() {
    if (!this.#near || !this.#model) return '';
    if (this.#which === 'test') return `test ${this.#model} ${this.#next}`;
    return this.#which === 'own' || this.#drawn ? `${this.#which} ${this.#model} ${this.#change}` : '';
  }

  /** Has the picture scored that is wanted, until nothing newer is. */
  async #ask() {
    if (this.#working) return;
    this.#working = true;
    for (let wanted = this.#wanted(); wanted && wanted !== this.#asked; wanted = this.#wanted()) {
      this.#asked = wanted;
      const { signal } = (this.#run = new AbortController());
      try {
        const scored = await this.#score(signal);
        if (!signal.aborted) this.#take(scored);
      } catch {
        if (signal.aborted) continue;
        // What is wrong with the network is told where it draws; here it may be tried again.
        this.#asked = '';
        break;
      }
    }
    this.#working = false;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Scored | null>}
   */
  async #score(signal) {
    const which = this.#which;
    const counted = await this.#picture(which, signal);
    if (!counted) return null;
    const { model, levels, info } = counted;
    const nll_nats = await this.#engine.score({ model, levels: levels.slice(), count: 1, signal });
    return { ...counted, which, bits: bitsOfImage(nll_nats, info) };
  }

  /**
   * The picture, with the network that counts it: its own where it was drawn.
   * @param {Which} which
   * @param {AbortSignal} signal
   * @returns {Promise<Counted | null>}
   */
  async #picture(which, signal) {
    if (which === 'drawn' && this.#drawn) {
      const { order, trace } = this.#drawn;
      return { model: order.model, name: 'the picture drawn above', info: await this.#engine.load(order.model, { signal }), levels: trace.image() };
    }
    const model = this.#model;
    const info = await this.#engine.load(model, { signal });
    if (which === 'own') return { model, name: 'your picture', info, levels: this.#own.levelsFor(info, this.#scored) };
    const [models, sets] = await Promise.all([this.#engine.models(), this.#engine.sets()]);
    const set = sets.find(({ name }) => name === models.find((entry) => entry.name === model)?.set);
    const examples = await loadExamples(set, info);
    if (!examples) return null;
    const at = this.#next % examples.images.length;
    return { model, name: `${examples.name} ${examples.indices[at]}`, info, levels: examples.images[at] };
  }

  /** @param {Scored | null} scored */
  #take(scored) {
    const { canvas, caption, next } = this.#parts;
    this.#scored = scored;
    next.disabled = !scored;
    if (!scored) {
      canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
      caption.textContent = 'There are no test pictures for this network.';
    } else if (this.#stroked) this.#show(1);
    else if (this.#turns) this.#turns.again();
    else this.#turns = takeTurns(canvas, { ms: TURN_MS, show: (part) => this.#show(part) });
  }

  /** @param {number} part  of the pixels that are counted */
  #show(part) {
    if (!this.#scored) return;
    const { which, name, info, bits } = this.#scored;
    const { width, height, channels } = info;
    const { canvas, caption, legend } = this.#parts;
    const pixels = Math.round(part * width * height);
    paintCosts(canvas, this.#scored, pixels);
    const sum = bits.subarray(0, pixels).reduce((all, one) => all + one, 0);
    const done = part === 1;
    caption.replaceChildren(
      Object.assign(document.createElement('strong'), { textContent: `${formatBits(sum)} bits` }),
      done ? ` for ${name}, ${(sum * Math.LN2).toFixed(1)} nats as pixelrnn score says.` : ` for the first ${formatCount(pixels * channels)} of ${formatCount(bits.length * channels)} values.`,
    );
    if (!done) return;
    canvas.setAttribute('aria-label', `What each pixel of ${name} costs, ${formatBits(sum)} bits in all`);
    if (which === 'own' && this.#stroked) this.#own.say(`${formatBits(sum)} bits`);
    legend.replaceChildren('Bits a value:', ...swatches('bits'));
  }
}

/** @param {number} bits */
function formatBits(bits) {
  return bits >= 1000 ? formatCount(bits) : bits.toFixed(1);
}
