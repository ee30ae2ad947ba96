/** `<pixel-rnn>` on pages that have keys, forms and ways of their own. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { launch, openPage } from './browser.js';
import { serveSite } from './server.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./server.js').Site} */
let site;
/** @type {Awaited<ReturnType<typeof openPage>>} */
let opened;
/** @type {import('playwright-core').Page} */
let page;

before(async () => {
  browser = await launch();
  site = await serveSite();
});
after(async () => {
  await browser.close();
  await site.close();
});
beforeEach(async () => {
  opened = await openPage(browser);
  page = opened.page;
});
afterEach(() => opened.close());

/**
 * Opens a host's page with the element's module.
 * @param {string} body
 */
async function openHost(body) {
  const html = `<!doctype html><html lang="en"><title>host</title><link rel="icon" href="data:,"><body>${body}<script type="module" src="pixel-rnn.js"></script>`;
  site.faults.set('host.html', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(html));
  await page.goto(`${site.url}host.html`);
  await page.waitForFunction(() => document.querySelector('pixel-rnn')?.shadowRoot);
}

describe('on a page with keys of its own', () => {
  // As books do: arrows turn the page, letters search, and what is taken is cancelled.
  const KEYS = `<script>
    window.heard = [];
    for (const type of ['keydown', 'keypress', 'keyup']) {
      document.addEventListener(type, (event) => {
        heard.push(event.key);
        if (/^(Arrow|[a-z/ ]$)/.test(event.key)) event.preventDefault();
      });
    }
  </script>`;
  beforeEach(() => openHost(`<pixel-rnn loading="manual"></pixel-rnn>${KEYS}`));

  /** @param {string[]} keys */
  async function press(...keys) {
    await page.evaluate(() => window.heard.splice(0));
    for (const key of keys) await page.keyboard.press(key);
    return page.evaluate(() => [...new Set(window.heard)]);
  }

  test('the slider moves, and the page does not hear its keys', async () => {
    const slider = page.getByLabel('Temperature');
    await slider.focus();
    assert.deepEqual(await press('ArrowRight', 'ArrowUp', 'ArrowLeft'), []);
    assert.equal(await slider.inputValue(), '1.05');
    assert.deepEqual(await press('PageUp', 'PageDown', 'End', 'ArrowDown'), []);
    assert.equal(await slider.inputValue(), '1.95');
    assert.deepEqual(await press('Home'), []);
    assert.equal(await slider.inputValue(), '0.1');
    assert.deepEqual(await press('s', '/'), ['s', '/'], 'letters are nothing to a slider');
  });

  test('the seed is typed, and the page does not hear it', async () => {
    const seed = page.getByLabel('Seed', { exact: true });
    await seed.focus();
    await seed.selectText();
    assert.deepEqual(await press('s', '/', '1', 'f', 'ArrowLeft', 'N', '2', 'Delete', 'Home', ' ', 'End', 'Backspace', 'ArrowUp', 'ArrowDown'), []);
    assert.equal(await seed.inputValue(), ' s/1N');
    await seed.fill('21');
    assert.deepEqual(await press('Enter'), []);
    assert.equal(await page.locator('pixel-rnn').getAttribute('seed'), '21');
  });

  test('a list is walked, and the page does not hear it', async () => {
    const pace = page.getByLabel('Pace');
    await pace.focus();
    await pace.selectOption('steady');
    assert.deepEqual(await press('ArrowDown'), []);
    assert.equal(await pace.inputValue(), 'instant');
    assert.deepEqual(await press('Home', 'End', 'ArrowUp', 'ArrowLeft', 's'), []);
    assert.equal(await pace.inputValue(), 'steady', 'the letter leads from Slow to the next choice with it');
  });

  test('a button is pressed, and the page does not hear it, but hears the arrows', async () => {
    await page.getByRole('button', { name: 'New' }).focus();
    assert.deepEqual(await press('Enter', 'Space'), []);
    assert.deepEqual(await press('ArrowRight', 's'), ['ArrowRight', 's']);
  });

  for (const label of ['Seed', 'Temperature', 'Pace']) {
    test(`keys that ${label} has no use for reach the page`, async () => {
      await page.getByLabel(label, { exact: label === 'Seed' }).focus();
      const unused = ['Escape', 'F2', 'Control+k', 'Meta+k', 'Tab'];
      assert.deepEqual(await press(...unused), ['Escape', 'F2', 'Control', 'k', 'Meta', 'Tab']);
    });
  }

  test('a key that the element has handled itself stays with it', async () => {
    await page.locator('pixel-rnn').evaluate((element) => {
      const picture = element.shadowRoot.querySelector('canvas');
      picture.tabIndex = 0;
      picture.focus();
      picture.addEventListener('keydown', (event) => event.key === 'ArrowLeft' && event.preventDefault());
    });
    assert.deepEqual(await press('ArrowLeft', 'ArrowRight'), ['ArrowRight']);
  });
});
