/**
 * The sites of tests/sites/docs: each built by its generator, and served with the element's module from where a test wants it.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sendFile } from '../e2e/server.js';

const TOOLS = fileURLToPath(new URL('../../.tools/', import.meta.url));
const DOCS = fileURLToPath(new URL('docs/', import.meta.url));

/** Where the sources say that the module is. */
const MODULE = 'https://pixelrnn.example/pixel-rnn.js';

/** Where a source says that its site is. */
const SITE = 'https://manual.example/';

/** Files in which these addresses may be, and what they are. @type {Record<string, string>} */
const TEXTS = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.xml': 'application/xml' };

/** The command of each generator, in the folder of its site. @type {Record<string, string[]>} */
const COMMANDS = {
  mdbook: [`${TOOLS}bin/mdbook`, 'build'],
  mkdocs: [`${TOOLS}docs-python/bin/mkdocs`, 'build', '--strict', '--quiet'],
  sphinx: [`${TOOLS}docs-python/bin/sphinx-build`, '-q', '-W', '.', 'built'],
  vitepress: ['node_modules/.bin/vitepress', 'build'],
  docusaurus: ['node_modules/.bin/docusaurus', 'build', '--out-dir', 'built'],
};

/**
 * Builds a site; throws with what its generator says when that fails.
 * @param {string} name
 */
export function build(name) {
  const [program, ...words] = COMMANDS[name];
  rmSync(join(DOCS, name, 'built'), { recursive: true, force: true });
  const env = { ...process.env, NO_MKDOCS_2_WARNING: '1', NODE_ENV: 'production', NO_UPDATE_NOTIFIER: '1' };
  execFileSync(program, words, { cwd: join(DOCS, name), env, stdio: 'pipe' });
}

/**
 * Serves a site that is built.
 * @param {string} name
 * @param {string} module  where the element's module is, for the address that the sources have
 */
export async function serve(name, module) {
  const folder = join(DOCS, name, 'built');
  /** @type {string[]} */
  const missing = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = [pathname, `${pathname}/index.html`, `${pathname}.html`]
      .map((path) => join(folder, decodeURIComponent(path)))
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    // Browsers ask for it of themselves, and none of these sites has one.
    if (pathname === '/favicon.ico') response.writeHead(204).end();
    else if (!file) {
      missing.push(pathname);
      response.writeHead(404).end();
    } else if (!TEXTS[extname(file)]) sendFile(response, file);
    else {
      const text = readFileSync(file, 'utf8').replaceAll(MODULE, module).replaceAll(SITE, `http://${request.headers.host}/`);
      response.writeHead(200, { 'Content-Type': TEXTS[extname(file)] }).end(text);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    missing,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
