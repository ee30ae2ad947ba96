/**
 * Which elements of a page hold a model: with the last of them goes what the worker has built of it.
 */

import { sharedEngine } from '../engine.js';

/** What each element holds. @type {Map<object, string>} */
const holders = new Map();

/**
 * An element draws with a model now. What it drew with before stays at hand, while there is room.
 * @param {object} element
 * @param {string} model
 */
export function hold(element, model) {
  holders.set(element, model);
}

/**
 * An element has left the page.
 * @param {object} element
 */
export function letGo(element) {
  const model = holders.get(element);
  holders.delete(element);
  if (model === undefined || [...holders.values()].includes(model)) return;
  // A model that is gone anyway, with a list that cannot be had any more, needs no word.
  sharedEngine().unload(model).catch(() => undefined);
}
