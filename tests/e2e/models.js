/**
 * Networks for the tests: those of the page, and variants of one of them that draw other pictures.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { listedModels } from './reference.js';
import { fileOf } from './server.js';

/**
 * Sets of pictures that the tests' networks draw the like of: those that MNIST and CIFAR-10 are on the page, without their pictures.
 * @type {any[]}
 */
export const SETS = [
  { name: 'binarized-mnist', title: 'Digits', about: 'binarized MNIST, 28 × 28, black and white', examples: 'mnist-test-digits.json', example: 'MNIST test image' },
  { name: 'cifar10', title: 'Photographs', about: 'CIFAR-10, 32 × 32, in colour', examples: 'cifar10-test-images.json', example: 'CIFAR-10 test image' },
];

/**
 * A weights file taken apart: safetensors is a length, a JSON header and the tensors.
 * @typedef {{ header: any, tensors: Buffer }} Weights
 */

/**
 * A network made from a listed one.
 * @param {any} entry   of the list
 * @param {object} changes
 * @param {string} changes.name
 * @param {(weights: Weights) => void} changes.edit
 * @returns {Promise<{ entry: any, bytes: Buffer }>}
 */
export async function editedModel(entry, { name, edit }) {
  const file = readFileSync(fileOf(`models/${entry.file}`) ?? '');
  const headerEnd = 8 + Number(file.readBigUInt64LE(0));
  const weights = { header: JSON.parse(file.toString('utf8', 8, headerEnd)), tensors: file.subarray(headerEnd) };
  edit(weights);
  const bytes = joinWeights(weights.header, weights.tensors);
  return { entry: { ...entry, name, title: name, file: `${name}.safetensors`, bytes: bytes.length, sha256: sha256(bytes) }, bytes };
}

/**
 * Writes a weights file.
 * @param {any} header
 * @param {Buffer} tensors
 */
function joinWeights(header, tensors) {
  const json = JSON.stringify(header);
  // Spaces behind the header keep the tensors aligned, as in any safetensors file.
  const text = Buffer.from(json.padEnd(8 * Math.ceil(json.length / 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, tensors]);
}

/** @param {Buffer} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Shapes of the tensors of a PixelCNN, and of the one that draws the small picture first where there is one.
 * @param {any} config
 * @returns {Array<[name: string, shape: number[]]>}
 */
function tensorShapes({ channels, levels, height, layers, h, head, conditioning }) {
  /** @type {(name: string, to: number, from: number, kernel: number) => Array<[string, number[]]>} */
  const conv = (name, to, from, kernel) => [[`${name}.weight`, [to, from, kernel, kernel]], [`${name}.bias`, [to]]];
  const maps = conditioning?.maps;
  const blocks = Array.from({ length: layers }, (_, at) => `blocks.${at}`).flatMap((block) => [
    ...conv(`${block}.reduce`, h, 2 * h, 1),
    ...conv(`${block}.conv`, h, h, 3),
    ...(maps ? [/** @type {[string, number[]]} */ ([`${block}.condition`, [h, maps, 1, 1]])] : []),
    ...conv(`${block}.expand`, 2 * h, h, 1),
    ...conv(`${block}.skip`, 2 * h, h, 1),
  ]);
  const doublings = maps ? Math.log2(height / conditioning.small.height) : 0;
  const upsampler = maps && [
    ...conv('upsampler.convs.0', maps, channels, 3),
    ...conv('upsampler.convs.1', maps, maps, 3),
    ...Array.from({ length: doublings }, (_, at) => conv(`upsampler.deconvs.${at}`, maps, maps, 4)).flat(),
    ...tensorShapes(conditioning.small).map(([name, shape]) => /** @type {[string, number[]]} */ ([`small.${name}`, shape])),
  ];
  const outputs = channels * (levels === 2 ? 1 : levels);
  return [...conv('first', 2 * h, channels, 7), ...blocks, ...conv('head.hidden', head, 2 * h, 1), ...conv('head.output', outputs, head, 1), ...(upsampler || [])];
}

/**
 * A PixelCNN with weights drawn from a seed.
 * @param {string} name
 * @param {any} config
 * @param {number} seed
 */
function untrained(name, config, seed) {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  /** @type {any} */
  const header = { __metadata__: { config: JSON.stringify(config) } };
  const values = [];
  for (const [tensor, shape] of tensorShapes(config)) {
    const size = shape.reduce((product, length) => product * length, 1);
    const start = 4 * values.length;
    // Peaks and valleys where there are many levels; ink and paper about as likely where there are two.
    const reach = !tensor.includes('head.output') ? 4 / Math.sqrt(size / shape[0]) : config.levels === 2 ? 0.3 : 3;
    for (let at = 0; at < size; at++) values.push(reach * uniform());
    header[tensor] = { dtype: 'F32', shape, data_offsets: [start, start + 4 * size] };
  }
  const bytes = joinWeights(header, Buffer.from(Float32Array.from(values).buffer));
  return { entry: { name, title: name, file: `${name}.safetensors`, bytes: bytes.length, sha256: sha256(bytes), parameters: values.length, config }, bytes };
}

/**
 * An untrained network in colour: small, quick, and as much work for the page as a trained one.
 * @param {string} name
 * @param {{ width?: number, height?: number, levels?: number, seed?: number }} [options]
 */
export function colourModel(name, { width = 32, height = 32, levels = 256, seed = 1 } = {}) {
  const { entry, bytes } = untrained(name, { network: 'pixelcnn', channels: 3, levels, height, width, layers: 2, h: 9, head: 12, skip: true }, seed);
  const test_nll = { nats_per_image: 7000.5, bits_per_dim: 3.287, images: 10000, protocol: 'CIFAR-10, test split' };
  return { entry: { ...entry, test_nll, training: { config: { dataset: 'cifar10' } } }, bytes };
}

/**
 * An untrained network of two scales: 7 x 7, then 28 x 28 pixels of ink and paper.
 * @param {string} name
 * @param {number} [seed]
 */
export function twoScaleModel(name, seed = 1) {
  const plain = { network: 'pixelcnn', channels: 1, levels: 2, layers: 2, h: 8, head: 8, skip: true };
  const small = { ...plain, height: 7, width: 7 };
  const { entry, bytes } = untrained(name, { ...plain, height: 28, width: 28, conditioning: { maps: 4, small } }, seed);
  const test_nll = { nats_per_image: 88.5, bits_per_dim: 0.163, images: 10000, protocol: 'binarized MNIST, fixed binarization, test split' };
  return { entry: { ...entry, test_nll, training: { config: { dataset: 'binarized-mnist' } } }, bytes };
}

/**
 * An untrained network of a size that is no other's: 11 x 9, then 22 x 18 pixels of 256 greys.
 * @param {string} name
 * @param {number} [seed]
 */
export function oddModel(name, seed = 1) {
  const plain = { network: 'pixelcnn', channels: 1, levels: 256, layers: 2, h: 6, head: 8, skip: true };
  const small = { ...plain, height: 9, width: 11 };
  return untrained(name, { ...plain, height: 18, width: 22, conditioning: { maps: 4, small } }, seed);
}

/**
 * Offers sets, and networks besides the page's own of these sets, which come first.
 * @param {import('./server.js').Site} site
 * @param {Array<{ entry: any, bytes: Buffer, set?: string }>} more  of the set of their data, if none is named
 */
export function offer(site, more, sets = SETS) {
  const listed = listedModels().map((/** @type {any} */ entry) => ({ entry, set: undefined }));
  const models = [...listed, ...more]
    .map(({ entry, set = entry.set ?? entry.training.config.dataset }) => ({ ...entry, set }))
    .filter(({ set }) => sets.some(({ name }) => name === set));
  serveIndex(site, { models, sets });
  serveWeights(site, more);
  return models;
}

/**
 * Offers these networks and no others, without sets.
 * @param {import('./server.js').Site} site
 * @param {Array<{ entry: any, bytes: Buffer }>} models
 */
export function offerOnly(site, models) {
  serveIndex(site, { models: models.map(({ entry }) => entry) });
  serveWeights(site, models);
}

/**
 * @param {import('./server.js').Site} site
 * @param {{ models: any[], sets?: any[] }} index
 */
export function serveIndex(site, index) {
  site.faults.set('models/index.json', (response) => response.end(JSON.stringify(index)));
}

/**
 * @param {import('./server.js').Site} site
 * @param {Array<{ entry: any, bytes: Buffer }>} models
 */
function serveWeights(site, models) {
  for (const { entry, bytes } of models) site.faults.set(`models/${entry.file}`, (response) => response.end(bytes));
}

/**
 * The first network with less or more ink: what it adds to the log-odds of ink is changed by `shift`.
 * @param {string} name
 * @param {number} shift
 */
export function withInk(name, shift) {
  return editedModel(listedModels()[0], {
    name,
    edit: ({ header, tensors }) => {
      const [start] = header['head.output.bias'].data_offsets;
      tensors.writeFloatLE(tensors.readFloatLE(start) + shift, start);
    },
  });
}

/**
 * The first PixelCNN for images of another size, with the same weights. Its full passes take far fewer kernels than those of the
 * recurrent networks, whose scans are long.
 * @param {string} name
 * @param {{ width: number, height: number }} size
 */
export async function withSize(name, size) {
  const { entry, bytes } = await editedModel(listedModels().find(({ config }) => config.network === 'pixelcnn'), {
    name,
    edit: ({ header }) => {
      header.__metadata__.config = JSON.stringify({ ...JSON.parse(header.__metadata__.config), ...size });
    },
  });
  return { entry: { ...entry, config: { ...entry.config, ...size } }, bytes };
}
