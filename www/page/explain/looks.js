/**
 * "How far each network looks": the same seed drawn by three networks, what one pixel of each looks at, and the mean over all
 * pixels.
 */

import { isInk } from '../../shared/format.js';
import { sentence } from '../../shared/sentence.js';
import { swatches } from '../easel/legend.js';
import { onSight } from '../in-sight.js';
import { peersOf } from '../network-kinds.js';
import { sharpeningOf } from '../sharpening.js';
import { byHand } from './by-hand.js';
import { LooksColumn } from './looks-column.js';
import { takeTurns } from './stage.js';

const TURN_MS = 12_000;

/** @typedef {import('../../engine.js').ModelEntry} ModelEntry */

/**
 * @typedef {import('../sharpening.js').Sharpening & Chosen} LooksSettings
 *
 * @typedef {object} Chosen
 * @property {string} model  the network picked
 * @property {bigint} seed
 * @property {number} image
 */

/** Measures the networks, and moves one cursor over their pictures. */
export class Looks {
  #engine;
  #columns;
  #legend;
  /** @type {LooksSettings | null} */
  #settings = null;
  #near = false;
  /** What the columns show, or are about to show. */
  #asked = '';
  /** @type {AbortController | null} */
  #run = null;
  #pixel = { x: 14, y: 17 };
  /** @type {ReturnType<typeof takeTurns> | null} */
  #turns = null;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    this.#engine = engine;
    const figures = /** @type {HTMLElement[]} */ ([...section.querySelectorAll('figure')]);
    this.#columns = figures.map((figure) => new LooksColumn(engine, figure));
    this.#legend = /** @type {HTMLElement} */ (section.querySelector('.ticks'));
    const pictures = /** @type {HTMLElement} */ (section.querySelector('.looks'));
    for (const column of this.#columns) {
      byHand(column.area, column.size, {
        at: () => this.#pixel,
        moveTo: (pixel) => {
          this.#turns?.hold();
          this.#moveTo(pixel);
        },
      });
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
    new ResizeObserver(() => this.#moveTo(this.#pixel)).observe(pictures);
    onSight(pictures, 0.1, (near) => {
      this.#near = near;
      if (near) void this.#measure(pictures);
      else this.#giveUp();
    });
    this.#paint();
  }

  /** @param {LooksSettings} settings */
  update({ model, seed, image, ...how }) {
    this.#settings = { model, seed, image, ...sharpeningOf(how) };
    if (this.#near) void this.#measure(/** @type {HTMLElement} */ (this.#columns[0].figure.parentElement));
  }

  /** What is half measured is measured anew. */
  #giveUp() {
    if (!this.#run) return;
    this.#run.abort();
    this.#run = null;
    this.#asked = '';
  }

  /**
   * Measures one network after the other, so that each is there as early as can be.
   * @param {HTMLElement} pictures
   */
  async #measure(pictures) {
    if (!this.#settings?.model) return;
    const models = await this.#engine.models().catch(() => []);
    const { model, ...drawn } = this.#settings;
    const networks = comparable(model, models);
    const asked = [...Object.entries(drawn), ...networks.map(({ name }) => name)].join(' ');
    if (asked === this.#asked) return;
    this.#giveUp();
    this.#asked = asked;
    const run = new AbortController();
    this.#run = run;
    for (const column of this.#columns) column.clear(networks.find(({ config }) => config?.network === column.network));
    for (const column of this.#columns) {
      try {
        await column.measure({ ...drawn, signal: run.signal });
      } catch (error) {
        if (run.signal.aborted) return;
        column.tell(sentence(error));
        continue;
      }
      if (run.signal.aborted) return;
      this.#moveTo(this.#pixel);
    }
    this.#run = null;
    if (this.#turns) this.#turns.again();
    else this.#turns = takeTurns(pictures, { ms: TURN_MS, show: (part) => this.#wander(part) });
  }

  /** The cursor goes round the picture, and ends where it began. @param {number} part */
  #wander(part) {
    const { width, height } = this.#columns[0].size;
    const x = Math.round(width * (0.5 + 0.33 * Math.sin(2 * Math.PI * part)));
    const y = Math.round(height * (0.61 + 0.25 * Math.sin(4 * Math.PI * part)));
    if (x !== this.#pixel.x || y !== this.#pixel.y || part === 1) this.#moveTo({ x, y });
  }

  /** @param {import('../pixel-cursor.js').Pixel} pixel */
  #moveTo(pixel) {
    this.#pixel = pixel;
    for (const column of this.#columns) void column.look(pixel);
  }

  /** The colours, for light or dark. */
  #paint() {
    this.#legend.replaceChildren('The answer moves by:', ...swatches('effects'));
    for (const column of this.#columns) column.paintMean();
    this.#moveTo(this.#pixel);
  }
}

/**
 * One network of each kind: those that draw what the one picked draws, or, where its pictures are in colour and every map would
 * take many seconds, those of ink and paper.
 * @param {string} model
 * @param {ModelEntry[]} models
 */
function comparable(model, models) {
  const plain = models.filter(({ config }) => config && isInk(config) && !config.conditioning && config.width === 28 && config.height === 28);
  const peers = peersOf(model, plain);
  return peers.length > 1 ? peers : peersOf(plain[0]?.name ?? '', plain);
}
