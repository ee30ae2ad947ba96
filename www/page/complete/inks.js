/**
 * The colours that a picture can be painted with.
 */

/**
 * @typedef {object} Ink
 * @property {string} name
 * @property {number[]} rgb
 */

/** Of pictures in colour. @type {readonly Ink[]} */
export const INKS = Object.freeze([
  { name: 'Black', rgb: [0, 0, 0] },
  { name: 'Grey', rgb: [128, 128, 128] },
  { name: 'Brown', rgb: [120, 80, 45] },
  { name: 'Red', rgb: [200, 45, 35] },
  { name: 'Yellow', rgb: [235, 195, 60] },
  { name: 'Green', rgb: [60, 125, 60] },
  { name: 'Sky', rgb: [150, 200, 235] },
  { name: 'Blue', rgb: [45, 95, 180] },
]);

const WHITE = [255, 255, 255];

/**
 * The levels that stand for an ink, or for paper, one for each channel. The networks of one channel know light ink on
 * dark paper.
 * @param {Ink | null} ink  null: paper
 * @param {import('./sheet.js').Shape} shape
 */
export function levelsOf(ink, { channels, levels }) {
  if (channels === 1) return [ink ? levels - 1 : 0];
  return (ink?.rgb ?? WHITE).map((byte) => Math.round((byte * (levels - 1)) / 255));
}
