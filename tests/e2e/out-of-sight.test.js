/** Tabs nobody looks at, frames that never come, and windows that move to another screen. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rowsShown, untilDone } from './browser.js';
import { openBody, page, site, visitSite } from './site.js';

visitSite();

describe('rows are shown to their end', () => {
  test('in a tab that is hidden while they appear', async () => {
    await openBody('<pixel-rnn count="1" pace="slow" loading="eager"></pixel-rnn>');
    await page.waitForFunction(() => window.seen.row.length >= 3);
    await page.evaluate(() => {
      // No frames, and timers once a minute, as browsers have it after a while.
      window.requestAnimationFrame = () => 0;
      window.setTimeout = /** @type {any} */ (() => 0);
      Object.defineProperty(document, 'hidden', { get: () => true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await untilDone(page);
    assert.equal((await rowsShown(page)).length, 28);
    // And from the beginning.
    await page.evaluate(() => document.querySelector('pixel-rnn').setAttribute('seed', '9'));
    await untilDone(page, 2);
  });

  test('at their pace where frames do not come, as in a frame that is not shown', async () => {
    await page.addInitScript(() => (window.requestAnimationFrame = () => 0));
    await openBody('<pixel-rnn count="1" pace="steady" loading="eager"></pixel-rnn>');
    await untilDone(page);
    const took = await page.evaluate(() => window.seen.row.at(-1).at - window.seen.row[0].at);
    assert.ok(took > 500, `28 rows a second, all in ${took} ms`);
  });
});

describe('on another screen', () => {
  /** Whether each image pixel is a whole number of device pixels, of every canvas that is fitted. */
  const squares = () => page.evaluate(() => {
    const canvases = [...document.querySelectorAll('pixel-rnn')].map(({ shadowRoot }) => shadowRoot.querySelector('canvas'));
    return [...canvases, ...document.querySelectorAll('#completed, .race figure:not([hidden]) canvas, .lanes canvas')].map(
      ({ id, style, width }) => [id, Math.round(1e4 * ((parseFloat(style.width) * devicePixelRatio) / width)) / 1e4],
    );
  });
  const isWhole = (/** @type {[string, number]} */ [, size]) => size >= 1 && Number.isInteger(size);

  test('every pixel is a square of whole device pixels again', async () => {
    await page.goto(`${site.url}#count=4&pace=instant`);
    await untilDone(page);
    for (const id of ['#finish', '#lanes', '#race']) {
      await page.locator(id).scrollIntoViewIfNeeded();
      await page.waitForTimeout(200);
    }
    assert.deepEqual((await squares()).filter((square) => !isWhole(square)), []);
    const devtools = await page.context().newCDPSession(page);
    for (const [at, deviceScaleFactor] of [1.5, 1.25, 2].entries()) {
      // Chromium tells such a change only of windows that are resized as well; nothing on the page gets wider by it.
      await devtools.send('Emulation.setDeviceMetricsOverride', { width: 1281 + at, height: 720, deviceScaleFactor, mobile: false });
      await page.waitForFunction((ratio) => devicePixelRatio === ratio, deviceScaleFactor);
      await page.waitForTimeout(100);
      assert.deepEqual((await squares()).filter((square) => !isWhole(square)), [], `at ${deviceScaleFactor}`);
    }
  });

  test('an element that was taken away listens no more', async () => {
    await page.addInitScript(() => {
      Object.assign(window, { listening: new Set() });
      const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
      EventTarget.prototype.addEventListener = function (type, listener, options) {
        const isOurs = this instanceof MediaQueryList || type.endsWith('print');
        if (isOurs) {
          window.listening.add(listener);
          options?.signal?.addEventListener('abort', () => window.listening.delete(listener));
        }
        return add.call(this, type, listener, options);
      };
      EventTarget.prototype.removeEventListener = function (type, listener, options) {
        window.listening.delete(listener);
        return remove.call(this, type, listener, options);
      };
    });
    await openBody('<pixel-rnn count="1" pace="instant" loading="eager"></pixel-rnn>');
    await untilDone(page);
    const before = await page.evaluate(() => window.listening.size);
    const left = await page.evaluate(async () => {
      document.querySelector('pixel-rnn').remove();
      await null;
      return window.listening.size;
    });
    assert.ok(before > left, `${before} listeners before, ${left} after`);
    const again = await page.evaluate(async () => {
      for (let k = 0; k < 3; k++) {
        const element = document.createElement('pixel-rnn');
        document.body.append(element);
        element.remove();
        await null;
      }
      return window.listening.size;
    });
    assert.equal(again, left);
  });
});
