/**
 * What the first picture shows of itself when it is drawn and nobody has done anything yet: what the network looked at for its
 * least expected pixel. Whoever does anything ends that, and so does whoever wants no motion or few data.
 */

/** How long the picture rests before. */
const REST_MS = 600;

/** What a visitor does. */
const ACTS = ['pointermove', 'pointerdown', 'keydown', 'wheel', 'scroll'];

/** Looks once, by itself. */
export class FirstLook {
  #onView;
  #over = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #rested = false;
  #ready = false;

  /** @param {(view: "surprise" | "looks") => void} onView */
  constructor(onView) {
    this.#onView = onView;
    const { connection } = /** @type {{ connection?: { saveData?: boolean } }} */ (/** @type {unknown} */ (navigator));
    if (connection?.saveData || matchMedia('(prefers-reduced-motion: reduce)').matches) this.end();
    for (const act of ACTS) addEventListener(act, () => this.end(), { capture: true, passive: true, signal: this.#over.signal });
  }

  /** The picture is whole, and at rest. */
  rest() {
    if (this.#over.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#rested = true;
      this.#look();
    }, REST_MS);
  }

  /** The network can be asked. */
  ready() {
    this.#ready = true;
    if (this.#rested) this.#look();
  }

  end() {
    this.#over.abort();
    clearTimeout(this.#timer);
  }

  /** Until the network is there, what is known already has to do. */
  #look() {
    if (this.#over.signal.aborted) return;
    if (this.#ready) this.end();
    this.#onView(this.#ready ? 'looks' : 'surprise');
  }
}
