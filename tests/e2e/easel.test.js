/** The easel: any number of values of a picture, by mouse and keys, at any time. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { WHOLE, canvas, coloursShown, digitShown, openEasel, position, scrubTo, toldByEngine, untilShown, untilWhole } from './easel.js';
import { colourModel, offer } from './models.js';
import { noCommandLine, sampleWithCommandLine } from './reference.js';
import { page, site, visitSite } from './site.js';

const COLOURS = 'test-colours';

visitSite({ flags: [] });
beforeEach(() => {
  offer(site, [colourModel(COLOURS)]);
});

/**
 * The first `k` values of a picture, as a canvas shows them: of a pixel that is half drawn, what there is of it.
 * @param {number[]} levels  `[channels, height, width]`
 * @param {number} k
 * @param {number} channels
 */
function firstValues(levels, k, channels) {
  const plane = levels.length / channels;
  return levels.map((level, at) => {
    const value = (at % plane) * channels + Math.floor(at / plane);
    return value < k ? level : channels * (at % plane) < k ? 0 : null;
  });
}

describe('the bar of positions', { skip: noCommandLine }, () => {
  for (const [model, seed, channels, positions] of /** @type {const} */ ([
    ['mnist-pixelcnn', 12345, 1, [0, 1, 27, 28, 391, 783, 784]],
    ['cifar10-pixelcnn', 71, 3, [0, 1, 2, 3, 95, 96, 1537, 3072]],
  ])) {
    test(`shows the first values that the command line draws, and the rest see-through (${model})`, async () => {
      await openEasel(`model=${model}&seed=${seed}&k=${WHOLE}`);
      const [levels] = sampleWithCommandLine({ model, seed, count: 1 });
      for (const k of positions) {
        await scrubTo(k);
        const shown = await (channels === 3 ? coloursShown() : digitShown());
        assert.deepEqual(shown, firstValues(levels, k, channels), `${k} values`);
        assert.equal(await page.locator('#scrubber-text').innerText(), `${k} of ${levels.length}`);
      }
    });
  }

  test('counts the small picture first, and shows it as large as the other', async () => {
    const model = 'mnist-multiscale-14-28';
    await openEasel(`model=${model}&seed=5&k=${WHOLE}`);
    const [levels] = sampleWithCommandLine({ model, seed: 5, count: 1 });
    const { small: [small] } = await toldByEngine({ model, seed: 5 });
    assert.equal(small.length, 196);
    for (const k of [0, 1, 15, 196, 197, 600, 980]) {
      await scrubTo(k);
      const wanted = levels.map((level, at) => {
        const below = 14 * Math.floor(at / 56) + Math.floor((at % 28) / 2);
        return at < k - 196 ? level : below < k ? small[below] : null;
      });
      assert.deepEqual(await digitShown(), wanted, `${k} values`);
      assert.equal(await page.locator('#scrubber-text').innerText(), `${k} of 980`);
    }
  });

  test('shows what it says at every moment of playing', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=40');
    const [levels] = sampleWithCommandLine({ model: 'mnist-pixelcnn', seed: 3, count: 1 });
    await page.getByLabel('Speed').selectOption('0.25');
    await page.getByRole('button', { name: 'Play' }).click();
    const moments = await page.evaluate(async () => {
      /** @type {Array<{ k: number, shown: Array<number | null> }>} */
      const moments = [];
      const [canvas, range] = [document.querySelector('#easel-canvas'), document.querySelector('#scrubber-range')];
      while (moments.length < 8) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
        moments.push({ k: Number(range.value), shown: Array.from({ length: 784 }, (_, at) => (data[4 * at + 3] ? data[4 * at] / 255 : null)) });
      }
      return moments;
    });
    for (const { k, shown } of moments) assert.deepEqual(shown, firstValues(levels, k, 1), `${k} values`);
    assert.ok(moments[7].k > moments[0].k && moments[7].k < 784, `from ${moments[0].k} to ${moments[7].k}`);
  });
});

describe('the picture is steered', () => {
  const press = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true }).click();

  test('with the mouse: play, pause, a pixel on and back, a row, nothing', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=300');
    for (const [name, k] of /** @type {const} */ ([['One pixel on', 301], ['One pixel back', 300], ['One row on', 308], ['One row on', 336], ['Nothing drawn', 0], ['One pixel back', 0], ['One row on', 28]])) {
      await press(name);
      assert.equal(await position(), k, name);
    }
    await page.getByLabel('Speed').selectOption('0.25');
    await press('Play');
    await page.waitForFunction(() => Number(document.querySelector('#scrubber-range').value) > 30);
    await press('Pause');
    const paused = await position();
    await page.waitForTimeout(300);
    assert.equal(await position(), paused);
    assert.ok(paused > 30 && paused < 784);
    await page.getByLabel('Speed').selectOption('At once');
    await press('Play');
    await untilWhole();
    assert.equal(await position(), 784);
    await page.getByLabel('Speed').selectOption('0.25');
    await press('Play');
    assert.ok((await position()) < 784, 'from the beginning');
    // Taking the bar of positions is to pause.
    await scrubTo(500);
    await page.waitForTimeout(200);
    assert.equal(await position(), 500);
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  });

  test('with the keys of the bar of positions', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=300');
    await page.locator('#scrubber-range').focus();
    const scrolled = await page.evaluate(() => scrollY);
    for (const [key, k] of /** @type {const} */ ([['ArrowRight', 301], ['ArrowLeft', 300], ['PageUp', 328], ['PageDown', 300], ['PageDown', 272], ['Home', 0], ['PageDown', 0], ['End', 784], ['PageUp', 784], ['ArrowLeft', 783]])) {
      await page.keyboard.press(key);
      assert.equal(await position(), k, key);
    }
    assert.equal(await page.locator('#scrubber-range').getAttribute('aria-valuetext'), '783 of 784, Row 28, column 27');
    assert.equal(await page.evaluate(() => scrollY), scrolled);
  });

  test('with Space on the picture', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=10');
    await page.getByLabel('Speed').selectOption('0.25');
    await canvas().focus();
    await page.keyboard.press('Space');
    await page.waitForFunction(() => Number(document.querySelector('#scrubber-range').value) > 10);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    const paused = await position();
    await page.waitForTimeout(200);
    assert.equal(await position(), paused);
    assert.equal(await page.evaluate(() => scrollY), 0);
  });

  test('in colour by pixels of three values, and on the bar by single ones', async () => {
    await openEasel(`model=${COLOURS}&seed=3&k=100`);
    for (const [name, k] of /** @type {const} */ ([['One pixel on', 102], ['One pixel on', 105], ['One pixel back', 102], ['One row on', 192]])) {
      await press(name);
      assert.equal(await position(), k, name);
    }
    await scrubTo(100);
    await press('One pixel back');
    assert.equal(await position(), 99);
    await page.locator('#scrubber-range').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('PageUp');
    assert.equal(await position(), 196);
  });

  test('at a speed that is kept for this device', async () => {
    await openEasel('seed=3&k=10');
    await page.getByLabel('Speed').selectOption('4×');
    await page.reload();
    await page.waitForFunction(() => document.querySelector('#speed').value === '4');
    assert.doesNotMatch(page.url(), /speed/);
  });
});

describe('nothing moves unasked', () => {
  test('where less motion is wanted: the finished picture at once, and one of another seed too', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.addInitScript(() => {
      Object.assign(window, { shown: [] });
      const look = () => {
        const range = document.querySelector('#scrubber-range');
        const canvas = document.querySelector('#easel-canvas');
        if (canvas?.getAttribute('aria-label')?.includes('seed') && window.shown.at(-1) !== range.value) window.shown.push(range.value);
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(`${site.url}#pace=instant`);
    await untilShown(/seed 7,/);
    await page.getByRole('button', { name: 'Draw another' }).click();
    await untilShown(/seed (?!7,)/);
    await untilWhole();
    assert.deepEqual(await page.evaluate(() => window.shown), ['784']);
  });

  test('where nobody sees it: scrolled away it pauses, and a picture asked for there rests', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=10');
    await page.getByLabel('Speed').selectOption('0.25');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.locator('footer').scrollIntoViewIfNeeded();
    await page.locator('#play-toggle:not([data-playing])').waitFor({ state: 'attached' });
    const paused = await position();
    await page.waitForTimeout(200);
    assert.equal(await position(), paused);
    await page.evaluate(() => (location.hash = '#pace=instant&seed=4'));
    await untilShown(/seed 4,/);
    await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).fill('5');
    await page.keyboard.press('Enter');
    await untilShown(/seed 5,/);
    assert.equal(await position(), 784);
    assert.equal(await page.locator('#play-toggle[data-playing]').count(), 0);
  });

  test('in a tab that is hidden: it goes on where it was', async () => {
    await openEasel('model=mnist-pixelcnn&seed=3&k=10');
    await page.getByLabel('Speed').selectOption('0.25');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    // Browsers give a hidden page no frames; later the next one comes late.
    const [before, after, later] = await page.evaluate(async () => {
      const { requestAnimationFrame: frame } = window;
      const range = document.querySelector('#scrubber-range');
      /** @type {FrameRequestCallback[]} */
      const held = [];
      window.requestAnimationFrame = (callback) => held.push(callback);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const before = Number(range.value);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const after = Number(range.value);
      window.requestAnimationFrame = frame;
      for (const callback of held) callback(performance.now());
      return [before, after, Number(range.value)];
    });
    assert.equal(after, before);
    // A tenth of a second of it, at a quarter of the speed.
    assert.ok(later - before < 40, `from ${before} to ${later}`);
  });
});
