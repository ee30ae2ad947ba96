/**
 * The files a picture can be saved as.
 */

import { encodePng } from '../../shared/png.js';
import { encodeDrawing } from './animated-png.js';
import { encodeNpy } from './npy.js';
import { drawnPixels, maskShape, pixelsOf, stemOf } from './picture.js';
import { runRecord } from './run-record.js';

/** Pixels a side of the square that a pixel becomes. */
const SCALE = 8;

/**
 * @typedef {object} SavedFile
 * @property {string} title
 * @property {string} about
 * @property {string} name   of the file
 * @property {() => Blob | Promise<Blob>} make
 */

/**
 * @param {import('./picture.js').TakenPicture} picture
 * @returns {SavedFile[]}
 */
export function filesOf(picture) {
  const { info: { channels, height, width }, levels, mask } = picture;
  const stem = stemOf(picture);
  const files = [
    { title: 'Picture', about: `PNG, each pixel a square of ${SCALE} × ${SCALE}`, name: `${stem}.png`, make: () => encodePng(pixelsOf(picture), SCALE) },
    {
      title: 'Drawing',
      about: 'Animated PNG, row by row',
      name: `${stem}-drawing.png`,
      make: () => encodeDrawing(pixelsOf(picture), drawnPixels(picture), SCALE),
    },
    { title: 'Values', about: `NumPy .npy, uint8 [1, ${channels}, ${height}, ${width}]`, name: `${stem}.npy`, make: () => encodeNpy([1, channels, height, width], levels) },
    {
      title: 'Run',
      about: 'JSON: network, seed, bits, and the command that draws it again',
      name: `${stem}.json`,
      make: () => new Blob([`${JSON.stringify(runRecord(picture), null, 2)}\n`], { type: 'application/json' }),
    },
  ];
  if (mask) {
    const shape = maskShape({ ...picture, mask });
    files.push({ title: 'Mask', about: 'NumPy .npy: 1 where the network drew, for the command', name: `${stem}-mask.npy`, make: () => encodeNpy(shape, mask) });
  }
  return files;
}
