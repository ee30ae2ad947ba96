/**
 * Shapes for the figures.
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * A shape with its attributes, and with text or other shapes in it.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {Array<string | Node>} content
 */
export function shape(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  made.append(...content);
  return made;
}

/**
 * A drawing that tells what it shows to those who do not see it.
 * @param {{ width: number, height: number, label: string }} size
 * @param {Array<Node>} content
 */
export function drawing({ width, height, label }, ...content) {
  return /** @type {SVGSVGElement} */ (shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, ...content));
}

/**
 * A square of a grid.
 * @param {number} x  in squares
 * @param {number} y
 * @param {number} side
 */
export function cell(x, y, side) {
  return /** @type {SVGRectElement} */ (shape('rect', { class: 'cell', x: x * side, y: y * side, width: side, height: side }));
}

/**
 * Gives a square its kinds, in words of the style sheet.
 * @param {SVGRectElement} square
 * @param {Array<string | false>} kinds
 */
export function mark(square, ...kinds) {
  const wanted = ['cell', ...kinds.filter(Boolean)].join(' ');
  if (square.getAttribute('class') !== wanted) square.setAttribute('class', wanted);
}
