/**
 * Pictures that a visitor brings to a section.
 */

import { sentence } from '../../shared/sentence.js';
import { FileIntake } from '../file-intake.js';
import { readPicture } from './own-picture.js';

/**
 * @typedef {object} IntakeActions
 * @property {(picture: import('./own-picture.js').OwnPicture) => void} onPicture
 * @property {(sentence: string) => void} onFault  empty when a new picture is being read
 */

/** Reads what is brought last to a section. */
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
    new FileIntake(section, input, { onFiles: ([file]) => void this.#take(file), onRefused: (sentence) => this.#refuse(sentence) });
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
