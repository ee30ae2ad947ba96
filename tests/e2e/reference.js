/**
 * The command line as the reference for what the page draws.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
 * @param {{ model: string, seed: bigint | number, count: number, temperature?: number }} options
 */
export function sampleWithCommandLine({ model, seed, count, temperature = 1 }) {
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-e2e-'));
  try {
    const out = join(folder, 'levels.npy');
    const { file } = listedModels().find(({ name }) => name === model);
    const options = { model: fileOf(`models/${file}`), seed, count, temperature, out };
    execFileSync(BINARY, ['sample', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])]);
    return readNpy(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Images of a uint8 `.npy` file of shape `[N, C, H, W]`.
 * @param {Buffer} file
 */
function readNpy(file) {
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  if (!/'descr': '\|u1'/.test(header) || !/'fortran_order': False/.test(header)) throw new Error(`unexpected .npy header ${header}`);
  const [count, ...image] = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').map(Number);
  const size = image.reduce((product, length) => product * length, 1);
  return Array.from({ length: count }, (_, k) => [...file.subarray(start + k * size, start + (k + 1) * size)]);
}
