/** Pages whose modules the browser refuses, or runs no script of, say so. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch, openPage } from './browser.js';
import { STRICT_POLICY, fileOf, serveSite } from './server.js';

const PAGES = ['index.html', 'embed.html', 'bench.html'];

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/**
 * The note on a page or in a frame.
 * @param {import('playwright-core').Page | import('playwright-core').FrameLocator} page
 */
const note = (page) => page.getByText('must come from a web server');

/**
 * A page in a frame of a server that lets other origins read it, or not.
 * @param {string} file
 * @param {{ sandbox: string, cors: boolean }} options
 */
async function openFrame(file, { sandbox, cors }) {
  const site = await serveSite({ cors });
  const { page, close } = await openPage(browser);
  site.faults.set('frame.html', (response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>fixture</title><iframe title="frame" sandbox="${sandbox}" src="${file}"></iframe>`);
  });
  await page.goto(`${site.url}frame.html`);
  const end = () => Promise.all([close(), site.close()]);
  return { frame: page.frameLocator('iframe'), end };
}

describe('a page', () => {
  for (const file of PAGES) {
    test(`${file} opened as a file says what to do`, async () => {
      const { page, close } = await openPage(browser);
      await page.goto(pathToFileURL(fileOf(file) ?? '').href);
      assert.ok(await note(page).isVisible());
      const text = await note(page).innerText();
      assert.match(text, /run make run and open the address that it prints/);
      assert.equal(text.match(/[.!?](\s|$)/g)?.length, 1, 'one sentence');
      await close();
    });

    for (const cors of [false, true]) {
      test(`${file} in a sandboxed frame ${cors ? 'does not where the server allows it' : 'does where the server does not allow it'}`, async () => {
        const { frame, end } = await openFrame(file, { sandbox: 'allow-scripts', cors });
        assert.equal(await note(frame).isVisible(), !cors);
        await end();
      });
    }

    test(`${file} that is served does not`, async () => {
      const site = await serveSite({ policy: STRICT_POLICY });
      const { page, watch, close } = await openPage(browser);
      await page.goto(site.url + file);
      assert.equal(await note(page).isVisible(), false);
      assert.deepEqual(watch.errors, []);
      await close();
      await site.close();
    });
  }

  for (const file of PAGES) {
    test(`${file} says that it needs JavaScript in a frame that runs none`, async () => {
      const { frame, end } = await openFrame(file, { sandbox: '', cors: true });
      // Playwright finds no text inside of it.
      const said = frame.locator('noscript p');
      assert.ok(await said.isVisible());
      assert.match((await said.textContent()) ?? '', /needs JavaScript/);
      assert.equal(await note(frame).isVisible(), false);
      await end();
    });
  }
});
