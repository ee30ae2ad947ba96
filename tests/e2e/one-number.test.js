/** "One number for a whole picture" of the picture drawn, and of one's own: brought as a file, and drawn with the pencil. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSoon, imagesOn } from './browser.js';
import { toldByEngine } from './easel.js';
import { boxInSight } from './in-sight.js';
import { png } from './png.js';
import { accessibilityFaults } from './sections.js';
import { browser, openVisit, page, site, visitSite, watch } from './site.js';

visitSite();

const MODEL = 'mnist-row';
const caption = (on = page) => on.locator('#one-number figcaption');
const choose = (/** @type {string} */ which, on = page) => on.getByRole('radio', { name: which, exact: true }).check();
/** A light square on dark ground. */
const SQUARE = { name: 'square.png', mimeType: 'image/png', buffer: png(56, 56, (x, y) => (x >= 20 && x < 36 && y >= 20 && y < 36 ? [230, 230, 230] : [10, 10, 10])) };

/** Opens the page where a figure that counts shows its end. */
async function open(on = page) {
  await on.emulateMedia({ reducedMotion: 'reduce' });
  await on.goto(`${site.url}#pace=instant&seed=31&model=${MODEL}`);
  await on.locator('#race button:enabled').waitFor({ state: 'attached' });
  // Sections above it are still laid out meanwhile.
  await on.waitForFunction(() => {
    const figure = document.querySelector('#one-number figure');
    figure.scrollIntoView({ block: 'center' });
    return /bits for MNIST/.test(figure.querySelector('figcaption').textContent);
  }, undefined, { polling: 100 });
}

/** The ink of the picture, as the squares in the middle of its cells have it. */
const inkShown = (on = page) => on.locator('#one-number canvas').evaluate((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: 784 }, (_, at) => {
    const place = 4 * ((Math.floor(at / 28) * 10 + 5) * canvas.width + (at % 28) * 10 + 5);
    return Number(data[place] + data[place + 1] + data[place + 2] === 0);
  });
});

/** Waits until the sum told is what the engine scores for the ink shown, and gives that. @param {RegExp} [said] */
async function summed(said = /for your picture, /, on = page) {
  let found = { told: NaN, scored: 0, ink: /** @type {number[]} */ ([]) };
  await assertSoon(async () => {
    const text = await caption(on).innerText();
    const ink = await inkShown(on);
    const scored = await on.evaluate(async ([model, levels]) => {
      const { sharedEngine } = await import('./engine.js');
      const nats = await sharedEngine().score({ model, levels: Uint8Array.from(levels), count: 1 });
      return nats.reduce((sum, one) => sum + one, 0) / Math.LN2;
    }, /** @type {const} */ ([MODEL, ink]));
    found = { told: said.test(text) ? parseFloat(text) : NaN, scored, ink };
    return Math.abs(found.told - scored) < 0.06;
  }, Boolean, 'the sum told is that of the picture shown');
  return found;
}

/** The same, once a picture of this ink is there. @param {number[]} ink */
const summedOf = (ink) => assertSoon(async () => String((await summed()).ink), (shown) => shown === String(ink));

/** The middle of a pixel of the figure. @param {number} x @param {number} y */
async function middleOf(x, y, on = page) {
  const box = await boxInSight(on.locator('#one-number .pencil'));
  return { x: box.x + ((x + 0.5) * box.width) / 28, y: box.y + ((y + 0.5) * box.height) / 28 };
}

const block = (/** @type {number} */ left, /** @type {number} */ right, /** @type {number} */ top, /** @type {number} */ bottom) =>
  Array.from({ length: 784 }, (_, at) => Number(at % 28 >= left && at % 28 <= right && Math.floor(at / 28) >= top && Math.floor(at / 28) <= bottom));

test('of the picture drawn above, and of the next one that is drawn', async () => {
  await open();
  await choose('The one drawn');
  const first = await summed(/for the picture drawn above, /);
  assert.deepEqual(first.ink, (await toldByEngine({ model: MODEL, seed: 31 })).levels);
  await page.locator('#draw-another').evaluate((button) => button.click());
  await assertSoon(async () => String((await summed(/for the picture drawn above, /)).ink), (ink) => ink !== String(first.ink));
});

test('of a picture chosen, dropped or pasted there, which is sent nowhere', async () => {
  await open();
  const bring = (/** @type {string} */ type, /** @type {string} */ target) => page.locator(target).evaluate((element, [event, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], 'square.png', { type: 'image/png' }));
    element.dispatchEvent(event === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true }) : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  }, /** @type {const} */ ([type, [...SQUARE.buffer]]));
  const sheet = async () => (await imagesOn(page.locator('#sheet'), 1))[0];
  const finished = await sheet();
  for (const way of ['drop', 'paste', 'choose']) {
    if (way === 'choose') await page.locator('#one-number [type="file"]').setInputFiles(SQUARE);
    else await bring(way, way === 'drop' ? '#one-number h2' : 'body');
    await page.locator('#one-number [value="own"]:checked').waitFor({ state: 'attached' });
    await summedOf(block(10, 17, 10, 17));
    await page.locator('#one-number [data-blank]').click();
    await summedOf(Array(784).fill(0));
  }
  assert.deepEqual(await sheet(), finished, 'the picture to be finished is another one');
  assert.deepEqual(watch.sent, []);
  await page.locator('#one-number [type="file"]').setInputFiles({ ...SQUARE, buffer: SQUARE.buffer.subarray(0, 50) });
  await page.locator('#one-number .fault').filter({ hasText: 'square.png is not a picture that this browser can read' }).waitFor();
});

test('of what the pencil draws on the picture shown, with pointer and keys, and back', async () => {
  await open();
  await choose('Your own');
  const begun = await summed();
  assert.ok(begun.ink.includes(1), 'it begins with the picture shown before');
  await page.locator('#one-number [data-blank]').click();
  const blank = await summed();
  const from = await middleOf(8, 20);
  const to = await middleOf(20, 20);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
  const stroke = await summed();
  assert.deepEqual(stroke.ink, block(7, 21, 19, 21));
  assert.ok(stroke.told > blank.told + 1);
  await page.locator('#one-number').getByRole('radio', { name: 'Paper' }).check();
  await page.locator('#one-number .pencil').focus();
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Space']) await page.keyboard.press(key);
  assert.deepEqual((await summed()).ink, block(7, 16, 19, 21).map((ink, at) => ink || block(20, 21, 19, 21)[at]));
  await page.locator('#one-number [aria-live]').filter({ hasText: /^[\d.]+ bits$/ }).waitFor({ state: 'attached' });
  await page.keyboard.press('Control+z');
  assert.deepEqual((await summed()).ink, stroke.ink);
  for (const back of [blank, begun]) {
    await page.locator('#one-number [data-undo]').click();
    assert.deepEqual((await summed()).ink, back.ink);
  }
});

test('keeps out nobody on a phone, where a finger draws and the page beside it scrolls', async () => {
  const { page: phone } = await openVisit(browser, { hasTouch: true, viewport: { width: 390, height: 844 } });
  await open(phone);
  await choose('Your own', phone);
  await phone.locator('#one-number [data-blank]').tap();
  await phone.locator('#one-number .pencil').scrollIntoViewIfNeeded();
  const { x, y } = await middleOf(14, 14, phone);
  await phone.touchscreen.tap(x, y);
  assert.deepEqual((await summed(undefined, phone)).ink, block(13, 15, 13, 15));
  assert.ok((await middleOf(-0.5, 0, phone)).x >= 16);
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.setViewportSize({ width: 390, height: 844 });
  await open();
  await choose('Your own');
  await summed();
  assert.deepEqual(await accessibilityFaults(), []);
});
