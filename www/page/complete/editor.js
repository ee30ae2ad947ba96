/**
 * The sheet in hand, what strokes and the line do to it, and the way back.
 */

import { rectanglePixels, strokePixels } from './brush.js';
import { History } from './history.js';
import { levelsOf } from './inks.js';

/** @typedef {import('./brush.js').Pixel} Pixel */
/** @typedef {import('./sheet.js').Sheet} Sheet */
/** @typedef {import('./sheet.js').SheetState} SheetState */

/** What is in hand. @typedef {Pick<import('./tools.js').Tools, "tool" | "size" | "ink">} ToolsInHand */

/** Changes a sheet, stroke by stroke. */
export class Editor {
  #tools;
  #actions;
  /** @type {Sheet | null} */
  #sheet = null;
  /** @type {History<SheetState>} */
  #history = new History();
  /** What was before the stroke under way, and whether that has changed anything yet. @type {{ state: SheetState, changed: boolean } | null} */
  #before = null;
  /** @type {{ from: Pixel, tool: import('./tools.js').Tool } | null} */
  #stroke = null;

  /**
   * @param {ToolsInHand} tools
   * @param {{ onChange: () => void, onRest: () => void }} actions  told of every change, and when a stroke has changed something
   */
  constructor(tools, actions) {
    this.#tools = tools;
    this.#actions = actions;
  }

  get sheet() {
    return this.#sheet;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /**
   * Takes a sheet, or none, from which no way leads back.
   * @param {Sheet | null} sheet
   */
  open(sheet) {
    this.#sheet = sheet;
    this.#history.clear();
    this.#stroke = this.#before = null;
  }

  /**
   * Puts another picture on the sheet, which can be undone.
   * @param {Sheet} sheet  of the same shape
   */
  replace(sheet) {
    this.end();
    if (this.#sheet) this.#history.remember(this.#sheet.state());
    this.#sheet = sheet;
    this.#actions.onChange();
    this.#actions.onRest();
  }

  /** @param {"undo" | "redo"} way */
  goBack(way) {
    this.end();
    const state = this.#sheet && this.#history[way](this.#sheet.state());
    if (!state) return;
    this.#sheet?.restore(state);
    this.#actions.onChange();
    this.#actions.onRest();
  }

  /** What comes until the end is undone as one. */
  begin() {
    if (this.#sheet) this.#before = { state: this.#sheet.state(), changed: false };
  }

  /**
   * @param {Pixel} from
   * @param {boolean} erases
   */
  beginStroke(from, erases) {
    this.#stroke = { from, tool: this.#tools.tool(erases) };
    this.begin();
  }

  /**
   * The stroke goes on.
   * @param {Pixel[]} way  the pixels passed, the one before them first
   */
  go(way) {
    const [sheet, before, stroke] = [this.#sheet, this.#before, this.#stroke];
    if (!sheet || !before || !stroke) return;
    if (stroke.tool === 'rectangle') {
      sheet.restore(before.state);
      sheet.hide(rectanglePixels(stroke.from, way[way.length - 1], sheet.shape));
    } else {
      for (const [at, to] of way.slice(1).entries()) this.#brush(sheet, stroke.tool, way[at], to);
    }
    this.#changed();
  }

  /**
   * @param {Sheet} sheet
   * @param {import('./tools.js').Tool} tool
   * @param {Pixel} from
   * @param {Pixel} to
   */
  #brush(sheet, tool, from, to) {
    const pixels = strokePixels(from, to, this.#tools.size, sheet.shape);
    if (tool === 'hide') sheet.hide(pixels);
    else if (tool === 'show') sheet.show(pixels);
    else sheet.paint(pixels, levelsOf(tool === 'ink' ? this.#tools.ink : null, sheet.shape));
  }

  /** @param {number} row  the first below the line */
  moveLine(row) {
    if (!this.#sheet || !this.#before) return;
    // From where it was: rows passed there and back are as they were.
    this.#sheet.restore(this.#before.state);
    this.#sheet.moveLine(row);
    this.#changed();
  }

  end() {
    const { changed } = this.#before ?? {};
    this.#stroke = this.#before = null;
    if (changed) this.#actions.onRest();
  }

  /** As if the stroke had not been. */
  cancel() {
    if (this.#before?.changed) this.goBack('undo');
    this.end();
  }

  #changed() {
    if (this.#before && !this.#before.changed) this.#history.remember(this.#before.state);
    if (this.#before) this.#before.changed = true;
    this.#actions.onChange();
  }
}
