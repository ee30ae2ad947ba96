/** Where a finger rests on the easel, the pixels around it are shown large beside it, and it walks freely until it is lifted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WHOLE } from './easel.js';
import { boxInSight } from './in-sight.js';
import { browser, openVisit, page, site, visitSite } from './site.js';

visitSite({ flags: [] });

const ADDRESS = `#seed=7&k=${WHOLE}`;

test('a resting finger is shown what is under it, walks up and down without scrolling, and picks where it is lifted', async () => {
  const { page } = await openVisit(browser, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 664 } });
  await page.goto(site.url + ADDRESS);
  await page.locator('#easel-sum').filter({ hasText: 'in all' }).waitFor();
  const glass = page.locator('#easel-magnifier');
  const picture = await boxInSight(page.locator('#easel-canvas'));
  const cell = picture.width / 28;
  const middle = (/** @type {number} */ x, /** @type {number} */ y) => ({ x: picture.x + (x + 0.5) * cell, y: picture.y + (y + 0.5) * cell });
  const devtools = await page.context().newCDPSession(page);
  const touch = (/** @type {string} */ type, /** @type {object[]} */ touchPoints) => devtools.send('Input.dispatchTouchEvent', /** @type {any} */ ({ type, touchPoints }));
  /** What the magnifier shows and what the picture has there, a number a pixel. @param {number} x @param {number} y */
  const seen = (x, y) => page.evaluate(([x, y]) => {
    const [large, whole] = ['#easel-magnifier canvas', '#easel-canvas'].map((selector) => /** @type {HTMLCanvasElement} */ (document.querySelector(selector)));
    const valueAt = (/** @type {HTMLCanvasElement} */ canvas, /** @type {number} */ left, /** @type {number} */ top) => [.../** @type {any} */ (canvas.getContext('2d')).getImageData(left, top, 1, 1).data].join();
    const around = Array.from({ length: 25 }, (_, at) => [at % 5, Math.floor(at / 5)]);
    return {
      shown: around.map(([dx, dy]) => valueAt(large, ((dx + 0.5) * large.width) / 5, ((dy + 0.5) * large.height) / 5)),
      there: around.map(([dx, dy]) => valueAt(whole, x + dx - 2, y + dy - 2)),
      alike: large.hasAttribute('data-ink') === whole.hasAttribute('data-ink'),
    };
  }, [x, y]);

  await touch('touchStart', [middle(12, 16)]);
  await glass.waitFor();
  const first = await seen(12, 16);
  assert.deepEqual(first.shown, first.there);
  assert.ok(first.alike, 'ink is ink');
  assert.ok(new Set(first.shown).size > 1, 'there is something to be seen');
  let { y, height } = /** @type {any} */ (await glass.boundingBox());
  assert.ok(y + height <= middle(12, 16).y - 30 && y >= 0, 'it is above the finger');

  // Straight up, as a finger that scrolls does.
  for (let row = 15; row >= 8; row--) await touch('touchMove', [middle(12, row)]);
  await page.locator('#inspector-place').filter({ hasText: 'Row 9, column 13' }).waitFor();
  assert.equal(await page.evaluate(() => scrollY), 0);
  const then = await seen(12, 8);
  assert.deepEqual(then.shown, then.there);

  // The corner has nothing above it and nothing to its left.
  await touch('touchMove', [middle(0, 0)]);
  await page.locator('#inspector-place').filter({ hasText: 'Row 1, column 1' }).waitFor();
  const box = /** @type {any} */ (await glass.boundingBox());
  assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 390, JSON.stringify(box));
  assert.ok((await seen(0, 0)).shown.slice(0, 10).every((value) => value === '0,0,0,0'));

  await touch('touchMove', [middle(20, 5)]);
  await page.locator('#inspector-place').filter({ hasText: 'Row 6, column 21' }).waitFor();
  await touch('touchEnd', []);
  await glass.waitFor({ state: 'hidden' });
  assert.match(page.url(), /pixel=20%2C5/);
});

test('a mouse needs none', async () => {
  await page.goto(site.url + ADDRESS);
  await page.locator('#easel-sum').filter({ hasText: 'in all' }).waitFor();
  await page.locator('#easel-canvas').hover();
  await page.mouse.down();
  await page.waitForTimeout(600);
  assert.ok(await page.locator('#easel-magnifier').isHidden());
  await page.mouse.up();
});
