/** What a pixel looks at and what it changes: the answers of the page are those of the command line. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, test } from 'node:test';
import { colourModel, offer, twoScaleModel } from './models.js';
import { listedModels, lookWithCommandLine, noCommandLine } from './reference.js';
import { fileOf } from './server.js';
import { page, site, visitSite } from './site.js';

const COLOURS = colourModel('test-colours', { width: 9, height: 7 });
const SCALES = twoScaleModel('test-scales');

/** The page's own networks and two more, with their files. */
function filesOf(/** @type {string} */ model) {
  const made = [COLOURS, SCALES].find(({ entry }) => entry.name === model);
  return made?.bytes ?? readFileSync(fileOf(`models/${listedModels().find(({ name }) => name === model).file}`) ?? '');
}

/** Starts of workers. */
let workers = 0;

visitSite();
beforeEach(async () => {
  workers = 0;
  page.on('worker', () => (workers += 1));
  offer(site, [COLOURS, SCALES]);
  await page.goto(`${site.url}embed.html?loading=manual`);
});

/**
 * In the page: an image, and all that is said of one of its pixels.
 * @param {{ model: string, y: number, x: number, all: boolean }} options
 */
async function look({ model, y, x, all }) {
  const { Engine } = await import(new URL('engine.js', location.href).href);
  const engine = new Engine();
  const { width, height, channels } = await engine.load(model);
  const { levels } = await engine.sample({ model, seed: 40417n });
  /** @type {number[][]} */
  const rows = [];
  const onRow = (/** @type {number} */ row, /** @type {Float32Array} */ effects) => rows.push([row, ...effects]);
  const pixel = { model, levels, y, x };
  const [joined, on, of] = [await engine.reach(pixel), await engine.influence({ ...pixel, onRow }), await engine.changes(pixel)];
  /** @type {number[]} */
  const shares = [];
  const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => shares.push(done / total);
  const pairs = all ? await engine.influenceMap({ model, levels, onProgress }) : null;
  engine.dispose();
  // Rows of all pairs that are about the pixel.
  const [pixels, own] = [width * height, y * width + x];
  const about = pairs && {
    mean: [...pairs.mean],
    on: Array.from({ length: pixels }, (_, other) => pairs.effects[other * pixels + own]),
    of: [...pairs.effects.subarray(own * pixels, (own + 1) * pixels)],
    shares,
  };
  return { width, shape: [channels, height, width], levels: [...levels], joined: [...joined], rows, on: [...on], of: [...of], about };
}

describe('what a pixel looks at and changes is what the command line says, to the last bit', { skip: noCommandLine }, () => {
  for (const [model, y, x, all] of /** @type {Array<[string, number, number, boolean]>} */ ([
    ['mnist-row', 13, 14, true],
    ['mnist-pixelcnn', 15, 3, false],
    ['mnist-diagonal', 9, 27, false],
    ['test-colours', 4, 6, true],
    ['test-scales', 20, 11, false],
  ])) {
    test(`${model}, row ${y}, column ${x}`, async () => {
      const { width, shape, levels, joined, rows, on, of, about } = await page.evaluate(look, { model, y, x, all });
      const weights = filesOf(model);
      const pixel = { levels, shape, row: y, column: x };
      assert.deepEqual(on, [...lookWithCommandLine('influence', weights, pixel)]);
      assert.deepEqual(of, [...lookWithCommandLine('influence', weights, { ...pixel, flags: ['--changes'] })]);
      assert.deepEqual(joined, [...lookWithCommandLine('reach', weights, { row: y, column: x })]);
      // Nothing moves that is not joined, and most that is joined does.
      const moved = on.map((effect, k) => Number(effect > 0 || of[k] > 0));
      assert.ok(moved.every((moved, k) => moved <= joined[k]));
      assert.ok(moved.reduce((sum, moved) => sum + moved) > 0.9 * joined.reduce((sum, joined) => sum + joined));
      // The nearest row comes first.
      assert.deepEqual(rows.map(([row]) => row), Array.from({ length: y + 1 }, (_, k) => y - k));
      for (const [row, ...effects] of rows) assert.deepEqual(effects, on.slice(row * width, (row + 1) * width));
      if (!about) return;
      assert.deepEqual(about.on, on);
      assert.deepEqual(about.of, of);
      assert.deepEqual(about.mean, [...lookWithCommandLine('influence', weights, { levels, shape, flags: ['--mean'] })]);
      assert.equal(about.shares.length, shape[1]);
      assert.equal(about.shares.at(-1), 1);
    });
  }
});

test('whoever is not wanted any more is stopped between two rows, and the next one is answered', async () => {
  const found = await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const model = 'mnist-diagonal';
    await engine.load(model);
    const { levels } = await engine.sample({ model, seed: 5n });
    /** @type {string[]} */
    const ended = [];
    const stopped = ({ name }) => ended.push(name);
    const all = new AbortController();
    await engine.influenceMap({ model, levels, signal: all.signal, onProgress: () => all.abort() }).catch(stopped);
    for (let k = 0; k < 5; k++) {
      const one = new AbortController();
      let rows = 0;
      const onRow = () => (rows += 1) === 2 && one.abort();
      await engine.influence({ model, levels, y: 20, x: k, signal: one.signal, onRow }).catch(stopped);
    }
    // Longer than a worker may be deaf to a stop.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const effects = await engine.changes({ model, levels, y: 20, x: 3 });
    engine.dispose();
    return { ended, after: effects.some((effect) => effect > 0) };
  });
  assert.deepEqual(found, { ended: Array(6).fill('AbortError'), after: true });
  assert.equal(workers, 1);
});

test('what does not fit is named', async () => {
  const sentences = await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const [model, levels] = ['mnist-row', new Uint8Array(784)];
    const said = await Promise.all(
      [
        engine.reach({ model, y: 28, x: 0 }),
        engine.influence({ model, levels, y: 0, x: 28 }),
        engine.changes({ model, levels: new Uint8Array(783), y: 0, x: 0 }),
        engine.influenceMap({ model, levels: new Uint8Array(784).fill(2) }),
      ].map((asked) => asked.then(() => 'answered', ({ message }) => message)),
    );
    engine.dispose();
    return said;
  });
  const expected = [/^row: found 28, expected 0 to 27/, /^column: found 28, expected 0 to 27/, /^given levels: found 783 values/, /^given levels: found level 2/];
  sentences.forEach((sentence, k) => assert.match(sentence, expected[k]));
});

test('masks are those of the layers', async () => {
  const masks = await page.evaluate(async () => {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    const masks = [];
    for (const [kind, size, channels] of [['A', 3, 1], ['B', 3, 1], ['A', 1, 3], ['B', 1, 3]]) {
      masks.push([...(await engine.mask({ kind, size, channels }))].join(''));
    }
    engine.dispose();
    return masks;
  });
  assert.deepEqual(masks, ['111100000', '111110000', '000100110', '100110111']);
});
