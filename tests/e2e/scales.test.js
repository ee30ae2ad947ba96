/** Networks of two scales: a small picture first, then the large one over it. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { NO_ADAPTER, drawnAlone, imagesOn, imagesShown, isHelper, seeSamples, untilDone } from './browser.js';
import { openEasel } from './easel.js';
import { offer, twoScaleModel } from './models.js';
import { gpuNotBuilt } from './server.js';
import { lane, patientFor, raceLane, raceVerdict, startRace, seeCompletions, seeLanes } from './sections.js';
import { page, site, visitSite } from './site.js';

const MODEL = 'test-two-scales';
const PLACES = [...Array.from({ length: 7 }, (_, y) => `0 ${y}`), ...Array.from({ length: 28 }, (_, y) => `1 ${y}`)];

visitSite();
beforeEach(() => offer(site, [twoScaleModel(MODEL)]));

/** Scale and row of all rows shown. */
const rowsShown = () => page.evaluate(() => window.seen.row.map(({ scale, y }) => `${scale} ${y}`));

/** The small pictures of a run, from the rows the element told of: 1 for ink. @param {number} count */
async function smallPictures(count) {
  const rows = await page.evaluate(() => window.seen.row.filter(({ scale }) => scale === 0).map(({ rgba }) => [...rgba]));
  return Array.from({ length: count }, (_, k) => rows.flatMap((rgba) => Array.from({ length: 7 }, (_, x) => Number(rgba[4 * (7 * k + x)] >= 128))));
}

describe('the engine', () => {
  test('tells the scales, gives their rows in order, and counts the pixels of both', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const { info, rows, done, levels } = await page.evaluate(async (model) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      const info = await engine.load(model);
      const rows = [];
      const { levels, nll_nats, elapsed_ms, pixels_per_second } = await engine.sample({ model, seed: 2n, count: 3, onRow: ({ scale, y, width, height, rgba }) => rows.push({ at: `${scale} ${y}`, width, height, bytes: rgba.length }) });
      engine.dispose();
      return { info, rows, done: { nll: nll_nats.length, pixels: (pixels_per_second * elapsed_ms) / 1000 }, levels: levels.length };
    }, MODEL);
    assert.deepEqual(info.scales, [{ width: 7, height: 7 }, { width: 28, height: 28 }]);
    assert.deepEqual([info.width, info.height], [28, 28]);
    assert.deepEqual(rows.map(({ at }) => at), PLACES);
    rows.forEach(({ at, width, height, bytes }) => assert.deepEqual([width, height, bytes], at[0] === '0' ? [7, 7, 3 * 7 * 4] : [28, 28, 3 * 28 * 4]));
    assert.equal(levels, 3 * 784);
    assert.equal(done.nll, 3);
    assert.ok(Math.abs(done.pixels - 3 * (49 + 784)) < 0.01);
  });

  test('gives each row once though its worker dies on the way', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    let workers = 0;
    page.on('worker', (worker) => (workers += Number(!isHelper(worker))));
    const { rows, same } = await page.evaluate(async (model) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      const [{ name: slow }] = await engine.models();
      await Promise.all([engine.load(model), engine.load(slow)]);
      const rows = [];
      const drawing = engine.sample({ model, seed: 2n, count: 1024, onRow: ({ scale, y }) => rows.push(`${scale} ${y}`) });
      while (rows.length < 12) await new Promise((resolve) => setTimeout(resolve));
      // A full-pass run blocks the worker; stopping it costs the worker.
      const blocked = new AbortController();
      const naive = engine.sample({ model: slow, seed: 4n, count: 64, method: 'naive', signal: blocked.signal }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 300));
      blocked.abort();
      await naive;
      const { levels } = await drawing;
      const again = await engine.sample({ model, seed: 2n, count: 1024 });
      engine.dispose();
      return { rows, same: levels.every((level, at) => level === again.levels[at]) };
    }, MODEL);
    assert.equal(workers, 2);
    assert.deepEqual(rows, PLACES);
    assert.ok(same);
  });

  test('draws both pictures on the GPU where it is asked for', { skip: gpuNotBuilt, timeout: 120_000 }, async (context) => {
    await page.goto(`${site.url}#model=${MODEL}&backend=gpu&count=2&pace=instant`);
    await seeSamples(page);
    await page.waitForFunction(() => window.seen.done.length > 0, undefined, { timeout: 100_000 });
    const line = await page.locator('.backend-line').innerText();
    if (/no adapter/.test(line)) return context.skip(NO_ADAPTER);
    assert.match(line, /^GPU, whole rows in one kernel, on .*a software adapter\.$/);
    assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: MODEL, seed: 7, count: 2 }));
    assert.equal(await page.evaluate(() => window.seen.done[0].backend), 'gpu');
    assert.ok(await page.evaluate(() => window.seen.done[0].nll_nats.every((nats) => nats > 10 && nats < 2000)));
  });
});

describe('the element', () => {
  test('shows the small picture in blocks, then the large one over it from the top', async () => {
    await page.goto(`${site.url}#model=${MODEL}&count=4&pace=slow`);
    await seeSamples(page);
    await page.waitForFunction(() => window.seen.row.length >= 7 + 9, undefined, { polling: 10 });
    await page.evaluate(() => document.querySelector('pixel-rnn').stop());
    const rows = (await rowsShown()).length - 7;
    assert.ok(rows < 28);
    const [small, large, shown] = [await smallPictures(4), await drawnAlone(page, { model: MODEL, seed: 7, count: 4 }), await imagesShown(page)];
    shown.forEach((image, k) => {
      const wanted = image.map((_, at) => {
        const [x, y] = [at % 28, Math.floor(at / 28)];
        return y < rows ? large[k][at] : small[k][7 * Math.floor(y / 4) + Math.floor(x / 4)];
      });
      assert.deepEqual(image, wanted, `image ${k} after ${rows} rows; the row that was marked shows the small picture again`);
    });
    assert.ok(small.flat().includes(1) && small.flat().includes(0));
  });

  test('tells of every row with its scale, and ends with the large picture', async () => {
    for (const pace of ['steady', 'instant']) {
      await page.goto(`${site.url}?${pace}#model=${MODEL}&count=4&pace=${pace}`);
      await untilDone(page);
      assert.deepEqual(await rowsShown(), PLACES);
      assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: MODEL, seed: 7, count: 4 }));
    }
    assert.match(await page.locator('.likelihood').innerText(), /^−ln p: [\d.]+ nats an image, of the pair: p\(small\) · p\(large \| small\)\.$/);
    assert.match(await page.locator('#networks-note').innerText(), / 7\s×\s7 pixels are drawn first, and 28\s×\s28 from them\. Nats: .* of the pair: p\(small\) · p\(large \| small\);/);
  });

  test('keeps the small picture when the page is laid out anew', async () => {
    await page.goto(`${site.url}#model=${MODEL}&count=4&pace=slow`);
    await seeSamples(page);
    await page.waitForFunction(() => window.seen.row.length >= 7 + 2, undefined, { polling: 10 });
    await page.evaluate(() => document.querySelector('pixel-rnn').stop());
    const before = await imagesShown(page);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.waitForTimeout(300);
    assert.ok(before[0].slice(0, 4 * 28).every((pixel) => pixel !== null));
    assert.deepEqual(await imagesShown(page), before);
  });

  test('with a seed set back and forth never mixes rows', async () => {
    await page.goto(`${site.url}#model=${MODEL}&count=16&pace=steady`);
    await seeSamples(page);
    for (let seed = 51; seed < 63; seed++) {
      await page.evaluate((value) => document.querySelector('pixel-rnn').setAttribute('seed', value), seed);
      await page.waitForTimeout((seed * 37) % 400);
    }
    await page.evaluate(() => document.querySelector('pixel-rnn').setAttribute('seed', '1'));
    await page.waitForFunction(() => window.seen.done.some(({ seed }) => seed === 1n));
    const rows = await rowsShown();
    rows.forEach((row, at) => assert.ok(row === PLACES[0] || row === PLACES[PLACES.indexOf(rows[at - 1]) + 1], `${row} after ${rows[at - 1]}`));
    assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: MODEL, seed: 1, count: 16 }));
  });
});

describe('the page', () => {
  test('completes digits, looks at their pixels and puts the network beside the others', async () => {
    await page.goto(`${site.url}#model=${MODEL}&pace=steady`);
    await seeCompletions();
    const [sheet] = await imagesOn(page.locator('#sheet'), 1);
    (await imagesOn(page.locator('#completed'), 16)).forEach((image) => {
      assert.deepEqual(image.slice(0, 392), sheet.slice(0, 392));
      assert.ok(image.every((pixel) => pixel !== null));
    });
    await openEasel(`model=${MODEL}&seed=7&k=833&pixel=14,14`);
    assert.match(await page.locator('#inspector .place').innerText(), /^Row 15, column 15, 28\s×\s28 drawn$/);
    assert.match(await page.locator('#inspector-cost').innerText(), /^[\d.]+ bits/);
    assert.ok(await page.locator('#inspector-if').isHidden(), 'the small picture would not be the one drawn');
    await seeLanes();
    assert.match(await lane(MODEL).locator('.sees').innerText(), /, and a picture of 7\s×\s7 pixels drawn first$/);
  });

  test('races against full runs, small picture and all', { timeout: 120_000 }, async () => {
    await patientFor(100_000);
    await page.goto(`${site.url}#model=${MODEL}&count=1&pace=instant`);
    await startRace();
    await raceVerdict(/^[\d,]+ times as fast, same pixels\.$/).waitFor({ timeout: 100_000 });
    assert.equal(await raceLane('Run it all again').locator('.runs').innerText(), '833 runs');
    assert.equal(await raceLane('Keep what is known').locator('.runs').innerText(), '2 runs');
  });
});
