/** The easel for everybody: keys that stay inside, fingers, screen readers, forced colours. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { WHOLE, canvas, openEasel, position } from './easel.js';
import { boxInSight } from './in-sight.js';
import { colourModel, offer } from './models.js';
import { accessibilityFaults } from './sections.js';
import { browser, openVisit, page, site, visitSite } from './site.js';

const MODELS = { ink: 'mnist-pixelcnn', colour: 'test-colours' };

visitSite({ flags: [] });
beforeEach(() => {
  offer(site, [colourModel(MODELS.colour)]);
});

const views = () => page.locator('#views input').evaluateAll((radios) => radios.map(({ value }) => value));

describe('axe finds nothing', () => {
  for (const [kind, model] of Object.entries(MODELS)) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      test(`in any view, of ${kind}, ${colorScheme}, on narrow pages and wide ones`, async () => {
        await page.emulateMedia({ colorScheme });
        for (const width of [320, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          await openEasel(`model=${model}&seed=3&k=${WHOLE}&pixel=12,12`);
          for (const view of await views()) {
            await page.locator(`#views [value='${view}']`).check();
            assert.deepEqual(await accessibilityFaults(), [], `${view} at ${width}`);
          }
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        }
      });
    }
  }
});

describe('every target is as large as a finger', () => {
  for (const width of [320, 390, 768, 1280]) {
    test(`in a window ${width} pixels wide`, async () => {
      await page.setViewportSize({ width, height: 900 });
      for (const model of Object.values(MODELS)) {
        await openEasel(`model=${model}&seed=3&k=500&pixel=12,12${model === MODELS.ink ? '&forks=200:1' : ''}`);
        const small = await page.locator('#first :is(button, select, summary, label:has(input[type=radio]), input:not([type=radio], [type=file])), header button').evaluateAll((all) => all
          .filter((one) => one.getClientRects().length)
          .map((one) => ({ name: one.id || one.textContent?.trim(), width: one.getBoundingClientRect().width, height: one.getBoundingClientRect().height }))
          .filter(({ width, height }) => width < 44 || height < 44));
        assert.deepEqual(small, [], model);
      }
    });
  }
});

test('keys that the easel uses neither scroll the page nor reach whoever listens around it', async () => {
  await openEasel(`model=${MODELS.ink}&seed=3&k=300&pixel=10,10`);
  await page.evaluate(() => {
    Object.assign(window, { heard: [] });
    document.addEventListener('keydown', ({ key }) => window.heard.push(key));
  });
  const heard = () => page.evaluate(() => window.heard.splice(0));
  for (const [field, used, others] of /** @type {const} */ ([
    ['#easel-canvas', ['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Control+Home', 'Enter', 'Escape', 'Space', 'Space', '2', '3', '1'], ['q', 'Alt+ArrowUp']],
    ['#scrubber-range', ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'], ['q']],
  ])) {
    await page.locator(field).focus();
    const scrolled = await page.evaluate(() => scrollY);
    for (const key of used) {
      await page.keyboard.press(key);
      assert.deepEqual((await heard()).filter((key) => key !== 'Control'), [], `${key} on ${field}`);
    }
    assert.equal(await page.evaluate(() => scrollY), scrolled);
    for (const key of others) await page.keyboard.press(key);
    assert.ok((await heard()).includes('q'), 'others are let through');
  }
});

test('the views are chosen by number, and said to be chosen', async () => {
  await openEasel(`model=${MODELS.ink}&seed=3&k=300`);
  await canvas().focus();
  for (const [at, view] of (await views()).entries()) {
    await page.keyboard.press(String(at + 1));
    assert.ok(await page.locator(`#views [value='${view}']`).isChecked(), view);
  }
});

test('a pixel is read out when one rests on it, and a drawing by its quarters', async () => {
  await openEasel(`model=${MODELS.ink}&seed=3&k=300`);
  await canvas().focus();
  for (let presses = 0; presses < 5; presses++) await page.keyboard.press('ArrowLeft');
  await page.locator('#inspector-said').filter({ hasText: /^Row \d+, column \d+: (ink|paper), [\d.]+\s%, [\d.]+ bits\.$/ }).waitFor({ state: 'attached' });
  await page.evaluate(() => {
    Object.assign(window, { spoken: [] });
    const spoken = document.querySelector('#easel-spoken');
    new MutationObserver(() => window.spoken.push(spoken.textContent)).observe(spoken, { childList: true });
  });
  await page.getByLabel('Speed').selectOption('4×');
  await page.getByRole('button', { name: 'Nothing drawn' }).click();
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.waitForFunction(() => /in all\.$/.test(window.spoken.at(-1) ?? ''));
  const spoken = await page.evaluate(() => window.spoken.filter(Boolean));
  assert.ok(spoken.length <= 5 && spoken.includes('Half is drawn.') && /^The picture is drawn: [\d.]+ bits in all\.$/.test(spoken.at(-1)), spoken.join(' '));
});

test('a tap keeps a pixel, and a swipe upwards scrolls the page', async () => {
  const { page } = await openVisit(browser, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 664 } });
  await page.goto(`${site.url}#model=${MODELS.ink}&seed=3&k=${WHOLE}`);
  await page.locator('#easel-sum').filter({ hasText: 'in all' }).waitFor();
  const picture = page.locator('#easel-canvas');
  const box = await boxInSight(picture);
  const step = box.width / 28;
  await page.touchscreen.tap(box.x + 4.5 * step, box.y + 9.5 * step);
  await page.locator('#inspector-place').filter({ hasText: 'Row 10, column 5' }).waitFor();
  assert.match(page.url(), /pixel=4%2C9/);
  assert.equal(await page.evaluate(() => scrollY), 0);
  const devtools = await page.context().newCDPSession(page);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (let step = 0; step <= 10; step++) await devtools.send('Input.dispatchTouchEvent', { type: step ? 'touchMove' : 'touchStart', touchPoints: [{ x, y: y - 20 * step }] });
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.waitForFunction(() => scrollY > 100);
  assert.equal(await page.locator('#inspector-place').innerText(), 'Row 10, column 5', 'a swipe means no pixel');
});

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  test(`in forced colours the picture has an edge, and what is chosen is told, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme, forcedColors: 'active' });
    await openEasel(`model=${MODELS.ink}&seed=3&k=300&pixel=10,5`);
    const looks = await page.evaluate(() => {
      const style = (/** @type {string} */ selector) => getComputedStyle(document.querySelector(selector));
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = 'CanvasText';
      const text = getComputedStyle(probe).color;
      probe.remove();
      const { outlineStyle, outlineWidth } = style('#easel-canvas');
      const [part, bar] = [style('.bar .part'), style('.bar')].map(({ backgroundColor }) => backgroundColor);
      return { text, edge: `${outlineWidth} ${outlineStyle}`, cursor: style('#easel-cursor').outlineColor, told: part !== bar };
    });
    assert.deepEqual(looks, { text: looks.text, edge: '1px solid', cursor: looks.text, told: true });
    assert.equal(await position(), 300);
  });
}
