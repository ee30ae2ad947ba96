/** Temperature, top-k and top-p: what the engine and the element draw with them is what the command line draws. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_ADAPTER, drawnAlone, imagesShown, untilDone } from './browser.js';
import { listedModels, noCommandLine, sampleWithCommandLine } from './reference.js';
import { gpuNotBuilt } from './server.js';
import { openBody, page, site, visitSite } from './site.js';

/** @typedef {{ temperature?: number | number[], topK?: number, topP?: number }} Sharpening */

const two = listedModels().find(({ config }) => config.conditioning).name;

/** @type {Array<[model: string, count: number, options: Sharpening]>} */
const CASES = [
  ['mnist-pixelcnn', 4, { topP: 0.9 }],
  ['mnist-row', 4, { temperature: 0.8, topP: 0.7 }],
  ['mnist-diagonal', 2, { topK: 1 }],
  [two, 4, { temperature: [0.5, 1.1], topP: 0.95 }],
  ['cifar10-pixelcnn', 1, { topP: 0.98 }],
  ['cifar10-pixelcnn', 1, { temperature: 0.95, topK: 40, topP: 0.9 }],
];

describe('the engine', () => {
  visitSite();

  for (const [model, count, options] of CASES) {
    test(`draws what the command line draws: ${model}, ${JSON.stringify(options)}`, { skip: noCommandLine }, async () => {
      await page.goto(`${site.url}embed.html?loading=manual`);
      const drawn = await drawnAlone(page, { model, seed: 7, count, ...options });
      assert.deepEqual(drawn, sampleWithCommandLine({ model, seed: 7, count, ...options }));
      assert.notDeepEqual(drawn, await drawnAlone(page, { model, seed: 7, count }), 'it makes a difference');
    });
  }

  test('draws the same by full passes', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const options = { model: two, seed: 3, count: 1, temperature: [0.5, 1.1], topP: 0.9 };
    assert.deepEqual(await drawnAlone(page, { ...options, method: 'naive' }), await drawnAlone(page, options));
  });

  test('draws the same on the GPU', { skip: gpuNotBuilt, timeout: 120_000 }, async (context) => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const options = { model: 'mnist-pixelcnn', seed: 3, count: 2, topP: 0.9 };
    const drawn = await page.evaluate(async (request) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      const { levels, backend } = await engine.sample({ ...request, seed: BigInt(request.seed), backend: 'gpu' });
      engine.dispose();
      return { levels: [...levels], backend };
    }, options);
    if (drawn.backend !== 'gpu') return context.skip(NO_ADAPTER);
    assert.deepEqual(drawn.levels, (await drawnAlone(page, options)).flat());
  });

  test('refuses more levels than a value has, and temperatures of other scales', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const refusal = (/** @type {object} */ options) => drawnAlone(page, { model: two, seed: 1, count: 1, ...options }).then(() => '', ({ message }) => message);
    assert.match(await refusal({ topK: 3 }), /top-k: found 3, expected 1 to 2/);
    assert.match(await refusal({ temperature: [1, 1, 1] }), /temperatures: found 3, expected 1 or 2, one a scale/);
  });
});

describe('an element', () => {
  visitSite();

  for (const [attributes, options] of /** @type {Array<[string, Sharpening]>} */ ([
    ['top-p="0.9"', { topP: 0.9 }],
    ['top-k="1" temperature="0.9"', { topK: 1, temperature: 0.9 }],
  ])) {
    test(`draws what the command line draws: ${attributes}`, { skip: noCommandLine }, async () => {
      await openBody(`<pixel-rnn model="mnist-pixelcnn" seed="5" count="4" pace="instant" ${attributes}></pixel-rnn>`);
      await untilDone(page);
      assert.deepEqual(await imagesShown(page), sampleWithCommandLine({ model: 'mnist-pixelcnn', seed: 5, count: 4, ...options }));
    });
  }

  test('says what is wrong with more levels than a value has', async () => {
    await openBody('<pixel-rnn model="mnist-pixelcnn" top-k="3"></pixel-rnn>');
    await page.locator('pixel-rnn').getByText(/top-k: found 3, expected 1 to 2/).waitFor();
  });
});
