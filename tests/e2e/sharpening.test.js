/** Temperature, top-k and top-p: what the engine and the element draw with them is what the command line draws. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { NO_ADAPTER, drawnAlone, imagesShown, untilDone } from './browser.js';
import { offerOnly, twoScaleModel } from './models.js';
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

  for (const [model, attributes, options] of /** @type {Array<[string, string, Sharpening]>} */ ([
    ['mnist-pixelcnn', 'top-p="0.9"', { topP: 0.9 }],
    ['mnist-pixelcnn', 'top-k="1" temperature="0.9"', { topK: 1, temperature: 0.9 }],
    [two, 'temperature="0.5,1.1" top-p="0.95"', { temperature: [0.5, 1.1], topP: 0.95 }],
  ])) {
    test(`draws what the command line draws: ${attributes}`, { skip: noCommandLine }, async () => {
      await openBody(`<pixel-rnn model="${model}" seed="5" count="4" pace="instant" ${attributes}></pixel-rnn>`);
      await untilDone(page);
      assert.deepEqual(await imagesShown(page), sampleWithCommandLine({ model, seed: 5, count: 4, ...options }));
    });
  }

  describe('of two scales', () => {
    const made = twoScaleModel('two-scales');
    const drawn = (/** @type {number | number[]} */ temperature) => drawnAlone(page, { model: 'two-scales', seed: 5, count: 4, temperature });
    const at = async (/** @type {string} */ temperature) => {
      await openBody(`<pixel-rnn model="two-scales" seed="5" count="4" pace="instant" temperature="${temperature}"></pixel-rnn>`);
      await page.evaluate(() => {
        window.temperatures = [];
        const element = document.querySelector('pixel-rnn');
        for (const type of ['start', 'done']) element.addEventListener(type, ({ detail }) => window.temperatures.push([type, detail.temperature]));
      });
    };
    beforeEach(() => offerOnly(site, [made]));

    test('draws each at a temperature of its own, the smallest first, and says which', async () => {
      await at('0.5,1.5');
      await untilDone(page);
      const pictures = await imagesShown(page);
      assert.deepEqual(pictures, await drawn([0.5, 1.5]));
      for (const other of [0.5, 1.5, [1.5, 0.5]]) assert.notDeepEqual(pictures, await drawn(other), `${other}`);
      assert.deepEqual(await page.locator('pixel-rnn').evaluate(({ temperature }) => temperature), [0.5, 1.5]);
      assert.equal(await page.locator('pixel-rnn output').innerText(), '0.50, 1.50');
    });

    test('takes them from a script, as one for all from its slider', async () => {
      await at('1');
      await untilDone(page);
      await page.locator('pixel-rnn').evaluate((element) => (element.temperature = [0.5, 1.5]));
      await untilDone(page, 2);
      assert.deepEqual(await imagesShown(page), await drawn([0.5, 1.5]));
      assert.equal(await page.locator('pixel-rnn').getAttribute('temperature'), '0.5,1.5');
      const slider = page.getByRole('slider', { name: 'Temperature' });
      assert.equal(await slider.inputValue(), '1.5', 'of the picture itself');
      await slider.fill('0.7');
      await untilDone(page, 3);
      assert.deepEqual(await imagesShown(page), await drawn(0.7));
      assert.deepEqual((await page.evaluate(() => window.temperatures)).slice(-2), [['start', 0.7], ['done', 0.7]]);
    });

    test('says what is wrong with one for a scale that is not there', async () => {
      await at('0.5,1,1.5');
      await page.locator('pixel-rnn').getByText(/temperatures: found 3, expected 1 or 2, one a scale/).waitFor();
    });
  });

  test('says what is wrong with more levels than a value has', async () => {
    await openBody('<pixel-rnn model="mnist-pixelcnn" top-k="3"></pixel-rnn>');
    await page.locator('pixel-rnn').getByText(/top-k: found 3, expected 1 to 2/).waitFor();
  });
});
