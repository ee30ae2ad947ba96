/** Networks in colour beside the digits: the choice, the samples, the completions, the comparison. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, test } from 'node:test';
import { assertSoon, coloursOn, drawnAlone, untilDone } from './browser.js';
import { SETS, colourModel, offer, twoScaleModel } from './models.js';
import { png } from './png.js';
import { fileOf } from './server.js';
import { accessibilityFaults, lane, seeCompletions, seeDistribution, seeEverySection, seeLanes } from './sections.js';
import { expectErrors, page, site, visitSite } from './site.js';

const SIZE = { width: 32, height: 32 };
const PLANE = SIZE.width * SIZE.height;
const MODEL = 'test-colours';

/** @type {any[]} */
let models;

visitSite();
beforeEach(() => {
  models = offer(site, [colourModel(MODEL), colourModel('test-colours-too', { seed: 2 })]);
});

/** The shipped test images, as levels. */
function testImages() {
  const { levels, indices } = JSON.parse(readFileSync(fileOf('models/cifar10-test-images.json') ?? '', 'utf8'));
  return { indices, images: levels.map((/** @type {string} */ text) => [...Buffer.from(text, 'base64')]) };
}

/** Draws the completions and waits for them. @param {string} hash */
async function complete(hash) {
  await page.goto(`${site.url}?${Math.random()}#model=${MODEL}&pace=instant&${hash}`);
  await seeCompletions();
  const canvas = (/** @type {string} */ id) => page.locator(`#${id}`);
  return {
    occluded: await coloursOn(canvas('occluded'), { count: 5, ...SIZE }),
    completed: await coloursOn(canvas('completed'), { count: 30, ...SIZE }),
    originals: await coloursOn(canvas('originals'), { count: 5, ...SIZE }),
  };
}

describe('the choice of networks', () => {
  test('is among those of one set, told in the measure of its pictures', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    for (const [{ name, title }, unit, other] of /** @type {const} */ ([[SETS[0], 'nats', 'bits'], [SETS[1], 'bits/dim', 'nats']])) {
      await page.getByRole('radio', { name: title }).check();
      const cards = await page.locator('#networks label').allInnerTexts();
      assert.equal(cards.length, models.filter(({ set }) => set === name).length);
      for (const card of cards) assert.ok(card.includes(unit) && !card.includes(other) && /kB|MB/.test(card) && /parameters/.test(card), card);
    }
    await page.getByRole('radio', { name: MODEL, exact: false }).first().check();
    assert.match(await page.locator('#networks-note').innerText(), /^Bits\/dim: .* 3,072 values; .*10,000 images \(CIFAR-10/);
  });

  test('compares each network with those of its set only', async () => {
    await page.goto(`${site.url}#model=${MODEL}&pace=instant`);
    await untilDone(page);
    await seeLanes();
    const titles = models.filter(({ config }) => config.channels === 3).map(({ title }) => title);
    assert.deepEqual(await page.locator('#lanes .title').allTextContents(), titles);
    assert.deepEqual(await coloursOn(lane(MODEL).locator('canvas'), { count: 9, ...SIZE }), await drawnAlone(page, { model: MODEL, seed: 7, count: 9 }));
    assert.equal(await lane(MODEL).locator('.nll').innerText(), '3.29 bits/dim');
  });
});

for (const viewport of [{ width: 1280, height: 720 }, { width: 390, height: 844 }]) {
  test(`however many networks there are, the first picture is in sight on arrival (${viewport.width} × ${viewport.height})`, async () => {
    offer(site, Array.from({ length: 12 }, (_, k) => twoScaleModel(`one-of-many-${k}`)));
    await page.setViewportSize(viewport);
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    await page.locator('#networks label').nth(15).waitFor();
    const { top } = await page.locator('#samples canvas').evaluate((canvas) => canvas.getBoundingClientRect());
    assert.ok(top < viewport.height - 100, `it begins at ${top}`);
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

describe('completions in colour', () => {
  /** What is given, as on the page. @type {Array<[hidden: string, isHidden: (x: number, y: number) => boolean]>} */
  const HIDDEN = [
    ['bottom', (_, y) => y >= 16],
    ['right', (x) => x >= 16],
    ['centre', (x, y) => x >= 8 && x < 24 && y >= 8 && y < 24],
  ];
  for (const [hidden, isHidden] of HIDDEN) {
    test(`keep what is given and draw the rest: ${hidden}`, async () => {
      const { images, indices } = testImages();
      const { occluded, completed, originals } = await complete(`hidden=${hidden}`);
      assert.deepEqual(originals, images.slice(0, 5));
      const place = (/** @type {number} */ at) => /** @type {const} */ ([at % 32, Math.floor((at % PLANE) / 32)]);
      const kept = (/** @type {Array<number | null>} */ image) => image.filter((_, at) => !isHidden(...place(at)));
      const drawn = (/** @type {Array<number | null>} */ image) => image.filter((_, at) => isHidden(...place(at)));
      completed.forEach((image, at) => {
        assert.deepEqual(kept(image), kept(originals[Math.floor(at / 6)]), `completion ${at} keeps what is given`);
        assert.ok(drawn(image).every((level) => level !== null), `completion ${at} is whole`);
      });
      assert.ok(occluded.every((image) => drawn(image).every((level) => level === null) && kept(image).every((level) => level !== null)));
      assert.equal(new Set(completed.map(String)).size, 30, 'completions differ');
      assert.ok((await page.locator('#examples-note').innerText()).includes(`CIFAR-10 test images ${indices.slice(0, 4).join(', ')} and ${indices[4]}.`));
    });
  }

  test('of other pictures and seeds come back with the address', async () => {
    const first = await complete('seed=5');
    await page.getByRole('button', { name: 'Other pictures' }).click();
    await page.waitForFunction(() => /example=5/.test(location.hash));
    const { hash } = new URL(page.url());
    const [again, other, moved] = [await complete('seed=5'), await complete('seed=6'), await complete(hash.slice(1))];
    assert.deepEqual(again, first);
    assert.notDeepEqual(other.completed, first.completed);
    assert.deepEqual(moved.originals, testImages().images.slice(5, 10));
  });

  test('of what a pointer or the keyboard hides', async () => {
    await complete('hidden=centre');
    await page.getByRole('radio', { name: 'Brush' }).check();
    await page.locator('#brush-canvas').waitFor();
    const hidden = async () => (await coloursOn(page.locator('#occluded'), { count: 1, ...SIZE }))[0].filter((level) => level === null).length / 3;
    await assertSoon(hidden, (count) => count === 256);
    const started = (await coloursOn(page.locator('#brush-canvas'), { count: 1, ...SIZE }))[0];
    started.slice(0, PLANE).forEach((level, at) => assert.equal(level === null, [at % 32, Math.floor(at / 32)].every((place) => place >= 8 && place < 24), `pixel ${at}: the brush goes on from the hidden centre`));
    await page.getByRole('button', { name: 'Show everything' }).click();
    await assertSoon(hidden, (count) => count === 0);
    const box = /** @type {any} */ (await page.locator('#brush-canvas').boundingBox());
    await page.mouse.move(box.x + 40, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 180, box.y + 40, { steps: 3 });
    await page.mouse.up();
    await assertSoon(hidden, (count) => count > 70 && count < 170);
    await page.locator('#brush-canvas').focus();
    await page.keyboard.press('ArrowDown');
    const cursor = await page.locator('#brush-cursor').boundingBox();
    assert.ok(cursor && Math.abs(cursor.width - 7) < 0.1, 'the cursor is as large as a pixel');
  });

  test('say what is missing, and do without it for a picture of one\'s own', async () => {
    expectErrors();
    site.faults.set('models/cifar10-test-images.json', (response) => response.writeHead(404).end());
    await page.goto(`${site.url}#model=${MODEL}&pace=instant`);
    await seeCompletions('The test images, cifar10-test-images.json, could not be fetched: the server answered 404.');
    await page.locator('#own-file').setInputFiles({ name: 'blue.png', mimeType: 'image/png', buffer: png(8, 8, () => [0, 0, 255]) });
    await seeCompletions('6 completions in');
  });

  test('change with the network: the digits come back', async () => {
    await complete('');
    await page.getByRole('radio', { name: 'Digits' }).check();
    await page.locator('#examples-note').filter({ hasText: 'MNIST test images' }).waitFor();
    await page.locator('#completions-report').filter({ hasText: 'completions in' }).waitFor();
    assert.equal(await page.locator('#originals').evaluate((canvas) => canvas.width), 28);
  });
});

describe('the page with a network in colour', () => {
  /** Everything it can show at once. */
  async function showAll() {
    await page.goto(`${site.url}#model=${MODEL}&hidden=brush&temperature=0.9&pace=instant`);
    await untilDone(page);
    await page.locator('#own-file').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    await seeEverySection();
    await seeDistribution();
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

describe('the comparison with full runs', () => {
  test('of a picture that would take minutes ends after some rows and says how long the whole would take', { timeout: 120_000 }, async () => {
    // A clock that runs fast, so that the test is over before the patience of the page is.
    await page.addInitScript(() => {
      const now = performance.now.bind(performance);
      performance.now = () => 40 * now();
    });
    await page.goto(`${site.url}#model=${MODEL}&count=1&pace=instant`);
    await page.getByRole('button', { name: 'Compare' }).click();
    const verdict = page.locator('#race-verdict').filter({ hasText: /\w/ });
    await verdict.waitFor({ timeout: 100_000 });
    assert.match(await verdict.innerText(), /^The same in the first \d+ pixels, about [\d,]+ times faster\.$/);
    assert.match(await page.locator('#race-naive-report').innerText(), /a pixel: ended after \d+ of 1,024 pixels, the whole would take about [\d.]+ min$/);
    const [cached] = await coloursOn(page.locator('#race-cached'), { count: 1, ...SIZE });
    const [naive] = await coloursOn(page.locator('#race-naive'), { count: 1, ...SIZE });
    const drawn = naive.filter((level) => level !== null).length / 3;
    assert.ok(drawn >= 32 && drawn < PLANE && drawn % 32 === 0);
    naive.forEach((level, at) => assert.ok(level === null || level === cached[at]));
  });
});
