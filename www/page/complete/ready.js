/**
 * What it takes to finish a picture: a network, and test pictures that it knows the like of.
 */

import { sentence } from '../../shared/sentence.js';
import { loadExamples } from './examples.js';

/**
 * @typedef {object} Ready
 * @property {string} model
 * @property {import('../../engine.js').ModelInfo} info
 * @property {string} set       name of its set of pictures
 * @property {import('./examples.js').Examples | null} examples
 * @property {string} missing   why there are none, for people
 */

/**
 * Gets both; what is there already is not fetched again.
 * @param {import('../../engine.js').Engine} engine
 * @param {string} model
 * @param {AbortSignal} signal
 * @returns {Promise<Ready>}
 */
export async function getReady(engine, model, signal) {
  const info = await engine.load(model, { signal });
  // A network of the visitor's own needs no list.
  const [models, sets] = await Promise.all([engine.models().catch(() => []), engine.sets().catch(() => [])]);
  const set = models.find(({ name }) => name === model)?.set ?? '';
  let missing = 'There are no test pictures for this network here.';
  const examples = await loadExamples(sets.find(({ name }) => name === set), info).catch((error) => {
    missing = sentence(error);
    return null;
  });
  signal.throwIfAborted();
  return { model, info, set, examples, missing };
}
