/** The first screen waits for no module that is found in another one. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withPreloads } from '../../scripts/preloads.mjs';

test('every module of the first screen is named in the page', () => {
  const www = fileURLToPath(new URL('../../www/', import.meta.url));
  assert.equal(readFileSync(`${www}index.html`, 'utf8'), withPreloads(www), 'node scripts/preloads.mjs brings the list up to date');
});
