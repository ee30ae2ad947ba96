/** `bench.html`: the engine as other harnesses call it. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { page, site, visitSite } from './site.js';

/** @param {Record<string, unknown>} model @param {Record<string, unknown>} [options] */
const bench = (model, options = {}) =>
  page.evaluate((all) => globalThis.pixelBench(all), { model: { name: 'test', side: 8, cin: 1, h: 4, n: 1, head: 4, logits: 1, ...model }, batch: 2, reps: 3, budgetMs: 2000, ...options });

describe('pixelBench', () => {
  visitSite({ once: true });
  before(async () => {
    await page.goto(`${site.url}bench.html`);
    await page.waitForFunction(() => globalThis.pixelReady === true);
  });

  for (const model of [{}, { cin: 3, logits: 768 }, { cin: 3, logits: 256, network: 'row_lstm', skip: true }, { network: 'diagonal_bilstm' }]) {
    test(`draws ${JSON.stringify(model)} and gives a time for each repetition`, async () => {
      const found = await bench(model);
      assert.equal(found.ms_per_image.length, 3);
      assert.equal(found.first_row_ms.length, 3);
      for (const ms of [...found.ms_per_image, found.cold_ms_per_image]) assert.ok(ms >= 0 && ms < 1000, `${ms} ms`);
      assert.ok(found.init_ms >= 0);
      assert.deepEqual([found.pixels, found.extrapolated, found.backend], [64, false, 'cpu']);
    });
  }

  test('lets workers share a batch, and tells how many did', async () => {
    const found = await bench({ network: 'row_lstm' }, { batch: 16, threads: 3 });
    assert.deepEqual([found.ms_per_image.length, found.threads, found.backend], [3, 3, 'cpu']);
    for (const ms of found.ms_per_image) assert.ok(ms > 0 && ms < 1000, `${ms} ms`);
    await assert.rejects(bench({}, { threads: 2, method: 'naive' }), /threads: found 2, expected 1/);
  });

  test('scales up what its budget cuts short, and says so', async () => {
    const found = await bench({ side: 28, h: 32, n: 12 }, { budgetMs: 0.01, batch: 1 });
    assert.equal(found.extrapolated, true);
  });

  test('names a shape that is none', async () => {
    await assert.rejects(bench({ logits: 17 }), /logits: found 17/);
  });
});
