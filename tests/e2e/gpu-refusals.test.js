/** The real GPU bundle on a device that refuses memory, programs or work: the CPU goes on. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_ADAPTER, ownWorkers } from './browser.js';
import { offerOnly, withSize } from './models.js';
import { gpuNotBuilt, startWorkersWith } from './server.js';
import { page, site, visitSite } from './site.js';

visitSite();

describe('a GPU that refuses', { skip: gpuNotBuilt }, () => {
  /** Broken calls of the browser's own WebGPU, as it answers when memory or the compiler fails. */
  const REFUSALS = {
    // Buffers of an image's features, and what holds them, are not there.
    memory: `
      const createBuffer = GPUDevice.prototype.createBuffer;
      GPUDevice.prototype.createBuffer = function (descriptor) {
        if (!self.refusing || descriptor.size < 1000) return createBuffer.call(this, descriptor);
        this.pushErrorScope('validation');
        const invalid = createBuffer.call(this, { size: descriptor.size, usage: 0 });
        void this.popErrorScope();
        const error = new GPUOutOfMemoryError('Out of memory.');
        setTimeout(() => this.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error })));
        return invalid;
      };`,
    program: `
      const createShaderModule = GPUDevice.prototype.createShaderModule;
      GPUDevice.prototype.createShaderModule = function (descriptor) {
        return createShaderModule.call(this, self.refusing ? { code: 'this is no program' } : descriptor);
      };`,
    // The device finds fault with work that it has taken.
    work: `
      const dispatchWorkgroups = GPUComputePassEncoder.prototype.dispatchWorkgroups;
      GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...counts) {
        if (self.refusing) this.setBindGroup(0, null);
        return dispatchWorkgroups.apply(this, counts);
      };`,
  };

  /**
   * Draws on the CPU, then twice on a GPU that begins to refuse: at once, or after the first row.
   * @param {{ model: string, count: number, topP?: number, from: "start" | "picture" | "row" }} setting
   */
  async function drawRefused({ model, count, topP, from }) {
    const { Engine } = await import(new URL('engine.js', location.href).href);
    const engine = new Engine();
    if ((await engine.describe('gpu')).backend === 'cpu') return null;
    const options = { seed: 5n, backend: 'gpu' };
    const refusedOptions = { ...options, model, count, topP };
    const wanted = await engine.sample({ ...refusedOptions, backend: 'cpu' });
    const other = (await engine.models())[0].name;
    if (from === 'start') await window.refuse();
    // The start-up test, and a network other than the one that the GPU will refuse.
    else await engine.sample({ ...options, model: other, count: 1 });
    if (from === 'picture') await window.refuse();
    /** @type {number[]} */
    const rows = [];
    /** @type {string[]} */
    const said = [];
    let refused = Promise.resolve();
    const onRow = (/** @type {{ y: number }} */ { y }) => {
      rows.push(y);
      if (from === 'row' && y === 1) refused = window.refuse();
    };
    const onFallback = (/** @type {string} */ reason) => said.push(reason);
    const found = await engine.sample({ ...refusedOptions, onRow, onFallback });
    await refused;
    const next = await engine.sample({ ...refusedOptions, onFallback });
    engine.dispose();
    const same = [found, next].map(({ levels }) => levels.every((level, k) => level === wanted.levels[k]));
    return { backends: [found.backend, next.backend], same, rows, said };
  }

  for (const [refusal, from, expected] of /** @type {Array<[keyof typeof REFUSALS, "start" | "picture" | "row", RegExp]>} */ ([
    ['memory', 'start', /^The GPU failed in its start-up test: .*memory.*\.$/],
    ['memory', 'picture', /^The GPU ran out of memory\.$/],
    ['program', 'start', /^The GPU failed in its start-up test: .*\.$/],
    ['program', 'picture', /^The GPU refused its work: .*\.$/],
    ['work', 'row', /^The GPU refused its work: .*\.$/],
  ])) {
    test(`${refusal}, from the ${from} on: one sentence, and the CPU draws the same picture`, { timeout: 120_000 }, async (context) => {
      offerOnly(site, [await withSize('first', { width: 6, height: 5 }), await withSize('second', { width: 7, height: 6 })]);
      startWorkersWith(site, REFUSALS[refusal]);
      await page.exposeFunction('refuse', () => ownWorkers(page)[0].evaluate(() => void (/** @type {any} */ (self).refusing = true)));
      await page.goto(`${site.url}embed.html?loading=manual`);
      // Networks share their kernels: one that leaves levels out is compiled anew.
      const topP = refusal === 'program' ? 0.9 : undefined;
      const found = await page.evaluate(drawRefused, { model: 'second', count: 2, topP, from });
      if (!found) return context.skip(NO_ADAPTER);
      context.diagnostic(found.said.join(' | '));
      assert.deepEqual(found.backends, ['cpu', 'cpu']);
      assert.deepEqual(found.same, [true, true]);
      assert.deepEqual(found.rows, [0, 1, 2, 3, 4, 5]);
      assert.equal(found.said.length, 2);
      found.said.forEach((reason) => assert.match(reason, expected));
    });
  }
});
