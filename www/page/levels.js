/**
 * Pictures that are there already, as the rows that a sampler would send: no network has to be asked
 * for what a given picture looks like.
 */

/** @typedef {import('../engine.js').Row} Row */

/**
 * Every row of images of one size.
 * @param {Uint8Array[]} images  levels, `[C, H, W]` each
 * @param {{ width: number, height: number, channels: number, levels: number }} info
 * @returns {Row[]}
 */
export function rowsOf(images, { width, height, channels, levels }) {
  // Rounded as the samplers round: a typed array takes a half to the even side.
  const bytes = Uint8Array.from({ length: levels }, (_, level) => Math.round((255 * level) / (levels - 1)));
  return Array.from({ length: height }, (_, y) => {
    const rgba = new Uint8ClampedArray(4 * images.length * width).fill(255);
    images.forEach((image, k) => {
      for (let x = 0; x < width; x++) {
        for (let channel = 0; channel < 3; channel++) {
          const plane = Math.min(channel, channels - 1) * height * width;
          rgba[4 * (k * width + x) + channel] = bytes[image[plane + y * width + x]];
        }
      }
    });
    return { scale: 0, y, width, height, rgba };
  });
}
