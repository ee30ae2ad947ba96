/** The page as a visitor meets it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { imagesShown, launch, openPage, rowsShown, untilDone } from './browser.js';
import { listedModels, noCommandLine, sampleWithCommandLine } from './reference.js';
import { STRICT_POLICY, serveSite } from './server.js';

const ALL_ROWS = Array.from({ length: 28 }, (_, y) => y);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { prefix, policy } of [{ prefix: '/' }, { prefix: '/some/sub/path/' }, { prefix: '/strict/', policy: STRICT_POLICY }]) {
  describe(`served under ${prefix}${policy ? ' with a strict content security policy' : ''}`, () => {
    /** @type {import('./server.js').Site} */
    let site;
    before(async () => (site = await serveSite({ prefix, policy })));
    after(() => site.close());

    for (const file of ['', 'embed.html?seed=7&count=4']) {
      test(`${file || 'the page'} draws every row in order, without an error, a 404 or another host`, async () => {
        const { page, watch, close } = await openPage(browser);
        await page.goto(site.url + file);
        await untilDone(page);
        await page.locator('footer, pixel-rnn').last().scrollIntoViewIfNeeded();
        await page.waitForTimeout(1500);
        assert.deepEqual(await rowsShown(page), ALL_ROWS);
        assert.deepEqual(watch.errors, []);
        assert.deepEqual(site.missing, []);
        assert.deepEqual(watch.requests.filter((url) => !url.startsWith(site.url)), []);
        await close();
      });
    }
  });
}

describe('the page', () => {
  /** @type {import('./server.js').Site} */
  let site;
  before(async () => (site = await serveSite()));
  after(() => site.close());

  for (const [seed, count, temperature] of [[7n, 16, 1], [123456789n, 4, 1], [2n ** 64n - 1n, 1, 0.6]]) {
    test(`shows what the command line draws: seed ${seed}, ${count} images, temperature ${temperature}`, { skip: noCommandLine }, async () => {
      const model = listedModels()[0].name;
      const { page, close } = await openPage(browser);
      await page.goto(`${site.url}#seed=${seed}&count=${count}&temperature=${temperature}&pace=instant`);
      await untilDone(page);
      assert.deepEqual(await imagesShown(page), sampleWithCommandLine({ model, seed, count, temperature }));
      await close();
    });
  }

  test('another seed is another picture, the same seed the same one', async () => {
    const { page, close } = await openPage(browser);
    const pictures = [];
    for (const seed of [1, 2, 1]) {
      await page.goto(`${site.url}?${Math.random()}#seed=${seed}&pace=instant`);
      await untilDone(page);
      pictures.push(await imagesShown(page));
    }
    assert.deepEqual(pictures[0], pictures[2]);
    assert.notDeepEqual(pictures[0], pictures[1]);
    await close();
  });

  test('keeps what is set in the address bar and takes it from there', async () => {
    const { page, close } = await openPage(browser);
    await page.goto(`${site.url}#seed=99&count=4&temperature=0.8&hidden=right&pace=instant`);
    await untilDone(page);
    assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), '99');
    assert.equal(await page.getByLabel('Temperature').inputValue(), '0.8');
    assert.ok(await page.getByRole('radio', { name: 'Left half' }).isChecked());
    await page.getByLabel('Seed', { exact: true }).fill('100');
    await page.keyboard.press('Enter');
    await untilDone(page, 2);
    assert.match(page.url(), /seed=100&count=4&temperature=0.8&pace=instant&hidden=right/);
    await page.evaluate(() => (location.hash = '#seed=5'));
    await untilDone(page, 3);
    assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), '5');
    await close();
  });

  for (const [hash, seed] of [
    ['#seed=-1&count=-1e9&temperature=NaN&pace=warp&backend=quantum&hidden=all&example=-3', '0'],
    ['#model=no-such-model&seed=99999999999999999999', '18446744073709551615'],
    ['#%E0%A4%A&&&=&seed', '7'],
    ['#<script>alert(1)</script>', '7'],
  ]) {
    test(`is not impressed by ${hash}`, async () => {
      const { page, watch, close } = await openPage(browser);
      await page.goto(site.url + hash);
      await untilDone(page);
      assert.deepEqual(await rowsShown(page), ALL_ROWS);
      assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), seed);
      assert.deepEqual(watch.errors, []);
      await close();
    });
  }

  test('completes digits: given pixels stay, hidden ones are drawn, other seeds draw otherwise', async () => {
    const { page, close } = await openPage(browser);
    await page.goto(`${site.url}#pace=instant`);
    await page.locator('#figure-one').scrollIntoViewIfNeeded();
    const report = page.locator('#completions-report');
    await report.filter({ hasText: 'completions in' }).waitFor();
    const first = await figureOne(page);
    assert.equal(first.completed.length, 30);
    first.completed.forEach((image, at) => {
      const original = first.originals[Math.floor(at / 6)];
      assert.deepEqual(image.slice(0, 14 * 28), original.slice(0, 14 * 28), `completion ${at} keeps the given half`);
      assert.ok(image.every((pixel) => pixel !== null), `completion ${at} is whole`);
    });
    first.occluded.forEach((image) => assert.ok(image.slice(14 * 28).every((pixel) => pixel === null), 'the rest is hidden'));
    assert.ok(new Set(first.completed.map(String)).size > 15, 'completions differ');

    await page.evaluate(() => (location.hash = '#pace=instant&seed=8'));
    await page.waitForTimeout(1500);
    const second = await figureOne(page);
    assert.deepEqual(second.originals, first.originals);
    assert.notDeepEqual(second.completed, first.completed);
    await close();
  });

  test('completes what a pointer or the keyboard hides', async () => {
    const { page, close } = await openPage(browser);
    await page.goto(`${site.url}#hidden=brush&pace=instant`);
    await page.locator('#brush-canvas').scrollIntoViewIfNeeded();
    await page.locator('#completions-report').filter({ hasText: 'completions in' }).waitFor();
    await page.getByRole('button', { name: 'Show everything' }).click();
    const hidden = async () => (await figureOne(page)).occluded[0].filter((pixel) => pixel === null).length;
    await assertSoon(hidden, (count) => count === 0);
    const box = await page.locator('#brush-canvas').boundingBox();
    await page.mouse.move(box.x + 40, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 180, box.y + 40, { steps: 3 });
    await page.mouse.up();
    await assertSoon(hidden, (count) => count > 60 && count < 150);
    await page.getByRole('button', { name: 'Show everything' }).click();
    await assertSoon(hidden, (count) => count === 0);
    await page.locator('#brush-canvas').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await assertSoon(hidden, (count) => count > 8 && count < 25);
    await close();
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`has no accessibility violations, ${colorScheme}`, async () => {
      const { page, close } = await openPage(browser, { colorScheme });
      for (const address of ['#hidden=brush&pace=instant', 'embed.html?pace=instant']) {
        await page.goto(site.url + address);
        await untilDone(page);
        await seeAll(page);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
      }
      await close();
    });
  }

  for (const width of [360, 390, 768, 1280]) {
    test(`fits a window ${width} pixels wide`, async () => {
      const { page, close } = await openPage(browser, { viewport: { width, height: 800 } });
      await page.goto(`${site.url}#hidden=brush&pace=instant`);
      await untilDone(page);
      await seeAll(page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await close();
    });
  }

  test('shows rows at once to visitors who want less motion', async () => {
    const { page, close } = await openPage(browser, { reducedMotion: 'reduce' });
    await page.goto(site.url);
    await untilDone(page);
    assert.equal(await page.getByLabel('Pace').inputValue(), 'instant');
    await close();
  });

  test('can be used with the keyboard alone', async () => {
    const { page, close } = await openPage(browser);
    await page.goto(`${site.url}#pace=slow`);
    await page.waitForFunction(() => window.seen.row.length > 2);
    for (let presses = 0; presses < 15; presses++) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent ?? '');
      if (name === 'Stop') break;
    }
    await page.keyboard.press('Enter');
    const shown = (await rowsShown(page)).length;
    await page.waitForTimeout(500);
    assert.equal((await rowsShown(page)).length, shown);
    assert.ok(shown < 28);
    await close();
  });

  test('saves the picture as a PNG', async () => {
    const { page, close } = await openPage(browser);
    await page.goto(`${site.url}#seed=3&pace=instant`);
    await untilDone(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save PNG' }).click()]);
    assert.match(download.suggestedFilename(), /-seed-3\.png$/);
    assert.equal(readFileSync(await download.path()).toString('latin1', 1, 4), 'PNG');
    await close();
  });
});

/**
 * Scrolls through the page: sections out of sight are not laid out.
 * @param {import('playwright-core').Page} page
 */
async function seeAll(page) {
  for (const section of await page.locator('section:not([hidden])').all()) {
    await section.scrollIntoViewIfNeeded();
    await page.waitForTimeout(300);
  }
}

/**
 * The three canvases of the completions, as images of 0, 1 and null.
 * @param {import('playwright-core').Page} page
 */
function figureOne(page) {
  return page.evaluate(() => {
    const read = (/** @type {string} */ id) => {
      const canvas = document.getElementById(id);
      const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const columns = (width + 2) / 30;
      return Array.from({ length: (columns * (height + 2)) / 30 }, (_, k) =>
        Array.from({ length: 784 }, (_, at) => {
          const x = (k % columns) * 30 + (at % 28);
          const y = Math.floor(k / columns) * 30 + Math.floor(at / 28);
          const start = 4 * (y * width + x);
          return data[start + 3] < 255 ? null : Number(data[start] >= 128);
        }),
      );
    };
    return { occluded: read('occluded'), completed: read('completed'), originals: read('originals') };
  });
}

/**
 * @template T
 * @param {() => Promise<T>} measure
 * @param {(value: T) => boolean} holds
 */
async function assertSoon(measure, holds) {
  let value = await measure();
  for (let attempt = 0; attempt < 50 && !holds(value); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    value = await measure();
  }
  assert.ok(holds(value), `still ${value}`);
}
