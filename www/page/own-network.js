/**
 * A network of the visitor's own: a weights file dropped anywhere on the page, or chosen. It is opened in this page, sent nowhere
 * and gone with it; an address only ever has the file's name.
 */

import { isFileName } from '../shared/brought-file.js';
import { formatCount } from '../shared/format.js';
import { sentence } from '../shared/sentence.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */

/** Takes such files. */
export class OwnNetwork {
  #engine;
  #onOpened;
  #frame;
  #said;
  #fault;
  /** @type {AbortController | null} */
  #run = null;

  /**
   * @param {import('../engine.js').Engine} engine
   * @param {Document} page
   * @param {(entry: ModelEntry) => unknown} onOpened  it is in the engine's list, and is to be chosen
   */
  constructor(engine, page, onOpened) {
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (page.getElementById(id));
    this.#engine = engine;
    this.#onOpened = onOpened;
    this.#frame = part('own-network-frame');
    this.#said = part('own-network-said');
    this.#fault = part('own-network-fault');
    for (const choice of page.querySelectorAll('.own-network-file')) this.#listenToChoice(/** @type {HTMLInputElement} */ (choice));
    this.#listenToDrops(['completions', 'one-number', 'compressed'].map(part));
  }

  /**
   * Says what a link cannot bring along, where it named a network that somebody had brought.
   * @param {string} model  as the address has it
   * @param {ModelEntry[]} models
   */
  tellMissing(model, models) {
    const isMissing = isFileName(model) && !models.some(({ name }) => name === model);
    this.#tell(isMissing ? `This link needs the file ${model}.` : '');
  }

  /** @param {HTMLInputElement} input */
  #listenToChoice(input) {
    input.disabled = false;
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      // So that the same file may be chosen again.
      input.value = '';
      if (files.length) void this.#take(files);
    });
  }

  /**
   * Heard before those who take other files: a network is taken wherever it is dropped, all else is left to them.
   * @param {HTMLElement[]} takers  the sections that take other files
   */
  #listenToDrops(takers) {
    const frame = (/** @type {boolean} */ shown) => (this.#frame.hidden = !shown);
    const isOver = (/** @type {DragEvent} */ { target }) => target instanceof Node && takers.some((section) => section.contains(target));
    addEventListener('dragover', (event) => {
      const { dataTransfer } = event;
      const wanted = dataTransfer !== null && mayBeNetwork(dataTransfer);
      frame(wanted);
      if (!wanted) return;
      event.preventDefault();
      event.stopPropagation();
      dataTransfer.dropEffect = 'copy';
    }, { capture: true });
    addEventListener('dragleave', ({ relatedTarget }) => relatedTarget ?? frame(false));
    addEventListener('drop', (event) => {
      frame(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      const networks = files.filter(({ name }) => isFileName(name));
      if (!networks.length && (!files.length || files.some(isPicture) || isOver(event))) return;
      event.preventDefault();
      event.stopPropagation();
      void this.#take(networks.length ? networks : files);
    }, { capture: true });
  }

  /**
   * Opens files, one after the other; what was brought before is not waited for any more.
   * @param {File[]} files
   */
  async #take(files) {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#tell('');
    try {
      for (const file of files) {
        if (!isFileName(file.name)) throw new Error(`${file.name} is no .safetensors file; a network is the best.safetensors that pixelrnn train has written.`);
        this.#said.textContent = `Opening ${file.name}`;
        const entry = await this.#engine.open(file, { title: `Yours: ${file.name}`, signal: run.signal });
        run.signal.throwIfAborted();
        await this.#onOpened(entry);
        this.#said.textContent = describe(entry);
      }
    } catch (error) {
      if (!run.signal.aborted) this.#tell(sentence(error));
    }
  }

  /** @param {string} fault  empty: there is none */
  #tell(fault) {
    this.#said.textContent = '';
    this.#fault.textContent = fault;
    this.#fault.hidden = !fault;
    if (fault) this.#fault.scrollIntoView({ block: 'nearest' });
  }
}

/**
 * While it is dragged, no more is known of a file than its type, which pictures have and networks do not.
 * @param {DataTransfer} data
 */
function mayBeNetwork({ types, items }) {
  return types.includes('Files') && ![...items].some(isPicture);
}

/** @param {{ type: string }} item */
function isPicture({ type }) {
  return type.startsWith('image/');
}

/** @param {ModelEntry} entry */
function describe({ file, parameters, config }) {
  if (!config) return '';
  const { width, height, channels, levels } = config;
  const values = channels === 3 ? `${levels} levels a colour` : levels === 2 ? 'ink and paper' : `${levels} greys`;
  return `${file}: ${width} × ${height} pixels, ${values}, ${formatCount(parameters)} parameters. It is in this page only.`;
}
