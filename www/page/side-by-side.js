/**
 * "Side by side": the same seed drawn by every network of the same kind of images, with the speed and
 * the likelihood of each.
 */

import { onDensityChange } from '../shared/density.js';
import { formatCount, formatDuration, isInk } from '../shared/format.js';
import { formatNll, peersOf } from './network-kinds.js';
import { isPrinting, onPrint } from '../shared/printing.js';
import { PACES, Reveal } from '../shared/reveal.js';
import { RowCanvas } from '../shared/row-canvas.js';
import { sentence } from '../shared/sentence.js';
import { sharpeningOf } from './sharpening.js';

const GRID = Object.freeze({ count: 9, columns: 3 });

/** How far out of sight the section begins to work. */
const NEAR = '200px';

/** What the next pixel depends on, in the words of the page. */
const SEES = Object.freeze({
  pixelcnn: 'sees a neighbourhood of fixed size',
  row_lstm: 'sees a triangle above',
  diagonal_bilstm: 'sees everything above and to the left',
});

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */

/**
 * @typedef {import('./sharpening.js').Sharpening & Chosen} SideBySideSettings
 *
 * @typedef {object} Chosen
 * @property {string} model  the network picked; the others draw the same kind of images
 * @property {bigint} seed
 * @property {import('../shared/reveal.js').Pace} pace
 */

/**
 * A network and the column it draws in.
 * @typedef {object} Lane
 * @property {ModelEntry} entry
 * @property {HTMLElement} figure
 * @property {RowCanvas} picture
 * @property {HTMLElement} each   time of an image
 * @property {HTMLElement} rate   pixels a second
 * @property {HTMLElement} fault
 */

/** Draws the columns. */
export class SideBySide {
  #engine;
  #section;
  #columns;
  /** @type {SideBySideSettings | null} */
  #settings = null;
  /** @type {Lane[]} */
  #lanes = [];
  #near = false;
  /** What the columns show, or are about to show. */
  #drawn = '';
  /** Networks that have drawn before. @type {Set<string>} */
  #warm = new Set();
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../engine.js').Engine} engine
   * @param {HTMLElement} section  hidden, until there are networks to compare
   */
  constructor(engine, section) {
    this.#engine = engine;
    this.#section = section;
    this.#columns = /** @type {HTMLElement} */ (section.querySelector('#lanes'));
    const sight = new IntersectionObserver((entries) => {
      this.#near = entries[entries.length - 1].isIntersecting;
      void this.#draw({ instant: false });
    }, { rootMargin: NEAR });
    sight.observe(section);
    new ResizeObserver(() => this.#fit()).observe(this.#columns);
    onDensityChange(() => this.#fit());
    onPrint(() => void this.#draw({ instant: true }));
  }

  /**
   * Takes new settings, and draws by them when the section is in sight.
   * @param {SideBySideSettings} settings
   * @param {{ instant: boolean }} options
   */
  async update(settings, options) {
    this.#settings = { ...settings };
    // Without a list there is nothing to compare; the samples tell what is wrong with it.
    const models = await this.#engine.models().catch(() => []);
    this.#arrange(peersOf(settings.model, models));
    void this.#draw(options);
  }

  /**
   * Makes a column for each network.
   * @param {ModelEntry[]} entries
   */
  #arrange(entries) {
    const names = (/** @type {ModelEntry[]} */ list) => list.map(({ name }) => name).join();
    if (names(entries) === names(this.#lanes.map(({ entry }) => entry))) return;
    this.#drawn = '';
    const template = /** @type {HTMLTemplateElement} */ (this.#section.querySelector('#lane'));
    this.#lanes = entries.map((entry) => makeLane(entry, template));
    this.#columns.replaceChildren(...this.#lanes.map(({ figure }) => figure));
    this.#section.hidden = entries.length < 2;
    this.#fit();
  }

  #fit() {
    for (const { figure, picture } of this.#lanes) picture.fit(figure.clientWidth);
  }

  /**
   * Draws what is not shown yet. Out of sight nothing is fetched or drawn: what the visitor looks at
   * has the worker to itself.
   * @param {{ instant: boolean }} options
   */
  async #draw({ instant }) {
    if (!this.#settings || this.#lanes.length < 2) return;
    const { seed, pace } = this.#settings;
    const sharpening = sharpeningOf(this.#settings, this.#lanes[0].entry.config?.levels);
    const wanted = `${seed} ${JSON.stringify(sharpening)}`;
    if (wanted === this.#drawn) return;
    this.#run?.abort();
    this.#drawn = '';
    for (const lane of this.#lanes) clear(lane);
    if (!this.#near && !isPrinting()) return;
    this.#drawn = wanted;
    const run = new AbortController();
    this.#run = run;
    // One after the other, so that no network is timed while another keeps the processor busy.
    for (const lane of this.#lanes) {
      await this.#drawLane(lane, { seed, sharpening, rowsPerSecond: instant ? Infinity : PACES[pace], signal: run.signal });
      if (run.signal.aborted) return;
    }
  }

  /**
   * Draws one column. Its rows may still be appearing when the next column begins.
   * @param {Lane} lane
   * @param {{ seed: bigint, sharpening: import('./sharpening.js').Sharpening, rowsPerSecond: number, signal: AbortSignal }} options
   */
  async #drawLane(lane, { seed, sharpening, rowsPerSecond, signal }) {
    const { entry, picture, each, rate, fault } = lane;
    const reveal = new Reveal((row) => {
      picture.paint(row);
      if (rowsPerSecond < Infinity) picture.markBelow(row);
    }, { rowsPerSecond, signal });
    const options = { model: entry.name, seed, ...sharpening, backend: /** @type {const} */ ('cpu'), signal };
    try {
      // Browsers compile wasm that runs often a second time, better. That is not the network's doing.
      if (!this.#warm.has(entry.name)) await this.#engine.sample(options);
      this.#warm.add(entry.name);
      const drawing = await this.#engine.sample({ ...options, count: GRID.count, onRow: (row) => reveal.push(row) });
      each.textContent = formatDuration(drawing.elapsed_ms / GRID.count);
      rate.textContent = formatCount(drawing.pixels_per_second);
    } catch (error) {
      if (signal.aborted) return;
      reveal.drop();
      clear(lane);
      fault.textContent = sentence(error);
      fault.hidden = false;
    }
  }
}

/** @param {ModelEntry} entry */
function sees({ config }) {
  if (!config) return '';
  if (!config.conditioning) return SEES[config.network];
  const { width, height } = config.conditioning.small;
  return `${SEES[config.network]}, and a picture of ${width} × ${height} pixels drawn first`;
}

/**
 * @param {ModelEntry} entry
 * @param {HTMLTemplateElement} template
 * @returns {Lane}
 */
function makeLane(entry, template) {
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const part = (/** @type {string} */ selector) => /** @type {any} */ (copy.querySelector(selector));
  part('.title').textContent = entry.title;
  part('.sees').textContent = sees(entry);
  part('.nll').textContent = formatNll(entry);
  part('canvas').setAttribute('aria-label', `Nine images drawn by ${entry.title}`);
  const lane = { entry, figure: part('figure'), picture: new RowCanvas(part('canvas')), each: part('.each'), rate: part('.rate'), fault: part('.fault') };
  clear(lane);
  return lane;
}

/**
 * Empties a column for a new drawing.
 * @param {Lane} lane
 */
function clear({ entry, picture, each, rate, fault }) {
  const config = entry.config ?? { width: 28, height: 28, channels: 1, levels: 2 };
  const { width, height } = config;
  picture.reset({ width, height, ink: isInk(config), ...GRID });
  each.textContent = '–';
  rate.textContent = '–';
  fault.hidden = true;
}
