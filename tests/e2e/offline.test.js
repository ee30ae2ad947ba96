/** What a visitor keeps for offline use: nothing unasked, all of one version, gone when it is taken back. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layOut } from '../../scripts/dist-layout.mjs';
import { assertSoon } from './browser.js';
import { WHOLE, digitShown, openEasel } from './easel.js';
import { STRICT_POLICY, sendFile } from './server.js';
import { expectErrors, page, site, visitSite } from './site.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-offline-'));
const [OLD, NEW] = ['old', 'new'].map((name) => join(folder, name));

before(async () => {
  const [www, pkg] = ['www', 'pkg'].map((name) => join(folder, name));
  cpSync(join(REPOSITORY, 'www'), www, { recursive: true });
  cpSync(join(REPOSITORY, 'pkg', 'cpu'), join(pkg, 'cpu'), { recursive: true });
  writeFileSync(join(pkg, 'index.json'), '{"cpu":{},"gpu":null}');
  await layOut(www, pkg, OLD);
  // A page and a module that must be of one version.
  for (const [file, from, to] of [['index.html', 'id="inspector-place"', 'id="inspector-spot"'], ['page/easel/inspector.js', "part('place')", "part('spot')"]]) {
    const text = readFileSync(join(www, file), 'utf8');
    assert.ok(text.includes(from), `${file} has ${from}`);
    writeFileSync(join(www, file), text.replaceAll(from, to));
  }
  await layOut(www, pkg, NEW);
});
after(() => rmSync(folder, { recursive: true }));

const part = () => page.locator('#offline');
const PICTURE = `seed=11&model=mnist-pixelcnn&k=${WHOLE}`;

/** Opens the page, and keeps it. */
async function keep() {
  await openEasel(PICTURE);
  await part().getByRole('button', { name: 'Keep for offline use' }).click();
  await part().getByText('Kept on this device').waitFor({ timeout: 60_000 });
}

/** What is kept: a cache of the page, and a service worker. */
const keptNow = () => page.evaluate(async () => [
  ...(await caches.keys()).filter((name) => name.startsWith('pixelrnn page ')),
  ...(await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope),
]);

/** The weights that are kept: they are for every visit, if there is room. */
const weightsNow = () => page.evaluate(async () => (await (await caches.open('pixelrnn-weights')).keys()).map(({ url }) => new URL(url).pathname.split('/').pop()));

/** The page of which version is open? */
const isNew = () => page.evaluate(() => document.querySelector('#inspector-spot') !== null);

/** Ends the connection: the server is gone, the browser knows it, and has nothing left that it kept of itself. */
async function goOffline() {
  expectErrors();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.clearBrowserCache');
  await site.close();
  await page.context().setOffline(true);
}

describe('offline', () => {
  visitSite({ folder: OLD, prefix: '/some/path/' });

  test('nothing is kept unasked', async () => {
    await openEasel(PICTURE);
    await part().getByRole('button', { name: 'Keep for offline use' }).waitFor();
    assert.match(await part().innerText(), /\b[34],\d{3} kB: this page and the networks of “Digits”/);
    assert.deepEqual(await keptNow(), []);
  });

  test('what is kept opens and draws without a connection, the same picture', async () => {
    await keep();
    const drawn = await digitShown();
    await goOffline();
    await openEasel(PICTURE);
    assert.deepEqual(await digitShown(), drawn);
    // A network that was not drawn with before.
    await openEasel(`seed=11&model=mnist-row&k=${WHOLE}`);
    assert.notDeepEqual(await digitShown(), drawn);
  });

  test('what is taken back is gone', async () => {
    await keep();
    assert.equal((await keptNow()).length, 2);
    await part().getByRole('button', { name: 'Remove what is kept' }).click();
    await part().getByText('Removed.').waitFor();
    assert.deepEqual([await keptNow(), await weightsNow()], [[], []]);
    // While this page is open its worker still lives, and keeps nothing.
    await openEasel(`seed=12&model=mnist-row&k=${WHOLE}`);
    assert.deepEqual(await keptNow(), []);
    await keep();
    assert.equal((await keptNow()).length, 2, 'kept once more');
  });

  test('it is kept, taken back and kept again in one visit, and the button says which', async () => {
    await keep();
    for (const [name, said] of [['Remove what is kept', 'Removed.'], ['Keep for offline use', 'Kept on this device']]) {
      await part().getByRole('button', { name }).click();
      await part().getByText(said).waitFor({ timeout: 60_000 });
    }
    await goOffline();
    await openEasel(PICTURE);
    assert.equal(await part().getByRole('button').innerText(), 'Remove what is kept');
  });

  test('weights that are drawn with later are kept too', async () => {
    await keep();
    await openEasel(`seed=11&model=characters-row&k=${WHOLE}`);
    await assertSoon(weightsNow, (files) => files.includes('characters-row.safetensors'));
    await goOffline();
    await openEasel(`seed=11&model=characters-row&k=${WHOLE}`);
  });

  test('an update is drawn at once, and kept as a whole', async () => {
    await keep();
    site.folder = NEW;
    await openEasel(PICTURE);
    assert.equal(await isNew(), true);
    await assertSoon(
      () => page.evaluate(async () => {
        const { active, waiting, installing } = (await navigator.serviceWorker.getRegistration()) ?? {};
        return [active?.state, waiting, installing, (await caches.keys()).filter((name) => name.startsWith('pixelrnn page ')).length];
      }),
      ([state, waiting, installing, versions]) => state === 'activated' && !waiting && !installing && versions === 2,
    );
    await goOffline();
    await openEasel(PICTURE);
    assert.equal(await isNew(), true);
    // A page of the version before may still be open.
    const folder = JSON.parse(readFileSync(join(OLD, 'build.json'), 'utf8'));
    assert.equal(await page.evaluate(async (module) => (await fetch(module)).status, `${folder}/page/race/race.js`), 200);
  });

  test('an update that is not there as a whole changes nothing of what is kept', async () => {
    await keep();
    const before = await keptNow();
    // Everything is there, but one file is that of the version before.
    site.folder = NEW;
    site.faults.set('index.html', (response) => sendFile(response, join(OLD, 'index.html')));
    expectErrors();
    const refused = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      await registration?.update().catch(() => {});
      const { installing } = registration ?? {};
      if (installing) await new Promise((resolve) => installing.addEventListener('statechange', resolve, { once: true }));
      return !registration?.waiting;
    });
    assert.ok(refused);
    assert.deepEqual(await keptNow(), before);
    await goOffline();
    await openEasel(PICTURE);
    assert.equal(await isNew(), false);
  });

  test('a file that cannot be had is told, and nothing is kept', async () => {
    expectErrors();
    await openEasel(PICTURE);
    site.faults.set('icon.svg', (response) => response.writeHead(500).end());
    await part().getByRole('button', { name: 'Keep for offline use' }).click();
    await part().getByText(/^Nothing was kept: .*icon\.svg could not be fetched: the server answered 500\.$/).waitFor();
    assert.deepEqual(await keptNow(), []);
  });

  test('where there is no room for weights, the page is kept all the same', async () => {
    await openEasel(PICTURE);
    site.faults.set('models/mnist-row.safetensors', (response) => response.writeHead(507).end());
    expectErrors();
    await part().getByRole('button', { name: 'Keep for offline use' }).click();
    await part().getByText('Kept on this device').waitFor({ timeout: 60_000 });
    const files = await weightsNow();
    assert.ok(files.includes('mnist-diagonal.safetensors') && !files.includes('mnist-row.safetensors'), files.join());
  });
});

describe('under a policy', () => {
  visitSite({ folder: OLD, policy: STRICT_POLICY });

  test('that allows it, it is kept', keep);
});

describe('under a policy that does not know it', () => {
  visitSite({ folder: OLD, policy: STRICT_POLICY.replace(' pixel-rnn-offline', '') });

  test('what must be allowed is told', async () => {
    expectErrors();
    await openEasel(PICTURE);
    await part().getByRole('button', { name: 'Keep for offline use' }).click();
    await part().getByText("Nothing was kept: the page's Content-Security-Policy must have pixel-rnn-offline in its trusted-types.").waitFor();
  });
});

describe('from the sources', { skip: process.env.PIXELRNN_SITE ? 'a folder is served in their place' : false }, () => {
  visitSite();

  test('nothing is offered: they change while they are worked on', async () => {
    await openEasel(PICTURE);
    assert.equal(await part().isVisible(), false);
  });
});
