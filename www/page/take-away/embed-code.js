/**
 * The two lines that put a picture on another page.
 */

/**
 * Null where an element cannot draw it: nothing can be given to one.
 * @param {import('./picture.js').TakenPicture} picture
 * @param {string} address  of the element's module
 */
export function embedCode(picture, address) {
  if (picture.mask) return null;
  const { model, ...attributes } = attributesOf(picture);
  // A network of the visitor's own is on no server: its file is to lie beside the other page.
  const network = picture.model.own ? { src: picture.model.file } : { model };
  const text = Object.entries({ ...network, ...attributes }).map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
  return `<script type="module" src="${escaped(address)}"></script>\n<pixel-rnn${text}></pixel-rnn>`;
}

/**
 * What is set on an element that draws the picture.
 * @param {import('./picture.js').TakenPicture} picture
 * @returns {Record<string, string>}
 */
export function attributesOf({ model, seed, image, temperature, topK, topP }) {
  return {
    model: model.name,
    seed: String(seed),
    ...(image ? { first: String(image) } : {}),
    count: '1',
    ...(temperature === 1 ? {} : { temperature: String(temperature) }),
    ...(topK ? { 'top-k': String(topK) } : {}),
    ...(topP ? { 'top-p': String(topP) } : {}),
    controls: 'min',
  };
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
