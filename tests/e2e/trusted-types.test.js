/** Pages whose policy says that no text becomes script or markup: `require-trusted-types-for 'script'`. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_ROWS, rowsShown, untilDone } from './browser.js';
import { STRICT_POLICY } from './server.js';
import { MODULE, expectErrors, openSite, page, serveBody, site, visitSite } from './site.js';

const ELEMENT = '<pixel-rnn count="4" loading="eager" pace="instant"></pixel-rnn>';
const TRUSTED = "require-trusted-types-for 'script'; trusted-types pixel-rnn";

visitSite();

/** A text that would be markup, or the address of a script, is refused. */
const isEnforced = () => page.evaluate(() => {
  const refuses = (/** @type {() => void} */ act) => {
    try {
      act();
      return false;
    } catch {
      return true;
    }
  };
  return refuses(() => (document.createElement('p').innerHTML = 'x')) && refuses(() => new Worker('worker/worker.js'));
});

describe('under trusted types', () => {
  for (const address of ['index.html#count=4&pace=instant', 'embed.html?count=4&pace=instant']) {
    test(`${address.split(/[?#]/)[0]} draws, and asks for them itself`, async () => {
      await page.goto(site.url + address);
      await untilDone(page);
      expectErrors();
      assert.ok(await isEnforced());
    });
  }

  test('the element draws, in helpers too', async () => {
    await page.goto(serveBody(ELEMENT + MODULE, { 'Content-Security-Policy': STRICT_POLICY.replace("default-src 'self'", "default-src 'self' data:") }));
    await untilDone(page);
    assert.deepEqual(await rowsShown(page), ALL_ROWS);
    const threads = await page.evaluate(async () => {
      const { sharedEngine } = await import('./engine.js');
      for (let k = 0; k < 100; k++) {
        const { threads } = await sharedEngine().sample({ model: 'mnist-pixelcnn', seed: 1, count: 4, threads: 2, backend: 'cpu' });
        if (threads === 2) return threads;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return 1;
    });
    assert.equal(threads, 2);
  });

  test('the element from another origin draws', async () => {
    const host = await openSite({ cors: true });
    await page.goto(serveBody(`${ELEMENT}<script type="module" src="${host.url}pixel-rnn.js"></script>`, {
      'Content-Security-Policy': `script-src ${new URL(host.url).origin} 'wasm-unsafe-eval'; worker-src blob:; ${TRUSTED}`,
    }));
    await untilDone(page);
  });

  test('the element says what a policy must allow that names others only', async () => {
    expectErrors();
    const strict = await openSite({ policy: STRICT_POLICY.replace('trusted-types pixel-rnn', "trusted-types 'none'") });
    await page.goto(`${strict.url}embed.html?loading=eager`);
    await page.waitForFunction(() => window.seen.failed.length > 0);
    assert.equal(
      await page.evaluate(() => window.seen.failed[0].message),
      "The worker that draws could not be started: the page's Content-Security-Policy forbids it, and must have pixel-rnn in its trusted-types.",
    );
  });
});

test('where names are listed but no types wanted, the element draws without its policy', async () => {
  expectErrors();
  await page.goto(serveBody(ELEMENT + MODULE, { 'Content-Security-Policy': 'trusted-types another' }));
  await untilDone(page);
});
