/**
 * What the sheet begins with: a test picture, partly hidden, or nothing.
 */

import { isInk } from '../../shared/format.js';
import { readDrawing, writeDrawing } from './drawing-text.js';
import { presetMask } from './masks.js';
import { Sheet } from './sheet.js';

/** @typedef {import('../../engine.js').ModelInfo} ModelInfo */
/** @typedef {import('./masks.js').Preset} Preset */
/** @typedef {import('./ready.js').Ready} Ready */

/** @typedef {{ hidden: Preset, example: number }} Start */

/** @type {Start} */
const START = { hidden: 'bottom', example: 0 };

/** Of characters, the left part is given; the first one shown has a radical there. @type {Record<string, Start>} */
const STARTS = { characters: { hidden: 'radical', example: 3 } };

/** Whether pictures of a set have radicals. @param {string} set */
export function hasRadicals(set) {
  return set in STARTS;
}

/** The part that is hidden where nobody has chosen one. @param {string} set */
export function usualPreset(set) {
  return (STARTS[set] ?? START).hidden;
}

/**
 * A test picture; null where there are none.
 * @param {Ready} ready
 * @param {number} example  counted from the one shown first
 */
export function exampleOf({ set, examples }, example) {
  if (!examples) return null;
  const at = (example + (STARTS[set] ?? START).example) % examples.images.length;
  const origin = /** @type {import('./sheet.js').Origin} */ ({ kind: 'test', name: `${examples.name} ${examples.indices[at]}` });
  return { levels: examples.images[at].slice(), origin };
}

/**
 * What an address asks for.
 * @typedef {object} Asked
 * @property {Preset | ""} hidden  empty: what suits the pictures
 * @property {number} example      the test picture, counted from the one shown first
 * @property {string} drawing      what was hidden or drawn by hand, as text; empty: nothing
 */

/**
 * The sheet that an address asks for.
 * @param {Ready} ready
 * @param {Asked} asked
 */
export function firstSheet(ready, { hidden, example, drawing }) {
  const { info, set } = ready;
  const preset = hidden || usualPreset(set);
  const picture = preset === 'blank' ? null : exampleOf(ready, example);
  const drawn = readDrawing(drawing, info);
  if (drawn?.levels && isInk(info)) return Sheet.drawn(info, { levels: drawn.levels, mask: drawn.mask });
  return picture ? new Sheet(info, { ...picture, mask: drawn?.mask ?? presetMask(preset, info) }) : Sheet.blank(info);
}

/**
 * What of a sheet an address has to say besides. Pictures that the visitor has brought are in no address.
 * @param {Sheet} sheet
 * @param {Ready} ready
 * @param {Asked} asked
 */
export function drawingOf(sheet, ready, asked) {
  const start = firstSheet(ready, { ...asked, drawing: '' });
  const isSame = (/** @type {"levels" | "mask"} */ name) => sheet[name].every((value, at) => value === start[name][at]);
  const isDrawn = isInk(ready.info) && sheet.origin.kind !== 'own' && !isSame('levels');
  if (isDrawn) return writeDrawing(sheet);
  return isSame('mask') ? '' : writeDrawing({ mask: sheet.mask, levels: null });
}

/**
 * The visitor's own picture on a sheet.
 * @param {import('./own-picture.js').OwnPicture} picture
 * @param {ModelInfo} info
 * @param {Uint8Array} mask
 */
export function ownSheet(picture, info, mask) {
  return new Sheet(info, { levels: picture.levelsFor(info).slice(), mask, origin: { kind: 'own', name: 'Your picture', picture } });
}

/**
 * What is done to a picture of the visitor's own.
 * @param {ModelInfo} info
 */
export function howItIsTaken({ width, height, channels, levels }) {
  const small = `It is cut to its middle square and reduced to ${width} × ${height} pixels`;
  const few = levels < 256 ? `${levels} levels of ` : '';
  if (channels === 3) return few ? `${small}, and to ${few}red, green and blue.` : `${small}.`;
  const turned = 'what is darker than a light border, or lighter than a dark one, counts as ink';
  return levels === 2 ? `${small} of ink or paper: ${turned}.` : `${small} in ${few}grey: ${turned}.`;
}
