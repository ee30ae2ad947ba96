/**
 * The sections that explain, each with its figure.
 */

import { Looks } from './looks.js';
import { OneNumber } from './one-number.js';
import { rowMemory } from './row-memory.js';
import { Shortcuts } from './shortcuts.js';
import { skew } from './skew.js';
import { WindowMasks } from './window-masks.js';

/**
 * Brings the figures to life; gives those that change with the network.
 * @param {import('../../engine.js').Engine} engine
 */
export function explain(engine) {
  const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  new WindowMasks(engine, part('window-masks'));
  rowMemory(part('row-memory'));
  skew(part('skew'));
  return [new OneNumber(engine, part('one-number')), new Looks(engine, part('looks')), new Shortcuts(engine, part('shortcuts'))];
}
