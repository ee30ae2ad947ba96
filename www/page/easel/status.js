/**
 * The lines under the easel: what is being fetched, what went wrong, how long the network took, and what the picture costs. Quarters
 * of a drawing are spoken, not single pixels.
 */

import { formatCount, formatDuration } from '../../shared/format.js';

const QUARTERS = ['', 'A quarter is drawn.', 'Half is drawn.', 'Three quarters are drawn.'];

/** Tells of the picture on the easel. */
export class Status {
  #parts;
  #quarter = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    const part = (/** @type {string} */ id) => /** @type {any} */ (section.querySelector(`#${id}`));
    this.#parts = {
      loading: /** @type {HTMLElement} */ (part('loading')),
      label: /** @type {HTMLLabelElement} */ (part('loading').querySelector('label')),
      progress: /** @type {HTMLProgressElement} */ (part('loading-progress')),
      fault: /** @type {HTMLElement} */ (part('easel-fault')),
      said: /** @type {HTMLElement} */ (part('easel-said')),
      sum: /** @type {HTMLElement} */ (part('easel-sum')),
      spoken: /** @type {HTMLElement} */ (part('easel-spoken')),
    };
  }

  /** @param {string} sentence */
  say(sentence) {
    this.#parts.said.textContent = sentence;
  }

  /**
   * @param {number} elapsed_ms  that the network took
   * @param {number} watched_ms  that it takes here; nothing if it is not watched
   */
  sayTime(elapsed_ms, watched_ms) {
    const times = Math.round(watched_ms / elapsed_ms);
    this.say(`The network drew this in ${formatDuration(elapsed_ms)}${times > 1 ? `; you watch it ${times} times slower` : ''}.`);
  }

  /**
   * @param {import('./trace.js').Trace} trace
   * @param {number} count  values shown
   * @param {boolean} playing
   */
  showSum(trace, count, playing) {
    const bits = trace.sum(count);
    const { sum, spoken } = this.#parts;
    const whole = count === trace.length;
    sum.textContent = `${bits.toFixed(1)} bits ${whole ? 'in all' : 'so far'}`;
    sum.title = `${(bits * Math.LN2).toFixed(2)} nats`;
    const quarter = Math.floor((4 * count) / trace.length);
    if (playing && quarter < this.#quarter) spoken.textContent = 'A picture is being drawn.';
    else if (quarter > this.#quarter && (playing || whole)) spoken.textContent = whole ? `The picture is drawn: ${bits.toFixed(1)} bits in all.` : QUARTERS[quarter];
    this.#quarter = quarter;
  }

  /**
   * @param {string} model
   * @param {number} loaded
   * @param {number} total
   */
  showProgress(model, loaded, total) {
    const { loading, label, progress } = this.#parts;
    // What was here already is not worth a word.
    if (loaded >= total && loading.hidden) return;
    loading.hidden = false;
    label.textContent = loaded < total ? `Fetching ${model}: ${formatCount(loaded / 1000)} of ${formatCount(total / 1000)} kB` : `Starting ${model}`;
    Object.assign(progress, { max: total, value: loaded });
  }

  /** Nothing is waited for any more. */
  hideProgress() {
    this.#parts.loading.hidden = true;
  }

  /** @param {string} message  none: no fault */
  showFault(message) {
    const { fault, loading } = this.#parts;
    fault.hidden = !message;
    fault.textContent = message;
    if (!message) return;
    loading.hidden = true;
    this.say('');
  }
}
