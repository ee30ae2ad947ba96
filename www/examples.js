/**
 * The test digits that the page completes: `models/mnist-test-digits.json`.
 */

/**
 * @typedef {object} Examples
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array[]} images  levels, `[height, width]` each
 */

/** @type {Promise<Examples> | null} */
let examples = null;

/**
 * Fetches the digits once.
 * @returns {Promise<Examples>}
 */
export function loadExamples() {
  examples ??= fetchExamples().catch((error) => {
    examples = null;
    throw error;
  });
  return examples;
}

/** @returns {Promise<Examples>} */
async function fetchExamples() {
  const response = await fetch(new URL('./models/mnist-test-digits.json', import.meta.url));
  if (!response.ok) throw new Error(`The test digits could not be fetched: the server answered ${response.status}.`);
  const { width, height, levels } = await response.json().catch(() => ({}));
  if (!Array.isArray(levels) || !(width > 0 && height > 0)) throw new Error('The file of test digits is damaged.');
  return { width, height, images: levels.map((text) => unpackBits(text, width * height)) };
}

/**
 * One value per bit, most significant bit first.
 * @param {string} base64
 * @param {number} length
 */
function unpackBits(base64, length) {
  const packed = atob(base64);
  return Uint8Array.from({ length }, (_, at) => (packed.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1);
}

/**
 * The images one after the other, each `times` times.
 * @param {Uint8Array[]} images
 * @param {number} times
 */
export function joinImages(images, times) {
  const size = images[0]?.length ?? 0;
  const joined = new Uint8Array(images.length * times * size);
  images.forEach((image, index) => {
    for (let copy = 0; copy < times; copy++) joined.set(image, (index * times + copy) * size);
  });
  return joined;
}
