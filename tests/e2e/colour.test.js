/** Networks in colour beside the digits: the choice, the samples, the race. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { coloursOn, drawnAlone, untilDone } from './browser.js';
import { SETS, colourModel, offer, twoScaleModel } from './models.js';
import { accessibilityFaults, chooseNetwork, lane, patientFor, raceLane, raceVerdict, seeCompletions, seeEverySection, seeLanes, startRace } from './sections.js';
import { page, site, visitSite } from './site.js';

const SIZE = { width: 32, height: 32 };
const PLANE = SIZE.width * SIZE.height;
const MODEL = 'test-colours';

/** @type {any[]} */
let models;

visitSite();
beforeEach(() => {
  models = offer(site, [colourModel(MODEL), colourModel('test-colours-too', { seed: 2 })]);
});

describe('the choice of networks', () => {
  test('is among those of one set, told in the measure of its pictures', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    for (const [{ name, title }, unit, other] of /** @type {const} */ ([[SETS[0], 'nats', 'bits'], [SETS[1], 'bits/dim', 'nats']])) {
      await page.getByRole('radio', { name: title }).check();
      assert.equal(await page.locator('#networks [type=radio]').count(), models.filter(({ set }) => set === name).length);
      const note = await page.locator('#networks-note').textContent();
      assert.ok(note.includes(` ${unit}.`) && !note.includes(` ${other}.`) && /kB|MB/.test(note) && /parameters/.test(note), note);
    }
    await chooseNetwork(MODEL);
    assert.match(await page.locator('#networks-note').textContent(), / Bits\/dim: .* 3,072 values; .*10,000 images \(CIFAR-10/);
  });

  test('compares each network with those of its set only', async () => {
    await page.goto(`${site.url}#model=${MODEL}&pace=instant`);
    await untilDone(page);
    await seeLanes();
    const titles = models.filter(({ config }) => config.channels === 3).map(({ title }) => title);
    assert.deepEqual(await page.locator('#lanes .title').allTextContents(), titles);
    assert.deepEqual(await coloursOn(lane(MODEL).locator('canvas'), { count: 9, ...SIZE }), await drawnAlone(page, { model: MODEL, seed: 7, count: 9 }));
    const { bits_per_dim } = models.find(({ name }) => name === MODEL).test_nll;
    assert.equal(await lane(MODEL).locator('.nll').innerText(), `${bits_per_dim.toFixed(2)} bits/dim`);
  });
});

for (const viewport of [{ width: 1280, height: 720 }, { width: 390, height: 844 }]) {
  test(`however many networks there are, the first picture is in sight on arrival (${viewport.width} × ${viewport.height})`, async () => {
    offer(site, Array.from({ length: 12 }, (_, k) => twoScaleModel(`one-of-many-${k}`)));
    await page.setViewportSize(viewport);
    await page.goto(`${site.url}#pace=instant`);
    await page.locator('#networks label').nth(15).waitFor({ state: 'attached' });
    const { bottom } = await page.locator('#easel').evaluate((easel) => easel.getBoundingClientRect());
    assert.ok(bottom < viewport.height, `it ends at ${bottom}`);
  });
}

describe('samples in colour', () => {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`show the levels that were drawn, channel by channel, never inverted (${colorScheme})`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${site.url}#model=${MODEL}&seed=3&count=4&pace=instant`);
      await untilDone(page);
      const canvas = page.locator('pixel-rnn canvas');
      assert.deepEqual(await coloursOn(canvas, { count: 4, ...SIZE }), await drawnAlone(page, { model: MODEL, seed: 3, count: 4 }));
      assert.equal(await canvas.evaluate((element) => getComputedStyle(element).filter), 'none');
    });
  }

  test('come with speed and bits per dimension, digits with nats', async () => {
    await page.goto(`${site.url}#model=${MODEL}&count=4&pace=instant`);
    await untilDone(page);
    const [{ nll_nats, elapsed_ms, pixels_per_second }] = await page.evaluate(() => window.seen.done.map(({ nll_nats, ...rest }) => ({ ...rest, levels: 0, seed: 0, nll_nats: [...nll_nats] })));
    const bits = nll_nats.reduce((/** @type {number} */ sum, /** @type {number} */ nats) => sum + nats, 0) / 4 / Math.LN2 / 3072;
    assert.equal(await page.locator('.likelihood').innerText(), `−log₂ p: ${bits.toFixed(2)} bits per dimension.`);
    assert.ok(Math.abs((pixels_per_second * elapsed_ms) / 1000 - 4 * PLANE) < 1);
    await page.getByRole('radio', { name: 'Digits' }).check();
    await untilDone(page, 2);
    assert.match(await page.locator('.likelihood').innerText(), /^−ln p: \d+\.\d\d nats an image\.$/);
  });
});

describe('the page with a network in colour', () => {
  /** Everything it can show at once. */
  async function showAll() {
    await page.goto(`${site.url}#model=${MODEL}&temperature=0.9&pace=instant`);
    await untilDone(page);
    await page.locator('#own-file').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    await seeEverySection();
    await seeCompletions();
  }

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`has no accessibility violations, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await showAll();
      assert.deepEqual(await accessibilityFaults(), []);
    });
  }

  for (const width of [360, 390, 768, 1280]) {
    test(`fits a window ${width} pixels wide`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await showAll();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }
});

describe('the race against full runs', () => {
  test('of a picture that would take minutes ends after some values and says how long the whole would take', { timeout: 90_000 }, async () => {
    await patientFor(55_000);
    await page.goto(`${site.url}#model=${MODEL}&count=1&pace=instant`);
    await startRace();
    // Two pixels, however long a full run takes here: each of their colours takes one.
    await raceLane('Run it all again').locator('.runs').filter({ hasText: /^([6-9]|\d\d)/ }).waitFor({ timeout: 50_000 });
    await page.locator('#race').getByRole('button', { name: 'Stop' }).click();
    await raceVerdict(/^At least [\d,]+ times as fast, by its pace [\d,]+ times; same pixels so far\.$/).waitFor({ timeout: 40_000 });
    assert.match(await raceLane('Run it all again').locator('.report').innerText(), /^Stopped; it would take [\d.]+ (s|min)\.$/);
    const drawn = (/** @type {string} */ title) => coloursOn(raceLane(title).locator('canvas'), { count: 1, ...SIZE });
    const [[naive], [cached]] = [await drawn('Run it all again'), await drawn('Keep what is known')];
    const count = naive.filter((level) => level !== null).length;
    const runs = parseInt(await raceLane('Run it all again').locator('.runs').innerText());
    assert.ok(count >= 6 && count < 3 * PLANE && runs - count >= 0 && runs - count < 3, 'a run for every colour, a pixel for its three');
    naive.forEach((level, at) => assert.ok(level === null || level === cached[at]));
  });
});
