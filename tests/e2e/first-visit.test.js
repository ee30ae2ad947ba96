/** The page as it is first met: its words whatever is drawn, what stands on the first screen, and what its controls look like. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { untilDone } from './browser.js';
import { colourAt } from './contrast.js';
import { WHOLE, openEasel, untilShown } from './easel.js';
import { SETS, colourModel, offer } from './models.js';
import { seeCompletions } from './sections.js';
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
    await open('model=flag');
    await seeCompletions();
    // What explains a section may speak of the paper's digits, and any number may be a time.
    const texts = await page.locator('h1, h2, .lead, .facts, #first p, #first output, legend, label:not(#sets label), figcaption, button, footer').filter({ hasText: /./ }).allTextContents();
    assert.ok(texts.length > 20);
    for (const text of texts) assert.doesNotMatch(text.replaceAll(/[\d.]+ (ms|s)\b/g, ''), /digit|photograph|\b784\b|\b28\b/i);
  });

  test('offer other pictures only where there are some', async () => {
    await open('model=flag');
    const other = page.getByRole('button', { name: 'Next test picture' });
    await seeCompletions();
    assert.ok(await other.isDisabled());
    await page.getByRole('radio', { name: 'Digits' }).check();
    // The picker may have scrolled it out of sight, where nothing is got ready.
    await seeCompletions();
    await page.locator('#examples-note').filter({ hasText: 'MNIST test image' }).waitFor();
    assert.ok(await other.isEnabled());
  });

  test('reach every pixel of a picture smaller than the one before', async () => {
    await open();
    await seeCompletions();
    await page.locator('#own-file').setInputFiles({ name: 'flag.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><path fill="red" d="M0 0h60v30H0z"/></svg>') });
    await page.getByRole('radio', { name: 'Flags' }).check();
    await page.locator('#finish').scrollIntoViewIfNeeded();
    await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#sheet')).width === 12);
    // The cursor is shown to those who come with the keyboard.
    await page.locator('#brush-sizes input').first().check();
    await page.locator('#redo').focus();
    for (const group of ['inks', 'sheet']) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate((id) => document.activeElement?.closest(`#${id}`), group), group);
    }
    const [picture, cursor] = await page.locator('#sheet, #sheet-cursor').evaluateAll((all) => all.map((element) => element.getBoundingClientRect().toJSON()));
    assert.ok(cursor.width > 0 && cursor.right <= picture.right + 1 && cursor.bottom <= picture.bottom + 1, JSON.stringify({ picture, cursor }));
    assert.ok(Math.abs(cursor.width - cursor.height) < 1, 'pixels are squares');
  });
});

describe('the first screen', () => {
  beforeEach(() => site.faults.delete('models/index.json'));

  /** Where something stands on the first screen. @param {string} selector */
  const box = async (selector) => /** @type {any} */ (await page.locator(selector).first().boundingBox());

  for (const [width, height] of [[1280, 900], [390, 844], [390, 664]]) {
    test(`of ${width} by ${height} pixels holds the picture, the choice and the button, whatever is chosen`, async () => {
      await page.setViewportSize({ width, height });
      await page.goto(site.url);
      await page.locator('#networks label').nth(2).waitFor();
      const assertInSight = async (/** @type {string} */ when) => {
        for (const selector of ['#easel', '#sets label', '#networks > div > label', '#draw-another']) {
          const all = await page.locator(selector).evaluateAll((some) => some.map((one) => one.getBoundingClientRect().toJSON()));
          assert.ok(all.length, selector);
          for (const { top, bottom, left, right } of all) assert.ok(top >= 0 && left >= 0 && bottom <= height && right <= width, `${when}: ${selector} ${JSON.stringify({ top, bottom, left, right })}`);
        }
        assert.deepEqual(await page.evaluate(() => [scrollY, document.documentElement.scrollWidth]), [0, width]);
      };
      await assertInSight('at first');
      for (const set of await page.locator('#sets input').all()) {
        await set.check();
        await untilShown();
        for (const network of await page.locator('#networks > div > label input').all()) {
          await network.check();
          await assertInSight(await network.inputValue());
        }
      }
    });
  }

  for (const [width, height] of [[320, 568], [768, 1024]]) {
    test(`of ${width} by ${height} pixels begins with the choice, above the picture`, async () => {
      await page.setViewportSize({ width, height });
      await page.goto(site.url);
      await page.locator('#networks label').nth(2).waitFor();
      const [sets, networks, picture] = [await box('#sets label'), await box('#networks label'), await box('#easel')];
      assert.ok(sets.y + sets.height < networks.y && networks.y + networks.height < picture.y);
      assert.ok(picture.y + (width > 600 ? 1 : 0.5) * picture.height <= height, JSON.stringify(picture));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }

  test('of 390 pixels has the five views in one line', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(site.url);
    const tops = await page.locator('#views label').evaluateAll((views) => views.map((view) => view.getBoundingClientRect().top));
    assert.deepEqual(tops, Array(5).fill(tops[0]));
  });

  test('is followed by the networks side by side, in one line where there is room', async () => {
    await page.goto(site.url);
    await page.locator('#lanes figure').nth(4).waitFor({ state: 'attached' });
    await page.locator('#side-by-side').scrollIntoViewIfNeeded();
    const tops = await page.locator('#lanes figure').evaluateAll((lanes) => lanes.map((one) => one.getBoundingClientRect().top));
    assert.deepEqual(tops, Array(5).fill(tops[0]));
  });

  test('is walked with the keyboard from top to bottom', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${site.url}#seed=7&k=300`);
    await untilShown();
    await page.locator('#copy-link').focus();
    const places = [];
    for (const selector of ['#sets input:checked', '#networks input:checked', '#networks summary', '#easel-canvas', '#scrubber-range', '#play-back', '#play-toggle', '#play-on', '#play-row', '#draw-another']) {
      await page.keyboard.press('Tab');
      assert.ok(await page.locator(selector).evaluate((element) => element === document.activeElement), selector);
      places.push(Math.round((await box(selector)).y + (await page.evaluate(() => scrollY))));
    }
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
  });

  for (const width of [320, 390, 768, 1024]) {
    test(`of ${width} pixels cuts no choice, and leaves its edges free`, async () => {
      await page.setViewportSize({ width, height: 844 });
      for (const model of ['mnist-pixelcnn', 'mnist-multiscale-14-28', 'characters-diagonal']) {
        await page.goto(`${site.url}?${model}#model=${model}`);
        await page.locator(`#networks [value='${model}']:checked`).waitFor({ state: 'attached' });
        const boxes = await page.locator('#sets label, #networks > div > *').evaluateAll((all) => all.map((one) => ({ words: one.textContent, box: one.getBoundingClientRect().toJSON() })));
        for (const [at, { words, box: { left, right, top, width: wide } }] of boxes.entries()) {
          assert.ok(left >= 16 && right <= width - 16 && wide >= 44, JSON.stringify({ words, left, right }));
          const covered = boxes.slice(at + 1).some(({ box }) => box.top === top && box.left < right && box.right > left);
          assert.ok(!covered, `${words} is covered`);
        }
        const cut = await page.locator('#sets label > span, #networks > div > label > span').evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map(({ textContent }) => textContent));
        assert.deepEqual(cut, []);
        const said = await page.locator('#networks > div > label').allInnerTexts();
        assert.equal(await page.getByRole('radio', { name: 'Diagonal BiLSTM', exact: true }).count(), 1, `${said}`);
      }
    });
  }

  for (const width of [320, 1024, 1280, 1536, 1920]) {
    test(`of ${width} pixels has its controls side by side, none over another`, async () => {
      await page.setViewportSize({ width, height: 900 });
      await openEasel(`seed=3&top-p=0.97&k=${WHOLE}`);
      await page.locator('#easel-save button').waitFor();
      const boxes = await page.locator('#play button:visible, #settings > *, #status > p:not(.unseen):visible').evaluateAll((all) => all.map((one) => ({ id: one.id || one.textContent, ...one.getBoundingClientRect().toJSON() })));
      for (const [at, { id, left, right, top, bottom }] of boxes.entries()) {
        assert.ok(left >= 16 && right <= width - 16, JSON.stringify({ id, left, right }));
        const over = boxes.slice(at + 1).filter((other) => other.left < right && other.right > left && other.top < bottom && other.bottom > top);
        assert.deepEqual(over.map((other) => other.id), [], id);
      }
    });
  }

  test('has no empty choices where the list of networks cannot be had', async () => {
    expectErrors();
    site.faults.set('models/index.json', (response) => response.writeHead(404).end());
    await page.goto(site.url);
    await page.locator('#easel-fault').filter({ hasText: 'The list of models' }).waitFor();
    for (const group of ['#sets', '#networks']) assert.ok(await page.locator(group).isHidden(), group);
  });
});

describe('figures', () => {
  test('of probabilities keep their names in one line, and stay within the page', async () => {
    for (const width of [320, 768]) {
      await page.setViewportSize({ width, height: 1024 });
      for (const [model, names] of /** @type {const} */ ([['', 2], ['flag', 3]])) {
        await openEasel(`model=${model}&seed=3&k=${WHOLE}`);
        const lines = await page.locator('#inspector-values :is(.names span, figcaption)').evaluateAll((all) => all.map((name) => ({
          fits: name.scrollWidth <= name.clientWidth + 1 || getComputedStyle(name).display === 'inline',
          lines: Math.round(name.getBoundingClientRect().height / parseFloat(getComputedStyle(name).lineHeight)),
        })));
        assert.deepEqual(lines, Array(names).fill({ fits: true, lines: 1 }), `${model} ${width}`);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      }
    }
  });
});

describe('controls of the page', () => {
  test('are as large as those of the element, and look as disabled', async () => {
    await open();
    await seeCompletions();
    const looks = (/** @type {import('playwright-core').Locator} */ controls) => controls.evaluateAll((all) => all.map((control) => {
      const { height, fontSize } = getComputedStyle(control);
      return `${control.textContent?.trim().slice(0, 20)}: ${height}, ${fontSize}`;
    }));
    const [own] = await looks(page.locator('pixel-rnn .save'));
    for (const control of ['#race button', '#draw-another', '#copy-link', '#speed', '#seed', '#keep']) {
      const [look] = await looks(page.locator(control));
      assert.equal(look.replace(/.*: /s, ''), own.replace(/.*: /s, ''), control);
    }
    await page.getByRole('radio', { name: 'Flags' }).check();
    await page.locator('#completions').scrollIntoViewIfNeeded();
    await page.locator('#next-picture:disabled').waitFor();
    const { opacity, cursor } = await page.locator('#next-picture').evaluate((button) => getComputedStyle(button));
    assert.deepEqual({ opacity, cursor }, { opacity: '0.5', cursor: 'default' });
  });

  test('leave keys to the browser that are pressed with Alt, Ctrl or the command key', async () => {
    await open();
    await seeCompletions();
    for (const id of ['sheet', 'sheet-line', 'easel-canvas']) {
      const taken = await page.locator(`#${id}`).evaluate((canvas) => [{}, { altKey: true }, { ctrlKey: true }, { metaKey: true }].map((modifier) =>
        !canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', cancelable: true, ...modifier }))));
      assert.deepEqual(taken, [true, false, false, false], id);
    }
  });

  for (const [colorScheme, colour] of /** @type {const} */ ([['light', [11, 95, 176]], ['dark', [127, 184, 245]]])) {
    test(`have rings of one colour, pictures of ink too, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await openEasel('seed=7&k=300&pixel=20,20');
      await page.locator('#networks summary').focus();
      await page.keyboard.press('Tab');
      const canvas = page.locator('#easel-canvas:focus-visible');
      await canvas.waitFor();
      assert.deepEqual([...(await colourAt(canvas, -3, 40))].slice(0, 3), [...colour]);
    });
  }
});
