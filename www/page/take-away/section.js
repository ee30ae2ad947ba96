/**
 * "Take it with you": the picture chosen, its files, and the code that puts it on another page.
 */

import { isInk } from '../../shared/format.js';
import { RowCanvas } from '../../shared/row-canvas.js';
import { onDensityChange } from '../../shared/density.js';
import { rowsOf } from '../levels.js';
import { attributesOf, embedCode } from './embed-code.js';
import { takenPicture } from './picture.js';
import { SaveMenu } from './save-menu.js';

/** @typedef {import('./picture.js').TakenPicture} TakenPicture */

/** Shows what can be taken of a picture. */
export class TakeAway {
  #canvas;
  #picture;
  #which;
  #menus;
  #embed;
  #code;
  #said;
  #note;
  #try;
  #preview;
  /** @type {TakenPicture | null} */
  #taken = null;

  /**
   * @param {HTMLElement} section
   * @param {HTMLElement} beside  a second place for the menu, at the picture itself
   */
  constructor(section, beside) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#canvas = /** @type {HTMLCanvasElement} */ (part('#take-away-canvas'));
    this.#picture = new RowCanvas(this.#canvas);
    this.#which = /** @type {HTMLElement} */ (part('#take-away-which'));
    this.#menus = [part('#take-away-save'), beside].map((host) => new SaveMenu(host));
    this.#embed = /** @type {HTMLElement} */ (part('#embed'));
    this.#code = /** @type {HTMLTextAreaElement} */ (part('#embed-code'));
    this.#said = /** @type {HTMLElement} */ (part('#embed-said'));
    this.#note = /** @type {HTMLElement} */ (part('#embed-note'));
    this.#try = /** @type {HTMLButtonElement} */ (part('#embed-try'));
    this.#preview = /** @type {HTMLElement} */ (part('#embed-preview'));
    part('#embed-copy').addEventListener('click', () => void this.#copy());
    this.#try.addEventListener('click', () => this.#tryOut(this.#preview.hasAttribute('hidden')));
    new ResizeObserver(([entry]) => this.#picture.fit(entry.contentRect.width)).observe(part('figure'));
    onDensityChange(() => this.#picture.refit());
    this.offer(null);
  }

  /**
   * Takes the picture that is shown; none while there is none.
   * @param {import('./picture.js').Standing | null} standing
   */
  offer(standing) {
    const picture = standing && takenPicture(standing);
    this.#taken = picture;
    for (const menu of this.#menus) menu.offer(picture);
    this.#said.textContent = '';
    this.#showPicture(picture);
    const code = picture && embedCode(picture, new URL('pixel-rnn.js', location.href).href);
    this.#embed.hidden = !code;
    this.#code.value = code ?? '';
    this.#note.textContent = picture ? noteOn(picture) : '';
    this.#tryOut(code !== null && !this.#preview.hidden);
  }

  /** @param {TakenPicture | null} picture */
  #showPicture(picture) {
    if (!picture) {
      this.#picture.clear(1);
      this.#which.textContent = '';
      this.#canvas.setAttribute('aria-label', 'Nothing drawn yet');
      return;
    }
    const { model, info, seed, image, levels, mask, forks } = picture;
    this.#picture.reset({ width: info.width, height: info.height, count: 1, ink: isInk(info) });
    for (const row of rowsOf([levels], info)) this.#picture.paint(row);
    this.#which.textContent = `Picture ${image + 1} of seed ${seed}, by ${model.title}${forks.length ? ', forked' : mask ? ', completed' : ''}`;
    this.#canvas.setAttribute('aria-label', this.#which.textContent);
  }

  async #copy() {
    this.#said.textContent = '';
    try {
      await navigator.clipboard.writeText(this.#code.value);
      this.#said.textContent = 'Code copied.';
    } catch {
      // No permission, or no secure page.
      this.#code.focus();
      this.#code.select();
      this.#said.textContent = 'This browser lets no page copy: the code is selected, for you to copy.';
    }
  }

  /**
   * Shows the element that the code makes, as it will be on another page.
   * @param {boolean} shown
   */
  #tryOut(shown) {
    this.#preview.hidden = !shown;
    this.#try.setAttribute('aria-expanded', String(shown));
    this.#preview.replaceChildren();
    if (!shown || !this.#taken) return;
    const element = document.createElement('pixel-rnn');
    for (const [name, value] of Object.entries(attributesOf(this.#taken))) element.setAttribute(name, value);
    this.#preview.append(element);
  }
}

/**
 * What must be known of its code.
 * @param {TakenPicture} picture
 */
function noteOn({ model, mask }) {
  if (mask) return 'An element draws whole pictures; this one was given in part, and can be saved.';
  return model.own ? `On that page the network is to be fetched: put ${model.file} beside it.` : '';
}
