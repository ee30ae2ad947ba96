/**
 * Makes pictures smaller by averaging areas: every pixel of the result is the mean light of the rectangle
 * it stands for. Light is averaged, not the bytes that encode it, so that fine patterns keep their brightness.
 */

/** Light of each byte value, 0 to 1: the sRGB curve. */
const LIGHT = Float32Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/**
 * The byte value for this much light.
 * @param {number} light  0 to 1
 */
function byteOf(light) {
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
}

/**
 * How bright a colour looks, as the byte value of a grey.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export function greyOf(red, green, blue) {
  return byteOf(0.2126 * LIGHT[red] + 0.7152 * LIGHT[green] + 0.0722 * LIGHT[blue]);
}

/** @typedef {{ width: number, height: number }} Size */

/** Takes a large opaque picture strip by strip, from the top. */
export class Shrinker {
  #from;
  #to;
  /** Sums of light, `[height, width, 3]`. */
  #sums;
  #y = 0;

  /**
   * @param {Size} from
   * @param {Size} to
   */
  constructor(from, to) {
    this.#from = from;
    this.#to = to;
    this.#sums = new Float64Array(3 * to.width * to.height);
  }

  /**
   * The next rows of the picture.
   * @param {Uint8ClampedArray} rgba  `[rows, width, 4]`
   */
  add(rgba) {
    const { width } = this.#from;
    for (let start = 0; start < rgba.length; start += 4 * width) this.#addRow(rgba.subarray(start, start + 4 * width));
  }

  /** @param {Uint8ClampedArray} row */
  #addRow(row) {
    const line = this.#shrinkRow(row);
    // The part of each row of the result that this row covers, in rows of the result.
    const [top, bottom] = [this.#y, this.#y + 1].map((y) => (y * this.#to.height) / this.#from.height);
    this.#y += 1;
    for (let y = Math.floor(top); y < Math.min(bottom, this.#to.height); y++) {
      const part = Math.min(bottom, y + 1) - Math.max(top, y);
      for (let at = 0; at < line.length; at++) this.#sums[y * line.length + at] += part * line[at];
    }
  }

  /**
   * Mean light of each pixel of the result along one row of the picture.
   * @param {Uint8ClampedArray} row
   */
  #shrinkRow(row) {
    const scale = this.#from.width / this.#to.width;
    const line = new Float64Array(3 * this.#to.width);
    for (let x = 0; x < this.#to.width; x++) {
      const [left, right] = [x * scale, (x + 1) * scale];
      const end = Math.min(right, this.#from.width);
      let [red, green, blue] = [0, 0, 0];
      for (let from = Math.floor(left); from < end; from++) {
        const part = Math.min(right, from + 1) - Math.max(left, from);
        red += part * LIGHT[row[4 * from]];
        green += part * LIGHT[row[4 * from + 1]];
        blue += part * LIGHT[row[4 * from + 2]];
      }
      line[3 * x] = red / scale;
      line[3 * x + 1] = green / scale;
      line[3 * x + 2] = blue / scale;
    }
    return line;
  }

  /** The small picture, when every row was added: RGBA, `[height, width, 4]`. */
  result() {
    const rgba = new Uint8ClampedArray(4 * this.#to.width * this.#to.height).fill(255);
    this.#sums.forEach((light, at) => (rgba[4 * Math.floor(at / 3) + (at % 3)] = byteOf(Math.min(light, 1))));
    return rgba;
  }
}
