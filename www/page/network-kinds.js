/**
 * What kind of pictures a network draws, in the words of the page.
 */

import { formatBytes, formatCount, isInk } from '../shared/format.js';

/** @typedef {import('../engine.js').ModelEntry} ModelEntry */
/** @typedef {import('../engine.js').ModelSet} ModelSet */

/**
 * A set of pictures, and the networks that draw such pictures.
 * @typedef {ModelSet & { entries: ModelEntry[] }} NetworkSet
 */

/**
 * The sets that there are networks for, in the order of the list. Networks of no listed set are grouped by the data they
 * were trained on and the shape of what they draw.
 * @param {ModelEntry[]} models
 * @param {ModelSet[]} sets
 * @returns {NetworkSet[]}
 */
export function networkSets(models, sets) {
  /** @type {Map<string, NetworkSet>} */
  const others = new Map();
  for (const entry of models.filter(({ set }) => !sets.some(({ name }) => name === set))) {
    const name = kindOf(entry);
    if (!others.has(name)) others.set(name, { name, ...nameOf(entry), entries: [] });
    others.get(name)?.entries.push(entry);
  }
  const listed = sets.map((set) => ({ ...set, entries: models.filter((entry) => entry.set === set.name) }));
  return [...listed.filter(({ entries }) => entries.length), ...others.values()];
}

/**
 * The networks that may be compared with the one named, itself among them: they draw the same kind of pictures.
 * @param {string} name
 * @param {ModelEntry[]} models
 */
export function peersOf(name, models) {
  const one = models.find((entry) => entry.name === name);
  return one ? models.filter((entry) => kindOf(entry) === kindOf(one)) : [];
}

/** @param {ModelEntry} entry */
function kindOf(entry) {
  const { width, height, channels, levels } = entry.config ?? {};
  return [dataOf(entry), width, height, channels, levels].join();
}

/** Name of the pictures that a network was trained on. @param {ModelEntry} entry */
function dataOf({ set, training }) {
  const dataset = training?.config?.dataset;
  return set ?? (typeof dataset === 'object' ? dataset.name : dataset) ?? '';
}

/** @param {ModelEntry} entry */
function nameOf(entry) {
  const { config } = entry;
  const title = dataOf(entry) || 'Pictures';
  if (!config) return { title, about: '' };
  const colours = isInk(config) ? 'black and white' : config.channels === 3 ? 'in colour' : 'in grey';
  return { title, about: `${config.width} × ${config.height}, ${colours}` };
}

/** Whether likelihoods of a network are told in bits per dimension rather than in nats. @param {ModelEntry} entry */
function inBits({ config }) {
  return config !== undefined && !isInk(config);
}

/**
 * A measured likelihood with its unit.
 * @param {ModelEntry} entry
 */
export function formatNll(entry) {
  if (!entry.test_nll) return 'not measured';
  const { nats_per_image, bits_per_dim } = entry.test_nll;
  return inBits(entry) ? `${bits_per_dim.toFixed(2)} bits/dim` : `${nats_per_image.toFixed(2)} nats`;
}

/**
 * A network's size, its download, and how likely it finds the test images.
 * @param {ModelEntry | undefined} entry
 */
export function describeNetwork(entry) {
  if (!entry) return '';
  const { title, parameters, bytes } = entry;
  return `${title}: ${formatCount(parameters)} parameters, ${formatBytes(bytes)}, ${formatNll(entry)}. ${explainNll(entry)}`.trim();
}

/**
 * What the likelihood of a network means, and what it was measured on.
 * @param {ModelEntry} entry
 */
function explainNll(entry) {
  if (!entry.test_nll) return '';
  const { images, protocol } = entry.test_nll;
  const { width = 0, height = 0, channels = 1, conditioning } = entry.config ?? {};
  const unit = inBits(entry)
    ? `Bits/dim: −log₂ p of an image, divided by its ${formatCount(width * height * channels)} values`
    : 'Nats: −ln p of an image';
  const { width: across, height: down } = conditioning?.small ?? {};
  const scales = conditioning ? `${across} × ${down} pixels are drawn first, and ${width} × ${height} from them. ` : '';
  const pair = conditioning ? ', p being that of the pair: p(small) · p(large | small)' : '';
  return `${scales}${unit}${pair}; the mean over ${formatCount(images)} images (${protocol}); fewer are better.`;
}
