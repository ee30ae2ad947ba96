/** Values of any number of levels: as colours, as ink, and in the words and charts of the page. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { rowsOf } from '../../www/page/levels.js';
import { isInk } from '../../www/shared/format.js';
import { coloursOn, drawnAlone, untilDone } from './browser.js';
import { WHOLE, coloursShown, openEasel } from './easel.js';
import { SETS, colourModel, offer } from './models.js';
import { png } from './png.js';
import { seeCompletions } from './sections.js';
import { page, site, visitSite } from './site.js';

test('a level is shown as the samplers show it, for every number of levels', () => {
  for (let levels = 2; levels <= 256; levels++) {
    const image = Uint8Array.from({ length: levels }, (_, level) => level);
    const [{ rgba }] = rowsOf([image], { width: levels, height: 1, channels: 1, levels });
    // The nearest byte, halves upwards, in whole numbers.
    image.forEach((level) => assert.equal(rgba[4 * level], Math.floor((2 * 255 * level + levels - 1) / (2 * (levels - 1))), `${level} of ${levels}`));
  }
});

test('only two levels of one channel are ink and paper', () => {
  assert.ok(isInk({ channels: 1, levels: 2 }));
  for (const info of [{ channels: 1, levels: 3 }, { channels: 3, levels: 2 }, { channels: 1, levels: 256 }]) assert.ok(!isInk(info), JSON.stringify(info));
});

describe('a network of few levels', () => {
  const SIZE = { width: 24, height: 24 };
  visitSite();
  beforeEach(() => {
    const sets = [...SETS, { name: 'signs', title: 'Signs', about: '' }];
    offer(site, [2, 8].map((levels) => ({ ...colourModel(`of-${levels}`, { ...SIZE, levels }), set: 'signs' })), sets);
  });

  for (const levels of [2, 8]) {
    const model = `of-${levels}`;
    test(`draws colours of ${levels} levels, told in bits`, async () => {
      await page.goto(`${site.url}#model=${model}&count=4&pace=instant`);
      await untilDone(page);
      const canvas = page.locator('#samples canvas');
      const drawn = await drawnAlone(page, { model, seed: 7, count: 4 });
      assert.deepEqual(await coloursOn(canvas, { count: 4, ...SIZE }), drawn.map((image) => image.map((level) => Math.round((255 * level) / (levels - 1)))));
      assert.equal(new Set(drawn.flat()).size, levels);
      assert.equal(await canvas.evaluate((element) => getComputedStyle(element).filter), 'none');
      assert.match(await page.locator('.likelihood').innerText(), /bits per dimension\.$/);
      assert.match(await page.locator('#networks-note').innerText(), /[\d.]+ bits\/dim\. Bits\/dim: .* 1,728 values/);
    });

    test(`is looked at pixel by pixel: ${levels} bars that stand apart`, async () => {
      await openEasel(`model=${model}&seed=7&k=${WHOLE}&pixel=12,12`);
      const charts = page.locator('#inspector-values figure');
      const levelsThere = (await coloursShown(SIZE)).filter((_, at) => at % 576 === 12 * 24 + 12).map((byte) => Math.round(((byte ?? 0) * (levels - 1)) / 255));
      assert.deepEqual(await charts.locator('figcaption').allInnerTexts(), ['Red', 'Green', 'Blue'].map((name, channel) => `${name} ${levelsThere[channel]}`));
      for (const chart of await charts.all()) {
        const bars = [...((await chart.locator('path').getAttribute('d')) ?? '').matchAll(/M([\d.]+) 100V[\d.]+H([\d.]+)V/g)].map(([, left, right]) => [Number(left), Number(right)]);
        assert.equal(bars.length, levels);
        bars.forEach(([left, right], level) => assert.ok(left > level && right > left && right < level + 1, `bar ${level} from ${left} to ${right}`));
        assert.match(await chart.locator('.said').innerText(), /^[\d.]+\s%, [\d.]+ bits$/);
      }
    });

    test(`takes a picture of one's own in ${levels} levels`, async () => {
      await page.goto(`${site.url}#model=${model}&pace=instant`);
      await seeCompletions();
      assert.equal(await page.locator('#examples-note').innerText(), 'A blank sheet. There are no test pictures for this network here.');
      assert.match(await page.locator('#own-how').innerText(), new RegExp(`reduced to 24\\s×\\s24 pixels, and to ${levels} levels of red, green and blue\\.$`));
      const colour = [255, 140, 10];
      await page.locator('#own-file').setInputFiles({ name: 'orange.png', mimeType: 'image/png', buffer: png(24, 24, () => colour) });
      await page.locator('#examples-note').filter({ hasText: 'Your picture.' }).waitFor();
      const [original] = await coloursOn(page.locator('#sheet'), { count: 1, ...SIZE });
      const step = 255 / (levels - 1);
      assert.deepEqual([0, 576, 1152].map((at) => original[at]), colour.map((byte) => Math.round(Math.round(byte / step) * step)));
    });
  }
});
