/**
 * The ways in which a visitor brings a picture: a file dropped onto a section, pasted, or chosen.
 */

import { sentence } from '../shared/sentence.js';
import { readPicture } from './own-picture.js';

/** What a browser hands over where a picture is dragged out of another page. */
const NO_FILE = 'What was dropped is an address or a text and no file; save the picture first, then drop the file.';

/**
 * @typedef {object} IntakeActions
 * @property {(picture: import('./own-picture.js').OwnPicture) => void} onPicture
 * @property {(sentence: string) => void} onFault  empty when a new picture is being read
 */

/** Reads what is brought last. */
export class PictureIntake {
  #actions;
  #brought = 0;

  /**
   * @param {HTMLElement} section  that files may be dropped on
   * @param {HTMLInputElement} input
   * @param {IntakeActions} actions
   */
  constructor(section, input, actions) {
    this.#actions = actions;
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      if (file) void this.#take(file);
      // So that the same file may be chosen again.
      input.value = '';
    });
    document.addEventListener('paste', ({ clipboardData }) => {
      const [file] = clipboardData?.files ?? [];
      if (!file) return;
      section.scrollIntoView({ block: 'nearest' });
      void this.#take(file);
    });
    this.#listenToDrops(section);
  }

  /**
   * A file dropped beside the section must not make the browser leave the page, nor an address dropped on it.
   * @param {HTMLElement} section
   */
  #listenToDrops(section) {
    const isOver = (/** @type {DragEvent} */ { target }) => target instanceof Node && section.contains(target);
    const mark = (/** @type {boolean} */ over) => section.classList.toggle('drop', over);
    const isOurs = (/** @type {DragEvent} */ event) => isOver(event) || event.dataTransfer?.types.includes('Files');
    addEventListener('dragover', (event) => {
      const { dataTransfer } = event;
      if (!dataTransfer || !isOurs(event)) return;
      event.preventDefault();
      dataTransfer.dropEffect = isOver(event) ? 'copy' : 'none';
      mark(isOver(event));
    });
    addEventListener('dragleave', ({ relatedTarget }) => relatedTarget ?? mark(false));
    addEventListener('drop', (event) => {
      mark(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (!isOurs(event)) return;
      event.preventDefault();
      if (!isOver(event)) return;
      if (file) void this.#take(file);
      else this.#refuse(NO_FILE);
    });
  }

  /** @param {string} sentence */
  #refuse(sentence) {
    // What is being read came before.
    this.#brought++;
    this.#actions.onFault(sentence);
  }

  /** @param {File} file */
  async #take(file) {
    const brought = ++this.#brought;
    this.#actions.onFault('');
    try {
      const picture = await readPicture(file);
      if (brought === this.#brought) this.#actions.onPicture(picture);
    } catch (error) {
      if (brought === this.#brought) this.#actions.onFault(sentence(error));
    }
  }
}
