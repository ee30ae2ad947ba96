/** Forced colours, such as Windows' contrast themes: what pictures, choices and marks are told by is still to be seen. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { untilDone } from './browser.js';
import { assertTold, colourAt } from './contrast.js';
import { boxInSight } from './in-sight.js';
import { seeCompletions } from './sections.js';
import { page, site, visitSite } from './site.js';

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  describe(`forced colours, ${colorScheme}`, () => {
    visitSite({ once: true });
    before(async () => {
      await page.emulateMedia({ colorScheme, forcedColors: 'active' });
      await page.setViewportSize({ width: 1280, height: 1000 });
      await page.goto(`${site.url}#seed=7&count=4&pace=instant&hidden=centre`);
      await untilDone(page);
      // What is out of sight is neither laid out nor drawn.
      await seeCompletions();
    });

    test('pictures have edges, and so have those in a row', async () => {
      for (const [name, picture] of /** @type {const} */ ([
        ['samples', page.locator('pixel-rnn canvas')],
        ['a set of digits', page.locator('#sets label', { hasText: 'Characters' }).locator('img')],
        ['a set of photographs', page.locator('#sets label', { hasText: 'Photographs' }).locator('img')],
        ['the sheet', page.locator('#sheet')],
      ])) {
        assertTold([await colourAt(picture, -1, 20), await colourAt(picture, -4, 20)], `the edge of ${name}`);
      }
      const samples = page.locator('pixel-rnn canvas');
      await boxInSight(samples);
      const [scale, side] = await samples.evaluate((canvas) => [canvas.clientWidth / canvas.width, 28]);
      const [gap, paper] = [Math.round(scale * (side + 1)), Math.round(scale * (side - 1))];
      assertTold([await colourAt(samples, gap, 4), await colourAt(samples, paper, 4)], 'the gap between two samples');
    });

    test('the picture of a set has an edge on a narrow page too', async () => {
      await page.setViewportSize({ width: 390, height: 844 });
      const picture = page.locator('#sets label', { hasText: 'Photographs' }).locator('.picture');
      assertTold([await colourAt(picture, -1, 20), await colourAt(picture, -4, 20)], 'the edge');
      await page.setViewportSize({ width: 1280, height: 1000 });
    });

    test('what is hidden is not taken for paper', async () => {
      const sheet = page.locator('#sheet');
      assertTold([await colourAt(sheet, 120, 120), await colourAt(sheet, 4, 4)], 'the hidden middle');
    });

    test('the network chosen is told from the others, by its fill and its ring', async () => {
      const [chosen, other] = ['', ':not'].map((no) => page.locator('#networks label', { has: page.locator(`input${no ? ':not(:checked)' : ':checked'}`) }).first());
      assertTold([await colourAt(chosen, 8, 4), await colourAt(other, 8, 4)], 'the fill');
      await page.locator('#networks input:checked').focus();
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Tab');
      assertTold([await colourAt(chosen, -3, 20), await colourAt(chosen, -2, 20)], 'the ring and the space before it');
      const [ring, text] = await chosen.evaluate((label) => [getComputedStyle(label.querySelector('span')).outlineColor, getComputedStyle(document.body).color]);
      assert.equal(ring, text, 'a colour of the visitor');
    });

    test('the mark of a pixel is seen on ink, on paper and beside them', async () => {
      const mark = page.locator('#easel-cursor');
      assertTold([await colourAt(mark, -1, 3), await colourAt(mark, -3, 3)], 'its two rings');
    });

    test('bars are told from the ground, and the line of what was drawn from the bars', async () => {
      await page.evaluate(() => document.querySelector('#sets label:nth-child(2) input').click());
      await page.locator('#inspector-values .bars').first().waitFor({ state: 'attached' });
      const [bars, red, line, ground] = await page.evaluate(() => {
        const figure = document.querySelector('#inspector-values svg');
        const red = figure.querySelector('.bars.red');
        const grey = red.cloneNode();
        grey.classList.remove('red');
        figure.append(grey);
        const [fills, strokes] = [[grey, red], [figure.querySelector('.drawn')]];
        const colours = [...fills.map((path) => getComputedStyle(path).fill), ...strokes.map((path) => getComputedStyle(path).stroke)];
        grey.remove();
        const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        return [...colours, getComputedStyle(document.body).backgroundColor].map((colour) => {
          context.fillStyle = colour;
          context.fillRect(0, 0, 1, 1);
          return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
        });
      });
      for (const fill of [bars, red]) {
        assertTold([fill, ground], 'bars on the ground');
        assertTold([line, fill], 'the line on bars');
      }
      assert.deepEqual(bars, red, 'a colour of the visitor');
    });
  });
}
