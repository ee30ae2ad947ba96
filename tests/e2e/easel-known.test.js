/** A picture that the network has finished stands on the easel too, and goes into the link unless it was brought or is too long. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { readKnown, writeKnown } from '../../www/page/complete/known-text.js';
import { assertSoon, coloursOn, imagesOn } from './browser.js';
import { canvas, digitShown, openEasel, untilWhole } from './easel.js';
import { seeCompletions } from './sections.js';
import { colourModel, offer } from './models.js';
import { openVisit, page, site, visitSite } from './site.js';

visitSite({ flags: [] });

/** Puts a result on the easel, as soon as there is one. @param {number} image */
async function choose(image) {
  const look = async () => {
    await page.getByRole('button', { name: `Look into result ${image + 1}`, exact: true }).focus();
    await page.keyboard.press('Enter');
    // The sample of the same number is called alike, but for this.
    return (await page.locator('#take-away-which').textContent()) ?? '';
  };
  await assertSoon(look, (name) => name.startsWith(`Picture ${image + 1} `) && name.endsWith(', completed'));
  await untilWhole();
}

/** Puts a result on the easel, and gives it. @param {number} image */
async function pick(image) {
  await seeCompletions();
  const result = (await imagesOn(page.locator('#completed'), 16))[image];
  await choose(image);
  return result;
}

test('a result stands on the easel as it was drawn, its given part is told as given, and its link brings it back', async () => {
  await openEasel('model=mnist-pixelcnn&seed=5&hidden=bottom');
  const result = await pick(0);
  assert.deepEqual(await digitShown(), result);
  await canvas().focus();
  await page.keyboard.press('Control+Home');
  assert.match(await page.locator('#inspector-state').innerText(), /^given/);
  const visit = await openVisit();
  await visit.page.goto(page.url());
  await visit.page.waitForFunction(() => /in all$/.test(document.querySelector('#easel-sum')?.textContent ?? ''), undefined, { timeout: 60_000 });
  assert.deepEqual((await imagesOn(visit.page.locator('#easel-canvas'), 1))[0], result);
});

test('a thumbnail puts the sample of its number back, and Back the result', async () => {
  await openEasel('model=mnist-pixelcnn&seed=5&hidden=bottom');
  await untilWhole();
  const sample = await digitShown();
  const result = await pick(0);
  assert.notDeepEqual(result, sample);
  const shows = (/** @type {Array<number | null>} */ wanted) => page.waitForFunction(
    (ink) => {
      const element = /** @type {HTMLCanvasElement} */ (document.querySelector('#easel-canvas'));
      const { data } = /** @type {CanvasRenderingContext2D} */ (element.getContext('2d')).getImageData(0, 0, 28, 28);
      return ink.every((level, at) => data[4 * at] === 255 * Number(level) && data[4 * at + 3] === 255);
    },
    wanted,
  );
  await page.getByRole('button', { name: 'Picture 1', exact: true }).click();
  await shows(sample);
  await page.goBack();
  await shows(result);
});

describe('a result in colour', () => {
  beforeEach(() => void offer(site, [colourModel('test-colours')]));

  /** What the easel shows. @param {import('playwright-core').Page} visited */
  const shown = (visited) => coloursOn(visited.locator('#easel-canvas'), { count: 1, width: 32, height: 32 });

  test('is in its link with what was given of it', async () => {
    await openEasel('model=test-colours&seed=5&hidden=bottom');
    await untilWhole();
    const sample = await shown(page);
    await seeCompletions();
    await choose(1);
    const result = await shown(page);
    assert.notDeepEqual(result, sample);
    assert.ok(page.url().length < 4000, `${page.url().length}`);
    const visit = await openVisit();
    await visit.page.goto(page.url());
    await visit.page.waitForFunction(() => /in all$/.test(document.querySelector('#easel-sum')?.textContent ?? ''), undefined, { timeout: 60_000 });
    assert.deepEqual(await shown(visit.page), result);
  });

  test('of a picture that was brought is not, and the button says so where it can be seen', async () => {
    await openEasel('model=test-colours&seed=5');
    await untilWhole();
    await seeCompletions();
    await page.locator('#own-file').setInputFiles({ name: 'red.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><path fill="red" d="M0 0h60v30H0z"/></svg>') });
    await page.locator('#own-how').filter({ hasText: /./ }).waitFor();
    await seeCompletions();
    await choose(1);
    assert.doesNotMatch(page.url(), /known=/);
    await page.locator('#copy-link').click();
    const said = page.locator('#link-said').filter({ hasText: 'a picture that you brought goes into no link' });
    await said.waitFor();
    const { width, height } = /** @type {any} */ (await said.boundingBox());
    assert.ok(width > 100 && height > 20, `${width} × ${height}`);
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.querySelector('#link-said')?.classList.contains('unseen'));
  });
});

test('what was given of a picture is as text what it was, unless that is too long', () => {
  const size = { width: 32, height: 32, channels: 3, levels: 256 };
  const given = Uint8Array.from({ length: 3072 }, (_, at) => (at * 7) % 256);
  const half = Uint8Array.from({ length: 1024 }, (_, at) => Number(at >= 512));
  const text = writeKnown({ given, mask: half }, size);
  const known = readKnown(text, size);
  assert.deepEqual(known?.mask, half);
  assert.deepEqual(known?.given, given.map((level, at) => (half[at % 1024] ? 0 : level)));
  assert.equal(writeKnown({ given, mask: new Uint8Array(1024).fill(0, 0, 1000) }, size), '');
  for (const wrong of [text.slice(0, -1), `${text}A`, text.split('.')[0], `${text}.AA`, text.replace('.', '=.')]) assert.equal(readKnown(wrong, size), null, wrong.slice(-20));
  assert.equal(readKnown(text, { ...size, width: 16 }), null);
  assert.equal(readKnown(text, { ...size, levels: 8 }), null);
});
