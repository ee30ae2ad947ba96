/** Elements made one by one: a text is never markup, and no policy of a page (`require-trusted-types-for`) has anything to forbid. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | true>} [attributes]  true for one without a value
 * @param {...(Node | string)} content
 */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value === true ? '' : String(value));
  element.append(...content);
  return element;
}
