/** Several networks: switching between them at any moment, and what is left behind afterwards. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ALL_ROWS, drawnAlone, imagesShown, ownWorkers, seeSamples, untilDone } from './browser.js';
import { memoryOf } from './memory.js';
import { offer, withInk } from './models.js';
import { startWorkersWith } from './server.js';
import { page, site, visitSite } from './site.js';

/** Names of the networks on offer: those of the page and two that draw otherwise. @type {string[]} */
let names;

visitSite();
beforeEach(async () => {
  names = offer(site, [await withInk('more-ink', 0.4), await withInk('less-ink', -0.4)]).map(({ name }) => name);
});

/**
 * The starts and rows of all runs, in the order in which the page was told of them.
 * @returns {Promise<Array<{ type: string, run: string, scale?: number, y?: number }>>}
 */
function diary() {
  return page.evaluate(() =>
    ['start', 'row']
      .flatMap((type) => window.seen[type].map(({ at, order, model, seed, scale, y }) => ({ type, at, order, run: `${model} ${seed}`, scale, y })))
      .sort((a, b) => a.order - b.order),
  );
}

/** Every row belongs to the run that started last, and follows the row above it, or begins the next scale. */
async function assertNoRowsMixed() {
  let run = '';
  let last = { scale: 0, y: -1 };
  const lines = await diary();
  for (const line of lines) {
    if (line.type === 'start') [run, last] = [line.run, { scale: 0, y: -1 }];
    else {
      assert.equal(line.run, run, `a row of ${line.run} came after the start of ${run}`);
      const { scale = 0, y = 0 } = line;
      const follows = scale === last.scale ? y === last.y + 1 : scale === last.scale + 1 && y === 0;
      assert.ok(follows, `${run}: row ${y} of scale ${scale} after row ${last.y} of scale ${last.scale}`);
      last = { scale, y };
    }
  }
  return lines.filter(({ type }) => type === 'start').length;
}

/**
 * Sets the element and waits until its last run is done.
 * @param {Record<string, string>} attributes
 */
async function drawLast(attributes) {
  await page.evaluate((wanted) => {
    for (const [name, value] of Object.entries(wanted)) document.querySelector('pixel-rnn').setAttribute(name, value);
  }, attributes);
  const { model, seed } = attributes;
  await page.waitForFunction(
    ([name, number]) => window.seen.done.some((run) => run.model === name && String(run.seed) === number),
    [model, seed],
    { timeout: 60_000, polling: 20 },
  );
}

describe('switching the network while it draws', () => {
  for (const pace of ['steady', 'instant']) {
    test(`shows the last network and seed only, as drawn alone (${pace})`, async () => {
      await page.goto(`${site.url}#count=16&pace=${pace}`);
      await seeSamples(page);
      await page.waitForFunction(() => window.seen.start.length > 0);
      for (let k = 0; k < 24; k++) {
        await page.evaluate(([model, seed]) => Object.assign(document.querySelector('pixel-rnn'), { model, seed }), [names[k % names.length], `${100 + k}`]);
        await page.waitForTimeout((k * 53) % 190);
      }
      await drawLast({ model: 'more-ink', seed: '7' });
      const shown = await imagesShown(page);
      assert.deepEqual(shown, await drawnAlone(page, { model: 'more-ink', seed: 7, count: 16 }));
      assert.notDeepEqual(shown, await drawnAlone(page, { model: names[0], seed: 7, count: 16 }), 'the networks draw different pictures');
      assert.ok((await assertNoRowsMixed()) > 5, 'several runs had begun');
      assert.equal(await page.evaluate(() => window.seen.failed.length), 0);
    });
  }

  test('back and forth while the weights still come, draws', async () => {
    const { fault, count } = slowly(site.faults.get('models/more-ink.safetensors'));
    site.faults.set('models/more-ink.safetensors', fault);
    await page.goto(`${site.url}#pace=instant`);
    await untilDone(page);
    for (let k = 0; k < 6; k++) {
      await page.evaluate(async (first) => {
        const element = document.querySelector('pixel-rnn');
        for (const model of ['more-ink', first, 'more-ink']) {
          element.model = model;
          // Long enough for the old download to be given up, too short for it to have ended.
          await new Promise((resolve) => setTimeout(resolve));
        }
      }, names[0]);
      await page.waitForTimeout(40 * k);
    }
    await drawLast({ model: 'more-ink', seed: '8' });
    assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: 'more-ink', seed: 8, count: 16 }));
    assert.deepEqual(await page.evaluate(() => window.seen.failed.map(({ message }) => message)), []);
    assert.ok(count() > 1, 'a download was given up');
  });
});

/**
 * A server that sends a file in two pieces, the second a little later.
 * @param {import('./server.js').Fault} send  sends it at once
 */
function slowly(send) {
  let count = 0;
  return {
    count: () => count,
    /** @type {import('./server.js').Fault} */
    fault: (response, file) => {
      count += 1;
      const end = response.end.bind(response);
      response.end = (bytes) => {
        response.write(bytes.subarray(0, 1000));
        setTimeout(() => end(bytes.subarray(1000)), 250);
        return response;
      };
      send(response, file);
    },
  };
}

test('a run that is stopped tells of no further row, while the next one draws', async () => {
  await page.goto(`${site.url}#pace=instant&count=1`);
  await untilDone(page);
  const { before, after, rows } = await page.evaluate(async ([first, second]) => {
    const { Engine } = await import('./engine.js');
    const engine = new Engine();
    await Promise.all([engine.load(first), engine.load(second)]);
    let [before, after] = [0, 0];
    const run = new AbortController();
    const old = engine.sample({ model: first, seed: 1n, count: 32, signal: run.signal, onRow: () => (run.signal.aborted ? after++ : before++) }).catch(() => {});
    while (before < 5) await new Promise((resolve) => setTimeout(resolve));
    run.abort();
    const rows = [];
    await engine.sample({ model: second, seed: 1n, count: 32, onRow: ({ y }) => rows.push(y) });
    await old;
    engine.dispose();
    return { before, after, rows };
  }, names);
  assert.ok(before < 28);
  assert.equal(after, 0);
  assert.deepEqual(rows, ALL_ROWS);
});

test('a run outlives workers that other runs block', async () => {
  await page.goto(`${site.url}#pace=instant&count=1`);
  await untilDone(page);
  const { ended, rows, same } = await page.evaluate(async () => {
    const { Engine } = await import('./engine.js');
    const engine = new Engine();
    const [{ name: model }] = await engine.models();
    const rows = [];
    const bystander = engine.sample({ model, seed: 4n, count: 512, onRow: ({ y }) => rows.push(y) });
    const ended = [];
    for (let k = 0; k < 3; k++) {
      // A row of full passes takes long: a worker that is in one hears no stop and is replaced.
      const blocked = new AbortController();
      const naive = engine.sample({ model, seed: 4n, count: 256, method: 'naive', signal: blocked.signal }).catch(({ name }) => name);
      await new Promise((resolve) => setTimeout(resolve, 250));
      blocked.abort();
      ended.push(await naive);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const { levels } = await bystander;
    const again = await engine.sample({ model, seed: 4n, count: 1 });
    engine.dispose();
    return { ended, rows, same: String(levels.subarray(0, 784)) === String(again.levels) };
  });
  assert.deepEqual({ ended, rows, same }, { ended: Array(3).fill('AbortError'), rows: ALL_ROWS, same: true });
});

test('a hundred pictures, two networks in turn, leave memory flat', { timeout: 240_000 }, async (context) => {
  // Without the safety net that frees wasm memory when its JavaScript handle is collected.
  startWorkersWith(site, 'delete globalThis.FinalizationRegistry;');
  await page.goto(`${site.url}#pace=instant&count=16`);
  await untilDone(page);
  const measure = await memoryOf(page);
  /** @param {number} from @param {number} to */
  const drawAndMeasure = async (from, to) => {
    const wasm_bytes = await page.evaluate(async ([first, last, ...models]) => {
      const element = document.querySelector('pixel-rnn');
      const { seen } = window;
      for (let k = first; k < last; k++) {
        Object.assign(element, { model: models[k % 2], seed: BigInt(k) });
        await element.draw();
      }
      const drawn = seen.done.at(-1);
      for (const list of Object.values(seen)) list.length = 0;
      return drawn.seed === BigInt(last - 1) ? drawn.wasm_bytes : NaN;
    }, [from, to, names[0], names[1]]);
    return { wasm_bytes, ...(await measure()) };
  };
  const tenth = await drawAndMeasure(0, 10);
  const hundredth = await drawAndMeasure(10, 100);
  context.diagnostic(`after 10 pictures ${JSON.stringify(tenth)}, after 100 ${JSON.stringify(hundredth)}`);
  assert.equal(ownWorkers(page).length, 1);
  // What wasm needs was needed in the first ten pictures already. A sampler is 1 MB here: 90 of them, had
  // they been left behind, are not within the room given to an allocator that finds its gaps too small.
  assert.ok(hundredth.wasm_bytes <= tenth.wasm_bytes + 2 ** 20);
  // 90 pictures and their rows, had they been kept, are 5 MB on the page; a kept message about each of
  // them is 100 kB. What comes and goes is code that the browser compiles or forgets.
  assert.ok(hundredth.page_bytes < tenth.page_bytes + 300_000);
  assert.ok(hundredth.worker_bytes < tenth.worker_bytes + 300_000);
});
