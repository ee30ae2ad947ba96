/** The npm package as its users get it: packed once for all the tests that put it into a project. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layOutPackage } from '../../scripts/npm-layout.mjs';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

let file = '';

/** The packed file, a .tgz, made of the sources and the bundles of `pkg/`. */
export function packed() {
  if (file) return file;
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-package-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  layOutPackage(join(REPOSITORY, 'www'), join(REPOSITORY, 'pkg'), join(folder, 'pixel-rnn'));
  const name = execFileSync('npm', ['pack', join(folder, 'pixel-rnn'), '--silent', '--pack-destination', folder], { encoding: 'utf8' });
  return (file = join(folder, name.trim()));
}

/**
 * Puts the packed files into a project, as `npm install FILE` does: the package has no dependencies and no scripts.
 * @param {string} project
 */
export function installPackage(project) {
  const place = join(project, 'node_modules', 'pixel-rnn');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  execFileSync('tar', ['-xzf', packed(), '-C', place, '--strip-components=1']);
  return place;
}
