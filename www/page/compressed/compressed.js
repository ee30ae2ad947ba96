/**
 * "The number, as a file": pictures as the bytes that `pixelrnn compress` writes of them, read back, and what they take as a PNG
 * and as a WebP. Pictures and such files of the visitor's own are taken too.
 */

import { formatCount, formatDuration, isInk } from '../../shared/format.js';
import { make } from '../../shared/make.js';
import { encodePng } from '../../shared/png.js';
import { RowCanvas } from '../../shared/row-canvas.js';
import { saveFile } from '../../shared/save-file.js';
import { sentence } from '../../shared/sentence.js';
import { readPicture } from '../complete/own-picture.js';
import { getReady } from '../complete/ready.js';
import { FileIntake } from '../file-intake.js';
import { onSight } from '../in-sight.js';
import { rowsOf } from '../levels.js';
import { bytesOfSheet, sheetOf } from './sheet-formats.js';

/** Values of the pictures shown at first, about. */
const FIRST_VALUES = 16 * 784;
const FEWEST_FIRST = 4;

/** Pictures in a row of those shown. */
const COLUMNS = 8;

/** Pictures of the visitor's own that are taken at once. */
const MOST_OWN = 64;

/** Side of the square that a pixel becomes where pictures are saved. */
const SAVED_SCALE = 8;

const EXTENSION = '.prc';

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * What the visitor brought, if anything: pictures, or a file that holds some.
 * @typedef {{ pictures: import('../complete/own-picture.js').OwnPicture[] } | { file: Uint8Array<ArrayBuffer>, name: string } | null} Brought
 */

/** @typedef {{ what: string, images: Uint8Array[] }} Pictures  levels, `[C, H, W]` each, and what they are */

/**
 * Pictures, and the file that they became or come from.
 * @typedef {Pictures & { model: string, info: ModelInfo, file: Uint8Array<ArrayBuffer>, readBack: string }} Packed
 */

/** Compresses pictures, and shows what became of them. */
export class Compressed {
  #engine;
  #parts;
  #picture;
  #model = '';
  #near = false;
  /** @type {Brought} */
  #brought = null;
  /** Whether the pictures wanted are shown, or about to be. */
  #asked = false;
  /** @type {AbortController | null} */
  #run = null;
  /** @type {Packed | null} */
  #packed = null;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#parts = {
      canvas: /** @type {HTMLCanvasElement} */ (part('canvas')),
      caption: /** @type {HTMLElement} */ (part('figcaption')),
      sizes: /** @type {HTMLElement} */ (part('dl')),
      saves: /** @type {HTMLButtonElement[]} */ ([...section.querySelectorAll('[data-save]')]),
      fault: /** @type {HTMLElement} */ (part('.fault')),
    };
    this.#picture = new RowCanvas(this.#parts.canvas);
    const figure = /** @type {HTMLElement} */ (part('figure'));
    new ResizeObserver(() => this.#picture.fit(figure.clientWidth)).observe(figure);
    new FileIntake(section, part('[type="file"]'), { onFiles: (files) => void this.#take(files), onRefused: (sentence) => this.#tell(sentence) });
    for (const button of this.#parts.saves) button.addEventListener('click', () => void this.#save(button.dataset.save === 'file'));
    onSight(figure, 0.1, (near) => {
      this.#near = near;
      if (!this.#asked) void this.#show();
    });
  }

  /** @param {{ model: string }} settings */
  update({ model }) {
    if (model === this.#model) return;
    this.#model = model;
    // A file is that of one network; pictures become what the other draws.
    if (this.#brought && 'file' in this.#brought) this.#brought = null;
    this.#asked = false;
    void this.#show();
  }

  /** @param {File[]} files */
  async #take(files) {
    // What was pasted brings the section into sight.
    this.#near = true;
    await this.#show(files);
  }

  /**
   * Shows what is wanted, once somebody can see it. What the visitor brought takes the place of what was there when it has
   * turned out to be good.
   * @param {File[]} [files]
   */
  async #show(files) {
    if (!this.#near || !this.#model) return;
    this.#run?.abort();
    const { signal } = (this.#run = new AbortController());
    this.#asked = true;
    this.#tell('');
    try {
      const brought = files ? await readBrought(files) : this.#brought;
      const packed = await this.#pack(brought, signal);
      const bits = (await this.#score(packed, signal)) / Math.LN2;
      const others = await bytesOfSheet(sheetOf(packed.images, packed.info));
      if (signal.aborted) return;
      this.#brought = brought;
      this.#packed = packed;
      this.#fill(packed, bits, others);
    } catch (error) {
      if (signal.aborted) return;
      this.#tell(sentence(error));
      if (this.#packed?.model === this.#model) return;
      this.#empty();
      // It may be tried again when it comes into sight again.
      this.#asked = false;
    }
  }

  /**
   * @param {Brought} brought
   * @param {AbortSignal} signal
   * @returns {Promise<Packed>}
   */
  async #pack(brought, signal) {
    const model = this.#model;
    const ready = await getReady(this.#engine, model, signal);
    const { info } = ready;
    if (brought && 'file' in brought) {
      const { file, name } = brought;
      const read = await this.#read(model, file, signal).catch((error) => {
        throw signal.aborted ? error : new Error(`${name}: ${sentence(error)}`, { cause: error });
      });
      const images = split(read.levels, read.count);
      return { model, info, file, images, what: `${countOf(images)} of ${name}`, readBack: `Read in ${read.took}.` };
    }
    const { images, what } = brought ? ownPictures(brought.pictures, info) : await this.#firstPictures(ready, signal);
    const levels = join(images);
    const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => this.#progress('Writing', done / total);
    const file = await this.#engine.compress({ model, levels: levels.slice(), count: images.length, signal, onProgress });
    const read = await this.#read(model, file, signal);
    const isSame = read.levels.every((level, at) => level === levels[at]);
    return { model, info, file, images, what, readBack: `Read back in ${read.took}: ${isSame ? 'every pixel is the same' : 'they differ, which is a fault of this page'}.` };
  }

  /**
   * Test pictures, or where there are none, pictures that the network draws.
   * @param {import('../complete/ready.js').Ready} ready
   * @param {AbortSignal} signal
   * @returns {Promise<Pictures>}
   */
  async #firstPictures({ model, info, examples }, signal) {
    const count = Math.max(FEWEST_FIRST, Math.floor(FIRST_VALUES / (info.channels * info.height * info.width)));
    if (examples) {
      const images = examples.images.slice(0, count);
      return { images, what: countOf(images, 'test picture') };
    }
    const { levels } = await this.#engine.sample({ model, seed: 1n, count, backend: 'cpu', signal });
    const images = split(levels, count);
    return { images, what: `${countOf(images)} that it has drawn` };
  }

  /**
   * @param {string} model
   * @param {Uint8Array<ArrayBuffer>} file
   * @param {AbortSignal} signal
   */
  async #read(model, file, signal) {
    const start = performance.now();
    const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => this.#progress('Reading', done / total);
    const read = await this.#engine.decompress({ model, file: file.slice(), signal, onProgress });
    return { ...read, took: formatDuration(performance.now() - start) };
  }

  /**
   * −ln p of all the pictures.
   * @param {Packed} packed
   * @param {AbortSignal} signal
   */
  async #score({ model, images }, signal) {
    const nats = await this.#engine.score({ model, levels: join(images), count: images.length, signal });
    return nats.reduce((sum, one) => sum + one, 0);
  }

  /**
   * @param {Packed} packed
   * @param {number} bits  that the pictures cost, by their likelihood
   * @param {{ png: number, webp: number | null }} others  bytes
   */
  #fill({ what, images, info, file, readBack }, bits, { png, webp }) {
    const { canvas, caption, sizes, saves } = this.#parts;
    const { width, height } = info;
    this.#picture.reset({ width, height, count: images.length, columns: Math.min(images.length, COLUMNS), ink: isInk(info) });
    for (const row of rowsOf(images, info)) this.#picture.paint(row);
    canvas.setAttribute('aria-label', what);
    const rows = /** @type {Array<[string, number | null]>} */ ([['This network', file.length], ['PNG', png], ['WebP', webp]]);
    const most = Math.max(file.length, png, webp ?? 0);
    sizes.replaceChildren(...rows.filter(([, bytes]) => bytes !== null).map(([name, bytes]) => sizeRow(name, Number(bytes), most)));
    caption.textContent = `${what}: ${formatCount(bits)} bits by their chances, ${formatCount(8 * file.length)} in the file. ${readBack}`;
    for (const button of saves) button.disabled = false;
  }

  /** Nothing is shown of a network that is no longer the one above. */
  #empty() {
    const { caption, sizes, saves } = this.#parts;
    this.#packed = null;
    this.#picture.reset({ width: 28, height: 28, count: 1 });
    sizes.replaceChildren();
    caption.textContent = '';
    for (const button of saves) button.disabled = true;
  }

  /**
   * @param {string} doing
   * @param {number} part  0 to 1
   */
  #progress(doing, part) {
    // What is there already says more.
    if (!this.#packed || this.#packed.model !== this.#model) this.#parts.caption.textContent = `${doing}: ${Math.floor(100 * part)} %`;
  }

  /** @param {boolean} asFile */
  async #save(asFile) {
    if (!this.#packed) return;
    const { model, info, images, file } = this.#packed;
    const stem = model.replace(/\.safetensors$/i, '').replace(/[^\w.-]+/g, '-');
    if (asFile) saveFile(`${stem}${EXTENSION}`, new Blob([file]));
    else saveFile(`${stem}-pictures.png`, await encodePng(sheetOf(images, info), SAVED_SCALE));
  }

  /** @param {string} fault  empty: there is none */
  #tell(fault) {
    this.#parts.fault.textContent = fault;
    this.#parts.fault.hidden = !fault;
  }
}

/**
 * Reads a compressed file, or pictures.
 * @param {File[]} files
 * @returns {Promise<Brought>}
 */
async function readBrought(files) {
  const packed = files.find(({ name }) => name.toLowerCase().endsWith(EXTENSION));
  if (packed) {
    const bytes = await packed.arrayBuffer().catch((cause) => {
      throw new Error(`${packed.name} could not be read: it may have been moved or changed; choose it again.`, { cause });
    });
    return { name: packed.name, file: new Uint8Array(bytes) };
  }
  if (files.length > MOST_OWN) throw new Error(`${formatCount(files.length)} pictures found, at most ${MOST_OWN} expected; pixelrnn compress takes more.`);
  const pictures = [];
  for (const file of files) pictures.push(await readPicture(file));
  return { pictures };
}

/**
 * @param {import('../complete/own-picture.js').OwnPicture[]} pictures
 * @param {ModelInfo} info
 * @returns {Pictures}
 */
function ownPictures(pictures, info) {
  const images = pictures.map((picture) => picture.levelsFor(info));
  return { images, what: `${countOf(images)} of yours, made ${info.width} × ${info.height}` };
}

/** @param {Uint8Array[]} images */
function join(images) {
  return Uint8Array.from(images.flatMap((image) => [...image]));
}

/**
 * @param {Uint8Array} levels  of all images
 * @param {number} count
 */
function split(levels, count) {
  const one = levels.length / count;
  return Array.from({ length: count }, (_, k) => levels.subarray(k * one, (k + 1) * one));
}

/**
 * @param {unknown[]} pictures
 * @param {string} [name]
 */
function countOf({ length }, name = 'picture') {
  return `${formatCount(length)} ${name}${length === 1 ? '' : 's'}`;
}

/**
 * A name, how many bytes, and a bar as long as these.
 * @param {string} name
 * @param {number} bytes
 * @param {number} most  bytes of the longest bar
 */
function sizeRow(name, bytes, most) {
  const bar = make('span', { class: 'size' });
  bar.style.width = `${(100 * bytes) / most}%`;
  return make('div', {}, make('dt', {}, name), make('dd', {}, `${formatCount(bytes)} bytes`, bar));
}
