/**
 * "Why it takes milliseconds": the same picture drawn by running the whole network for every value, and by keeping what is
 * known; where a GPU passed its test, on that as well. Begins by itself when it is in sight, and ends by itself.
 */

import { Engine } from '../../engine.js';
import { findAdapter } from '../../shared/adapter.js';
import { sentence } from '../../shared/sentence.js';
import { holdStage } from '../explain/stage.js';
import { onSight, wantsStill } from '../in-sight.js';
import { sharpeningOf } from '../sharpening.js';
import { Lane } from './lane.js';
import { differingPixels, verdict } from './lap.js';

/** How much of it must be in sight, and for how long. */
const SHARE = 0.6;
const REST_MS = 500;

/** The slow lane ends after that. */
const PATIENCE_MS = 10_000;
const PATIENCE_ON_PHONES_MS = 5_000;
const PHONE = '(max-width: 37.5rem)';

/** A GPU that is not ready by then is left out: the others wait for it. */
const GPU_WAIT_MS = 3_000;

const LANES = Object.freeze({
  naive: { title: 'Run it all again', about: 'The picture, drawn by running the whole network for each value', onceAValue: true },
  cached: { title: 'Keep what is known', about: 'The picture, drawn with kept features', onceAValue: false },
  gpu: { title: 'GPU', about: 'The picture, drawn with kept features on the GPU', onceAValue: false },
});

/**
 * @typedef {import('../sharpening.js').Sharpening & { model: string, seed: bigint }} RaceSettings
 */

/**
 * A race under way. `enough` ends it with a verdict; one that is `dropped` says nothing any more.
 * @typedef {{ enough: AbortController, dropped: boolean }} Run
 */

/** Runs the race. */
export class Race {
  #engine;
  #lanes;
  #button;
  #verdict;
  /** @type {RaceSettings | null} */
  #settings = null;
  /** @type {Run | null} */
  #run = null;
  /** Whether the race of these settings has been run. */
  #done = false;
  #inSight = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest;

  /**
   * @param {import('../../engine.js').Engine} engine
   * @param {HTMLElement} section
   */
  constructor(engine, section) {
    const part = (/** @type {string} */ selector) => /** @type {any} */ (section.querySelector(selector));
    const lane = (/** @type {keyof typeof LANES} */ name) => new Lane(part('template'), LANES[name]);
    this.#engine = engine;
    this.#button = /** @type {HTMLButtonElement} */ (part('button'));
    this.#verdict = /** @type {HTMLElement} */ (part('.verdict .report'));
    this.#lanes = { naive: lane('naive'), cached: lane('cached'), gpu: lane('gpu') };
    this.#lanes.gpu.figure.hidden = true;
    part('.race').prepend(...Object.values(this.#lanes).map(({ figure }) => figure));
    this.#button.addEventListener('click', () => (this.#run ? this.#run.enough.abort() : void this.#race()));
    onSight(part('.race'), SHARE, (inSight) => {
      this.#inSight = inSight;
      if (inSight) this.#startSoon();
      else this.#run?.enough.abort();
    });
  }

  /**
   * Takes new settings. What is shown is about the old ones and goes.
   * @param {RaceSettings} settings
   */
  update({ model, seed, ...how }) {
    const sharpening = sharpeningOf(how);
    const old = this.#settings;
    if (old?.model === model && old.seed === seed && JSON.stringify(sharpeningOf(old)) === JSON.stringify(sharpening)) return;
    this.#settings = { model, seed, ...sharpening };
    this.#button.disabled = !model;
    this.#drop();
    this.#startSoon();
  }

  #drop() {
    if (this.#run) {
      this.#run.dropped = true;
      this.#run.enough.abort();
    }
    this.#done = false;
    this.#show(null);
    this.#verdict.textContent = '';
    this.#clear();
  }

  /** Begins when it has been in sight for a moment, if it has not been run yet. */
  #startSoon() {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#inSight && !this.#done && !this.#run) void this.#race();
    }, REST_MS);
  }

  /** @param {Run | null} run */
  #show(run) {
    this.#run = run;
    this.#button.textContent = run ? 'Stop' : this.#done ? 'Again' : 'Start';
  }

  async #race() {
    if (!this.#settings?.model) return;
    const run = { enough: new AbortController(), dropped: false };
    const { signal } = run.enough;
    this.#done = true;
    this.#show(run);
    this.#verdict.textContent = '';
    // A full run keeps its worker busy for long; the rest of the page shall not wait for it.
    const slow = new Engine();
    const giveBackStage = holdStage();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let patience;
    try {
      const { model } = this.#settings;
      const [info, , gpu] = await Promise.all([this.#engine.load(model, { signal }), slow.load(model, { signal }), this.#gpuReady(model, signal)]);
      signal.throwIfAborted();
      for (const lane of Object.values(this.#lanes)) lane.clear(info);
      this.#lanes.gpu.figure.hidden = !gpu;
      patience = setTimeout(() => run.enough.abort(), matchMedia(PHONE).matches ? PATIENCE_ON_PHONES_MS : PATIENCE_MS);
      await this.#runLanes(slow, info, run, gpu);
    } catch (error) {
      if (!run.dropped && !signal.aborted) this.#fail(error);
      // Stopped before it had begun: it may begin another time.
      else if (!run.dropped) this.#done = false;
    } finally {
      clearTimeout(patience);
      slow.dispose();
      giveBackStage();
      if (this.#run === run) this.#show(null);
    }
  }

  /**
   * Starts the lanes together, and says who was how much faster.
   * @param {Engine} slow
   * @param {import('../../engine.js').ModelInfo} info
   * @param {Run} run
   * @param {boolean} gpu
   */
  async #runLanes(slow, info, run, gpu) {
    const { signal } = run.enough;
    const { model, seed, ...how } = /** @type {RaceSettings} */ (this.#settings);
    const options = { model, seed, ...sharpeningOf(how, info.levels), count: 1, signal };
    const look = { still: wantsStill() };
    const lanes = this.#lanes;
    /** @type {unknown} */
    let fault = null;
    // What goes wrong in one lane ends the race.
    const orFault = (/** @type {Promise<import('./lap.js').Lap>} */ lap) => lap.catch((error) => {
      fault ??= error;
      run.enough.abort();
      return null;
    });
    const onFallback = () => (lanes.gpu.figure.hidden = true);
    const [slowLap, fastLap, gpuLap] = await Promise.all([
      orFault(lanes.naive.run(slow, info, { ...options, method: 'naive' }, look)),
      orFault(lanes.cached.run(this.#engine, info, { ...options, backend: 'cpu' }, look)),
      gpu ? orFault(lanes.gpu.run(this.#engine, info, { ...options, backend: 'gpu', onFallback }, look)) : null,
    ]);
    if (run.dropped) return;
    if (fault || !slowLap || !fastLap) return this.#fail(fault);
    if (gpuLap?.whole) {
      const differing = differingPixels(gpuLap, fastLap);
      lanes.gpu.tell(differing ? `${differing} pixels differ` : 'Same pixels');
    }
    if (fastLap.whole) this.#verdict.textContent = verdict(slowLap, fastLap);
    else this.#done = false;
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#clear();
    this.#verdict.textContent = sentence(error);
  }

  #clear() {
    for (const lane of Object.values(this.#lanes)) lane.clear({ width: 28, height: 28, channels: 1, levels: 2 });
  }

  /**
   * Whether there is a GPU that draws faster than software would, and has drawn a row as the CPU did.
   * @param {string} model
   * @param {AbortSignal} signal
   */
  async #gpuReady(model, signal) {
    const { present, software } = await findAdapter();
    if (!present || software || matchMedia(PHONE).matches) return false;
    const ready = this.#engine.calibrate({ model, count: 1, signal }).then(() => true, () => false);
    const late = new Promise((/** @type {(ready: boolean) => void} */ resolve) => setTimeout(() => resolve(false), GPU_WAIT_MS));
    return Promise.race([ready, late]);
  }
}
