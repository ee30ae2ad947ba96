/**
 * What a picture was drawn from, as JSON, with the command that draws it again.
 */

import { maskShape, stemOf } from './picture.js';

/** @typedef {import('./picture.js').TakenPicture} TakenPicture */

/** A word that every shell takes as it is. */
const PLAIN = /^[\w./:-]+$/;

/** @param {TakenPicture} picture */
export function runRecord(picture) {
  const { model, info, seed, image, temperature, topK, topP, bits, mask, forks } = picture;
  const { channels, height, width, levels } = info;
  return {
    model: { name: model.name, file: model.file, sha256: model.sha256 },
    // As text: most programs that read JSON round numbers as large as seeds can be.
    seed: String(seed),
    image,
    temperature,
    ...(topK ? { top_k: topK } : {}),
    ...(topP ? { top_p: topP } : {}),
    shape: [1, channels, height, width],
    levels,
    bits,
    ...(forks.length ? { forks } : {}),
    ...(mask ? { mask: { shape: maskShape({ ...picture, mask }), rows: rowsOfMask(mask, width) } } : {}),
    command: commandOf(picture),
  };
}

/**
 * The command that draws it again, beside the weights file; where something was given, the saved values say what.
 * @param {TakenPicture} picture
 */
function commandOf(picture) {
  const { model, seed, image, temperature, topK, topP, mask } = picture;
  const stem = stemOf(picture);
  const given = mask ? ['--images', `${stem}.npy`, '--mask', `${stem}-mask.npy`] : [];
  const words = [
    'pixelrnn', mask ? 'complete' : 'sample', '--model', model.file, ...given, '--seed', seed, '--first', image, '--count', 1,
    '--temperature', temperature, ...(topK ? ['--top-k', topK] : []), ...(topP ? ['--top-p', topP] : []), '--out', `${stem}-again.npy`,
  ];
  return words.map((word) => quoted(String(word))).join(' ');
}

/** @param {string} word */
function quoted(word) {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * @param {Uint8Array} mask
 * @param {number} width
 */
function rowsOfMask(mask, width) {
  return Array.from({ length: mask.length / width }, (_, row) => mask.subarray(row * width, (row + 1) * width).join(''));
}
