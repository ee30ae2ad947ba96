/**
 * The command line as the reference for what the page draws.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileOf } from './server.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = process.env.PIXELRNN_BIN ?? resolve(REPOSITORY, process.env.CARGO_TARGET_DIR ?? 'target', 'release', 'pixelrnn');

/** Why the command line cannot be asked, or false. A binary named on purpose must exist. */
export const noCommandLine =
  process.env.PIXELRNN_BIN || existsSync(BINARY) ? false : 'the pixelrnn binary is not built (cargo build --release)';

/** The models on offer. */
export function listedModels() {
  return JSON.parse(readFileSync(fileOf('models/index.json') ?? '', 'utf8')).models;
}

/**
 * Levels of images drawn by `pixelrnn sample`, one array per image.
 * @param {{ model: string, seed: bigint | number, count: number, temperature?: number | number[], topK?: number, topP?: number, weights?: Buffer }} options
 *   `weights`: of a network that is not listed
 */
export function sampleWithCommandLine({ model, seed, count, temperature = 1, topK, topP, weights }) {
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
  try {
    const own = join(folder, 'own.safetensors');
    if (weights) writeFileSync(own, weights);
    const file = weights ? own : fileOf(`models/${listedModels().find(({ name }) => name === model).file}`);
    return imagesOf(written('sample', { model: file ?? '', seed, count, temperature: String(temperature), ...(topK && { 'top-k': topK }), ...(topP && { 'top-p': topP }) }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * What `pixelrnn influence` or `pixelrnn reach` writes of one image.
 * @param {"influence" | "reach"} command
 * @param {Buffer} weights  a weights file
 * @param {{ levels?: number[], shape?: number[], row?: number, column?: number, flags?: string[] }} options  levels of the image
 *   and their shape `[C, H, W]`, the pixel, and what else is said
 */
export function lookWithCommandLine(command, weights, { levels, shape = [], row, column, flags = [] }) {
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
  try {
    const [model, images] = [join(folder, 'model.safetensors'), join(folder, 'images.npy')];
    writeFileSync(model, weights);
    if (levels) writeFileSync(images, npyOf(levels, [1, ...shape]));
    return written(command, { model, ...(levels && { images }), ...(row !== undefined && { row, column }) }, flags).values;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The array that a command writes.
 * @param {string} command
 * @param {Record<string, string | number | bigint | undefined>} options
 * @param {string[]} [flags]
 */
function written(command, options, flags = []) {
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
  try {
    const out = join(folder, 'out.npy');
    execFileSync(BINARY, [command, ...Object.entries({ ...options, out }).flatMap(([name, value]) => [`--${name}`, String(value)]), ...flags]);
    return readNpy(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs the command line in a folder.
 * @param {string[]} words  without the name of the program
 * @param {string} folder
 */
export function runCommandLine(words, folder) {
  execFileSync(BINARY, words, { cwd: folder });
}

/**
 * The images of an array of levels, `[N, C, H, W]`.
 * @param {ReturnType<typeof readNpy>} array
 */
export function imagesOf({ shape, values }) {
  const size = shape.slice(1).reduce((product, length) => product * length, 1);
  return Array.from({ length: shape[0] }, (_, k) => [...values.subarray(k * size, (k + 1) * size)]);
}

/**
 * A `.npy` file of numbers of 8 bits, or of 32-bit floats.
 * @param {Buffer} file
 */
export function readNpy(file) {
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  const kind = /'descr': '(\|u1|<f4)'/.exec(header)?.[1];
  if (!kind || !/'fortran_order': False/.test(header)) throw new Error(`unexpected .npy header ${header}`);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter((length) => length.trim()).map(Number);
  const bytes = new Uint8Array(file.subarray(start));
  return { shape, values: kind === '|u1' ? bytes : new Float32Array(bytes.buffer) };
}

/**
 * A `.npy` file of numbers of 8 bits.
 * @param {number[]} values
 * @param {number[]} shape
 */
function npyOf(values, shape) {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(117) + '\n';
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(header), Buffer.from(values)]);
}
