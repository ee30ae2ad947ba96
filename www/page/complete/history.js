/**
 * What was, for those who want it back.
 */

/** Steps that are kept. */
const STEPS = 100;

/**
 * States before and after the one that is.
 * @template T
 */
export class History {
  /** @type {T[]} */
  #past = [];
  /** @type {T[]} */
  #future = [];

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /**
   * Keeps a state that is about to change.
   * @param {T} state
   */
  remember(state) {
    this.#past.push(state);
    if (this.#past.length > STEPS) this.#past.shift();
    this.#future.length = 0;
  }

  /**
   * The state before this one, if there is one.
   * @param {T} now
   */
  undo(now) {
    return step(this.#past, this.#future, now);
  }

  /**
   * The state that was undone last.
   * @param {T} now
   */
  redo(now) {
    return step(this.#future, this.#past, now);
  }

  clear() {
    this.#past.length = this.#future.length = 0;
  }
}

/**
 * @template T
 * @param {T[]} from
 * @param {T[]} to
 * @param {T} now
 * @returns {T | null}
 */
function step(from, to, now) {
  const state = from.pop();
  if (state === undefined) return null;
  to.push(now);
  return state;
}
