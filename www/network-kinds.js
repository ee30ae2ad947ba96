/**
 * What kind of pictures a network draws, in the words of the page.
 */

import { formatCount } from './settings.js';

/** @typedef {import('./engine.js').ModelEntry} ModelEntry */

/**
 * Names of the data sets.
 * @type {Readonly<Record<string, { title: string, about: string }>>}
 */
const DATASETS = Object.freeze({
  'binarized-mnist': { title: 'Digits', about: 'binarized MNIST' },
  mnist: { title: 'Digits', about: 'MNIST' },
  cifar10: { title: 'Photographs', about: 'CIFAR-10' },
});

/** @param {ModelEntry} entry */
function datasetOf({ training }) {
  return training?.config?.dataset ?? '';
}

/**
 * Networks that draw pictures of one kind, and may be compared.
 * @typedef {object} NetworkGroup
 * @property {string} title
 * @property {string} about
 * @property {ModelEntry[]} entries
 */

/**
 * The networks by the data they were trained on and the shape of what they draw, in the order of the list.
 * @param {ModelEntry[]} models
 * @returns {NetworkGroup[]}
 */
export function groupNetworks(models) {
  /** @type {Map<string, NetworkGroup>} */
  const groups = new Map();
  for (const entry of models) {
    const { width, height, channels, levels } = entry.config ?? {};
    const key = [width, height, channels, levels, datasetOf(entry)].join();
    const group = groups.get(key) ?? { ...nameOf(entry), entries: [] };
    group.entries.push(entry);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** @param {ModelEntry} entry */
function nameOf(entry) {
  const { config } = entry;
  const known = DATASETS[datasetOf(entry)];
  const title = known?.title ?? 'Pictures';
  if (!config) return { title, about: known?.about ?? '' };
  const colours = config.channels === 3 ? 'in colour' : config.levels === 2 ? 'black and white' : 'in grey';
  return { title, about: [known?.about, `${config.width} × ${config.height}`, colours].filter(Boolean).join(', ') };
}

/** Whether likelihoods of a network are told in bits per dimension rather than in nats. @param {ModelEntry} entry */
function inBits({ config }) {
  return config !== undefined && config.levels !== 2;
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
 * What the likelihood of a network means, and what it was measured on.
 * @param {ModelEntry | undefined} entry
 */
export function explainNll(entry) {
  if (!entry?.test_nll) return '';
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
