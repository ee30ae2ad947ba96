/** Just after a deployment a browser holds files of the old version for ten minutes, and draws with the new one all the same. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layOut } from '../../scripts/dist-layout.mjs';
import { imagesShown, untilDone } from './browser.js';
import { withInk } from './models.js';
import { listedModels } from './reference.js';
import { sendFile } from './server.js';
import { MODULE, expectErrors, openVisit, page, serveBody, site, visitSite, watch } from './site.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** The first network, with which everything is drawn here. */
const MODEL = listedModels()[0];

/** A page of somebody else, which browsers may keep. @param {string} body */
const serveGuest = (body) => serveBody(body + MODULE, { 'Cache-Control': 'max-age=600' });

describe('after a deployment', { skip: process.env.PIXELRNN_SITE ? 'the two versions are made from the sources' : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pixelrnn-deployment-'));
  const OLD = join(folder, 'old');
  const NEW = join(folder, 'new');
  visitSite({ folder: OLD });

  before(async () => {
    const www = join(folder, 'www');
    const pkg = join(folder, 'pkg');
    cpSync(join(REPOSITORY, 'www'), www, { recursive: true });
    cpSync(join(REPOSITORY, 'pkg', 'cpu'), join(pkg, 'cpu'), { recursive: true });
    writeFileSync(join(pkg, 'index.json'), '{"cpu":{},"gpu":null}');
    await layOut(www, pkg, OLD);
    await renew(www, pkg);
    await layOut(www, pkg, NEW);
  });
  after(() => rmSync(folder, { recursive: true }));

  /**
   * Changes everything so that nothing new goes with anything old.
   * @param {string} www
   * @param {string} pkg
   */
  async function renew(www, pkg) {
    const rename = (/** @type {string} */ file, /** @type {Record<string, string>} */ names) => {
      // Bytes as characters: one of the files is a program.
      let text = readFileSync(file, 'latin1');
      for (const [old, name] of Object.entries(names)) text = text.replaceAll(old, name);
      writeFileSync(file, text, 'latin1');
    };
    // What modules import of each other, what page and worker say to each other, what modules find on the page.
    for (const file of readdirSync(www, { encoding: 'utf8', recursive: true }).filter((name) => /\.(js|html)$/.test(name))) {
      rename(join(www, file), { WorkerLink: 'WorkerLine', SharedLoad: 'SharedLoan', "'load'": "'build'", 'completions-report': 'completions-account' });
    }
    // What program and glue call each other.
    for (const file of ['pixelrnn.js', 'pixelrnn_bg.wasm']) rename(join(pkg, 'cpu', file), { './pixelrnn_bg.js': './pixelrnn_b2.js' });
    // Other weights in a file of the same name.
    const { entry, bytes } = await withInk(MODEL.name, 1);
    writeFileSync(join(www, 'models', MODEL.file), bytes);
    rename(join(www, 'models', 'index.json'), { [MODEL.sha256]: entry.sha256, [`"bytes": ${MODEL.bytes}`]: `"bytes": ${entry.bytes}` });
  }

  /** What the new version draws for a visitor who comes for the first time. */
  async function drawnAnew(/** @type {string} */ address) {
    const visit = await openVisit();
    await visit.page.goto(site.url + address);
    await untilDone(visit.page);
    const images = await imagesShown(visit.page);
    return images;
  }

  const ADDRESS = `index.html#model=${MODEL.name}&count=4&pace=instant`;
  const ELEMENT = `<pixel-rnn model="${MODEL.name}" count="4" pace="instant" loading="eager"></pixel-rnn>`;

  /** Opens the old version, and draws when the new one is there and the page has been reloaded. @param {import('playwright-core').Locator} poster */
  async function drawAnew(poster) {
    await page.goto(`${site.url}fixture.html`);
    await poster.waitFor();
    site.folder = NEW;
    watch.requests.length = 0;
    await page.reload();
    await poster.click();
  }

  /** The page must have come whole from the new version: nothing was missing, nothing old asked for since. */
  function assertNew(/** @type {string[]} */ requests) {
    assert.deepEqual(site.missing, []);
    const builds = new Set(requests.flatMap((url) => /\/[0-9a-f]{16}\//.exec(url) ?? []));
    assert.deepEqual([...builds], [`/${JSON.parse(readFileSync(join(NEW, 'build.json'), 'utf8'))}/`]);
  }

  for (const [name, address] of [['the page', ADDRESS], ['an element on another page', 'fixture.html']]) {
    test(`${name} draws with the new version when it is reloaded`, async () => {
      serveGuest(ELEMENT);
      await page.goto(site.url + address);
      await untilDone(page);
      const before = await imagesShown(page);
      // The old page has all it wants.
      await page.waitForLoadState('networkidle');
      site.folder = NEW;
      watch.requests.length = 0;
      await page.reload();
      await untilDone(page);
      const now = await imagesShown(page);
      assert.notDeepEqual(now, before);
      assert.deepEqual(now, await drawnAnew(address));
      assertNew(watch.requests);
    });
  }

  test('an element that had not drawn yet draws with the new version', async () => {
    serveGuest(ELEMENT.replace('eager', 'manual'));
    const poster = page.getByRole('button', { name: /^Draw 4 images/ });
    await drawAnew(poster);
    await untilDone(page);
    assertNew(watch.requests);
  });

  test('embed.html in a frame, which a reload does not ask for again, draws with the new version', async () => {
    serveGuest('<iframe title="digits" src="embed.html?count=4&pace=instant&loading=manual" width="400" height="400"></iframe>');
    const poster = page.frameLocator('iframe').getByRole('button', { name: /^Draw 4 images/ });
    await drawAnew(poster);
    await page.frameLocator('iframe').locator('canvas[aria-label*="drawn by"]').waitFor();
    assertNew(watch.requests);
  });

  test('the stable addresses give what the modules give', async () => {
    serveGuest('');
    await page.goto(`${site.url}fixture.html`);
    const found = await page.evaluate(async () => {
      const names = async (/** @type {string} */ file) => Object.keys(await import(new URL(file, location.href).href));
      return { engine: await names('engine.js'), element: await names('pixel-rnn.js') };
    });
    assert.deepEqual(found, { engine: ['Engine', 'sharedEngine'], element: ['PixelRnnElement'] });
  });
});

describe('a damaged file in the browser\'s cache', () => {
  visitSite();

  const broken = (/** @type {Buffer} */ bytes) => (bytes.fill(255, 100, 200), bytes);
  /** @type {Array<{ name: string, path: string, status?: number, damage: (bytes: Buffer) => Buffer }>} */
  const FILES = [
    { name: 'weights with other bytes', path: `models/${MODEL.file}?sha256=${MODEL.sha256}`, damage: broken },
    { name: 'weights cut short', path: `models/${MODEL.file}?sha256=${MODEL.sha256}`, damage: (bytes) => bytes.subarray(0, -1) },
    { name: 'weights too long', path: `models/${MODEL.file}?sha256=${MODEL.sha256}`, damage: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) },
    { name: 'no weights yet', path: `models/${MODEL.file}?sha256=${MODEL.sha256}`, status: 404, damage: () => Buffer.from('not here') },
    { name: 'a program with other bytes', path: 'pkg/cpu/pixelrnn_bg.wasm', damage: broken },
  ];
  for (const { name, path, status = 200, damage } of FILES) {
    test(`is asked for again: ${name}`, async () => {
      if (status !== 200) expectErrors();
      const [file] = path.split('?');
      let damaged = 0;
      let whole = 0;
      site.faults.set(file, (response, found) => {
        damaged += 1;
        response.writeHead(status, { 'Cache-Control': 'max-age=600', 'Content-Type': file.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream' });
        response.end(damage(readFileSync(found ?? '')));
      });
      await page.goto(`${site.url}embed.html?count=1&pace=instant&loading=manual`);
      await page.evaluate((url) => fetch(url).then((answer) => answer.arrayBuffer()), path);
      site.faults.set(file, (response, found) => {
        whole += 1;
        sendFile(response, found ?? '');
      });
      await page.getByRole('button', { name: /^Draw 1 image/ }).click();
      await untilDone(page);
      assert.deepEqual({ damaged, whole }, { damaged: 1, whole: 1 });
    });
  }
});
