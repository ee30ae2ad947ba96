/**
 * "A memory that moves down": the rows of a Row LSTM, one after the other, and the states that one state has heard from.
 */

import { byHand } from './by-hand.js';
import { takeTurns } from './stage.js';
import { cell, drawing, mark, shape } from './svg.js';

const SIZE = Object.freeze({ width: 15, height: 9 });
const SIDE = 24;
const TURN_MS = 4_500;

/** How far to each side a state hears from the row above: the kernel of three. */
const REACH = 1;

/** Shows the rows. @param {HTMLElement} section */
export function rowMemory(section) {
  const area = /** @type {HTMLElement} */ (section.querySelector('.hand'));
  const caption = /** @type {HTMLElement} */ (section.querySelector('figcaption'));
  let state = { x: 7, y: 8 };
  const squares = Array.from({ length: SIZE.height }, (_, y) => Array.from({ length: SIZE.width }, (_, x) => cell(x, y, SIDE)));
  const links = shape('path', { class: 'link' });
  const label = 'A grid of states; from one of them a triangle of those it has heard from widens upwards';
  area.append(drawing({ width: SIZE.width * SIDE, height: SIZE.height * SIDE, label }, ...squares.flat(), links));

  const show = (/** @type {number} */ part) => {
    const rows = part * (state.y + 1);
    const done = part === 1;
    squares.forEach((row, y) => row.forEach((square, x) => {
      const now = !done && y === Math.floor(rows);
      const known = y < rows && !now;
      const heard = known && y < state.y && Math.abs(x - state.x) <= REACH * (state.y - y);
      mark(square, known && 'known', heard && 'heard', now && 'now', done && y === state.y && x === state.x && 'one');
    }));
    links.setAttribute('d', done && state.y > 0 ? linksTo(state) : '');
    caption.textContent = done ? heardFrom(state) : `Row ${Math.floor(rows) + 1}: every state of it at once, from the three above.`;
  };

  const turns = takeTurns(area, { ms: TURN_MS, show });
  byHand(area, SIZE, {
    at: () => state,
    moveTo: (pixel) => {
      state = pixel;
      turns.hold();
      show(1);
    },
  });
}

/** Lines from the states above to this one. @param {{ x: number, y: number }} state */
function linksTo({ x, y }) {
  const middle = (/** @type {number} */ at) => (at + 0.5) * SIDE;
  const above = [x - 1, x, x + 1].filter((column) => column >= 0 && column < SIZE.width);
  return above.map((column) => `M${middle(column)} ${middle(y - 1)}L${middle(x)} ${middle(y) - SIDE / 4}`).join('');
}

/** @param {{ x: number, y: number }} state */
function heardFrom({ x, y }) {
  const place = `The state in row ${y + 1}, column ${x + 1}`;
  if (y === 0) return `${place} has heard from no other: its row is the first.`;
  const counts = Array.from({ length: y }, (_, up) => Math.min(SIZE.width - 1, x + up + 1) - Math.max(0, x - up - 1) + 1);
  return `${place} has heard, row by row upwards, from ${counts.join(', ')} states: ${counts.reduce((sum, count) => sum + count)} in all.`;
}
