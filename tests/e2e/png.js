/**
 * Picture files made for the tests, and read by them.
 */

import { deflateSync, inflateSync } from 'node:zlib';

/**
 * A PNG.
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} colourAt  RGBA, alpha 255 if left out
 */
export function png(width, height, colourAt) {
  const lines = Array.from({ length: height }, (_, y) => {
    const pixels = Array.from({ length: width }, (_, x) => {
      const [red, green, blue, alpha = 255] = colourAt(x, y);
      return [red, green, blue, alpha];
    });
    return Buffer.from([0, ...pixels.flat()]);
  });
  return pngOf({ width, height }, deflateSync(Buffer.concat(lines)));
}

/**
 * A PNG of this size with whatever data.
 * @param {{ width: number, height: number }} size
 * @param {Buffer} data
 */
export function pngOf({ width, height }, data) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits, RGBA.
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

/**
 * Red, green and blue of a PNG with one pixel: no filter of PNG's has anything to work on.
 * @param {Buffer} file
 */
export function onlyPixel(file) {
  const data = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  return [...inflateSync(Buffer.concat(data)).subarray(1, 4)];
}

/** The check sum of PNG chunks. @param {Buffer} bytes */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/**
 * @param {string} type
 * @param {Buffer} data
 */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
