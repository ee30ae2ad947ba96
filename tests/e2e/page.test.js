/** The page as a visitor meets it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_ROWS, assertSoon, imagesOn, imagesShown, rowsShown, untilDone } from './browser.js';
import { listedModels, noCommandLine, sampleWithCommandLine } from './reference.js';
import { STRICT_POLICY } from './server.js';
import { accessibilityFaults, savePicture, seeCompletions, seeEverySection } from './sections.js';
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
      assert.equal(await page.getByLabel('Seed', { exact: true }).inputValue(), seed);
    });
  }

  test('completes digits: given pixels stay, hidden ones are drawn, other seeds draw otherwise', async () => {
    await page.goto(`${site.url}#pace=instant`);
    await seeCompletions();
    const first = await figureOne();
    const { width, height } = await page.locator('#completed').evaluate((canvas) => ({ width: canvas.width, height: canvas.height }));
    assert.deepEqual({ width, height }, { width: 6 * 30 - 2, height: 5 * 30 - 2 }, 'six completions of five images');
    first.completed.forEach((image, at) => {
      const original = first.originals[Math.floor(at / 6)];
      assert.deepEqual(image.slice(0, 14 * 28), original.slice(0, 14 * 28), `completion ${at} keeps the given half`);
      assert.ok(image.every((pixel) => pixel !== null), `completion ${at} is whole`);
    });
    first.occluded.forEach((image) => assert.ok(image.slice(14 * 28).every((pixel) => pixel === null), 'the rest is hidden'));
    assert.ok(new Set(first.completed.map(String)).size > 15, 'completions differ');

    await page.evaluate(() => (location.hash = '#pace=instant&seed=8'));
    await page.waitForTimeout(1500);
    const second = await figureOne();
    assert.deepEqual(second.originals, first.originals);
    assert.notDeepEqual(second.completed, first.completed);
  });

  test('completes what a pointer or the keyboard hides', async () => {
    await page.goto(`${site.url}#hidden=brush&pace=instant`);
    await seeCompletions();
    await page.locator('#brush-canvas').scrollIntoViewIfNeeded();
    await page.getByRole('button', { name: 'Show everything' }).click();
    const hidden = async () => (await figureOne()).occluded[0].filter((pixel) => pixel === null).length;
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
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    test(`has no accessibility violations, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      for (const address of ['#hidden=brush&pace=instant', 'embed.html?pace=instant']) {
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
      await page.goto(`${site.url}#hidden=brush&pace=instant`);
      await untilDone(page);
      await seeEverySection();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }

  test('shows rows at once to visitors who want less motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(site.url);
    await untilDone(page);
    assert.equal(await page.getByLabel('Pace').inputValue(), 'instant');
  });

  test('can be used with the keyboard alone', async () => {
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
  });

  test('saves the picture as a PNG', async () => {
    await page.goto(`${site.url}#seed=3&pace=instant`);
    await untilDone(page);
    const { name, file } = await savePicture();
    assert.match(name, /-seed-3\.png$/);
    assert.equal(file.toString('latin1', 1, 4), 'PNG');
  });
});

/** The canvases of the completions. */
async function figureOne() {
  const [occluded, completed, originals] = await Promise.all([['#occluded', 5], ['#completed', 30], ['#originals', 5]].map(([id, count]) => imagesOn(page.locator(id), count)));
  return { occluded, completed, originals };
}
