/** Pages whose modules the browser refuses, or runs no script of, say so. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { STRICT_POLICY, fileOf } from './server.js';
import { expectErrors, openSite, page, serveBody, visitSite } from './site.js';

const PAGES = ['index.html', 'embed.html', 'bench.html'];

visitSite();

/**
 * The note on a page or in a frame.
 * @param {import('playwright-core').Page | import('playwright-core').FrameLocator} where
 */
const note = (where) => where.getByText('must come from a web server');

/**
 * A page in a frame of a server that lets other origins read it, or not.
 * @param {string} file
 * @param {{ sandbox: string, cors: boolean }} options
 */
async function openFrame(file, { sandbox, cors }) {
  expectErrors();
  const { url } = await openSite({ cors });
  await page.goto(serveBody(`<iframe title="frame" sandbox="${sandbox}" src="${url}${file}"></iframe>`));
  return page.frameLocator('iframe');
}

describe('a page', () => {
  for (const file of PAGES) {
    test(`${file} opened as a file says what to do`, async () => {
      expectErrors();
      await page.goto(pathToFileURL(fileOf(file) ?? '').href);
      assert.ok(await note(page).isVisible());
      const text = await note(page).innerText();
      assert.match(text, /run make run and open the address that it prints/);
      assert.equal(text.match(/[.!?](\s|$)/g)?.length, 1, 'one sentence');
    });

    for (const cors of [false, true]) {
      test(`${file} in a sandboxed frame ${cors ? 'does not where the server allows it' : 'does where the server does not allow it'}`, async () => {
        const frame = await openFrame(file, { sandbox: 'allow-scripts', cors });
        assert.equal(await note(frame).isVisible(), !cors);
      });
    }

    test(`${file} that is served does not`, async () => {
      const { url } = await openSite({ policy: STRICT_POLICY });
      await page.goto(url + file);
      assert.equal(await note(page).isVisible(), false);
    });
  }

  for (const file of PAGES) {
    test(`${file} says that it needs JavaScript in a frame that runs none`, async () => {
      const frame = await openFrame(file, { sandbox: '', cors: true });
      // Playwright finds no text inside of it.
      const said = frame.locator('noscript p');
      assert.ok(await said.isVisible());
      assert.match((await said.textContent()) ?? '', /needs JavaScript/);
      assert.equal(await note(frame).isVisible(), false);
    });
  }
});
