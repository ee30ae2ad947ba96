/**
 * A static server for the tests: the page as `make run` and `make dist` lay it out, under any
 * sub-path, with faults on demand.
 */

import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
});

/** The strictest policy the page promises to work under; it binds the worker too. */
export const STRICT_POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types pixel-rnn pixel-rnn-offline";

/**
 * Answers a request in place of the file. `file` is where the file lies, or null.
 * @typedef {(response: import('node:http').ServerResponse, file: string | null) => void} Fault
 */

/** The folder of the modules, where `dist` has one. */
const BUILD = /^[0-9a-f]{16}\//;

/**
 * @typedef {object} Site
 * @property {string} url               of the page, ending in the sub-path
 * @property {string} [folder]          served in place of the sources
 * @property {Map<string, Fault>} faults by path below the sub-path, such as `models/index.json`, and below the folder of the modules
 * @property {string[]} missing         paths answered with 404
 * @property {() => Promise<void>} close
 */

/**
 * Serves the page. PIXELRNN_SITE names a folder to serve instead, such as `dist`.
 * @param {{ prefix?: string, policy?: string, cors?: boolean, folder?: string }} [options]  `cors`: pages of any origin may read it
 * @returns {Promise<Site>}
 */
export async function serveSite({ prefix = '/', policy, cors = false, folder = process.env.PIXELRNN_SITE } = {}) {
  /** @type {Site["faults"]} */
  const faults = new Map();
  /** @type {string[]} */
  const missing = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname.startsWith(prefix) ? decodeURIComponent(pathname.slice(prefix.length)) || 'index.html' : null;
    const file = path === null ? null : fileOf(path, site.folder);
    const fault = faults.get((path ?? '').replace(BUILD, ''));
    if (policy) response.setHeader('Content-Security-Policy', policy);
    if (cors) response.setHeader('Access-Control-Allow-Origin', '*');
    if (fault) fault(response, file);
    else if (file) sendFile(response, file);
    else {
      missing.push(pathname);
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  /** @type {Site} */
  const site = {
    url: `http://127.0.0.1:${port}${prefix}`,
    folder,
    faults,
    missing,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}

/**
 * @param {string} path  below the sub-path
 * @param {string} [folder]  served in place of the sources
 * @returns {string | null}
 */
export function fileOf(path, folder = process.env.PIXELRNN_SITE) {
  const root = folder ?? (path.startsWith('pkg/') ? REPOSITORY : join(REPOSITORY, 'www'));
  const file = normalize(join(root, path));
  if (!file.startsWith(normalize(root + sep))) return null;
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
}

/**
 * Sends a file that browsers may keep for ten minutes, as GitHub Pages does.
 * @param {import('node:http').ServerResponse} response
 * @param {string} file
 */
export function sendFile(response, file) {
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Length': statSync(file).size,
    'Cache-Control': 'max-age=600',
  });
  createReadStream(file).pipe(response);
}

/**
 * Every worker runs this before its own script.
 * @param {Site} site
 * @param {string} code
 */
export function startWorkersWith(site, code) {
  site.faults.set('worker/worker.js', (response, file) => {
    response.writeHead(200, { 'Content-Type': 'text/javascript' });
    response.end(`${code}\n${readFileSync(file ?? '', 'utf8')}`);
  });
}

/** Why the real GPU bundle cannot be tested, or false. */
export const gpuNotBuilt = fileOf(`${modulesFolder()}pkg/gpu/pixelrnn.js`) ? false : 'pkg/gpu is not built (make wasm)';

/** Where the modules and the bundles are, below the sub-path. */
export function modulesFolder() {
  const build = process.env.PIXELRNN_SITE && fileOf('build.json');
  return build ? `${JSON.parse(readFileSync(build, 'utf8'))}/` : '';
}
