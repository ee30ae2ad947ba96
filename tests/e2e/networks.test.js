/** Choosing between several networks, and seeing them side by side. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { assertSoon, drawnAlone, imagesOn, imagesShown, untilDone } from './browser.js';
import { untilShown } from './easel.js';
import { SETS, offer, withInk, withSize } from './models.js';
import { chooseNetwork, lane, seeLanes } from './sections.js';
import { page, site, visitSite, watch } from './site.js';

/** @type {any[]} */
let models;

visitSite();
beforeEach(async () => {
  models = offer(site, [await withInk('more-ink', 0.4)]);
});

/** Names of the weights files fetched so far, sorted. */
const fetched = () => watch.requests.filter((url) => url.endsWith('.safetensors')).map((url) => url.split('/').pop()).sort();

/** What may be compared. @param {any} config */
const kindOf = ({ width, height, channels, levels }) => String([width, height, channels, levels]);

/** The networks that draw what the first one draws. */
const peers = () => models.filter(({ config }) => kindOf(config) === kindOf(models[0].config));

/**
 * Waits until a column shows what its network draws alone.
 * @param {string} title
 * @param {{ model: string, seed: number, temperature?: number }} options
 */
async function assertDraws(title, options) {
  const wanted = String(await drawnAlone(page, { ...options, count: 9 }));
  const shown = async () => String(await imagesOn(lane(title).locator('canvas'), 9));
  await assertSoon(shown, (images) => images === wanted, `${title} draws seed ${options.seed}`);
}

describe('the choice of networks', () => {
  test('tells the size, the download and the likelihood of each, and what they mean', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    assert.match(await page.locator('#networks-note').textContent(), /10,000 images \(binarized MNIST/);
    for (const { name: set, title } of SETS) {
      await page.locator('#sets').getByRole('radio', { name: title }).check();
      const entries = models.filter((entry) => entry.set === set);
      assert.equal(await page.locator('#networks [type=radio]').count(), entries.length);
      assert.ok(await page.locator(`#networks [value='${entries[0].name}']`).isChecked());
      for (const { title, parameters, bytes, test_nll, config } of entries) {
        await chooseNetwork(title);
        const note = await page.locator('#networks-note').textContent();
        const size = bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1000)} kB`;
        const nll = config.levels === 2 ? `${test_nll.nats_per_image.toFixed(2)} nats` : `${test_nll.bits_per_dim.toFixed(2)} bits/dim`;
        const facts = [title, `${parameters.toLocaleString('en')} parameters`, size, nll];
        for (const fact of facts) assert.ok(note.includes(fact), `${fact} in ${note}`);
      }
    }
  });

  test('decides who draws the samples and the completions', async () => {
    await page.goto(`${site.url}#pace=instant&count=4`);
    await untilDone(page);
    await page.locator('#finish').scrollIntoViewIfNeeded();
    const report = page.locator('#completions-report');
    await report.filter({ hasText: 'completions in' }).waitFor();
    const completions = () => imagesOn(page.locator('#completed'), 16);
    const before = { samples: await imagesShown(page), completions: await completions() };
    await report.evaluate((element) => (element.textContent = ''));

    await chooseNetwork('more-ink');
    await untilDone(page, 2);
    await page.locator('#completions').scrollIntoViewIfNeeded();
    await report.filter({ hasText: 'completions in' }).waitFor();
    assert.match(page.url(), /model=more-ink/);
    assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: 'more-ink', seed: 7, count: 4 }));
    const completed = await completions();
    assert.notDeepEqual(completed, before.completions);
    completed.forEach((image, at) => assert.deepEqual(image.slice(0, 392), before.completions[at].slice(0, 392), 'given pixels stay'));

    await page.evaluate((model) => (location.hash = `#model=${model}&pace=instant&count=4`), models[0].name);
    await untilDone(page, 3);
    assert.deepEqual(await imagesShown(page), before.samples);
    assert.ok(await page.locator(`#networks [value='${models[0].name}']`).isChecked());
  });
});

describe('side by side', () => {
  test('nothing is fetched before it is near; then each network draws, row by row, what it draws alone', async () => {
    await page.goto(`${site.url}#pace=slow&seed=12&temperature=0.9`);
    await untilShown(/seed 12,/);
    await page.waitForTimeout(500);
    assert.deepEqual(fetched(), [models[0].file]);

    await seeLanes();
    assert.deepEqual(fetched(), peers().map(({ file }) => file).sort());
    const drawn = async () => (await imagesOn(lane('more-ink').locator('canvas'), 9))[0].map((pixel) => pixel !== null).join();
    await assertSoon(drawn, (pixels) => /^true.*false$/.test(pixels), 'its rows appear one by one');
    await page.evaluate(() => (location.hash = '#pace=instant&seed=13&temperature=0.9'));
    for (const { name, title, test_nll, config } of peers()) {
      const pixels = 784 + (config.conditioning ? config.conditioning.small.width * config.conditioning.small.height : 0);
      await assertDraws(title, { model: name, seed: 13, temperature: 0.9 });
      await seeLanes();
      const [each, rate, nll] = await lane(title).locator('dd').allInnerTexts();
      assert.match(each, /^[\d.]+ m?s$/);
      assert.ok(Math.abs(Number(rate.replaceAll(',', '')) * parseFloat(each) * (each.endsWith('ms') ? 0.001 : 1) - pixels) < 12, `${each} and ${rate} agree`);
      assert.equal(nll, `${test_nll.nats_per_image.toFixed(2)} nats`);
    }
  });

  test('out of sight it does not draw, and catches up when it is seen again', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    await seeLanes();
    const canvas = lane('more-ink').locator('canvas');
    await page.locator('h1').scrollIntoViewIfNeeded();
    await page.waitForTimeout(300);
    await page.evaluate(() => (location.hash = '#pace=instant&seed=21'));
    await untilDone(page, 2);
    await page.waitForTimeout(500);
    assert.ok((await imagesOn(canvas, 9)).flat().every((pixel) => pixel === null), 'the pictures of another seed are gone');
    await page.locator('#side-by-side').scrollIntoViewIfNeeded();
    await assertDraws('more-ink', { model: 'more-ink', seed: 21 });
  });

  test('a network that cannot be fetched says so in its column, and the others draw', async () => {
    const last = await withInk('last', 0.2);
    const broken = await withInk('broken', 0.1);
    models = offer(site, [broken, last]);
    site.faults.set('models/broken.safetensors', (response) => response.writeHead(404).end());
    await page.goto(`${site.url}#pace=instant`);
    await page.locator('#side-by-side').scrollIntoViewIfNeeded();
    await lane('broken').getByText('broken.safetensors could not be fetched: the server answered 404.').waitFor();
    await lane('last').locator('.rate').filter({ hasText: /\d/ }).waitFor();
    assert.equal(await lane('broken').locator('.rate').innerText(), '–');
    await page.getByRole('alert').filter({ hasText: /./ }).waitFor({ state: 'detached', timeout: 2000 });
  });

  test('compares networks of the same images only, and is not there for one alone', async () => {
    models = offer(site, [await withInk('more-ink', 0.4), await withSize('small', { width: 6, height: 5 })]);
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    await page.locator('#lanes figure').first().waitFor({ state: 'attached' });
    assert.deepEqual(await page.locator('#lanes .title').allTextContents(), peers().map(({ title }) => title));
    await chooseNetwork('small');
    await page.locator('#side-by-side').waitFor({ state: 'hidden' });
    await untilDone(page, 2);
  });
});
