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
  const data = chunksOf(file).filter(({ type }) => type === 'IDAT').map(({ body }) => body);
  return [...inflateSync(Buffer.concat(data)).subarray(1, 4)];
}

/**
 * The pixels of a PNG of eight bits a value, grey or RGB, whose lines are told as they are or by the one above. Of an
 * animated one, what programs show that know no animation.
 * @param {Buffer} file
 */
export function readPng(file) {
  const shape = shapeOf(file);
  const data = chunksOf(file).filter(({ type }) => type === 'IDAT').map(({ body }) => body);
  return { ...shape, ...pixelsOf(Buffer.concat(data), shape) };
}

/**
 * The frames of an animated PNG, and how often they are played: 0 for without end.
 * @param {Buffer} file
 */
export function readFrames(file) {
  const { channels } = shapeOf(file);
  const chunks = chunksOf(file).filter(({ type }) => ['acTL', 'fcTL', 'fdAT'].includes(type));
  const [about, ...rest] = chunks;
  const numbers = rest.map(({ body }) => body.readUInt32BE(0));
  if (about.type !== 'acTL' || numbers.some((number, at) => number !== at)) throw new Error(`frames are numbered ${numbers}`);
  const frames = [];
  while (rest.length) {
    const [control, data] = rest.splice(0, 2);
    if (control.type !== 'fcTL' || data?.type !== 'fdAT') throw new Error(`${control.type} and ${data?.type}, not a frame`);
    const [width, height, x, y] = [4, 8, 12, 16].map((at) => control.body.readUInt32BE(at));
    const delay_ms = (1000 * control.body.readUInt16BE(20)) / control.body.readUInt16BE(22);
    const [dispose, blend] = control.body.subarray(24, 26);
    frames.push({ x, y, width, height, delay_ms, dispose, blend, ...pixelsOf(data.body.subarray(4), { width, height, channels }) });
  }
  if (about.body.readUInt32BE(0) !== frames.length) throw new Error(`${frames.length} frames, not ${about.body.readUInt32BE(0)}`);
  return { plays: about.body.readUInt32BE(4), frames };
}

/**
 * The chunks of a PNG, which must be whole.
 * @param {Buffer} file
 */
function chunksOf(file) {
  const chunks = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== file.readUInt32BE(at + 8 + length)) throw new Error(`wrong check sum at byte ${at}`);
    chunks.push({ type: body.toString('latin1', 0, 4), body: body.subarray(4) });
    at += 12 + length;
  }
  if (chunks.at(-1)?.type !== 'IEND') throw new Error('the file ends too early');
  return chunks;
}

/** @param {Buffer} file */
function shapeOf(file) {
  const [{ type, body }] = chunksOf(file);
  const channels = { 0: 1, 2: 3 }[body[9]];
  if (type !== 'IHDR' || body[8] !== 8 || !channels) throw new Error(`unexpected header ${body.toString('hex')}`);
  return { width: body.readUInt32BE(0), height: body.readUInt32BE(4), channels };
}

/**
 * @param {Buffer} compressed
 * @param {{ width: number, height: number, channels: number }} shape
 */
function pixelsOf(compressed, { width, height, channels }) {
  const data = inflateSync(compressed);
  const line = 1 + width * channels;
  if (data.length !== height * line) throw new Error(`${data.length} bytes, not ${height * line}`);
  for (let y = 0; y < height; y++) {
    const filter = data[y * line];
    if (filter !== 0 && filter !== 2) throw new Error(`unexpected filter ${filter}`);
    if (filter === 2) for (let at = y * line + 1; at < (y + 1) * line; at++) data[at] += data[at - line];
  }
  return { colourAt: (/** @type {number} */ x, /** @type {number} */ y) => [...data.subarray(y * line + 1 + x * channels).subarray(0, channels)] };
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
