/**
 * The test images that the page completes: `models/*-test-*.json`, one file for each kind of network.
 */

/**
 * @typedef {object} Examples
 * @property {string} name         of one of them, without its number
 * @property {Uint8Array[]} images levels, `[C, H, W]` each
 * @property {number[]} indices    in the test set
 */

/**
 * A file of test images.
 * @typedef {object} ExampleSet
 * @property {string} file
 * @property {string} name
 * @property {number} channels
 * @property {number} levels
 * @property {(base64: string, length: number) => Uint8Array} unpack
 */

/** @type {ExampleSet[]} */
const SETS = [
  { file: 'mnist-test-digits.json', name: 'MNIST test image', channels: 1, levels: 2, unpack: unpackBits },
  { file: 'cifar10-test-images.json', name: 'CIFAR-10 test image', channels: 3, levels: 256, unpack: unpackBytes },
];

/** @type {Map<ExampleSet, Promise<Examples & { width: number, height: number }>>} */
const loads = new Map();

/**
 * Test images of the kind that a network draws, or null where there are none. Each file is fetched once.
 * @param {import('./engine.js').ModelInfo} info
 * @returns {Promise<Examples | null>}
 */
export async function loadExamples({ width, height, channels, levels }) {
  const set = SETS.find((one) => one.channels === channels && one.levels === levels);
  if (!set) return null;
  if (!loads.has(set)) loads.set(set, fetchExamples(set));
  try {
    const examples = await /** @type {ReturnType<typeof fetchExamples>} */ (loads.get(set));
    return examples.width === width && examples.height === height ? examples : null;
  } catch (error) {
    loads.delete(set);
    throw error;
  }
}

/** @param {ExampleSet} set */
async function fetchExamples({ file, name, channels, unpack }) {
  const response = await fetch(new URL(`./models/${file}`, import.meta.url));
  if (!response.ok) throw new Error(`The test images, ${file}, could not be fetched: the server answered ${response.status}.`);
  const { width, height, levels, indices } = await response.json().catch(() => ({}));
  if (!Array.isArray(levels) || !Array.isArray(indices) || !(width > 0 && height > 0)) throw new Error(`The file of test images, ${file}, is damaged.`);
  const images = levels.map((text) => unpack(text, channels * width * height));
  return { name, width, height, images, indices };
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
 * @param {string} base64
 * @param {number} length
 */
function unpackBytes(base64, length) {
  const packed = atob(base64);
  return Uint8Array.from({ length }, (_, at) => packed.charCodeAt(at));
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
