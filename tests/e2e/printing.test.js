/** What comes out of a printer. Nothing can be waited for before it: pages are printed as they are. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { imagesShown, rowsShown, untilDone } from './browser.js';
import { openBody, page, site, visitSite } from './site.js';

visitSite();
beforeEach(() => page.emulateMedia({ colorScheme: 'dark' }));

/** @param {string} body */
async function openElements(body) {
  await openBody(body);
  await page.locator('pixel-rnn canvas').first().waitFor({ state: 'attached' });
}

const FIVE = [1, 2, 3, 4, 5].map((seed) => `<div style="height: 1500px"></div><pixel-rnn id="s${seed}" seed="${seed}" count="1" loading="lazy"></pixel-rnn>`).join('');

test('elements never scrolled to begin when the page is printed; those to be asked are not begun', async () => {
  await openElements(`${FIVE}<pixel-rnn id="asked" loading="manual" count="1"></pixel-rnn>`);
  await page.waitForTimeout(300);
  assert.equal(page.workers().length, 0);
  const running = await page.evaluate(() => {
    dispatchEvent(new Event('beforeprint'));
    dispatchEvent(new Event('afterprint'));
    return [...document.querySelectorAll('pixel-rnn')].filter((element) => element.running).map(({ id }) => id);
  });
  assert.deepEqual(running, ['s1', 's2', 's3', 's4', 's5']);
  await untilDone(page, 5);
  // A second time there is nothing to begin.
  assert.equal(await page.evaluate(() => {
    dispatchEvent(new Event('beforeprint'));
    dispatchEvent(new Event('afterprint'));
    return [...document.querySelectorAll('pixel-rnn')].some((element) => element.running);
  }), false);
});

test('programs that show a page as printed, and wait, get every picture at once', async () => {
  await openElements(FIVE.replaceAll('<pixel-rnn', '<pixel-rnn pace="slow"'));
  await page.emulateMedia({ media: 'print' });
  await untilDone(page, 5);
  for (let seed = 1; seed <= 5; seed++) assert.ok((await imagesShown(page, `#s${seed}`))[0].every((pixel) => pixel !== null));
  const took = await page.evaluate(() => Math.max(...window.seen.done.map(({ at }) => at)) - Math.max(...window.seen.start.map(({ at }) => at)));
  assert.ok(took < 3000, `slow pace takes 4 s, this took ${took} ms`);
});

test('what is drawn but not shown yet is printed, and no mark of the next row', async () => {
  await openElements('<pixel-rnn count="1" pace="slow" loading="eager"></pixel-rnn>');
  await page.locator('pixel-rnn .speed').filter({ hasText: 'Drawn in' }).waitFor();
  assert.ok((await rowsShown(page)).length < 28);
  // Called as browsers call it while a script prints: nothing else runs before the listeners return.
  const printed = await page.evaluate(() => {
    dispatchEvent(new Event('beforeprint'));
    const canvas = document.querySelector('pixel-rnn').shadowRoot.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    dispatchEvent(new Event('afterprint'));
    return { rows: window.seen.row.length, drawn: data.filter((_, at) => at % 4 === 3).every((alpha) => alpha === 255) };
  });
  assert.deepEqual(printed, { rows: 28, drawn: true });
  await untilDone(page);
  assert.ok((await page.pdf()).length > 1000);
});

test('rows that are not drawn yet are no dark band', async () => {
  // Held after some rows: the rest is never sent.
  await page.addInitScript(() => {
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (...message) {
      const heard = this.onmessage;
      if (heard && !this.held) this.onmessage = (event) => (event.data.type === 'row' && event.data.y > 9) || event.data.type === 'done' || heard.call(this, event);
      this.held = true;
      return postMessage.apply(this, message);
    };
  });
  await openElements('<pixel-rnn count="1" pace="slow" loading="eager"></pixel-rnn>');
  await page.waitForFunction(() => window.seen.row.length === 10);
  const alphas = () => page.evaluate(() => {
    const canvas = document.querySelector('pixel-rnn').shadowRoot.querySelector('canvas');
    return [...canvas.getContext('2d').getImageData(0, 0, 1, 28).data].filter((_, at) => at % 4 === 3);
  });
  assert.ok((await alphas())[10] > 100, 'the next row is marked');
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.ok((await alphas()).slice(10).every((alpha) => alpha < 50));
});

test('on paper there are frames in place of empty pictures, black digits, and no controls', async () => {
  await openElements(`<pixel-rnn id="drawn" count="1" loading="eager"></pixel-rnn>${FIVE}`);
  await untilDone(page);
  const styles = () => page.evaluate(() => ['#drawn', '#s5'].map((id) => {
    const { shadowRoot } = document.querySelector(id);
    const { filter, outlineStyle, objectPosition } = getComputedStyle(shadowRoot.querySelector('canvas'));
    return { filter, framed: outlineStyle === 'solid', away: objectPosition.startsWith('-'), controls: getComputedStyle(shadowRoot.querySelector('.controls')).display !== 'none' };
  }));
  const screen = { filter: 'invert(0)', framed: false, away: false, controls: true };
  assert.deepEqual(await styles(), [screen, { ...screen, filter: 'none' }]);
  // Before anything that begins then is drawn.
  await page.evaluate(() => document.querySelectorAll('pixel-rnn').forEach((element) => element.draw = () => {}));
  await page.emulateMedia({ media: 'print' });
  assert.deepEqual(await styles(), [
    { filter: 'invert(1)', framed: false, away: false, controls: false },
    { filter: 'none', framed: true, away: true, controls: false },
  ]);
});

test('the page prints in light, every section drawn', async () => {
  await page.goto(`${site.url}#count=4&pace=slow`);
  await page.locator('#race button:enabled').waitFor();
  await page.emulateMedia({ media: 'print' });
  await untilDone(page);
  await page.locator('#completions-report').filter({ hasText: 'completions in' }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('#lanes .each')].every(({ textContent }) => textContent !== '–'));
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
  assert.deepEqual(await page.getByRole('button').filter({ visible: true }).all(), []);
  // What is chosen is told, what could be is not.
  assert.equal(await page.locator('#networks label').filter({ visible: true }).count(), 1);
  assert.ok(await page.locator('#tools').isHidden());
});
