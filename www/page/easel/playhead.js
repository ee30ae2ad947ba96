/**
 * Which values of a picture are shown: the first so many, all in all `length`. While it plays, it is slow where the network
 * hesitated and fast where it was sure.
 */

/** What a whole picture takes at the usual speed. */
export const WHOLE_MS = 4200;

/** The part of it that all values share alike; the rest goes by their entropy. */
const ALIKE = 0.3;

/** A frame that comes later is not caught up with: the tab was hidden, or the page busy. */
const LATE_MS = 100;

/** Times the usual speed. */
export const SPEEDS = Object.freeze([0.25, 1, 4, Infinity]);

/** Moves through the values of a picture. */
export class Playhead {
  /** Values shown. */
  position = 0;
  speed = 1;
  /** When each value is drawn, counted from the beginning, at the usual speed. */
  #ends = new Float64Array(0);
  /** Time at the position, as those. */
  #now = 0;
  #frame = 0;
  #shownAt = 0;
  #onMove;

  /** @param {() => void} onMove  told when it has moved, has begun to play or has come to rest */
  constructor(onMove) {
    this.#onMove = onMove;
  }

  get length() {
    return this.#ends.length;
  }

  get playing() {
    return this.#frame !== 0;
  }

  /**
   * Another picture; the position stays within it. Nobody is told: there is more to be changed.
   * @param {Float32Array} entropies  of its values
   */
  reset(entropies) {
    const sum = entropies.reduce((all, bits) => all + bits, 0);
    const each = (ALIKE * WHOLE_MS) / (entropies.length || 1);
    let time = 0;
    this.#ends = Float64Array.from(entropies, (bits) => (time += each + (sum ? ((1 - ALIKE) * WHOLE_MS * bits) / sum : 0)));
    this.#set(Math.min(this.position, this.length));
  }

  /** Plays from the beginning. */
  restart() {
    this.#set(0);
    if (this.playing) this.#onMove();
    else this.play();
  }

  /** Goes on playing, from the beginning if it stands at the end. */
  play() {
    if (this.playing) return;
    if (this.position >= this.length) this.#set(0);
    this.#shownAt = performance.now();
    this.#frame = requestAnimationFrame((at) => this.#step(at));
    this.#onMove();
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#onMove();
  }

  /** @param {number} position */
  moveTo(position) {
    this.#set(Math.min(Math.max(Math.round(position), 0), this.length));
    this.#onMove();
  }

  /** @param {number} position */
  #set(position) {
    this.position = position;
    this.#now = position ? this.#ends[position - 1] : 0;
  }

  /** @param {number} at  time of the frame */
  #step(at) {
    const elapsed = Math.min(at - this.#shownAt, LATE_MS);
    // No time at all, times any speed there is.
    if (elapsed > 0) this.#now += elapsed * this.speed;
    this.#shownAt = at;
    while (this.position < this.length && this.#ends[this.position] <= this.#now) this.position++;
    this.#frame = this.position < this.length ? requestAnimationFrame((next) => this.#step(next)) : 0;
    this.#onMove();
  }
}
