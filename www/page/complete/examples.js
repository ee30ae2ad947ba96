/**
 * The test pictures that are to be finished. The list of models names a file of them for each set of pictures.
 */

import { fetchFile } from '../../shared/fetching.js';
import { modelUrl } from '../../shared/models-folder.js';

/**
 * @typedef {object} Examples
 * @property {string} name         of one of them, without its number
 * @property {Uint8Array[]} images levels, `[C, H, W]` each
 * @property {number[]} indices    in the test split
 */

/** What a file holds. @typedef {Shape & Omit<Examples, "name">} ExamplesFile */
/** @typedef {{ width: number, height: number, channels: number, levels: number }} Shape */

/** By file, which sets may share. @type {Map<string, Promise<ExamplesFile>>} */
const loads = new Map();

/**
 * Test images of a set, or null where there are none that fit the network. Each file is fetched once.
 * @param {import('../../engine.js').ModelSet | undefined} set
 * @param {Shape} info  what the network draws
 * @returns {Promise<Examples | null>}
 */
export async function loadExamples(set, info) {
  const file = set?.examples;
  if (!file) return null;
  const load = loads.get(file) ?? fetchExamples(file);
  loads.set(file, load);
  try {
    const { images, indices, ...shape } = await load;
    const fits = Object.entries(shape).every(([name, size]) => size === info[/** @type {keyof Shape} */ (name)]);
    return fits ? { name: set.example ?? 'test image', images, indices } : null;
  } catch (error) {
    loads.delete(file);
    throw error;
  }
}

/**
 * @param {string} file
 * @returns {Promise<ExamplesFile>}
 */
async function fetchExamples(file) {
  // As the list of models is: an older file may not go with the set it names.
  const response = await fetchFile(modelUrl(file), `The test images, ${file},`, { cache: 'no-cache' });
  const { width, height, channels, indices, levels: packed, value_levels } = await response.json().catch(() => ({}));
  if (!Array.isArray(packed) || !Array.isArray(indices) || !(width > 0 && height > 0 && channels > 0)) throw new Error(`The file of test images, ${file}, is damaged.`);
  // Files that do not say are of binary digits or of photographs.
  const levels = value_levels ?? (channels === 1 ? 2 : 256);
  const unpack = levels === 2 ? unpackBits : unpackBytes;
  return { width, height, channels, levels, indices, images: packed.map((text) => unpack(text, channels * width * height)) };
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
