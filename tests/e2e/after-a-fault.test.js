/** What is on the page belongs to what is chosen: after a fault nothing of earlier drawings is left. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imagesOn, imagesShown, seeSamples, untilDone } from './browser.js';
import { digitShown } from './easel.js';
import { listedModels } from './reference.js';
import { raceLane, raceVerdict, seeCompletions, seeLanes } from './sections.js';
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

/** What the easel shows and says of a picture. */
async function easel() {
  const said = (/** @type {string} */ id) => page.locator(`#${id}`).innerText();
  const texts = await Promise.all(['inspector-values', 'inspector-cost', 'view-caption', 'easel-said'].map(said));
  return { texts: texts.join(''), empty: isEmpty([await digitShown()]) };
}
const NO_PICTURE = { texts: '', empty: true };

/** Opens the page and waits until every section has drawn. @param {string} hash */
async function openAll(hash) {
  await page.goto(site.url + hash);
  await untilDone(page);
  await seeCompletions();
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
  let broken = false;
  /** @type {Array<() => unknown>} */
  const held = [];
  site.faults.set(`models/${file}`, (response) => {
    response.writeHead(200).write('x');
    if (broken) setTimeout(() => response.destroy(), 50);
    else held.push(() => response.destroy());
  });
  await openAll('#pace=instant&count=4');
  await page.evaluate((model) => (location.hash = `#pace=instant&count=4&model=${model}`), name);
  await page.locator('pixel-rnn').getByRole('progressbar').waitFor();
  assert.deepEqual(await samples(), NOTHING);
  await page.locator('#loading').waitFor();
  assert.deepEqual(await easel(), NO_PICTURE);
  assert.ok(isEmpty(await imagesOn(page.locator('#completed'), 16)));
  assert.equal(await page.locator('#completions-report').innerText(), '');
  broken = true;
  for (const fail of held) fail();
  await seeCompletions(/broke off/);
  for (const fault of ['pixel-rnn [role=alert]', '#easel-fault']) await page.locator(fault).filter({ hasText: /broke off/ }).waitFor();
  assert.deepEqual(await samples(), NOTHING);
  assert.deepEqual(await easel(), NO_PICTURE);
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
  await seeCompletions('It broke.');
  await page.locator('#easel-fault').filter({ hasText: 'It broke.' }).waitFor();
  await seeSamples(page);
  await page.locator('pixel-rnn [role=alert]').filter({ hasText: 'It broke.' }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('#lanes .fault')].every(({ hidden }) => !hidden));
  // Rows still on their way would come now.
  await page.waitForTimeout(300);
  assert.deepEqual(await samples(), NOTHING);
  assert.deepEqual(await easel(), NO_PICTURE);
  assert.ok(isEmpty(await imagesOn(page.locator('#completed'), 16)));
  for (const lane of await page.locator('#lanes figure').all()) {
    assert.ok(isEmpty(await imagesOn(lane.locator('canvas'), 9)));
    assert.deepEqual(await lane.locator('.each, .rate').allTextContents(), ['–', '–']);
  }
  await page.locator('#race button').scrollIntoViewIfNeeded();
  await raceVerdict('It broke.').waitFor();
  assert.ok(isEmpty(await imagesOn(raceLane('Keep what is known').locator('canvas'), 1)));
  assert.deepEqual(await page.locator('#race figure .report').allInnerTexts(), ['', '', '']);
});
