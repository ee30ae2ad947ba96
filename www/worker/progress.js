/**
 * One progress for what is downloaded side by side.
 */

/** @typedef {import('../shared/shared-load.js').OnProgress} OnProgress */

/**
 * Adds up downloads, and tells their sum once it is known how large all of them are.
 * @param {number} count  of downloads; one that is not needed tells that it has nothing of nothing
 * @param {OnProgress} onProgress
 * @returns {OnProgress[]} what each download tells
 */
export function summed(count, onProgress) {
  const parts = Array.from({ length: count }, () => ({ loaded: 0, total: NaN }));
  return parts.map((part) => (loaded, total) => {
    // A file may be longer than it is listed.
    Object.assign(part, { loaded: Math.min(loaded, total), total });
    const sum = { loaded: 0, total: 0 };
    for (const { loaded, total } of parts) {
      sum.loaded += loaded;
      sum.total += total;
    }
    if (sum.total > 0) onProgress(sum.loaded, sum.total);
  });
}

/** A download that several wait for, who come at any time. */
export class Download {
  /** @type {Set<OnProgress>} */
  #listeners = new Set();
  /** Bytes so far, and of all. Nothing of nothing: nothing is under way; none: it is not known yet. @type {Parameters<OnProgress> | null} */
  #last = [0, 0];

  /** It begins. */
  begin() {
    this.#last = null;
  }

  /**
   * Counts an answer as it comes.
   * @param {Response} answer
   * @param {Promise<number>} size  of all of it; not a number where it cannot be known
   */
  async follow({ body }, size) {
    const total = await size;
    if (!body || !(total > 0)) return this.#tell(0, 0);
    const reader = body.getReader();
    let loaded = 0;
    for (;;) {
      // Who needs the answer says what is wrong with it.
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done || !value) return;
      loaded += value.length;
      this.#tell(loaded, total);
    }
  }

  /** It is over: who comes now has nothing to wait for. */
  end() {
    const [, total] = this.#last ?? [0, 0];
    this.#tell(total, total);
    this.#last = [0, 0];
    this.#listeners.clear();
  }

  /** @param {OnProgress} listener  told until the end */
  listen(listener) {
    this.#listeners.add(listener);
    if (this.#last) listener(...this.#last);
  }

  /** @type {OnProgress} */
  #tell(loaded, total) {
    this.#last = [loaded, total];
    for (const listener of this.#listeners) listener(loaded, total);
  }
}
