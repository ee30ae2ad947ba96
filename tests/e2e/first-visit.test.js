/** The page as it is first met: its words whatever is drawn, what stands on the first screen, and what its controls look like. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { untilDone } from './browser.js';
import { SETS, colourModel, offer } from './models.js';
import { onlyPixel } from './png.js';
import { seeCompletions, seeDistribution } from './sections.js';
import { expectErrors, page, site, visitSite } from './site.js';

/** A set of a visitor's own: small, oblong, in colour, without test images. */
const FLAGS = { name: 'flags', title: 'Flags', about: '12 × 8, in colour' };
const FLAG = { model: colourModel('flag', { width: 12, height: 8, levels: 8 }), set: 'flags' };

visitSite({ flags: [] });
beforeEach(() => {
  offer(site, [{ ...FLAG.model, set: FLAG.set }], [...SETS, FLAGS]);
});

async function open(hash = '') {
  await page.goto(`${site.url}#pace=instant&count=4&${hash}`);
  await untilDone(page);
}

describe('words and controls', () => {
  test('are true of any pictures', async () => {
    await open('model=flag&hidden=brush');
    await seeCompletions('no test images');
    const texts = await page.locator('h1, h2, .lead, .kinds, .text, .facts, legend, figcaption, footer').allTextContents();
    assert.ok(texts.length > 20);
    for (const text of texts) assert.doesNotMatch(text, /digit|photograph|\b784\b|\b28\b/i);
  });

  test('offer other pictures only where there are some', async () => {
    await open('model=flag');
    const other = page.getByRole('button', { name: 'Other pictures' });
    await seeCompletions('no test images');
    assert.ok(await other.isDisabled());
    await page.getByRole('radio', { name: 'Digits' }).check();
    await page.locator('#completions-report').filter({ hasText: 'completions in' }).waitFor();
    assert.ok(await other.isEnabled());
  });

  test('reach every pixel of a picture smaller than the one before', async () => {
    await open('hidden=brush');
    await seeCompletions();
    await page.locator('#own-file').setInputFiles({ name: 'flag.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><path fill="red" d="M0 0h60v30H0z"/></svg>') });
    await page.getByRole('radio', { name: 'Flags' }).check();
    await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#brush-canvas')).width === 12);
    // The cursor is shown to those who come with the keyboard.
    await page.locator('#own-remove').focus();
    await page.keyboard.press('Tab');
    const [picture, cursor] = await page.locator('#brush-canvas, #brush-cursor').evaluateAll((all) => all.map((element) => element.getBoundingClientRect().toJSON()));
    assert.ok(cursor.width > 0 && cursor.right <= picture.right + 1 && cursor.bottom <= picture.bottom + 1, JSON.stringify({ picture, cursor }));
    assert.ok(Math.abs(cursor.width - cursor.height) < 1, 'pixels are squares');
  });
});

describe('the first screen', () => {
  beforeEach(() => site.faults.delete('models/index.json'));

  /** Where something stands on the first screen. @param {string} selector */
  const box = async (selector) => /** @type {any} */ (await page.locator(selector).first().boundingBox());

  // How much of the picture is seen at least, whatever fonts there are.
  for (const [width, height, part] of [[390, 844, 0.75], [390, 664, 0.25], [320, 568, 0], [768, 1024, 1], [1280, 900, 0.5]]) {
    test(`of ${width} by ${height} pixels shows what can be chosen, and the picture`, async () => {
      await page.setViewportSize({ width, height });
      await open('count=16');
      const [sets, networks, picture] = [await box('#sets label'), await box('#networks label'), await box('pixel-rnn canvas')];
      assert.ok(sets.y + sets.height < networks.y && networks.y + networks.height < picture.y);
      assert.ok(picture.y + part * picture.height <= height, JSON.stringify(picture));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }

  test('is walked with the keyboard from top to bottom', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    const places = [];
    for (const selector of ['#sets input:checked', '#networks input:checked', '#samples']) {
      await page.keyboard.press('Tab');
      assert.ok(await page.locator(selector).evaluate((element) => element === document.activeElement), selector);
      places.push((await box(selector)).y + (await page.evaluate(() => scrollY)));
    }
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
  });

  for (const model of ['mnist-multiscale-14-28', 'characters-diagonal']) {
    test(`shows that ${model} is chosen, though its choice stands far to the right`, async () => {
      await page.setViewportSize({ width: 320, height: 568 });
      await open(`model=${model}`);
      for (const group of ['#sets', '#networks']) {
        const { x, width } = await box(`${group} label:has(:checked)`);
        assert.ok(x >= 0 && x + width <= 320, JSON.stringify({ group, x, width }));
      }
      assert.equal(await page.evaluate(() => scrollY), 0);
    });
  }

  test('has no empty choices where the list of networks cannot be had', async () => {
    expectErrors();
    site.faults.set('models/index.json', (response) => response.writeHead(404).end());
    await page.goto(site.url);
    await page.waitForFunction(() => window.seen.failed.length);
    for (const group of ['#sets', '#networks']) assert.ok(await page.locator(group).isHidden(), group);
  });
});

describe('figures', () => {
  test('of probabilities keep what they say in one line', async () => {
    await page.setViewportSize({ width: 768, height: 1024 });
    for (const [model, charts] of [['', 1], ['flag', 3]]) {
      await open(`model=${model}`);
      await page.locator('#distribution').scrollIntoViewIfNeeded();
      await page.waitForFunction((count) => document.querySelectorAll('#distribution-charts figure').length === count, charts);
      const lines = await page.locator('#distribution-charts .axis').evaluateAll((all) => all.map((axis) => ({
        fits: axis.scrollWidth <= axis.clientWidth,
        lines: Math.round(axis.clientHeight / parseFloat(getComputedStyle(axis).lineHeight)),
      })));
      assert.deepEqual(lines, Array(charts).fill({ fits: true, lines: 1 }), model);
    }
  });
});

describe('controls of the page', () => {
  test('are as large as those of the element, and look as disabled', async () => {
    await open('hidden=brush');
    await seeCompletions();
    const looks = (/** @type {import('playwright-core').Locator} */ controls) => controls.evaluateAll((all) => all.map((control) => {
      const { height, fontSize } = getComputedStyle(control);
      return `${control.textContent?.trim().slice(0, 20)}: ${height}, ${fontSize}`;
    }));
    const [own] = await looks(page.locator('pixel-rnn .save'));
    for (const control of ['#other-examples', '.file > span', '#brush-clear', '#race-run', '#distribution-picture', '#hidden-choice label:first-of-type > span']) {
      const [look] = await looks(page.locator(control));
      assert.equal(look.replace(/.*: /s, ''), own.replace(/.*: /s, ''), control);
    }
    const { height } = /** @type {any} */ (await page.locator('.check').boundingBox());
    assert.ok(height >= 44);
    await page.getByRole('radio', { name: 'Flags' }).check();
    await page.locator('#completions-report').filter({ hasText: 'no test images' }).waitFor();
    assert.ok(await page.locator('#brush').isHidden(), 'there is nothing to paint on');
    const { opacity, cursor } = await page.locator('#other-examples').evaluate((button) => getComputedStyle(button));
    assert.deepEqual({ opacity, cursor }, { opacity: '0.5', cursor: 'default' });
  });

  test('leave keys to the browser that are pressed with Alt, Ctrl or the command key', async () => {
    await open('hidden=brush');
    await seeCompletions();
    await page.locator('#distribution').scrollIntoViewIfNeeded();
    for (const id of ['brush-canvas', 'distribution-canvas']) {
      const taken = await page.locator(`#${id}`).evaluate((canvas) => [{}, { altKey: true }, { ctrlKey: true }, { metaKey: true }].map((modifier) =>
        !canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', cancelable: true, ...modifier }))));
      assert.deepEqual(taken, [true, false, false, false], id);
    }
  });

  for (const [colorScheme, colour] of /** @type {const} */ ([['light', [168, 67, 31]], ['dark', [240, 138, 93]]])) {
    test(`have rings of one colour, pictures of ink too, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await open();
      await seeDistribution('bits');
      await page.locator('#distribution-picture').focus();
      await page.keyboard.press('Tab');
      const canvas = page.locator('#distribution-canvas:focus-visible');
      await canvas.scrollIntoViewIfNeeded();
      const { x, y } = /** @type {any} */ (await canvas.boundingBox());
      const clip = { x: Math.round(x) - 3, y: Math.round(y) + 40, width: 1, height: 1 };
      assert.deepEqual([...onlyPixel(await page.screenshot({ clip }))].slice(0, 3), [...colour]);
    });
  }
});
