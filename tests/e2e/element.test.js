/** `<pixel-rnn>` on other people's pages. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_ROWS, imagesShown, ownWorkers, rowsShown, untilDone } from './browser.js';
import { openBody, page, visitSite, watch } from './site.js';

visitSite();

test('importing the modules where there is no document does no harm', async () => {
  const { PixelRnnElement } = await import('../../www/pixel-rnn.js');
  const { Engine, sharedEngine } = await import('../../www/engine.js');
  assert.equal(typeof PixelRnnElement, 'function');
  assert.ok(sharedEngine() instanceof Engine);
});

describe('four elements on a page', () => {
  test('share one worker and one download, and keep their rows apart', async () => {
    const element = (/** @type {number} */ seed) => `<pixel-rnn id="s${seed}" seed="${seed}" count="4" loading="eager" pace="steady" controls="none"></pixel-rnn>`;
    await openBody([1, 2, 3, 4].map(element).join(''));
    await untilDone(page, 4);
    const seen = await page.evaluate(() => window.seen.row.map(({ id, y }) => ({ id, y })));
    const pictures = [];
    for (const seed of [1, 2, 3, 4]) {
      assert.deepEqual(seen.filter(({ id }) => id === `s${seed}`).map(({ y }) => y), ALL_ROWS);
      pictures.push(await imagesShown(page, `#s${seed}`));
    }
    assert.equal(ownWorkers(page).length, 1);
    assert.equal(watch.requests.filter((url) => url.endsWith('.safetensors')).length, 1);
    for (const seed of [1, 2, 3, 4]) {
      await openBody(element(seed).replace('steady', 'instant'));
      await untilDone(page);
      assert.deepEqual(await imagesShown(page), pictures[seed - 1], `seed ${seed} alone draws the same`);
    }
  });
});

describe('an element', () => {
  test('begins with the image it is told to', async () => {
    await openBody('<pixel-rnn seed="5" count="4" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    const all = await imagesShown(page);
    await openBody('<pixel-rnn seed="5" first="2" count="2" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    assert.deepEqual(await imagesShown(page), all.slice(2));
    await page.locator('pixel-rnn').evaluate((element) => (element.first = 1));
    await untilDone(page, 2);
    assert.deepEqual(await imagesShown(page), all.slice(1, 3));
    assert.deepEqual(await page.evaluate(() => window.seen.done.map(({ first }) => first)), [2, 1]);
  });

  test('draws when it is scrolled into view, not before', async () => {
    await openBody('<div style="height: 3000px"></div><pixel-rnn count="1" pace="instant"></pixel-rnn>');
    await page.waitForTimeout(500);
    assert.deepEqual(await rowsShown(page), []);
    assert.equal(page.workers().length, 0);
    await page.locator('pixel-rnn').scrollIntoViewIfNeeded();
    await untilDone(page);
    assert.deepEqual(await rowsShown(page), ALL_ROWS);
  });

  test('with loading="manual" fetches nothing until asked, and tells the size', async () => {
    await openBody('<pixel-rnn count="4" loading="manual" controls="none" pace="instant"></pixel-rnn>');
    const poster = page.getByRole('button', { name: /^Draw 4 images \([\d.]+ [kM]B\)$/ });
    await poster.waitFor();
    assert.equal(page.workers().length, 0);
    await poster.click();
    await untilDone(page);
    assert.equal(await poster.isVisible(), false);
  });

  test('moved on the page goes on, removed it stops', async () => {
    await openBody('<div id="a"><pixel-rnn count="1" loading="eager" pace="slow"></pixel-rnn></div><div id="b"></div>');
    await page.waitForFunction(() => window.seen.row.length >= 3);
    await page.evaluate(() => document.getElementById('b').append(document.querySelector('pixel-rnn')));
    const moved = (await rowsShown(page)).length;
    await page.waitForFunction((rows) => window.seen.row.length >= rows + 3, moved);
    const rows = await rowsShown(page);
    assert.deepEqual(rows, ALL_ROWS.slice(0, rows.length), 'the move restarts nothing');
    await page.evaluate(() => Object.assign(window, { removed: document.querySelector('pixel-rnn') }).removed.remove());
    const left = (await rowsShown(page)).length;
    await page.waitForTimeout(600);
    assert.ok((await rowsShown(page)).length <= left + 1);
    assert.equal(await page.evaluate(() => window.removed.running), false);
  });

  test('takes properties that were set before it was defined', async () => {
    await openBody('<pixel-rnn loading="eager" pace="instant"></pixel-rnn><script>Object.assign(document.querySelector("pixel-rnn"), { seed: 21n, count: 4 })</script>');
    await untilDone(page);
    assert.deepEqual(
      await page.locator('pixel-rnn').evaluate((element) => [element.getAttribute('seed'), element.getAttribute('count')]),
      ['21', '4'],
    );
    assert.equal((await imagesShown(page)).length, 4);
  });

  test('changed several times in one turn draws once', async () => {
    await openBody('<pixel-rnn count="1" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    await page.evaluate(() => Object.assign(document.querySelector('pixel-rnn'), { seed: 5n, count: 4, temperature: 0.9 }));
    await untilDone(page, 2);
    await page.waitForTimeout(300);
    const done = await page.evaluate(() => window.seen.done.map(({ seed, count }) => `${seed} ${count}`));
    assert.deepEqual(done, ['7 1', '5 4']);
  });

  test('told to draw after a change draws that, once', async () => {
    await openBody('<pixel-rnn count="1" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    const seeds = await page.evaluate(async () => {
      const element = document.querySelector('pixel-rnn');
      element.seed = 5n;
      await element.draw();
      return window.seen.done.map(({ seed }) => String(seed));
    });
    assert.deepEqual(seeds, ['7', '5']);
  });

  test('may be loaded twice', async () => {
    await openBody('<pixel-rnn count="1" loading="eager" pace="instant"></pixel-rnn><script type="module" src="pixel-rnn.js?again"></script>');
    await untilDone(page);
  });

  test('tells what it does: ready, rows, done with its figures', async () => {
    await openBody('<pixel-rnn count="4" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    const { ready, done } = await page.evaluate(() => ({
      ready: window.seen.ready,
      done: window.seen.done.map(({ levels, ...rest }) => ({ ...rest, seed: String(rest.seed), levels: levels.length, nll_nats: rest.nll_nats.length })),
    }));
    assert.equal(ready.length, 1);
    assert.equal(ready[0].width, 28);
    assert.equal(done[0].backend, 'cpu');
    assert.equal(done[0].levels, 4 * 784);
    assert.equal(done[0].nll_nats, 4);
    assert.ok(done[0].elapsed_ms > 0 && done[0].pixels_per_second > 0);
  });

  for (const width of [320, 390, 520, 560, 1280]) {
    test(`keeps what is below it in place as it draws, ${width} pixels wide`, async () => {
      await page.setViewportSize({ width, height: 700 });
      await openBody('<pixel-rnn count="16" loading="manual" pace="instant" style="font-size: 15px"></pixel-rnn><p id="below">Below</p>');
      const button = page.getByRole('button', { name: 'Draw', exact: true });
      await button.waitFor();
      const top = () => page.locator('#below').evaluate((element) => element.getBoundingClientRect().top + scrollY);
      const before = await top();
      await button.click();
      await untilDone(page);
      await page.locator('pixel-rnn').getByText('cached sampler').waitFor();
      assert.equal(await top(), before);
    });
  }

  test('says that it failed when there is no such model', async () => {
    await openBody('<pixel-rnn model="nonsense" loading="eager"></pixel-rnn>');
    await page.waitForFunction(() => window.seen.failed.length > 0);
    assert.equal(await page.evaluate(() => window.seen.failed[0].message), 'There is no model named "nonsense".');
  });
});

describe('embed.html', () => {
  test('takes the attributes from its address, in a frame too', async () => {
    await openBody(`<iframe title="digits" src="embed.html?seed=3&count=4&controls=none&pace=instant&onclick=x" width="300" height="300"></iframe>`);
    const frame = page.frameLocator('iframe');
    await frame.locator('canvas[aria-label*="drawn by"]').waitFor();
    const attributes = await frame.locator('pixel-rnn').evaluate((element) => Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])));
    assert.deepEqual(attributes, { controls: 'none', seed: '3', count: '4', pace: 'instant' });
  });
});
