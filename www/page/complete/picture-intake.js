/**
 * The ways in which a visitor brings a picture: a file dropped onto a section that takes pictures, pasted, or chosen. What is pasted
 * goes to the section that is seen most.
 */

import { sentence } from '../../shared/sentence.js';
import { readPicture } from './own-picture.js';

/** What a browser hands over where a picture is dragged out of another page. */
const NO_FILE = 'What was dropped is an address or a text and no file; save the picture first, then drop the file.';

/**
 * @typedef {object} IntakeActions
 * @property {(picture: import('./own-picture.js').OwnPicture) => void} onPicture
 * @property {(sentence: string) => void} onFault  empty when a new picture is being read
 */

/** The sections of this page. @type {PictureIntake[]} */
const places = [];

/** Reads what is brought last to a section. */
export class PictureIntake {
  section;
  #actions;
  #brought = 0;

  /**
   * @param {HTMLElement} section  that files may be dropped on
   * @param {HTMLInputElement} input
   * @param {IntakeActions} actions
   */
  constructor(section, input, actions) {
    this.section = section;
    this.#actions = actions;
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      if (file) void this.take(file);
      // So that the same file may be chosen again.
      input.value = '';
    });
    places.push(this);
    if (places.length === 1) listen();
  }

  /** @param {string} sentence */
  refuse(sentence) {
    // What is being read came before.
    this.#brought++;
    this.#actions.onFault(sentence);
  }

  /** @param {File} file */
  async take(file) {
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

/** Once for all sections: a file dropped beside them must not make the browser leave the page, nor an address dropped on one. */
function listen() {
  const isOurs = (/** @type {DragEvent} */ event) => placeOf(event) || event.dataTransfer?.types.includes('Files');
  const mark = (/** @type {PictureIntake | undefined} */ over) => {
    for (const place of places) place.section.classList.toggle('drop', place === over);
  };
  document.addEventListener('paste', ({ clipboardData }) => {
    const [file] = clipboardData?.files ?? [];
    if (!file) return;
    const place = seenMost();
    place.section.scrollIntoView({ block: 'nearest' });
    void place.take(file);
  });
  addEventListener('dragover', (event) => {
    const { dataTransfer } = event;
    if (!dataTransfer || !isOurs(event)) return;
    event.preventDefault();
    const over = placeOf(event);
    dataTransfer.dropEffect = over ? 'copy' : 'none';
    mark(over);
  });
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget ?? mark(undefined));
  addEventListener('drop', (event) => {
    mark(undefined);
    const [file] = event.dataTransfer?.files ?? [];
    if (!isOurs(event)) return;
    event.preventDefault();
    const over = placeOf(event);
    if (file) void over?.take(file);
    else over?.refuse(NO_FILE);
  });
}

/** @param {DragEvent} event */
function placeOf({ target }) {
  return places.find(({ section }) => target instanceof Node && section.contains(target));
}

/** The section that fills most of the window; the first one where none is in it. */
function seenMost() {
  const seen = (/** @type {PictureIntake} */ { section }) => {
    const { top, bottom } = section.getBoundingClientRect();
    return Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0));
  };
  return places.reduce((most, place) => (seen(place) > seen(most) ? place : most));
}
