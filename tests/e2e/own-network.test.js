/** A weights file that is in no list: opened by a script, named by an element, dropped or chosen on the page. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, test } from 'node:test';
import { drawnAlone, imagesShown, rowsShown, untilDone } from './browser.js';
import { editedModel, oddModel } from './models.js';
import { listedModels, noCommandLine, sampleWithCommandLine } from './reference.js';
import { png } from './png.js';
import { fileOf, startWorkersWith } from './server.js';
import { accessibilityFaults, lane, seeCompletions, seeLanes } from './sections.js';
import { expectErrors, openBody, openSite, page, site, visitSite, watch } from './site.js';

const LISTED = listedModels().find(({ name }) => name === 'mnist-pixelcnn');
const LISTED_BYTES = readFileSync(fileOf(`models/${LISTED.file}`) ?? '');
/** Of its first layer: twice the paper's h. */
const FEATURES = 2 * LISTED.config.h;
const ODD = oddModel('odd').bytes;

/** The listed network with another header. @param {(header: any) => void} edit */
const withHeader = async (edit) => (await editedModel(LISTED, { name: 'edited', edit: ({ header }) => edit(header) })).bytes;

/** Files that are no network, and what is said of each. @type {Array<{ what: string, make: () => Buffer | Promise<Buffer>, reason: string }>} */
const FAULTS = [
  { what: 'cut off', make: () => LISTED_BYTES.subarray(0, -1000), reason: 'not a complete safetensors file: incomplete metadata, file not fully covered' },
  {
    what: 'without a tensor',
    make: () => withHeader((header) => {
      header.other = header['first.weight'];
      delete header['first.weight'];
    }),
    reason: 'tensor `first.weight` not found',
  },
  { what: 'with a tensor of another shape', make: () => withHeader((header) => header['first.weight'].shape.reverse()), reason: `tensor \`first.weight\`: shape [7, 7, 1, ${FEATURES}] found, [${FEATURES}, 1, 7, 7] expected` },
  { what: 'of another program', make: () => withHeader((header) => delete header.__metadata__), reason: 'metadata entry `config` not found' },
  { what: 'of a size that there is not', make: () => withHeader((header) => (header.__metadata__.config = JSON.stringify({ ...LISTED.config, width: 0 }))), reason: 'config field `width`: found 0, expected 1 to 512' },
  { what: 'that is a picture', make: () => png(2, 2, () => [0, 0, 0]), reason: 'a PNG picture found (give the file that was asked for), a safetensors file of weights expected' },
  { what: 'that is a text', make: () => Buffer.from('Dear network,'), reason: 'not a complete safetensors file: header too large' },
  { what: 'that is empty', make: () => Buffer.alloc(0), reason: 'an empty file found (download or make it again), a safetensors file of weights expected' },
];

visitSite();

describe('the engine', () => {
  beforeEach(() => page.goto(`${site.url}embed.html?loading=manual`));

  /** Opens bytes in the page, and draws with what that gives. @param {Buffer} bytes @param {object} [options] */
  function openAndDraw(bytes, options = {}) {
    return page.evaluate(async ({ bytes, options }) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const entry = await engine.open(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], 'best.safetensors'));
      const { levels } = await engine.sample({ model: entry.name, seed: 11n, count: 4, ...options });
      engine.dispose();
      return { entry, levels: [...levels] };
    }, { bytes: bytes.toString('base64'), options });
  }

  test('draws with a file what it draws with the same network of the list', async () => {
    const { entry, levels } = await openAndDraw(LISTED_BYTES);
    const { sha256, parameters, config, set, test_nll } = LISTED;
    assert.deepEqual(entry, {
      name: 'best.safetensors', file: 'best.safetensors', title: 'best.safetensors', own: true, bytes: LISTED_BYTES.length,
      sha256, parameters, config, set, test_nll, valid_nll: LISTED.valid_nll,
    });
    const listed = await page.evaluate(async () => {
      const { sharedEngine } = await import(new URL('engine.js', location.href).href);
      return [...(await sharedEngine().sample({ model: 'mnist-pixelcnn', seed: 11n, count: 4 })).levels];
    });
    assert.deepEqual(levels, listed);
  });

  test('draws what the command line draws, of any size, scales and levels', { skip: noCommandLine }, async () => {
    const { entry, levels } = await openAndDraw(ODD);
    assert.deepEqual([entry.config.width, entry.config.height, entry.config.levels, entry.config.conditioning.small.width], [22, 18, 256, 11]);
    assert.deepEqual(levels, sampleWithCommandLine({ model: '', weights: ODD, seed: 11, count: 4 }).flat());
  });

  test('completes, scores, looks into and lists it by the name that it gave', async () => {
    const found = await page.evaluate(async (bytes) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const { name: model, parameters } = await engine.open(Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)), { name: 'mine', title: 'Mine' });
      const given = Uint8Array.from({ length: 396 }, (_, at) => (7 * at) % 256);
      const mask = Uint8Array.from({ length: 396 }, (_, at) => Number(at >= 198));
      const { levels } = await engine.complete({ model, seed: 5n, given, mask });
      const nll_nats = await engine.score({ model, levels, count: 1 });
      const probabilities = await engine.distribution({ model, levels, channel: 0, y: 17, x: 21 });
      const said = await engine.describe('cpu', { model, count: 4 });
      const last = (await engine.models()).pop();
      engine.dispose();
      const other = new Engine();
      const elsewhere = (await other.complete({ model, seed: 5n, given, mask })).levels;
      other.dispose();
      const same = String(levels) === String(elsewhere) && Math.abs(nll_nats[395] + Math.log(probabilities[levels[395]])) < 1e-4;
      return { last, parameters, kept: String(levels.subarray(0, 198)) === String(given.subarray(0, 198)), levels: probabilities.length, same, backend: said.backend };
    }, ODD.toString('base64'));
    const { parameters } = found;
    assert.ok(parameters > 1000);
    assert.deepEqual([found.kept, found.levels, found.same, found.backend], [true, 256, true, 'cpu']);
    assert.deepEqual([found.last.name, found.last.title, found.last.parameters, found.last.set], ['mine.safetensors', 'Mine', parameters, '']);
  });

  test('gives other networks in files of one name other names, and the same one the same', async () => {
    const other = oddModel('odd', 2).bytes;
    const found = await page.evaluate(async (files) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const open = (/** @type {number[]} */ bytes) => engine.open(new File([Uint8Array.from(bytes)], 'best.safetensors'));
      const entries = await Promise.all([...files, ...files].map(open));
      const drawn = await Promise.all(entries.map(async ({ name }) => String((await engine.sample({ model: name, seed: 1n })).levels)));
      engine.dispose();
      return { names: entries.map(({ name }) => name), different: new Set(drawn).size };
    }, [[...ODD], [...other]]);
    assert.deepEqual([...new Set(found.names)].sort(), ['best (2).safetensors', 'best.safetensors']);
    assert.deepEqual(found.names.slice(2), found.names.slice(0, 2));
    assert.equal(found.different, 2);
  });

  test('shares a batch of it among workers', async () => {
    const found = await page.evaluate(async (bytes) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const { name: model } = await engine.open(Uint8Array.from(bytes));
      const draw = (/** @type {number} */ threads) => engine.sample({ model, seed: 3n, count: 8, threads });
      const alone = await draw(1);
      let shared = await draw(2);
      for (let k = 0; k < 100 && shared.threads < 2; k++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        shared = await draw(2);
      }
      engine.dispose();
      return { threads: shared.threads, same: String(shared.levels) === String(alone.levels) };
    }, [...ODD]);
    assert.deepEqual(found, { threads: 2, same: true });
  });

  test('keeps it when the worker dies and another one is started', async () => {
    // The drawing code dies of seed 13.
    startWorkersWith(site, `
      const post = self.postMessage.bind(self);
      let doomed = false;
      addEventListener('message', ({ data }) => (doomed = data.seed === 13n));
      self.postMessage = (message, transfer) => {
        if (doomed && message.type === 'row') throw new WebAssembly.RuntimeError('unreachable');
        post(message, transfer);
      };`);
    let workers = 0;
    page.on('worker', () => (workers += 1));
    const found = await page.evaluate(async (bytes) => {
      const { Engine } = await import(new URL('engine.js', location.href).href);
      const engine = new Engine();
      const { name: model } = await engine.open(Uint8Array.from(bytes));
      const draw = (/** @type {bigint} */ seed) => engine.sample({ model, seed, threads: 1 }).then(({ levels }) => String(levels), (/** @type {Error} */ { message }) => message);
      const drawn = [await draw(7n), await draw(13n), await draw(7n)];
      engine.dispose();
      return { fault: drawn[1], same: drawn[0] === drawn[2], length: drawn[0].split(',').length };
    }, [...ODD]);
    assert.deepEqual(found, { fault: 'The drawing code stopped unexpectedly and was started anew.', same: true, length: 396 });
    assert.equal(workers, 2);
  });

  test('says in one sentence what is wrong with a file, and goes on', async () => {
    const faulty = await Promise.all(FAULTS.map(({ make }) => make()));
    const sentences = await page.evaluate(async (files) => {
      const { sharedEngine } = await import(new URL('engine.js', location.href).href);
      const said = [];
      for (const bytes of files) {
        const file = new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], 'best.safetensors');
        said.push(await sharedEngine().open(file).then(() => 'opened', (/** @type {Error} */ { message }) => message));
      }
      const models = await sharedEngine().models();
      await sharedEngine().sample({ model: models[0].name, seed: 1n });
      return { said, own: models.filter(({ own }) => own).length };
    }, faulty.map((bytes) => bytes.toString('base64')));
    assert.deepEqual(sentences.said, FAULTS.map(({ reason }) => `best.safetensors cannot be opened: ${reason}; files written by pixelrnn train can.`));
    assert.equal(sentences.own, 0);
  });
});

describe('an element with src', () => {
  /** Serves a file of weights that is in no list. @param {string} path @param {Buffer} bytes */
  const serve = (path, bytes) => site.faults.set(path, (response) => response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes));
  const fetched = () => watch.requests.filter((url) => url.endsWith('.safetensors'));
  const levels = () => page.evaluate(() => window.seen.done.map(({ id, levels }) => ({ id, levels: String(levels) })));
  const failure = async () => {
    await page.waitForFunction(() => window.seen.failed.length > 0);
    return page.locator('pixel-rnn').getByRole('alert').innerText();
  };

  test('draws with that file and with no list, whatever its model is, and fetches it once for all', async () => {
    serve('mine/best.safetensors', LISTED_BYTES);
    site.faults.set('models/index.json', (response) => response.writeHead(404).end());
    const element = (/** @type {string} */ id) => `<pixel-rnn id="${id}" src="mine/best.safetensors" model="mnist-row" seed="11" count="4" loading="eager" pace="instant"></pixel-rnn>`;
    await openBody(element('a') + element('b'));
    await untilDone(page, 2);
    site.faults.delete('models/index.json');
    const wanted = String((await drawnAlone(page, { model: 'mnist-pixelcnn', seed: 11, count: 4 })).flat());
    assert.deepEqual((await levels()).map(({ levels }) => levels), [wanted, wanted]);
    assert.deepEqual(fetched().slice(0, -1), [`${site.url}mine/best.safetensors`]);
    await page.evaluate(() => Object.assign(document.querySelector('pixel-rnn'), { seed: 12n }));
    await untilDone(page, 3);
    assert.equal(fetched().length, 2, 'another seed asks for nothing');
  });

  test('draws anew when it changes, and what it is empty again for', async () => {
    serve('odd.safetensors', ODD);
    await openBody('<pixel-rnn count="1" loading="eager" pace="instant"></pixel-rnn>');
    await untilDone(page);
    await page.evaluate(() => Object.assign(document.querySelector('pixel-rnn'), { src: new URL('odd.safetensors', location.href) }));
    await untilDone(page, 2);
    await page.evaluate(() => Object.assign(document.querySelector('pixel-rnn'), { src: null }));
    await untilDone(page, 3);
    const [first, own, last] = (await levels()).map(({ levels }) => levels);
    assert.equal(own.split(',').length, 22 * 18);
    assert.equal(last, first);
  });

  test('asks for it when it is scrolled into view, not before', async () => {
    serve('odd.safetensors', ODD);
    await openBody('<div style="height: 3000px"></div><pixel-rnn src="odd.safetensors" count="1" pace="instant"></pixel-rnn>');
    await page.waitForTimeout(300);
    assert.deepEqual([fetched(), page.workers().length], [[], 0]);
    await page.locator('pixel-rnn').scrollIntoViewIfNeeded();
    await untilDone(page);
    assert.equal(fetched().length, 1);
  });

  test('takes it from a site that allows it, and says what one must send that does not', async () => {
    const host = await openSite({ cors: true });
    host.faults.set('odd.safetensors', (response) => response.end(ODD));
    await openBody(`<pixel-rnn src="${host.url}odd.safetensors" count="1" loading="eager" pace="instant"></pixel-rnn>`);
    await untilDone(page);
    host.faults.set('other.safetensors', (response) => {
      response.removeHeader('Access-Control-Allow-Origin');
      response.end(ODD);
    });
    expectErrors();
    await page.evaluate((src) => Object.assign(document.querySelector('pixel-rnn'), { src }), `${host.url}other.safetensors`);
    assert.equal(await failure(), `other.safetensors could not be fetched: ${new URL(host.url).origin} does not send the header "Access-Control-Allow-Origin: *", which pages of another origin need.`);
  });

  test('says what is wrong, and draws when it is right', async () => {
    expectErrors();
    await openBody('<pixel-rnn src="odd.safetensors" count="1" loading="eager" pace="instant"></pixel-rnn>');
    assert.equal(await failure(), 'odd.safetensors could not be fetched: the server answered 404.');
    serve('odd.safetensors', ODD.subarray(0, -8));
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await page.getByText('odd.safetensors cannot be opened: not a complete safetensors file').waitFor();
    assert.deepEqual(await rowsShown(page), []);
    await page.evaluate(() => document.querySelector('pixel-rnn')?.setAttribute('src', 'http://'));
    await page.getByText('src: found "http://", expected an address.').waitFor();
    serve('odd.safetensors', ODD);
    await page.evaluate(() => document.querySelector('pixel-rnn')?.setAttribute('src', 'odd.safetensors'));
    await untilDone(page);
  });
});

describe('the page', () => {
  /** What is dragged, dropped or chosen. @param {string} name @param {Buffer} buffer */
  const fileOfName = (name, buffer, mimeType = '') => ({ name, buffer, mimeType });
  const MINE = fileOfName('best.safetensors', LISTED_BYTES);

  /** As a drag would bring it. Whether the browser is kept from opening it. @param {string} type @param {string} target @param {ReturnType<typeof fileOfName>} file */
  function bring(type, target, { name, mimeType, buffer }) {
    return page.locator(target).evaluate((element, [type, name, mimeType, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name, { type: mimeType }));
      return !element.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }, [type, name, mimeType, buffer.toString('base64')]);
  }
  const fault = () => page.locator('#own-network-fault');
  const said = (/** @type {string} */ text) => page.locator('#own-network-said').filter({ hasText: text }).waitFor();
  /** Behind "More" it is not in sight. @param {string} title */
  const choice = (title) => page.getByRole('radio', { name: title, includeHidden: true });
  const own = () => choice('Yours: best.safetensors');

  /** Opens the page, and waits until it takes files. */
  async function open(hash = '#pace=instant&count=4') {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${site.url}${hash}`);
    await page.locator('.own-network-file:enabled').first().waitFor({ state: 'attached' });
  }
  /** The picture on the easel when all of it is drawn. @param {number} values */
  const drawn = (values, seed = 7) => page.locator('#view-caption').filter({ hasText: `All ${values} values, drawn with seed ${seed}.` }).waitFor();

  test('takes one that is dropped anywhere: it is chosen and draws what the same network of the list draws, and is sent and stored nowhere', async () => {
    await open();
    await drawn(784);
    const before = watch.requests.length;
    assert.ok(await bring('drop', 'footer', MINE), 'the browser does not open it');
    await said(`best.safetensors: 28 × 28 pixels, ink and paper, ${LISTED.parameters.toLocaleString('en-US')} parameters.`);
    assert.ok(await own().isChecked());
    await untilDone(page);
    assert.deepEqual(await imagesShown(page, '#samples'), await drawnAlone(page, { model: 'mnist-pixelcnn', seed: 7, count: 4 }));
    assert.deepEqual(watch.requests.slice(before).filter((url) => url.includes('best')), []);
    assert.deepEqual(watch.sent, []);
    const kept = await page.evaluate(async () => {
      const requests = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      const stores = JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]);
      return { urls: requests.flat().map(({ url }) => new URL(url).pathname.split('/').pop()).sort(), databases: (await indexedDB.databases()).length, stores };
    });
    assert.deepEqual(kept.urls, [listedModels()[0].file, LISTED.file].sort());
    assert.equal(kept.databases, 0);
    assert.ok(kept.stores.length < 500 && !kept.stores.includes('best'), kept.stores);
    assert.ok(page.url().length < 200, page.url());
  });

  test('says after a reload which file the link needs, and goes on with it', async () => {
    await open();
    await bring('drop', 'body', MINE);
    await said('best.safetensors: ');
    await page.reload();
    await fault().filter({ hasText: 'This link needs the file best.safetensors.' }).waitFor();
    await drawn(784);
    assert.ok(await choice('Diagonal BiLSTM').first().isChecked(), 'the first one draws meanwhile');
    await bring('drop', 'body', MINE);
    await said('best.safetensors: ');
    assert.ok(await own().isChecked());
    assert.ok(await fault().isHidden());
    await page.evaluate(() => (location.hash = '#model=other one.safetensors&pace=instant'));
    await fault().filter({ hasText: 'This link needs the file other one.safetensors.' }).waitFor();
    await page.getByRole('radio', { name: 'Row LSTM', exact: true }).check();
    await fault().waitFor({ state: 'hidden' });
  });

  test('completes with it, and compares it with its peers', async () => {
    await open();
    await bring('drop', 'body', MINE);
    await said('best.safetensors: ');
    await seeCompletions();
    await seeLanes();
    const about = await lane('Yours: best.safetensors').innerText();
    assert.match(about, new RegExp(`sees a neighbourhood[^]*${LISTED.test_nll.nats_per_image.toFixed(2)} nats`));
    assert.ok(await lane('Row LSTM').isVisible());
  });

  test('draws with one of another size, scales and levels, and completes a picture with it', async () => {
    await open();
    await bring('drop', 'footer', fileOfName('odd.safetensors', ODD));
    await said('odd.safetensors: 22 × 18 pixels, 256 greys, 8,816 parameters. It is in this page only.');
    await drawn(11 * 9 + 22 * 18);
    assert.ok(await page.locator('#easel').evaluate((easel) => easel.getBoundingClientRect().bottom <= innerHeight), 'it is in sight');
    await page.locator('#completions').scrollIntoViewIfNeeded();
    await bring('drop', '#completions h2', fileOfName('disc.png', png(40, 40, (x, y) => (x > 20 ? [0, 0, 0] : [255, 255, y])), 'image/png'));
    await page.locator('#examples-note').filter({ hasText: 'Your picture.' }).waitFor();
    await seeCompletions();
    assert.deepEqual(await accessibilityFaults(), []);
  });

  for (const { what, make, reason } of FAULTS.filter(({ what }) => ['cut off', 'without a tensor', 'that is a text'].includes(what))) {
    test(`says why a file ${what} is none, and the former network stays`, async () => {
      await open();
      await drawn(784);
      const picture = () => page.locator('#easel-canvas').evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
      const before = await picture();
      await bring('drop', 'body', fileOfName('best.safetensors', await make()));
      await fault().filter({ hasText: /./ }).waitFor();
      assert.equal(await fault().innerText(), `best.safetensors cannot be opened: ${reason}; files written by pixelrnn train can.`);
      assert.equal(await picture(), before);
      assert.equal(await own().count(), 0);
      assert.doesNotMatch(page.url(), /best/);
      assert.deepEqual(await accessibilityFaults(), []);
      await page.locator('#settings #seed').fill('8');
      await page.keyboard.press('Enter');
      await drawn(784, 8);
      await bring('drop', 'body', MINE);
      await said('best.safetensors: ');
      assert.ok(await fault().isHidden());
    });
  }

  test('leaves pictures to those who take them, and says of other files what is missing', async () => {
    await open();
    await seeCompletions();
    const picture = fileOfName('disc.png', png(8, 8, () => [200, 0, 0]), 'image/png');
    await bring('drop', '#completions h2', picture);
    await page.locator('#examples-note').filter({ hasText: 'Your picture.' }).waitFor();
    await bring('drop', '#completions h2', fileOfName('notes.txt', Buffer.from('hello'), 'text/plain'));
    await page.locator('#own-fault').filter({ hasText: /./ }).waitFor();
    await bring('drop', 'footer', picture);
    assert.ok(await fault().isHidden());
    await bring('drop', 'footer', fileOfName('checkpoint.pt', Buffer.from('hello')));
    await fault().filter({ hasText: 'checkpoint.pt is no .safetensors file; a network is the best.safetensors that pixelrnn train has written.' }).waitFor();
    await bring('drop', '#completions h2', MINE);
    await said('best.safetensors: ');
    assert.ok(await own().isChecked());
  });

  test('frames itself while a network is dragged over it, and not for a picture', async () => {
    await open();
    const frame = page.getByText('Drop the network');
    assert.ok(await bring('dragover', 'h1', MINE));
    assert.ok(await frame.isVisible());
    await page.evaluate(() => document.dispatchEvent(new DragEvent('dragleave', { bubbles: true })));
    assert.ok(await frame.isHidden());
    await bring('dragover', 'h1', MINE);
    await bring('dragover', 'h1', fileOfName('disc.png', Buffer.alloc(1), 'image/png'));
    assert.ok(await frame.isHidden());
    await bring('dragover', 'h1', MINE);
    await bring('drop', 'h1', MINE);
    assert.ok(await frame.isHidden());
    await said('best.safetensors: ');
  });

  test('takes two at once, chosen with the keyboard, and keeps the focus', async () => {
    await open();
    await drawn(784);
    const chooser = page.waitForEvent('filechooser');
    await page.locator('#networks summary').focus();
    await page.keyboard.press('Enter');
    const button = page.locator('#networks .own-network-file');
    for (let tab = 0; tab < 4 && !(await button.evaluate((element) => element === document.activeElement)); tab++) await page.keyboard.press('Tab');
    const box = /** @type {any} */ (await page.locator('#networks .own-network-file + span').boundingBox());
    assert.ok(box.width >= 44 && box.height >= 44, JSON.stringify(box));
    // The browser is told to hand dialogs over, and that takes a moment.
    await page.waitForTimeout(300);
    await page.keyboard.press('Enter');
    await (await chooser).setFiles([MINE, fileOfName('odd.safetensors', ODD)]);
    await said('odd.safetensors: ');
    assert.ok(await choice('Yours: odd.safetensors').isChecked());
    // It has two scales, and stands behind "More".
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Yours: odd.safetensors');
    assert.equal(await own().count(), 0, 'it draws pictures of another kind');
    await page.getByRole('radio', { name: 'Digits' }).check();
    await choice('Yours: best.safetensors').waitFor({ state: 'attached' });
  });

  test('has room for any name', async () => {
    const name = `${'a-name-without-an-end-'.repeat(5)}.safetensors`;
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    await bring('drop', 'h1', fileOfName(name, ODD));
    await said('a-name-without');
    await page.locator('#networks summary').click();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await bring('drop', 'h1', fileOfName(name, Buffer.alloc(9)));
    await fault().filter({ hasText: /./ }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  });

  test('takes one where there is no list', async () => {
    expectErrors();
    site.faults.set('models/index.json', (response) => response.writeHead(404).end());
    await open();
    await bring('drop', 'body', MINE);
    await said('best.safetensors: ');
    assert.ok(await own().isChecked());
    await drawn(784);
  });
});
