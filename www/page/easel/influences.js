/**
 * What a pixel looks at, and what it changes: how far distributions move when a pixel is flipped, asked of the network for the
 * pixel that a visitor looks at, the newest wish alone.
 */

/** @typedef {import('../pixel-cursor.js').Pixel} Pixel */

/**
 * @typedef {object} Influence
 * @property {Float32Array} effects  `[H, W]`, 0 to 1
 * @property {Uint8Array} joined     `[H, W]`, 1 where the wiring lets there be one
 * @property {Uint8Array} known      `[H, W]`, 1 where it is known already
 */

/** Asks, and remembers for the picture that stands there. */
export class Influences {
  #engine;
  #onNews;
  /** @type {import('./drawing.js').Order | null} */
  #order = null;
  /** By question and pixel. @type {Map<string, Influence>} */
  #answers = new Map();
  /** @type {{ question: string, run: AbortController } | null} */
  #asking = null;

  /**
   * @param {Promise<import('../../engine.js').Engine>} engine
   * @param {() => void} onNews  more is known of what was asked
   */
  constructor(engine, onNews) {
    this.#engine = engine;
    this.#onNews = onNews;
  }

  /**
   * What is known by now; the rest is asked for.
   * @param {import('./drawing.js').Order} order
   * @param {import('./trace.js').Trace} trace  of its picture
   * @param {"looks" | "changes"} view
   * @param {Pixel} pixel
   * @returns {Influence | undefined}
   */
  of(order, trace, view, pixel) {
    if (order !== this.#order) this.#answers.clear();
    this.#order = order;
    const question = `${view} ${pixel.x} ${pixel.y}`;
    if (!this.#answers.has(question) && this.#asking?.question !== question) void this.#ask(question, trace.image(), view, pixel);
    return this.#answers.get(question);
  }

  /** Nothing is wished any more. */
  stop() {
    this.#asking?.run.abort();
    this.#asking = null;
  }

  /**
   * @param {string} question
   * @param {Uint8Array} levels
   * @param {"looks" | "changes"} view
   * @param {Pixel} pixel
   */
  async #ask(question, levels, view, { x, y }) {
    this.stop();
    const run = new AbortController();
    this.#asking = { question, run };
    const model = this.#order?.model ?? '';
    const options = { model, levels, x, y, signal: run.signal };
    try {
      const engine = await this.#engine;
      run.signal.throwIfAborted();
      const joined = await engine.reach(options);
      const known = new Uint8Array(joined.length);
      /** @type {Influence} */
      const answer = { effects: new Float32Array(joined.length), joined, known };
      const tell = () => {
        if (run.signal.aborted) return;
        this.#answers.set(question, answer);
        this.#onNews();
      };
      if (view === 'changes') answer.effects = await engine.changes(options);
      else {
        answer.effects = await engine.influence({ ...options, onRow: (row, effects) => {
          answer.effects.set(effects, row * effects.length);
          known.fill(1, row * effects.length, (row + 1) * effects.length);
          tell();
        } });
      }
      known.fill(1);
      tell();
    } catch {
      // Given up for another wish; or the network is gone, of which the easel tells. What is half known is asked anew.
      this.#answers.delete(question);
    } finally {
      if (this.#asking?.run === run) this.#asking = null;
    }
  }
}
