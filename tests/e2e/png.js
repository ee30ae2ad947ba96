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

/**
 * The pixels of a PNG of eight bits a value, grey or RGB, whose lines are told as they are or by the one above.
 * @param {Buffer} file
 * @returns {{ width: number, height: number, channels: number, colourAt: (x: number, y: number) => number[] }}
 */
export function readPng(file) {
  const chunks = new Map();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== file.readUInt32BE(at + 8 + length)) throw new Error(`wrong check sum at byte ${at}`);
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4));
    at += 12 + length;
  }
  const header = chunks.get('IHDR');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = { 0: 1, 2: 3 }[header[9]];
  if (header[8] !== 8 || !channels || !chunks.has('IEND')) throw new Error(`unexpected header ${header.toString('hex')}`);
  const data = inflateSync(chunks.get('IDAT'));
  const line = 1 + width * channels;
  if (data.length !== height * line) throw new Error(`${data.length} bytes, not ${height * line}`);
  for (let y = 0; y < height; y++) {
    const filter = data[y * line];
    if (filter !== 0 && filter !== 2) throw new Error(`unexpected filter ${filter}`);
    if (filter === 2) for (let at = y * line + 1; at < (y + 1) * line; at++) data[at] += data[at - line];
  }
  const colourAt = (/** @type {number} */ x, /** @type {number} */ y) => [...data.subarray(y * line + 1 + x * channels).subarray(0, channels)];
  return { width, height, channels, colourAt };
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
