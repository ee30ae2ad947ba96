/**
 * "Finish a picture": a sheet to draw on and to hide parts of, and sixteen results beside it, drawn anew with every stroke.
 */

import { onDensityChange } from '../../shared/density.js';
import { formatDuration } from '../../shared/format.js';
import { onPrint } from '../../shared/printing.js';
import { sentence } from '../../shared/sentence.js';
import { sharpeningOf } from '../sharpening.js';
import { drawingOf, exampleOf, firstSheet, hasRadicals, howItIsTaken, ownSheet, usualPreset } from './beginnings.js';
import { Editor } from './editor.js';
import { LineHandle } from './line-handle.js';
import { presetMask, resizeMask } from './masks.js';
import { PictureIntake } from './picture-intake.js';
import { getReady } from './ready.js';
import { RESULTS, Results } from './results.js';
import { Sheet } from './sheet.js';
import { SheetInput } from './sheet-input.js';
import { SheetView } from './sheet-view.js';
import { Tools } from './tools.js';

/** What the section shows. @typedef {import('./beginnings.js').Asked & import('../sharpening.js').Sharpening & { model: string, seed: bigint }} CompletionSettings */
/** @typedef {Partial<import('./beginnings.js').Asked>} CompletionChange */

/**
 * What others are told.
 * @typedef {object} CompletionActions
 * @property {(change: CompletionChange) => void} onChange  for the address
 * @property {(completion: import('./results.js').Completion, isOwn: boolean) => void} onPick  whether it is of a picture that was brought
 */

/** Brings together the sheet, its tools, and the results. */
export class Complete {
  #engine;
  #actions;
  #parts;
  #tools;
  #editor;
  #view;
  #input;
  #results;
  /** @type {CompletionSettings | null} */
  #settings = null;
  /** The network that the sheet is for. @type {import('./ready.js').Ready | null} */
  #ready = null;
  /** A picture that was brought, until it is taken. @type {import('./own-picture.js').OwnPicture | null} */
  #brought = null;
  /** What the address says of the sheet. */
  #noted = '';
  #near = false;
  /** @type {AbortController | null} */
  #preparing = null;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   * @param {CompletionActions} actions
   */
  constructor(engine, section, actions) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    this.#engine = engine;
    this.#actions = actions;
    this.#parts = {
      canvas: /** @type {HTMLCanvasElement} */ (part('#sheet')),
      line: /** @type {HTMLElement} */ (part('#sheet-line')),
      undo: part('#undo'),
      redo: part('#redo'),
      next: part('#next-picture'),
      radicals: /** @type {HTMLElement[]} */ ([...section.querySelectorAll('[data-radical]')]),
      how: part('#own-how'),
      note: part('#examples-note'),
      report: part('#completions-report'),
      said: part('#sheet-said'),
    };
    this.#tools = new Tools(section);
    // The outline shows what the tool in hand would cover.
    for (const tools of ['#tools', '#brush-sizes']) part(tools).addEventListener('change', () => this.#outline(this.#input.cursor));
    this.#editor = new Editor(this.#tools, { onChange: () => this.#show(), onRest: () => this.#note() });
    this.#view = new SheetView(part('#sheet-frame'));
    this.#results = new Results(engine, part('#results'), {
      onWhole: (ms) => (this.#parts.report.textContent = `${RESULTS} completions in ${formatDuration(ms)}, ${formatDuration(ms / RESULTS)} each.`),
      onFault: (error) => this.#fail(error),
      onPick: (completion) => actions.onPick(completion, this.#editor.sheet?.origin.kind === 'own'),
    });
    this.#input = new SheetInput(this.#parts.canvas, {
      size: () => this.#parts.canvas,
      pixelAt: (event) => this.#view.pixelAt(event),
      begin: (from, erases) => this.#editor.beginStroke(from, erases),
      go: (way) => this.#editor.go(way),
      end: () => this.#editor.end(),
      cancel: () => this.#editor.cancel(),
      hover: (pixel) => this.#outline(pixel),
      lasts: () => this.#tools.tool(false) === 'rectangle',
      say: (pixel) => (this.#parts.said.textContent = this.#editor.sheet?.describe(pixel) ?? ''),
    });
    new LineHandle(this.#parts.line, {
      line: () => this.#editor.sheet?.line ?? 0,
      height: () => this.#parts.canvas.height,
      rowAt: (clientY) => this.#view.lineAt(clientY),
      begin: () => this.#editor.begin(),
      move: (row) => this.#editor.moveLine(row),
      end: () => this.#editor.end(),
      leave: () => this.#parts.canvas.focus(),
    });
    this.#listen(section, part('#own-file'), part('#own-fault'));
    this.#watch(part('#finish'));
  }

  /**
   * Draws with new settings, when the section is in sight.
   * @param {CompletionSettings} settings
   */
  update(settings) {
    const before = this.#settings;
    const { model, seed, hidden, example, drawing } = settings;
    this.#settings = { model, seed, ...sharpeningOf(settings), hidden, example, drawing };
    this.#noted = [hidden, example, drawing].join();
    if (before && before.model !== model) this.#clear();
    // An address that leads to another picture; what is chosen here is done already.
    if (before && (before.hidden !== hidden || before.example !== example || before.drawing !== drawing)) this.#editor.open(null);
    void this.#prepare();
  }

  /**
   * @param {HTMLElement} section
   * @param {HTMLInputElement} file
   * @param {HTMLElement} fault
   */
  #listen(section, file, fault) {
    const { undo, redo, next } = this.#parts;
    section.addEventListener('keydown', (event) => this.#key(event));
    undo.addEventListener('click', () => this.#editor.goBack('undo'));
    redo.addEventListener('click', () => this.#editor.goBack('redo'));
    next.addEventListener('click', () => this.#showNext());
    for (const button of section.querySelectorAll('button[data-hide]')) {
      const { hide } = /** @type {HTMLElement} */ (button).dataset;
      button.addEventListener('click', () => this.#hide(/** @type {import('./masks.js').Preset} */ (hide)));
    }
    new PictureIntake(section, file, {
      onPicture: (picture) => {
        this.#brought = picture;
        // A picture that was pasted brings the section into sight.
        this.#near = true;
        void this.#prepare();
      },
      onFault: (sentence) => {
        fault.textContent = sentence;
        fault.hidden = !sentence;
      },
    });
  }

  /**
   * Draws while somebody can see it, and lays it out by its width.
   * @param {HTMLElement} figure
   */
  #watch(figure) {
    new IntersectionObserver((entries) => {
      this.#near = entries[entries.length - 1].isIntersecting;
      if (this.#near) void this.#prepare();
    }).observe(figure);
    onPrint(() => {
      this.#near = true;
      void this.#prepare();
    });
    const fit = () => {
      for (const picture of [this.#view, this.#results]) picture.fit(figure.clientWidth);
    };
    onDensityChange(fit);
    new ResizeObserver(fit).observe(figure);
  }

  /** Gets the network and its test pictures, and draws. */
  async #prepare() {
    const { model } = this.#settings ?? {};
    if (!model || !this.#near) return;
    this.#preparing?.abort();
    const { signal } = (this.#preparing = new AbortController());
    try {
      this.#adopt(await getReady(this.#engine, model, signal));
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /**
   * Takes another network: what is on the sheet stays where it can.
   * @param {import('./ready.js').Ready} ready
   */
  #adopt(ready) {
    const before = this.#ready;
    this.#ready = ready;
    const { info, set, examples } = ready;
    const { sheet } = this.#editor;
    const otherSet = before !== null && before.set !== set;
    if (!sheet || !sheet.fits(info) || (otherSet && sheet.origin.kind === 'test')) {
      const { picture } = sheet?.origin ?? {};
      this.#editor.open(sheet && picture ? ownSheet(picture, info, resizeMask(sheet.mask, sheet.shape, info)) : firstSheet(ready, /** @type {CompletionSettings} */ (this.#settings)));
    }
    this.#tools.suit(info);
    for (const part of this.#parts.radicals) part.hidden = !hasRadicals(set);
    this.#parts.next.disabled = !examples;
    this.#parts.how.textContent = howItIsTaken(info);
    if (this.#brought) this.#editor.replace(ownSheet(this.#brought, info, this.#keptMask()));
    else this.#show();
    this.#brought = null;
    this.#note();
  }

  /** What is hidden stays hidden of another picture, but for a blank sheet. */
  #keptMask() {
    const { info, set } = /** @type {import('./ready.js').Ready} */ (this.#ready);
    const { sheet } = this.#editor;
    return sheet && sheet.origin.kind !== 'blank' ? sheet.mask.slice() : presetMask(usualPreset(set), info);
  }

  #showNext() {
    const [ready, settings] = [this.#ready, this.#settings];
    if (!ready?.examples || !settings) return;
    const example = (settings.example + 1) % ready.examples.images.length;
    const picture = exampleOf(ready, example);
    if (!picture) return;
    const sheet = new Sheet(ready.info, { ...picture, mask: this.#keptMask() });
    Object.assign(settings, { example, hidden: settings.hidden === 'blank' ? usualPreset(ready.set) : settings.hidden });
    this.#editor.replace(sheet);
  }

  /** @param {import('./masks.js').Preset} preset */
  #hide(preset) {
    const [{ sheet }, settings] = [this.#editor, this.#settings];
    if (!sheet || !settings) return;
    const { shape, levels, origin } = sheet;
    settings.hidden = preset;
    this.#editor.replace(preset === 'blank' ? Sheet.blank(shape) : new Sheet(shape, { levels: levels.slice(), origin, mask: presetMask(preset, shape) }));
  }

  /** Into the address with what is on the sheet. It may come back with the settings, and is known then. */
  #note() {
    const [{ sheet }, ready, settings] = [this.#editor, this.#ready, this.#settings];
    if (!sheet || !ready || !settings || !sheet.fits(ready.info)) return;
    settings.drawing = drawingOf(sheet, ready, settings);
    const { hidden, example, drawing } = settings;
    const noted = [hidden, example, drawing].join();
    if (noted !== this.#noted) this.#actions.onChange({ hidden, example, drawing });
    this.#noted = noted;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
    const letter = key.toLowerCase();
    if (altKey) return;
    if (ctrlKey || metaKey) {
      if (letter !== 'z') return;
      this.#editor.goBack(shiftKey ? 'redo' : 'undo');
    } else if (target !== this.#parts.canvas) return;
    else if (letter === 'l') this.#parts.line.focus();
    else if (key === '[' || key === ']') {
      this.#tools.resize(key === '[' ? -1 : 1);
      this.#outline(this.#input.cursor);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {import('./brush.js').Pixel} pixel */
  #outline(pixel) {
    this.#view.outline(pixel, this.#tools.tool(false) === 'rectangle' ? 1 : this.#tools.size);
  }

  /** The sheet first; then the results are asked for. */
  #show() {
    const [{ sheet }, ready, settings] = [this.#editor, this.#ready, this.#settings];
    if (!sheet || !ready || !settings) return;
    this.#view.show(sheet);
    this.#outline(this.#input.cursor);
    const { note, undo, redo } = this.#parts;
    note.textContent = [`${sheet.origin.name}.`, ready.examples ? '' : ready.missing].join(' ').trim();
    undo.setAttribute('aria-disabled', String(!this.#editor.canUndo));
    redo.setAttribute('aria-disabled', String(!this.#editor.canRedo));
    // Until another network is there, nothing is asked of the one before.
    if (ready.model !== settings.model) return;
    const { model, info } = ready;
    const { seed } = settings;
    this.#results.ask({ model, info, seed, ...sharpeningOf(settings), given: sheet.levels.slice(), mask: sheet.mask.slice() });
  }

  #clear() {
    this.#results.clear();
    this.#parts.report.textContent = '';
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#clear();
    this.#parts.report.textContent = sentence(error);
  }
}
