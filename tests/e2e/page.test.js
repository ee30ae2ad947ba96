/** The page as a visitor meets it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_ROWS, imagesShown, rowsShown, seeSamples, untilDone } from './browser.js';
import { listedModels, noCommandLine, sampleWithCommandLine } from './reference.js';
import { STRICT_POLICY } from './server.js';
import { accessibilityFaults, savePicture, seeEverySection } from './sections.js';
import { page, site, visitSite, watch } from './site.js';

for (const { prefix, policy } of [{ prefix: '/' }, { prefix: '/some/sub/path/' }, { prefix: '/strict/', policy: STRICT_POLICY }]) {
  describe(`served under ${prefix}${policy ? ' with a strict content security policy' : ''}`, () => {
    visitSite({ prefix, policy });

    for (const file of ['', 'embed.html?seed=7&count=4']) {
      test(`${file || 'the page'} draws every row in order, without an error, a 404 or another host`, async () => {
        await page.goto(site.url + file);
        await untilDone(page);
        await page.locator('footer, pixel-rnn').last().scrollIntoViewIfNeeded();
        await page.waitForTimeout(1500);
        assert.deepEqual(await rowsShown(page), ALL_ROWS);
        assert.deepEqual(site.missing, []);
        assert.deepEqual(watch.requests.filter((url) => !url.startsWith(site.url)), []);
      });
    }
  });
}

describe('the page', () => {
  visitSite();

  for (const [seed, count, temperature] of [[7n, 16, 1], [123456789n, 4, 1], [2n ** 64n - 1n, 1, 0.6]]) {
    test(`shows what the command line draws: seed ${seed}, ${count} images, temperature ${temperature}`, { skip: noCommandLine }, async () => {
      const model = listedModels()[0].name;
      await page.goto(`${site.url}#seed=${seed}&count=${count}&temperature=${temperature}&pace=instant`);
      await untilDone(page);
      assert.deepEqual(await imagesShown(page), sampleWithCommandLine({ model, seed, count, temperature }));
    });
  }

  test('another seed is another picture, the same seed the same one', async () => {
    const pictures = [];
    for (const seed of [1, 2, 1]) {
      await page.goto(`${site.url}?${Math.random()}#seed=${seed}&pace=instant`);
      await untilDone(page);
      pictures.push(await imagesShown(page));
    }
    assert.deepEqual(pictures[0], pictures[2]);
    assert.notDeepEqual(pictures[0], pictures[1]);
  });

  test('keeps what is set in the address bar and takes it from there', async () => {
    await page.goto(`${site.url}#seed=99&count=4&temperature=0.8&hidden=right&pace=instant`);
    await untilDone(page);
    assert.equal(await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).inputValue(), '99');
    assert.equal(await page.locator('pixel-rnn').getByLabel('Temperature').inputValue(), '0.8');
    await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).fill('100');
    await page.keyboard.press('Enter');
    await untilDone(page, 2);
    assert.match(page.url(), /seed=100&count=4&temperature=0.8&pace=instant&hidden=right/);
    await page.evaluate(() => (location.hash = '#seed=5'));
    await untilDone(page, 3);
    assert.equal(await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).inputValue(), '5');
  });

  for (const [hash, seed] of [
    ['#seed=-1&count=-1e9&temperature=NaN&pace=warp&backend=quantum&hidden=all&example=-3', '0'],
    ['#model=no-such-model&seed=99999999999999999999', '18446744073709551615'],
    ['#%E0%A4%A&&&=&seed', '7'],
    ['#<script>alert(1)</script>', '7'],
  ]) {
    test(`is not impressed by ${hash}`, async () => {
      await page.goto(site.url + hash);
      await untilDone(page);
      assert.deepEqual(await rowsShown(page), ALL_ROWS);
      assert.equal(await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).inputValue(), seed);
    });
  }

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`has no accessibility violations, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      for (const address of ['#pace=instant', 'embed.html?pace=instant']) {
        await page.goto(site.url + address);
        await untilDone(page);
        await seeEverySection();
        assert.deepEqual(await accessibilityFaults(), []);
      }
    });
  }

  for (const width of [360, 390, 768, 1280]) {
    test(`fits a window ${width} pixels wide`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${site.url}#pace=instant`);
      await untilDone(page);
      await seeEverySection();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }

  test('shows rows at once to visitors who want less motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(site.url);
    await untilDone(page);
    assert.equal(await page.getByLabel('Pace', { exact: true }).inputValue(), 'instant');
  });

  test('can be used with the keyboard alone', async () => {
    await page.goto(`${site.url}#pace=slow`);
    await seeSamples(page);
    await page.waitForFunction(() => window.seen.row.length > 2);
    // Where the keys go on from.
    await page.locator('#many-title').click();
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
  });

  test('saves the picture as a PNG', async () => {
    await page.goto(`${site.url}#seed=3&pace=instant`);
    await untilDone(page);
    const { name, file } = await savePicture();
    assert.match(name, /-seed-3\.png$/);
    assert.equal(file.toString('latin1', 1, 4), 'PNG');
  });
});
