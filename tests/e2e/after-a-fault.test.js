/** What is on the page belongs to what is chosen: after a fault nothing of earlier drawings is left. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imagesOn, imagesShown, untilDone } from './browser.js';
import { listedModels } from './reference.js';
import { seeCompletions, seeDistribution, seeLanes } from './sections.js';
import { openBody, page, site, visitSite } from './site.js';

visitSite();

/** @param {Array<Array<number | null>>} images */
const isEmpty = (images) => images.every((image) => image.every((pixel) => pixel === null));

/** What the samples say and show. */
async function samples() {
  const said = async (/** @type {string} */ part) => page.locator(`pixel-rnn ${part}`).innerText();
  return {
    empty: isEmpty(await imagesShown(page)),
    texts: (await Promise.all(['.speed', '.likelihood', '.backend-line'].map(said))).join(''),
    spoken: await page.locator('pixel-rnn .spoken').textContent(),
    label: await page.locator('pixel-rnn canvas').getAttribute('aria-label'),
    saves: await page.getByRole('button', { name: 'Save PNG' }).isEnabled(),
  };
}
const NOTHING = { empty: true, texts: '', spoken: '', label: 'Nothing drawn yet', saves: false };

/** What the section that looks at single pixels shows. */
async function onePixel() {
  const said = async (/** @type {string} */ id) => page.locator(`#distribution-${id}`).innerText();
  return {
    texts: (await Promise.all(['report', 'note', 'charts'].map(said))).join(''),
    choices: await page.locator('#distribution-picture option').count(),
    empty: isEmpty(await imagesOn(page.locator('#distribution-canvas'), 1)),
  };
}

/** Opens the page and waits until every section has drawn. @param {string} hash */
async function openAll(hash) {
  await page.goto(site.url + hash);
  await untilDone(page);
  await seeCompletions();
  await seeDistribution(/./);
  await seeLanes();
}

test('an element told to draw with a model that does not exist shows the sentence alone', async () => {
  await openBody('<pixel-rnn count="4" loading="eager" pace="instant"></pixel-rnn>');
  await untilDone(page);
  const before = await samples();
  assert.ok(!before.empty && before.saves && before.texts.includes('Drawn in'), JSON.stringify(before));
  await page.evaluate(() => document.querySelector('pixel-rnn').setAttribute('model', 'no-such'));
  await page.getByRole('alert').filter({ hasText: 'no-such' }).waitFor();
  assert.deepEqual(await samples(), NOTHING);

  await page.evaluate(() => document.querySelector('pixel-rnn').removeAttribute('model'));
  await untilDone(page, 2);
  assert.deepEqual(await samples(), { ...(await samples()), empty: false, saves: true, label: before.label });
});

test('of a network that comes slowly or never, nothing of the one before is shown, nor after it has failed', async () => {
  const [first, ...others] = listedModels();
  const { file, name } = others.find(({ set }) => set !== first.set);
  /** @type {() => void} */
  let fail = () => {};
  site.faults.set(`models/${file}`, (response) => {
    response.writeHead(200).write('x');
    fail = () => response.destroy();
  });
  await openAll('#pace=instant&count=4');
  await page.evaluate((model) => (location.hash = `#pace=instant&count=4&model=${model}`), name);
  await page.getByRole('progressbar').waitFor();
  assert.deepEqual(await samples(), NOTHING);
  assert.ok(isEmpty(await imagesOn(page.locator('#completed'), 30)));
  assert.equal(await page.locator('#completions-report').innerText(), '');
  fail();
  await page.locator('#completions-report').filter({ hasText: /broke off/ }).waitFor();
  await page.getByRole('alert').filter({ hasText: /broke off/ }).waitFor();
  assert.deepEqual(await samples(), NOTHING);
  assert.deepEqual(await onePixel(), { texts: '', choices: 0, empty: true });
});

test('when drawing fails, each section says so and shows nothing else', async () => {
  await openAll('#pace=instant&count=4');
  await page.evaluate(async () => {
    const { Engine } = await import('./engine.js');
    // A row comes, and then it breaks.
    const breaks = (/** @type {(options: any) => Promise<any>} */ draw) =>
      function (/** @type {any} */ options) {
        return draw.call(this, options).then(() => Promise.reject(new Error('It broke.')));
      };
    Object.assign(Engine.prototype, { sample: breaks(Engine.prototype.sample), complete: breaks(Engine.prototype.complete) });
    location.hash = '#pace=steady&count=4&seed=8';
  });
  await page.locator('#completions-report').filter({ hasText: 'It broke.' }).waitFor();
  await page.getByRole('alert').filter({ hasText: 'It broke.' }).first().waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('#lanes .fault')].every(({ hidden }) => !hidden));
  // Rows still on their way would come now.
  await page.waitForTimeout(300);
  assert.deepEqual(await samples(), NOTHING);
  assert.deepEqual(await onePixel(), { texts: '', choices: 0, empty: true });
  for (const [id, count] of /** @type {const} */ ([['#occluded', 5], ['#completed', 30], ['#originals', 5]])) {
    assert.ok(isEmpty(await imagesOn(page.locator(id), count)), id);
  }
  assert.equal(await page.locator('#examples-note').innerText(), '');
  for (const lane of await page.locator('#lanes figure').all()) {
    assert.ok(isEmpty(await imagesOn(lane.locator('canvas'), 9)));
    assert.deepEqual(await lane.locator('.each, .rate').allInnerTexts(), ['–', '–']);
  }
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('#race-verdict').filter({ hasText: 'It broke.' }).waitFor();
  assert.ok(isEmpty(await imagesOn(page.locator('#race-cached'), 1)));
  assert.deepEqual(await page.locator('.race figure .report').allInnerTexts(), ['', '']);
});

test('a pixel chosen in pictures that are being drawn is not looked up in those before', async () => {
  await openAll('#pace=instant&count=4');
  await page.evaluate(() => (location.hash = '#pace=slow&count=4&seed=8'));
  await page.waitForFunction(() => window.seen.row.some(({ seed }) => seed === 8n));
  const before = await onePixel();
  for (const canvas of ['pixel-rnn canvas', '#completed']) await page.locator(canvas).evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    element.dispatchEvent(new MouseEvent('click', { clientX: left + 5, clientY: top + 5, bubbles: true, composed: true }));
  });
  await page.waitForTimeout(200);
  assert.equal((await onePixel()).texts, before.texts);
});
