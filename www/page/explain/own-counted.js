/**
 * The picture of the visitor's own whose bits are counted: brought as a file, or drawn with a pencil.
 */

import { ownSheet } from '../complete/beginnings.js';
import { Editor } from '../complete/editor.js';
import { INKS } from '../complete/inks.js';
import { PictureIntake } from '../complete/picture-intake.js';
import { Sheet } from '../complete/sheet.js';
import { SheetInput } from '../complete/sheet-input.js';
import { outlinePixel } from '../pixel-cursor.js';

/** Width of the pencil in pixels: strokes of the digits are about as wide. */
const WIDTH = 3;

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */

/**
 * @typedef {object} OwnActions
 * @property {() => void} onBrought  a picture is there, to be taken when a network asks for it
 * @property {() => void} onChange   it was drawn on
 */

/** Keeps it, and what it was. */
export class OwnCounted {
  #parts;
  #editor;
  /** Until it is taken. @type {import('../complete/own-picture.js').OwnPicture | null} */
  #brought = null;

  /**
   * @param {HTMLElement} section
   * @param {OwnActions} actions
   */
  constructor(section, { onBrought, onChange }) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#parts = {
      area: /** @type {HTMLElement} */ (part('.pencil')),
      cursor: /** @type {HTMLElement} */ (part('.counted .cursor')),
      controls: /** @type {HTMLElement} */ (part('.own')),
      paper: /** @type {HTMLInputElement} */ (part('[name="pencil"][value="paper"]')),
      undo: /** @type {HTMLButtonElement} */ (part('[data-undo]')),
      said: /** @type {HTMLElement} */ (part('[aria-live]')),
      fault: /** @type {HTMLElement} */ (part('.fault')),
    };
    const { paper, undo } = this.#parts;
    const changed = () => {
      undo.setAttribute('aria-disabled', String(!this.#editor.canUndo));
      onChange();
    };
    this.#editor = new Editor({ size: WIDTH, ink: INKS[0], tool: (erases) => (erases || paper.checked ? 'paper' : 'ink') }, { onChange: changed, onRest: () => {} });
    this.#listenToPencil();
    undo.addEventListener('click', () => this.#editor.goBack('undo'));
    part('[data-blank]').addEventListener('click', () => this.#editor.sheet && this.#editor.replace(Sheet.blank(this.#editor.sheet.shape)));
    new PictureIntake(section, part('[type="file"]'), {
      onPicture: (picture) => {
        this.#brought = picture;
        onBrought();
      },
      onFault: (sentence) => {
        this.#parts.fault.textContent = sentence;
        this.#parts.fault.hidden = !sentence;
      },
    });
  }

  /** Whether it can be drawn on now. @param {boolean} shown */
  set shown(shown) {
    this.#parts.area.hidden = this.#parts.controls.hidden = !shown;
  }

  get levels() {
    return this.#editor.sheet?.levels ?? new Uint8Array(0);
  }

  /** @param {string} words  to those who do not see the picture */
  say(words) {
    this.#parts.said.textContent = words;
  }

  /**
   * The picture as the network takes it: what was brought last, else what is there, else what is there to begin with.
   * @param {ModelInfo} info
   * @param {{ info: ModelInfo, levels: Uint8Array } | null} beginning
   */
  levelsFor(info, beginning) {
    const { sheet } = this.#editor;
    const given = new Uint8Array(info.width * info.height);
    const picture = this.#brought ?? sheet?.origin.picture;
    if (this.#brought || (picture && !sheet?.fits(info))) this.#open(ownSheet(/** @type {NonNullable<typeof picture>} */ (picture), info, given));
    else if (!sheet?.fits(info)) {
      const blank = Sheet.blank(info);
      const begins = !sheet && beginning && blank.fits(beginning.info);
      this.#open(begins ? new Sheet(info, { levels: beginning.levels.slice(), mask: given, origin: { kind: 'own', name: 'Your picture' } }) : blank);
    }
    this.#brought = null;
    return this.levels;
  }

  /** @param {Sheet} sheet */
  #open(sheet) {
    this.#editor.open(sheet);
    this.#parts.undo.setAttribute('aria-disabled', 'true');
  }

  #listenToPencil() {
    const { area, cursor } = this.#parts;
    const size = () => this.#editor.sheet?.shape ?? { width: 28, height: 28 };
    const input = new SheetInput(area, {
      size,
      pixelAt: ({ clientX, clientY }) => {
        const [box, { width, height }] = [area.getBoundingClientRect(), size()];
        return { x: Math.floor(((clientX - box.left) / box.width) * width), y: Math.floor(((clientY - box.top) / box.height) * height) };
      },
      begin: (from, erases) => this.#editor.beginStroke(from, erases),
      go: (way) => this.#editor.go(way),
      end: () => this.#editor.end(),
      cancel: () => this.#editor.cancel(),
      hover: (pixel) => outlinePixel(cursor, pixel, size(), WIDTH),
      lasts: () => false,
      say: ({ x, y }) => this.say(`Row ${y + 1}, column ${x + 1}`),
    });
    area.addEventListener('focus', () => outlinePixel(cursor, input.cursor, size(), WIDTH));
    area.addEventListener('keydown', (event) => {
      if (event.key.toLowerCase() !== 'z' || event.altKey || !(event.ctrlKey || event.metaKey)) return;
      this.#editor.goBack(event.shiftKey ? 'redo' : 'undo');
      event.preventDefault();
      event.stopPropagation();
    });
  }
}
