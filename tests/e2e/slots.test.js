/** What a page puts into `<pixel-rnn>`, what it is told, and what an element costs before it draws and after it is gone. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ALL_ROWS, assertSoon, ownWorkers, untilDone } from './browser.js';
import { memoryOf } from './memory.js';
import { listedModels } from './reference.js';
import { openBody, page, site, visitSite, watch } from './site.js';

visitSite();

const GREY = 'data:image/gif;base64,R0lGODlhAQABAIAAAMLCwgAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==';

/** What of the wasm and the weights has been asked for. */
const heavy = () => watch.requests.filter((url) => /\.(wasm|safetensors)$/.test(url));

describe('a page puts in', () => {
  test('a caption, which is set as the page likes it', async () => {
    await openBody(`<style>body { font: italic 900 20px serif; text-transform: uppercase; direction: rtl }</style>
      <pixel-rnn loading="manual"><span slot="caption">Digits of no one</span></pixel-rnn>`);
    const caption = page.getByText('Digits of no one');
    await caption.waitFor();
    const set = await caption.evaluate((element) => {
      const { fontStyle, fontWeight, textTransform, direction } = getComputedStyle(element);
      return [fontStyle, fontWeight, textTransform, direction, element.assignedSlot?.parentElement?.localName];
    });
    assert.deepEqual(set, ['italic', '900', 'uppercase', 'rtl', 'figcaption']);
    assert.equal(await page.locator('pixel-rnn').getByRole('figure').count(), 1);
  });

  test('no caption, and there is no room for one', async () => {
    await openBody('<pixel-rnn loading="manual"></pixel-rnn>');
    assert.equal(await page.locator('pixel-rnn figcaption').isVisible(), false);
  });

  test('a poster, which is as large as the grid and goes with the first row', async () => {
    await openBody(`<pixel-rnn count="4" loading="manual" pace="instant"><img slot="poster" alt="Four digits" src="${GREY}"></pixel-rnn>`);
    const poster = page.getByAltText('Four digits');
    await poster.waitFor();
    const stage = await page.locator('pixel-rnn .stage').boundingBox();
    assert.deepEqual(await poster.boundingBox(), stage);
    assert.equal(await page.locator('pixel-rnn canvas').isVisible(), false);
    assert.equal(await poster.evaluate((image) => getComputedStyle(image).backgroundColor), 'rgba(0, 0, 0, 0)', 'the ground is the page’s');
    // What a page marks on the first row is seen then.
    await page.evaluate(() => addEventListener('row', () => Object.assign(window, { atFirstRow: window.atFirstRow ?? document.querySelector('img').checkVisibility() }), true));
    await page.getByRole('button', { name: /^Draw 4 images/ }).click();
    await untilDone(page);
    assert.equal(await page.evaluate(() => window.atFirstRow), false);
    assert.deepEqual([await poster.isVisible(), await page.locator('pixel-rnn canvas').isVisible()], [false, true]);
  });
});

test('tells how far it is: bytes of code and weights, then rows', async () => {
  // Code that is there before the list of bundles is not told of.
  site.faults.set('pkg/cpu/pixelrnn_bg.wasm', (response, file) => void setTimeout(() => response.writeHead(200, { 'content-type': 'application/wasm' }).end(readFileSync(file ?? '')), 400));
  await openBody(`<pixel-rnn count="1" loading="manual" pace="instant"></pixel-rnn><script>
    window.told = [];
    document.querySelector('pixel-rnn').addEventListener('progress', ({ detail }) => told.push(detail));
  </script>`);
  await page.getByRole('button', { name: /^Draw 1 image/ }).click();
  await untilDone(page);
  const told = await page.evaluate(() => window.told);
  const bytes = told.filter(({ unit }) => unit === 'bytes');
  const { done, total } = bytes.at(-1);
  assert.ok(done === total && total > 1e6 + listedModels()[0].bytes, `${done} of ${total} bytes`);
  assert.deepEqual(told.slice(bytes.length), ALL_ROWS.map((y) => ({ unit: 'rows', done: y + 1, total: 28 })));
});

test('fetches nothing heavy before it is near, and draws when it is in sight', async () => {
  await openBody('<div style="height: 300vh"></div><pixel-rnn count="1" pace="instant"></pixel-rnn>');
  await page.waitForFunction(() => document.querySelector('pixel-rnn').shadowRoot);
  await page.waitForTimeout(300);
  assert.deepEqual([heavy(), page.workers().length], [[], 0]);
  await page.evaluate(() => scrollTo(0, document.querySelector('pixel-rnn').getBoundingClientRect().top - innerHeight - 100));
  await assertSoon(async () => heavy().length, (count) => count === 2, 'near, it fetches code and weights');
  assert.equal(await page.evaluate(() => window.seen.start.length), 0, 'and draws nothing yet');
  await page.locator('pixel-rnn').scrollIntoViewIfNeeded();
  await untilDone(page);
  assert.equal(heavy().length, 2);
});

test('a stop gives up what was begun to be fetched when it came near', async () => {
  const weights = `models/${listedModels()[0].file}`;
  let given = false;
  site.faults.set(weights, (response) => {
    response.on('close', () => (given = true));
    response.writeHead(200).write('x');
  });
  await openBody('<div style="height: calc(100vh + 100px)"></div><pixel-rnn count="1" pace="instant"></pixel-rnn>');
  await assertSoon(async () => heavy().length, (count) => count === 2, 'near, it fetches code and weights');
  await page.locator('pixel-rnn').evaluate((element) => void element.draw());
  await page.getByRole('progressbar').waitFor();
  await page.getByRole('button', { name: 'Stop' }).evaluate((button) => button.click());
  await assertSoon(async () => given, Boolean, 'it is given up');
  site.faults.delete(weights);
  await page.locator('pixel-rnn').evaluate((element) => void element.draw());
  await untilDone(page);
});

test('the button of a second element says nothing of what is here already', async () => {
  await openBody('<pixel-rnn id="first" count="1" loading="manual" pace="instant"></pixel-rnn>');
  const button = page.getByRole('button', { name: 'Draw 1 image' });
  const kilobytes = async () => Number(/\(([\d.]+) MB\)/.exec(await button.innerText())?.[1]);
  await page.getByRole('button', { name: /MB/ }).waitFor();
  assert.ok((await kilobytes()) > 1.5, 'code and weights');
  await button.click();
  await untilDone(page);
  await page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<pixel-rnn id="second" count="4" loading="manual"></pixel-rnn>'));
  await page.getByRole('button', { name: 'Draw 4 images', exact: true }).waitFor();
});

describe('removed from the page', () => {
  const LARGE = listedModels().toSorted((a, b) => b.bytes - a.bytes)[0];
  const element = (/** @type {string} */ id, model = LARGE.name) =>
    `<pixel-rnn id="${id}" model="${model}" count="1" loading="eager" pace="instant" controls="none"></pixel-rnn>`;

  test('the last element with a model frees its memory', async () => {
    await openBody(element('a') + element('b'));
    await untilDone(page, 2);
    assert.equal(ownWorkers(page).length, 1);
    const memory = await memoryOf(page);
    const full = (await memory()).worker_bytes;
    await page.evaluate(() => document.getElementById('a').remove());
    // What follows is heard after whatever the removal has asked for.
    await page.evaluate(async () => (await import('./engine.js')).sharedEngine().mask({ kind: 'A', size: 3, channels: 1 }));
    const held = (await memory()).worker_bytes;
    assert.ok(held > full - LARGE.bytes / 2, `${full - held} of ${LARGE.bytes} bytes freed, but the other element draws with it`);
    await page.evaluate(() => document.getElementById('b').remove());
    await assertSoon(async () => full - (await memory()).worker_bytes, (freed) => freed > 0.9 * LARGE.bytes);
  });

  test('what comes after it finds the room in the wasm memory', async () => {
    await openBody(element('a'));
    await untilDone(page);
    await page.evaluate(() => {
      const element = document.getElementById('a');
      element.remove();
    });
    const others = listedModels().filter(({ set, name }) => set === LARGE.set && name !== LARGE.name);
    for (const [at, { name }] of others.entries()) {
      await page.evaluate((html) => Object.assign(document.body, { innerHTML: html }), element(name, name));
      await untilDone(page, at + 2);
    }
    const bytes = await page.evaluate(() => window.seen.done.map(({ wasm_bytes }) => wasm_bytes));
    assert.ok(Math.max(...bytes) < bytes[0] * 1.3, `${bytes}`);
  });

  test('it may come back, and draws the same', async () => {
    await openBody(element('a'));
    await untilDone(page);
    await page.evaluate(async () => {
      const element = document.getElementById('a');
      element.remove();
      await new Promise((resolve) => setTimeout(resolve));
      document.body.append(element);
    });
    await untilDone(page, 2);
    const [first, second] = await page.evaluate(() => window.seen.done.map(({ levels }) => String(levels)));
    assert.equal(first, second);
  });
});
