/**
 * The buttons under the picture: play and pause, back to nothing, on and back by a pixel, on by a row, and the speed.
 */

import { keepOnDevice, keptOnDevice } from '../on-device.js';
import { SPEEDS } from './playhead.js';

/** Moves the playhead as a visitor wants it. */
export class Transport {
  #parts;
  #playhead;
  #onUse;
  /** The picture that stands there. @type {import('./trace.js').Trace | null} */
  #trace = null;

  /**
   * @param {HTMLElement} section
   * @param {import('./playhead.js').Playhead} playhead
   * @param {() => void} onUse  a visitor has moved it
   */
  constructor(section, playhead, onUse) {
    const part = (/** @type {string} */ id) => /** @type {any} */ (section.querySelector(`#${id}`));
    this.#parts = { toggle: /** @type {HTMLButtonElement} */ (part('play-toggle')), speed: /** @type {HTMLSelectElement} */ (part('speed')) };
    this.#playhead = playhead;
    this.#onUse = onUse;
    const { toggle, speed } = this.#parts;
    toggle.addEventListener('click', () => this.toggle());
    part('play-first').addEventListener('click', () => this.moveTo(0));
    part('play-back').addEventListener('click', () => this.#step(-1));
    part('play-on').addEventListener('click', () => this.#step(1));
    part('play-row').addEventListener('click', () => this.moveTo(this.#endOfRow()));
    speed.addEventListener('change', () => {
      playhead.speed = Number(speed.value);
      keepOnDevice('speed', speed.value);
    });
    playhead.speed = SPEEDS.find((one) => String(one) === keptOnDevice('speed')) ?? playhead.speed;
    speed.value = String(playhead.speed);
  }

  /** @param {import('./trace.js').Trace} trace */
  show(trace) {
    this.#trace = trace;
    const { toggle } = this.#parts;
    const { playing } = this.#playhead;
    toggle.toggleAttribute('data-playing', playing);
    (/** @type {HTMLElement} */ (toggle.lastElementChild)).textContent = playing ? 'Pause' : 'Play';
  }

  toggle() {
    if (this.#playhead.playing) this.#playhead.pause();
    else this.#playhead.play();
    this.#onUse();
  }

  /** @param {number} position */
  moveTo(position) {
    this.#playhead.pause();
    this.#playhead.moveTo(position);
    this.#onUse();
  }

  /** @param {1 | -1} way  by a pixel */
  #step(way) {
    const channels = this.#trace?.info.channels ?? 1;
    const { position } = this.#playhead;
    this.moveTo(way < 0 ? Math.ceil(position / channels) * channels - channels : Math.floor(position / channels) * channels + channels);
  }

  /** The position at which the row under way is full. */
  #endOfRow() {
    const { position, length } = this.#playhead;
    if (!this.#trace || position >= length) return length;
    const { scale, y } = this.#trace.place(position);
    const { width } = this.#trace.parts[scale];
    return this.#trace.at({ scale, y, x: 0, channel: 0 }) + width * this.#trace.info.channels;
  }
}
