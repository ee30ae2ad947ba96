/**
 * `make bench`: every way to draw, one after another on one machine, in one table, one JSON file and one picture. Arguments pass
 * through: `make bench BENCH="--quick"`.
 *
 *   --quick              batches 1 and 16, a fifth of the time a cell
 *   --budget-ms N        time of one cell, 1500
 *   --batches 1,16       for networks that name none of their own in networks.json
 *   --networks ID,ID     some of networks.json
 *   --parts LIST         some of native,chromium,pytorch,onnxruntime,onnxruntime-web
 *   --gpu                fused and naive on the GPU natively, by wgpu, and fused on WebGPU in Chromium
 *   --cuda               fused and naive on the GPU natively, by CUDA
 *   --gpu-batches LIST   further batches of the fused way, such as 1024,4096
 *   --tflops N --gb-s N  what the card can do, from its data sheet: prints what part of it the fused way makes
 *   --json FILE          target/bench/ladder.json
 *   --svg FILE           docs/ladder.svg; beside the JSON where the run is quick or one of some networks or parts
 *
 * A part that fails or is not installed becomes a line that says so.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gather } from './ladder/cells.mjs';
import { chartOf } from './ladder/chart.mjs';
import { readNetworks } from './ladder/chromium.mjs';
import { missingOf, ratioLines, ratiosOf, tableOf } from './ladder/table.mjs';

const REPOSITORY = fileURLToPath(new URL('../', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target');
const PYTHON = join(REPOSITORY, '.tools/peers/python/bin/python');

/** Of the peers: what a larger batch costs them a value hardly falls any more, and takes minutes. */
const LARGEST_PEER_BATCH = 16;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'budget-ms': { type: 'string' },
    batches: { type: 'string' },
    networks: { type: 'string' },
    parts: { type: 'string' },
    gpu: { type: 'boolean', default: false },
    cuda: { type: 'boolean', default: false },
    'gpu-batches': { type: 'string' },
    tflops: { type: 'string' },
    'gb-s': { type: 'string' },
    json: { type: 'string', default: join(TARGET, 'bench/ladder.json') },
    svg: { type: 'string' },
  },
});
const budget = options['budget-ms'] ?? (options.quick ? '300' : '1500');
const batches = options.batches ?? (options.quick ? '1,16' : '1,16,64,256');
const peerBatches = batches.split(',').filter((batch) => Number(batch) <= LARGEST_PEER_BATCH).join(',');
const chosen = options.networks ? ['--networks', options.networks] : [];
const common = ['--json', '--budget-ms', budget, ...chosen];
const browser = browserPath();

const parts = options.parts?.split(',') ?? ['native', 'chromium', 'pytorch', 'onnxruntime', 'onnxruntime-web'];
// What is published shows everything.
const whole = !options.quick && !options.networks && !options.parts;
const svg = options.svg ?? (whole ? join(REPOSITORY, 'docs/ladder.svg') : join(dirname(options.json), 'ladder.svg'));
const onGpu = options.gpu || options.cuda;
const features = ['native', ...(options.gpu ? ['wgpu'] : []), ...(options.cuda ? ['cuda'] : [])].join();
const build = ['--release', '--no-default-features', '--features', features, '--bin', 'pixelrnn'];
const ways = ['naive', 'cached-1', 'cached-all', ...(onGpu ? ['naive-gpu', 'fused'] : [])];
const ofGpu = ['gpu-batches', 'tflops', 'gb-s'].flatMap((name) => (onGpu && options[name] ? [`--${name}`, options[name]] : []));

/**
 * How each part is run: the program and its arguments.
 * @type {Record<string, [string, string[]]>}
 */
const PARTS = {
  native: ['cargo', ['run', '--quiet', ...build, '--', 'bench', ...common, '--batches', batches, '--ways', ways.join(), ...ofGpu]],
  chromium: ['node', ['benches/browser.mjs', ...common, '--batches', batches, ...(options.gpu ? ['--gpu'] : [])]],
  pytorch: [PYTHON, ['benches/peers.py', 'pytorch', ...common, '--batches', peerBatches]],
  onnxruntime: [PYTHON, ['benches/peers.py', 'onnxruntime', ...common, '--batches', peerBatches]],
  'onnxruntime-web': ['node', ['benches/peers.mjs', ...common, '--batches', peerBatches]],
};

/** @type {Array<Record<string, any>>} */
const lines = Object.entries(machine()).map(([key, value]) => ({ line: 'about', key, value }));
const start = performance.now();
if (parts.includes('native')) buildNative();
for (const part of parts) {
  if (!(part in PARTS)) throw new Error(`--parts: found ${part}, expected some of ${Object.keys(PARTS).join()}`);
  await run(part);
}
lines.push({ line: 'about', key: 'measured in', value: `${Math.round((performance.now() - start) / 1e3)} s, budget ${budget} ms a cell` });

const networks = await readNetworks();
const gathered = gather(lines, networks);
const ratios = ratiosOf(gathered, networks);
console.log(tableOf(gathered, networks));
console.log(['', ...missingOf(gathered), ...ratioLines(ratios)].join('\n'));
await write(options.json, `${JSON.stringify({ ...gathered, ratios }, null, 1)}\n`);
await write(svg, chartOf(gathered, networks));

/** What stands in the header before the parts add their own. */
function machine() {
  const [load] = loadavg();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} threads, load ${load.toFixed(1)} at the start`,
    pixelrnn: textOf('git', ['describe', '--always', '--dirty']),
    rustc: textOf('rustc', ['--version']),
    Node: process.version,
  };
}

/**
 * @param {string} program
 * @param {string[]} parameters
 */
function textOf(program, parameters) {
  try {
    return execFileSync(program, parameters, { cwd: REPOSITORY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** The browser that the tests use, when it is not where they look for it. */
function browserPath() {
  const [path] = textOf('scripts/browser.sh', []).split('\n');
  return path === 'unknown' ? {} : { CHROME: path };
}

/** Ahead of the clock; what goes wrong shows again when the part runs. */
function buildNative() {
  try {
    execFileSync('cargo', ['build', ...build], { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'inherit'] });
  } catch {
    console.error('ladder: the native part does not build');
  }
}

/**
 * Runs a part and takes its lines; what it says on stderr matters when it fails.
 * @param {string} part
 */
async function run(part) {
  const [program, parameters] = PARTS[part];
  console.error(`ladder: ${part} ...`);
  const child = spawn(program, parameters, { cwd: REPOSITORY, env: { ...process.env, ...browser }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-4000)));
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message.includes('ENOENT') ? 'not installed (scripts/peers.sh)' : error.message));
    child.on('close', (status) => resolve(status === 0 ? null : lastLine(said) || `ended with status ${status}`));
  });
  for await (const text of createInterface({ input: child.stdout })) {
    if (text.startsWith('{')) lines.push(JSON.parse(text));
  }
  const why = await ended;
  if (why) lines.push({ line: 'missing', host: part, way: '', why });
}

/**
 * The line that names the error: the last of Python's and cargo's, the one with the word in Node's.
 * @param {string} text
 */
function lastLine(text) {
  const all = text.split('\n').filter((line) => line.trim());
  return (all.find((line) => /^(\w*Error|error)\b.*:/.test(line)) ?? all.at(-1) ?? '').trim();
}

/**
 * @param {string} path
 * @param {string} text
 */
async function write(path, text) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  console.error(`ladder: wrote ${path}`);
}
