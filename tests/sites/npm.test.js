/**
 * The npm package in projects of others: built by their own tools, it draws what the engine of the page draws. `npm ci` puts the
 * pinned tools of `tests/sites/npm/` there, the package comes out of the packed file.
 */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { drawnAlone, imagesShown, untilDone } from '../e2e/browser.js';
import { listedModels } from '../e2e/reference.js';
import { openSite, openVisit, page, serveBody, site, visitSite, watch } from '../e2e/site.js';
import { customElements } from '../../scripts/custom-elements.mjs';
import { installPackage, packed } from './package.js';

const execute = promisify(execFile);
const PROJECTS = fileURLToPath(new URL('./npm/', import.meta.url));
const ELEMENT = '<pixel-rnn seed="7" count="4" pace="instant" loading="eager"></pixel-rnn>';

/** What is built lies there, a folder each. */
const built = mkdtempSync(join(tmpdir(), 'pixelrnn-sites-'));
let installed = '';

visitSite();

/**
 * A tool of the projects, which must have nothing to complain of.
 * @param {string} tool
 * @param {...string} options
 */
async function run(tool, ...options) {
  const { stdout, stderr } = await execute(join(PROJECTS, 'node_modules/.bin', tool), options, { cwd: PROJECTS, env: { ...process.env, NO_COLOR: '1' } });
  assert.doesNotMatch(stdout + stderr, /\bwarn/i);
}

before(async () => {
  await execute('npm', ['ci', '--ignore-scripts', '--no-progress', '--loglevel=error'], { cwd: PROJECTS });
  installed = installPackage(PROJECTS);
});
after(() => rmSync(built, { recursive: true, force: true }));

/** What the engine of the page's own sources draws. */
async function expected() {
  const home = await openSite();
  const visit = await openVisit();
  await visit.page.goto(`${home.url}embed.html?loading=manual`);
  return drawnAlone(visit.page, { model: listedModels()[0].name, seed: 7, count: 4 });
}

/** Opens an address whose element draws, and compares. @param {string} address */
async function drawsAt(address) {
  await page.goto(address);
  await untilDone(page);
  assert.deepEqual(await imagesShown(page), await expected());
}

/** What the page has asked for, without the sums in names. */
const asked = () => watch.requests.map((url) => new URL(url).pathname).filter((path) => /\.(wasm|safetensors)$/.test(path));

/**
 * Opens what a tool has built, on any static host, and finds that no more was fetched than is needed.
 * @param {string} folder
 * @param {string} [prefix]
 */
async function draws(folder, prefix = '/some/path/') {
  const host = await openSite({ folder, prefix });
  await drawsAt(`${host.url}index.html`);
  assert.equal(asked().filter((file) => file.endsWith('.wasm')).length, 1, 'the bundle of the CPU alone');
  assert.equal(asked().filter((file) => file.endsWith('.safetensors')).length, 1, 'one network');
  assert.deepEqual(host.missing, []);
}

/** A file of the package. @param {string} file */
const read = (file) => readFileSync(join(installed, file), 'utf8');

/** What a module of the package names besides itself. @param {string} file */
function namedBy(file) {
  const code = read(file).replaceAll(/\/\*[^]*?\*\//g, '');
  const named = [...code.matchAll(/\b(?:from|import|URL)\b[\s(]*(['"])(\.[^'"]+)\1/g)].map(([, , path]) => join(dirname(file), path));
  return file.endsWith('.d.ts') ? named.map((path) => path.replace(/\.js$/, '.d.ts')) : named;
}

test('is small, and has the version of the program', () => {
  assert.match(readFileSync(new URL('../../Cargo.toml', import.meta.url), 'utf8'), new RegExp(`^version = "${JSON.parse(read('package.json')).version}"$`, 'm'));
  assert.ok(readFileSync(packed()).length < 6e6);
});

test('has what it names, and nothing else', () => {
  const { types, unpkg, jsdelivr, customElements: manifest, sideEffects, exports } = JSON.parse(read('package.json'));
  const exported = Object.values(exports).flatMap((one) => (typeof one === 'string' ? [one] : Object.values(one)));
  const { models, sets } = JSON.parse(read('models/index.json'));
  const listed = [...models.map(({ file }) => file), ...sets.flatMap(({ picture, examples }) => [picture, examples])].filter(Boolean);
  const texts = ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE'];
  const found = new Set();
  const visit = (/** @type {string} */ file) => {
    if (found.has(file)) return;
    found.add(file);
    if (/\.(js|d\.ts)$/.test(file)) namedBy(file).forEach(visit);
  };
  for (const file of [types, unpkg, jsdelivr, manifest, ...sideEffects, ...exported.filter((name) => !name.includes('*'))]) visit(join(file));
  for (const file of [...listed.map((name) => `models/${name}`), ...texts]) visit(file);
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.deepEqual(files.map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1)).sort(), [...found].sort());
});

describe('has a manifest', () => {
  test('that says what the comments of the element say', async () => {
    assert.equal(read('custom-elements.json'), await customElements(), 'node scripts/custom-elements.mjs brings it up to date');
  });

  test('as its schema has it', () => {
    const from = createRequire(join(PROJECTS, 'package.json'));
    const { default: Ajv } = from('ajv');
    const ajv = new Ajv({ strict: false });
    ajv.validate(from('custom-elements-manifest/schema.json'), JSON.parse(read('custom-elements.json')));
    assert.equal(ajv.errors, null);
  });
});

test('can be imported where there is no window', async () => {
  const code = "import { PixelRnnElement } from 'pixel-rnn'; import { Engine, sharedEngine } from 'pixel-rnn/engine'; new Engine().dispose(); sharedEngine(); console.log(typeof PixelRnnElement);";
  const { stdout, stderr } = await execute(process.execPath, ['--input-type=module', '--eval', code], { cwd: PROJECTS });
  assert.deepEqual({ stdout, stderr }, { stdout: 'function\n', stderr: '' });
});

describe('without a tool', () => {
  test('draws by a script tag', async () => {
    const folder = join(built, 'plain');
    mkdirSync(folder);
    cpSync(installed, join(folder, 'pixel-rnn'), { recursive: true });
    const host = await openSite({ folder });
    host.faults.set('fixture.html', (response) =>
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><html lang="en"><title>plain</title><link rel="icon" href="data:,"><body>${ELEMENT}<script type="module" src="pixel-rnn/pixel-rnn.js"></script>`));
    await drawsAt(`${host.url}fixture.html`);
  });

  test('draws on a page of another origin', async () => {
    const host = await openSite({ folder: installed, cors: true });
    await drawsAt(serveBody(`${ELEMENT}<script type="module" src="${host.url}pixel-rnn.js"></script>`));
    assert.deepEqual(site.missing, []);
  });
});

describe('in a Vite project', () => {
  test('draws when it is built', async () => {
    await run('vite', 'build', 'vite', '--outDir', join(built, 'vite'));
    await draws(join(built, 'vite'), '/');
  });

  test('draws on the server for development', async () => {
    const server = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'vite', '--port', '0', '--host', '127.0.0.1', '--force'], { cwd: PROJECTS, env: { ...process.env, NO_COLOR: '1' } });
    try {
      const address = await new Promise((resolve, reject) => {
        server.stdout.on('data', (data) => /http:\/\/127[^\s]+/.test(String(data)) && resolve((/http:\/\/127[^\s]+/.exec(String(data)) ?? [''])[0]));
        server.once('exit', reject);
      });
      await drawsAt(address);
    } finally {
      server.kill();
    }
  });
});

// What must not compile is marked as such, and what compiles all the same is found.
for (const [framework, compiler] of [['React', 'tsc'], ['Preact', 'tsc'], ['Vue', 'vue-tsc']]) {
  test(`has the types that templates of ${framework} ask for`, () => run(compiler, '-p', framework.toLowerCase()));
}

test('in a React project draws', async () => {
  await run('vite', 'build', 'react', '--base', './', '--outDir', join(built, 'react'));
  await draws(join(built, 'react'));
  await page.locator('pixel-rnn[data-drawn="7"]').waitFor();
});

test('in a webpack project draws', async () => {
  await run('webpack', 'build', '--mode', 'production', '--no-performance', '--entry', './webpack/main.js', '--output-path', join(built, 'webpack'));
  cpSync(join(PROJECTS, 'webpack/index.html'), join(built, 'webpack/index.html'));
  await draws(join(built, 'webpack'));
});
