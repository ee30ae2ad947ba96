/**
 * Networks for the tests: those of the page, and variants of one of them that draw other pictures.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { listedModels } from './reference.js';
import { fileOf } from './server.js';

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
  const json = JSON.stringify(weights.header);
  // Spaces behind the header keep the tensors aligned, as in any safetensors file.
  const text = Buffer.from(json.padEnd(8 * Math.ceil(json.length / 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const bytes = Buffer.concat([length, text, weights.tensors]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { entry: { ...entry, name, title: name, file: `${name}.safetensors`, bytes: bytes.length, sha256 }, bytes };
}

/**
 * Offers networks besides the page's own, which come first.
 * @param {import('./server.js').Site} site
 * @param {Array<{ entry: any, bytes: Buffer }>} more
 */
export function offer(site, more) {
  const models = [...listedModels(), ...more.map(({ entry }) => entry)];
  site.faults.set('models/index.json', (response) => response.end(JSON.stringify({ models })));
  for (const { entry, bytes } of more) site.faults.set(`models/${entry.file}`, (response) => response.end(bytes));
  return models;
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
