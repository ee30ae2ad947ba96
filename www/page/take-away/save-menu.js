/**
 * The button "Save" and its menu of files.
 */

import { make } from '../../shared/make.js';
import { saveFile } from '../../shared/save-file.js';
import { sentence } from '../../shared/sentence.js';
import { filesOf } from './files.js';

/** @typedef {import('./picture.js').TakenPicture} TakenPicture */

/** Offers a picture's files, in an element of its own. */
export class SaveMenu {
  #host;
  #button;
  #menu;
  #fault;
  #spoken;
  /** @type {TakenPicture | null} */
  #picture = null;

  /** @param {HTMLElement} host  which it fills */
  constructor(host) {
    host.classList.add('save-menu');
    this.#host = host;
    this.#button = make('button', { type: 'button', class: 'save', 'aria-haspopup': 'menu', 'aria-expanded': 'false', disabled: true }, 'Save');
    this.#menu = make('div', { class: 'menu', role: 'menu', 'aria-label': 'Save', hidden: true });
    this.#fault = make('p', { class: 'fault', role: 'alert', hidden: true });
    this.#spoken = make('p', { class: 'unseen', role: 'status' });
    host.replaceChildren(this.#button, this.#menu, this.#fault, this.#spoken);
    this.#button.addEventListener('click', () => (this.#menu.hidden ? this.#open(0) : this.#close()));
    host.addEventListener('keydown', (event) => this.#onKey(event));
    host.addEventListener('focusout', ({ relatedTarget }) => {
      if (!host.contains(/** @type {Node | null} */ (relatedTarget))) this.#close();
    });
    // Where a click moves no focus.
    document.addEventListener('pointerdown', ({ target }) => {
      if (!host.contains(/** @type {Node} */ (target))) this.#close();
    });
  }

  /**
   * Takes the picture to save; none while there is none.
   * @param {TakenPicture | null} picture
   */
  offer(picture) {
    this.#picture = picture;
    this.#button.disabled = !picture;
    this.#fault.hidden = true;
    this.#close();
  }

  /** @param {number} at  the file that gets the focus, from the end where it is negative */
  #open(at) {
    if (!this.#picture) return;
    this.#menu.replaceChildren(...filesOf(this.#picture).map((file) => this.#item(file)));
    this.#menu.hidden = false;
    this.#button.setAttribute('aria-expanded', 'true');
    this.#place();
    this.#focus(at);
  }

  #close() {
    if (this.#menu.hidden) return;
    if (this.#menu.contains(document.activeElement)) this.#button.focus();
    this.#menu.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
  }

  /** Below the button, or above it, towards the side where there is room. */
  #place() {
    this.#host.classList.remove('above', 'leftwards');
    const { bottom, right, height } = this.#menu.getBoundingClientRect();
    this.#host.classList.toggle('above', bottom > innerHeight && this.#button.getBoundingClientRect().top > height);
    this.#host.classList.toggle('leftwards', right > document.documentElement.clientWidth);
  }

  /** @param {number} at */
  #focus(at) {
    const items = /** @type {HTMLElement[]} */ ([...this.#menu.children]);
    items.at(at % items.length)?.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isOpen = !this.#menu.hidden;
    const at = [...this.#menu.children].indexOf(/** @type {Element} */ (document.activeElement));
    /** @type {Record<string, () => void>} */
    const actions = isOpen
      ? {
          ArrowDown: () => this.#focus(at + 1),
          ArrowUp: () => this.#focus(at - 1),
          Home: () => this.#focus(0),
          End: () => this.#focus(-1),
          Escape: () => this.#close(),
        }
      : { ArrowDown: () => this.#open(0), ArrowUp: () => this.#open(-1) };
    // From the button, where the focus is then, Tab goes on.
    if (event.key === 'Tab') return this.#close();
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  /** @param {import('./files.js').SavedFile} file */
  #item(file) {
    const item = make('button', { type: 'button', tabindex: -1, role: 'menuitem' }, file.title, make('small', {}, file.about));
    item.addEventListener('click', () => {
      this.#close();
      void this.#save(file);
    });
    return item;
  }

  /** @param {import('./files.js').SavedFile} file */
  async #save({ name, make }) {
    this.#fault.hidden = true;
    this.#spoken.textContent = '';
    try {
      saveFile(name, await make());
      this.#spoken.textContent = `Saved ${name}.`;
    } catch (error) {
      this.#fault.textContent = `${name} could not be saved: ${sentence(error)}`;
      this.#fault.hidden = false;
    }
  }
}
