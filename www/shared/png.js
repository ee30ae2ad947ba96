/**
 * Writes PNG files from pixels that are known. No canvas is read back for it: browsers that guard their
 * users against fingerprinting answer that with noise, and a large canvas with nothing.
 */

/** Larger pictures many viewers do not open. */
const MAX_SIDE = 16_384;
const MAX_PIXELS = 2 ** 26;

/** Written at a time, in bytes: some milliseconds. */
const STRIP_BYTES = 2 ** 19;

/** Filters of a line: as it is, and as the difference to the line above. */
const [AS_IT_IS, UP] = [0, 2];

/** Most bytes of a block of zlib data that is stored as it is. */
const STORED_BYTES = 65_535;

/**
 * @typedef {object} Pixels
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array | Uint8ClampedArray} rgba  `[height, width, 4]`
 */

/**
 * A picture on a white ground as a PNG, in grey where it has no colours. Each pixel becomes a square of
 * `scale` pixels a side, or fewer where the file would be too large.
 * @param {Pixels} pixels
 * @param {number} scale
 * @returns {Promise<Blob>}
 */
export async function encodePng(pixels, scale) {
  const { width, height } = pixels;
  const side = fittingScale(pixels, scale);
  const { channels, values } = onWhite(pixels);
  const data = await compressed(values, { width, channels, side });
  return pngFile({ width: width * side, height: height * side, channels }, [chunk('IDAT', data)]);
}

/**
 * A file of eight bits a value, grey or RGB.
 * @param {{ width: number, height: number, channels: number }} shape
 * @param {Uint8Array<ArrayBuffer>[]} chunks  between the first and the last
 */
export function pngFile({ width, height, channels }, chunks) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 1 ? 0 : 2], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Blob([signature, chunk('IHDR', header), ...chunks, chunk('IEND', new Uint8Array(0))], { type: 'image/png' });
}

/**
 * Some lines of a picture, each pixel as a square of `side` pixels a side, as the data of a PNG.
 * @param {Uint8Array} values  `[lines, width, channels]`
 * @param {{ width: number, channels: number, side: number }} shape
 */
export async function compressed(values, { width, channels, side }) {
  const strips = stripsOf(values, width * channels, channels, side);
  return globalThis.CompressionStream ? deflate(strips) : store([...strips]);
}

/**
 * The side of a pixel's square: as asked, or smaller.
 * @param {{ width: number, height: number }} size
 * @param {number} scale
 */
export function fittingScale({ width, height }, scale) {
  const most = Math.min(MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_PIXELS / (width * height)));
  return Math.max(1, Math.min(scale, Math.floor(most)));
}

/**
 * The picture without transparency, and with one value a pixel where that is enough.
 * @param {Pixels} pixels
 */
export function onWhite({ width, height, rgba }) {
  const isGrey = rgba.every((byte, at) => at % 4 === 3 || byte === rgba[at - (at % 4)]);
  const channels = isGrey ? 1 : 3;
  const values = Uint8Array.from({ length: channels * width * height }, (_, at) => {
    const pixel = 4 * Math.floor(at / channels);
    const alpha = rgba[pixel + 3];
    return Math.round((rgba[pixel + (at % channels)] * alpha + 255 * (255 - alpha)) / 255);
  });
  return { channels, values };
}

/**
 * The lines of the enlarged picture, many at a time. Lines like the one above are told by nothing but zeros.
 * @param {Uint8Array} values
 * @param {number} length    values in a line
 * @param {number} channels
 * @param {number} side      of the square that a pixel becomes
 */
function* stripsOf(values, length, channels, side) {
  const lineBytes = 1 + length * side;
  const rows = Math.max(1, Math.floor(STRIP_BYTES / (lineBytes * side)));
  for (let start = 0; start < values.length; start += rows * length) {
    const band = values.subarray(start, start + rows * length);
    const strip = new Uint8Array((band.length / length) * side * lineBytes);
    for (let line = 0; line < strip.length / lineBytes; line++) strip[line * lineBytes] = line % side ? UP : AS_IT_IS;
    for (let at = 0; at < band.length; at++) {
      const [row, place] = [Math.floor(at / length), at % length];
      const [x, channel] = [Math.floor(place / channels), place % channels];
      const to = row * side * lineBytes + 1 + x * side * channels + channel;
      for (let k = 0; k < side; k++) strip[to + k * channels] = band[at];
    }
    yield strip;
  }
}

/**
 * Compresses strip by strip, and lets the page go on in between.
 * @param {Generator<Uint8Array<ArrayBuffer>>} strips
 */
async function deflate(strips) {
  const source = new ReadableStream({
    async pull(controller) {
      const { value, done } = strips.next();
      if (done) return controller.close();
      controller.enqueue(value);
      await new Promise((resolve) => setTimeout(resolve));
    },
  });
  return new Uint8Array(await new Response(source.pipeThrough(new CompressionStream('deflate'))).arrayBuffer());
}

/**
 * The same format without any compression, for browsers that cannot.
 * @param {Uint8Array[]} strips
 */
function store(strips) {
  const bytes = join(strips);
  const blocks = Array.from({ length: Math.ceil(bytes.length / STORED_BYTES) }, (_, at) => bytes.subarray(at * STORED_BYTES, (at + 1) * STORED_BYTES));
  const parts = blocks.flatMap((block, at) => {
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, Number(at === blocks.length - 1));
    head.setUint16(1, block.length, true);
    head.setUint16(3, ~block.length, true);
    return [new Uint8Array(head.buffer), block];
  });
  const sum = new DataView(new ArrayBuffer(4));
  sum.setUint32(0, adler32(bytes));
  return join([Uint8Array.of(0x78, 0x01), ...parts, new Uint8Array(sum.buffer)]);
}

/** @param {Uint8Array[]} parts */
function join(parts) {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * @param {string} type
 * @param {Uint8Array} data
 */
export function chunk(type, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set([...type].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** What each byte does to the check sum of PNG chunks. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum;
});

/** The check sum of PNG chunks. @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ CRC[(sum ^ byte) & 255];
  return ~sum >>> 0;
}

/** The check sum of zlib data. @param {Uint8Array} bytes */
function adler32(bytes) {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}
