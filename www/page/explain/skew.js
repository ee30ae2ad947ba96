/**
 * "A memory that moves along diagonals": a map is skewed so that its diagonals are columns, run through column by column, and
 * put back; then once more from the right.
 */

import { takeTurns } from './stage.js';
import { cell, drawing, mark, shape } from './svg.js';

const SIDE = 24;
const MAP = 8;
/** Columns of the skewed map. */
const COLUMNS = 2 * MAP - 1;
const TURN_MS = 16_000;

/** Where the map stands when it is not skewed. */
const MIDDLE = (COLUMNS - MAP) / 2;

/** The square whose neighbours are pointed out. */
const ONE = Object.freeze({ x: 4, y: 4 });

/**
 * @typedef {object} View
 * @property {1 | 2} pass
 * @property {number} skewed   0 to 1
 * @property {number} columns  that have been run through
 * @property {boolean} now     whether the last of them is being run through
 * @property {number} down     0 to 1, of a row
 * @property {boolean} [added]  whether both passes are shown, as one pixel has them in the end
 * @property {string} said
 */

/** What happens, in shares of the whole. @type {Array<{ share: number, view: (part: number) => View }>} */
const PHASES = [
  { share: 10, view: (part) => ({ pass: 1, skewed: ease(part), columns: 0, now: false, down: 0, said: 'Every row moves one place further right than the row above it: 8 columns become 15.' }) },
  { share: 24, view: (part) => ({ pass: 1, skewed: 1, ...columnAt(part), down: 0, said: `Column ${columnAt(part).columns} of 15 needs only the one before it: the pixels to the left and above.` }) },
  { share: 10, view: (part) => ({ pass: 1, skewed: 1 - ease(part), columns: COLUMNS, now: false, down: 0, said: 'Back: every pixel has heard from all that lies above it and to its left.' }) },
  { share: 10, view: (part) => ({ pass: 2, skewed: ease(part), columns: 0, now: false, down: 0, said: 'The second pass: the rows move the other way.' }) },
  { share: 24, view: (part) => ({ pass: 2, skewed: 1, ...columnAt(part), down: 0, said: `From the right, column ${COLUMNS + 1 - columnAt(part).columns}: the pixels to the right and above.` }) },
  { share: 10, view: (part) => ({ pass: 2, skewed: 1 - ease(part), columns: COLUMNS, now: false, down: 0, said: 'Back again. But a pixel has now heard from its right neighbour, which is not drawn yet.' }) },
  { share: 12, view: (part) => ({ pass: 2, skewed: 0, columns: COLUMNS, now: false, down: ease(Math.min(1, 2 * part)), said: 'So this map moves down one row before the two are added.' }) },
  { share: 12, view: () => ({ pass: 1, skewed: 0, columns: 0, now: false, down: 0, added: true, said: 'Added, they have heard from everything above and to the left, and from nothing else.' }) },
];

/** Shows the passes. @param {HTMLElement} section */
export function skew(section) {
  const slider = /** @type {HTMLInputElement} */ (section.querySelector('input'));
  const caption = /** @type {HTMLElement} */ (section.querySelector('figcaption'));
  const picture = /** @type {HTMLElement} */ (section.querySelector('.picture-place'));
  const squares = Array.from({ length: MAP * MAP }, () => cell(0, 0, SIDE));
  const links = shape('path', { class: 'link' });
  const label = 'A map of eight by eight squares, skewed until its diagonals are columns, and back; once from each side';
  const svg = drawing({ width: COLUMNS * SIDE, height: (MAP + 1) * SIDE, label }, ...squares, links);
  picture.replaceChildren(svg);

  const show = (/** @type {number} */ part) => {
    slider.value = String(Math.round(part * Number(slider.max)));
    const view = viewAt(part);
    const place = placeIn(view);
    squares.forEach((square, k) => {
      const [x, y] = [k % MAP, Math.floor(k / MAP)];
      const at = place(x, y);
      square.setAttribute('x', String(at.left * SIDE));
      square.setAttribute('y', String(at.top * SIDE));
      // Counted from the side that the pass comes from.
      const order = view.pass === 1 ? at.column : COLUMNS - 1 - at.column;
      const now = view.now && order === view.columns - 1;
      const heard = order < view.columns && !now;
      const isOne = x === ONE.x && y === ONE.y;
      const left = view.added ? x <= ONE.x && y <= ONE.y : heard && view.pass === 1;
      const right = view.added ? x > ONE.x && y < ONE.y : heard && view.pass === 2;
      mark(square, left && 'known', right && 'also', now && 'now', isOne && 'one');
    });
    links.setAttribute('d', linksIn(view));
    if (caption.textContent !== view.said) caption.textContent = view.said;
    slider.setAttribute('aria-valuetext', view.said);
  };

  const turns = takeTurns(picture, { ms: TURN_MS, show });
  slider.addEventListener('input', () => {
    const part = Number(slider.value) / Number(slider.max);
    turns.hold();
    show(part);
  });
}

/** @param {number} part  of the whole */
function viewAt(part) {
  const all = PHASES.reduce((sum, { share }) => sum + share, 0);
  let left = part * all;
  for (const { share, view } of PHASES) {
    if (left < share) return view(left / share);
    left -= share;
  }
  return PHASES[PHASES.length - 1].view(1);
}

/**
 * Where the squares of the map are, and the column of the skewed map that each belongs to.
 * @param {View} view
 */
function placeIn({ pass, skewed, down }) {
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    const offset = pass === 1 ? y : MAP - 1 - y;
    return { left: x + MIDDLE + skewed * (offset - MIDDLE), top: y + down, column: x + offset };
  };
}

/** Lines to one square from the two that it needs. @param {View} view */
function linksIn(view) {
  if (view.added) return '';
  const place = placeIn(view);
  const middle = (/** @type {number} */ x, /** @type {number} */ y) => {
    const { left, top } = place(x, y);
    return `${(left + 0.5) * SIDE} ${(top + 0.5) * SIDE}`;
  };
  const beside = view.pass === 1 ? ONE.x - 1 : ONE.x + 1;
  return [[beside, ONE.y], [ONE.x, ONE.y - 1]].map(([x, y]) => `M${middle(x, y)}L${middle(ONE.x, ONE.y)}`).join('');
}

/** @param {number} part */
function columnAt(part) {
  return { columns: Math.min(COLUMNS, 1 + Math.floor(part * COLUMNS)), now: true };
}

/** Slow at both ends. @param {number} part */
function ease(part) {
  return part * part * (3 - 2 * part);
}
