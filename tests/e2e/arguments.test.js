/** Arguments of the JavaScript API: what is not meant is refused by name, before anything is begun. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../www/engine.js';
import { listedModels } from './reference.js';
import { page, site, visitSite } from './site.js';

const SEEDS = 'a bigint from 0 to 18446744073709551615, or a whole number from 0 to 9007199254740991';
const COUNTS = 'a whole number from 1 to 1024';
const TEMPERATURES = 'a finite number, 0.001 or more, or an array of them, one a scale';
const BYTES = 'a Uint8Array';
const pixels = new Uint8Array(784);

/** @type {Record<string, (options: any) => unknown>} */
const CALLS = {
  sample: (options) => new Engine().sample({ model: 'any', seed: 1n, ...options }),
  complete: (options) => new Engine().complete({ model: 'any', seed: 1n, given: pixels, mask: pixels, ...options }),
  score: (options) => new Engine().score({ model: 'any', levels: pixels, count: 1, ...options }),
  distribution: (options) => new Engine().distribution({ model: 'any', levels: pixels, channel: 0, y: 0, x: 0, ...options }),
  activations: (options) => new Engine().activations({ model: 'any', levels: pixels, block: 0, y: 0, x: 0, ...options }),
  reach: (options) => new Engine().reach({ model: 'any', y: 0, x: 0, ...options }),
  changes: (options) => new Engine().changes({ model: 'any', levels: pixels, y: 0, x: 0, ...options }),
  influence: (options) => new Engine().influence({ model: 'any', levels: pixels, y: 0, x: 0, ...options }),
  influenceMap: (options) => new Engine().influenceMap({ model: 'any', levels: pixels, ...options }),
  compress: (options) => new Engine().compress({ model: 'any', levels: pixels, count: 1, ...options }),
  decompress: (options) => new Engine().decompress({ model: 'any', file: pixels, ...options }),
  mask: (options) => new Engine().mask({ kind: 'A', size: 3, channels: 3, ...options }),
  calibrate: (options) => new Engine().calibrate({ model: 'any', count: 1, ...options }),
  load: ({ name = 'any', ...options }) => new Engine().load(name, options),
  open: ({ file = pixels, ...options }) => new Engine().open(file, options),
  describe: ({ backend = 'auto', ...batch }) => new Engine().describe(backend, { model: 'any', count: 1, ...batch }),
};

/** @type {Array<[calls: string[], name: string, found: Array<[value: any, said: string]>, expected: string]>} */
const REFUSED = [
  [['sample', 'complete'], 'seed', [[-1n, '-1n'], [2n ** 64n, '18446744073709551616n'], [-1, '-1'], [1.5, '1.5'], [2 ** 53, '9007199254740992'], [NaN, 'NaN'], ['7', '"7"'], [null, 'null'], [undefined, 'undefined']], SEEDS],
  [['sample', 'complete', 'calibrate', 'describe'], 'count', [[1.5, '1.5'], [0, '0'], [-1, '-1'], [1025, '1025'], [NaN, 'NaN'], [Infinity, 'Infinity'], ['4', '"4"'], [4n, '4n']], COUNTS],
  [['score', 'compress'], 'count', [[0, '0'], [2.5, '2.5'], [undefined, 'undefined']], 'a whole number from 1 to 1048576'],
  [['sample', 'complete'], 'temperature', [[NaN, 'NaN'], [0, '0'], [-1, '-1'], [Infinity, 'Infinity'], [1e39, '1e+39'], [0.0001, '0.0001'], ['1', '"1"']], TEMPERATURES],
  [['sample', 'complete'], 'topK', [[0, '0'], [-1, '-1'], [1.5, '1.5'], [257, '257'], [NaN, 'NaN'], ['4', '"4"'], [null, 'null']], 'a whole number from 1 to 256'],
  [['sample', 'complete'], 'topP', [[0, '0'], [-0.5, '-0.5'], [1.5, '1.5'], [NaN, 'NaN'], [1e-50, '1e-50'], ['0.9', '"0.9"']], 'a number above 0, at most 1'],
  [['sample', 'complete'], 'first', [[-1, '-1'], [0.5, '0.5'], [2 ** 32, '4294967296'], [1n, '1n']], 'a whole number from 0 to 4294967295'],
  [['sample', 'complete'], 'threads', [[0, '0'], [1.5, '1.5'], [NaN, 'NaN']], 'a whole number, 1 or more'],
  [['sample', 'complete'], 'trace', [[-1, '-1'], [0.5, '0.5'], [1024, '1024'], ['0', '"0"']], 'a whole number from 0 to 1023'],
  [['sample', 'complete'], 'method', [['fast', '"fast"'], [1, '1']], '"cached" or "naive"'],
  [['sample', 'complete', 'describe'], 'backend', [['webgpu', '"webgpu"'], [true, 'true']], '"auto" or "cpu" or "gpu"'],
  [['complete'], 'given', [[undefined, 'undefined'], [[1, 0], 'an object of class Array'], [new Float32Array(2), 'an object of class Float32Array']], BYTES],
  [['complete'], 'mask', [[undefined, 'undefined'], ['1', '"1"']], BYTES],
  [['score', 'distribution', 'activations', 'changes', 'influence', 'influenceMap', 'compress'], 'levels', [[undefined, 'undefined'], [new Uint8ClampedArray(2), 'an object of class Uint8ClampedArray']], BYTES],
  [['distribution'], 'channel', [[-1, '-1'], [0.5, '0.5']], 'a whole number, 0 or more'],
  [['activations'], 'block', [[-1, '-1'], ['0', '"0"'], [undefined, 'undefined']], 'a whole number, 0 or more'],
  [['distribution', 'activations', 'reach', 'changes', 'influence'], 'y', [[NaN, 'NaN'], ['0', '"0"'], [undefined, 'undefined']], 'a whole number, 0 or more'],
  [['distribution', 'activations', 'reach', 'changes', 'influence'], 'x', [[-0.5, '-0.5'], [null, 'null']], 'a whole number, 0 or more'],
  [['sample', 'complete', 'score', 'distribution', 'activations', 'reach', 'changes', 'influence', 'influenceMap', 'compress', 'decompress', 'calibrate', 'describe'], 'model', [[7, '7'], [null, 'null']], 'a string'],
  [['decompress'], 'file', [[undefined, 'undefined'], ['packed.prc', '"packed.prc"'], [new Blob(), 'an object of class Blob']], BYTES],
  [['load', 'open'], 'name', [[7, '7'], [null, 'null']], 'a string'],
  [['open'], 'title', [[7, '7']], 'a string'],
  [['open'], 'file', [[null, 'null'], [7, '7'], [[1], 'an object of class Array'], [new ArrayBuffer(1), 'an object of class ArrayBuffer']], 'a Blob, a Uint8Array or an address'],
  [['sample', 'complete', 'score', 'distribution', 'activations', 'reach', 'changes', 'influence', 'influenceMap', 'compress', 'decompress', 'mask', 'calibrate', 'load', 'open'], 'signal', [[true, 'true'], [new AbortController(), 'an object of class AbortController']], 'an AbortSignal'],
  [['sample', 'complete', 'influence'], 'onRow', [[1, '1']], 'a function'],
  [['sample', 'complete'], 'onValue', [[1, '1']], 'a function'],
  [['mask'], 'kind', [['C', '"C"'], [undefined, 'undefined']], '"A" or "B"'],
  [['mask'], 'size', [[2, '2'], [33, '33'], [0, '0'], ['3', '"3"']], 'an odd number from 1 to 31'],
  [['mask'], 'channels', [[0, '0'], [4, '4'], [undefined, 'undefined']], 'a whole number from 1 to 3'],
  [['sample', 'complete'], 'onFallback', [['x', '"x"']], 'a function'],
  [['load', 'influenceMap', 'compress', 'decompress', 'open'], 'onProgress', [[{}, 'an object of class Object']], 'a function'],
];

describe('the engine refuses', () => {
  for (const [calls, name, found, expected] of REFUSED) {
    for (const call of calls) {
      test(`${call}: ${name}`, async () => {
        for (const [value, said] of found) {
          const error = await Promise.resolve(CALLS[call]({ [name]: value })).then(() => null, (reason) => reason);
          assert.equal(error?.message, `${name}: found ${said}, expected ${expected}.`);
          const isOfType = expected.includes('number') ? ['number', 'bigint'].includes(typeof value) && expected.includes(typeof value) : typeof value === 'string' && expected.startsWith('"');
          assert.equal(error.constructor, isOfType ? RangeError : TypeError, `${error}`);
        }
      });
    }
  }

  test('a trace of an image that is not drawn, and one that nobody can keep', async () => {
    const refusal = (/** @type {object} */ options) => new Engine().sample({ model: 'any', seed: 1, ...options }).then(() => null, (reason) => reason.message);
    assert.equal(await refusal({ trace: 1 }), 'trace: found 1, expected a whole number from 0 to 0.');
    assert.equal(await refusal({ trace: 4, count: 4 }), 'trace: found 4, expected a whole number from 0 to 3.');
    assert.equal(await refusal({ trace: 0, method: 'naive' }), 'method: found "naive", expected "cached".');
    assert.equal(await refusal({ trace: 0, backend: 'gpu' }), 'backend: found "gpu", expected "auto" or "cpu".');
  });

  test('to do without an argument at all', async () => {
    const engine = new Engine();
    for (const call of /** @type {const} */ (['sample', 'complete', 'score', 'distribution', 'calibrate'])) {
      await assert.rejects(engine[call](/** @type {any} */ (undefined)), { name: 'TypeError', message: 'options: found undefined, expected an object.' });
      await assert.rejects(engine[call](/** @type {any} */ ({})), { name: 'TypeError', message: 'model: found undefined, expected a string.' });
    }
    await assert.rejects(engine.load(/** @type {any} */ (undefined)), { message: 'name: found undefined, expected a string.' });
    await assert.rejects(engine.describe(/** @type {any} */ (undefined)), { message: 'backend: found undefined, expected "auto" or "cpu" or "gpu".' });
  });
});

describe('on a page', () => {
  visitSite();

  test('a seed is the same as a number and as a bigint; least and most are taken', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const model = listedModels().find(({ config }) => config.network === 'pixelcnn').name;
    const drawn = await page.evaluate(async (name) => {
      const { Engine } = await import('./engine.js');
      const engine = new Engine();
      const draw = async (/** @type {object} */ options) => String((await engine.sample({ model: name, seed: 7n, ...options })).levels);
      const extremes = [{ seed: 0 }, { seed: 2n ** 64n - 1n }, { seed: 2 ** 53 - 1 }, { temperature: 0.001 }, { temperature: 1e38 }, { first: 2 ** 32 - 1 }, { threads: 1000 }, { signal: new AbortController().signal }];
      for (const options of extremes) await draw(options);
      const same = [await draw({}), await draw({ seed: 7 }), await draw({ seed: 7, count: 1 })];
      const other = document.body.appendChild(document.createElement('iframe')).contentWindow;
      const given = new other.Uint8Array(784);
      const completed = await engine.complete({ model: name, seed: 1, given, mask: given, signal: new other.AbortController().signal });
      engine.dispose();
      return { same: new Set(same).size, given: completed.levels.every((level) => level === 0) };
    }, model);
    assert.deepEqual(drawn, { same: 1, given: true });
  });

  test('a picture is asked for at a whole scale', async () => {
    await page.goto(`${site.url}embed.html?loading=manual`);
    const said = await page.evaluate(async () => {
      await customElements.whenDefined('pixel-rnn');
      const element = document.querySelector('pixel-rnn');
      return Promise.all([0, 1.5, NaN, Infinity, '8', 2].map((scale) => element.toPng(scale).then(({ type }) => type, ({ name, message }) => `${name} ${message}`)));
    });
    const sentence = (/** @type {string} */ found) => `scale: found ${found}, expected a whole number, 1 or more.`;
    assert.deepEqual(said, [...['0', '1.5', 'NaN', 'Infinity'].map((found) => `RangeError ${sentence(found)}`), `TypeError ${sentence('"8"')}`, 'image/png']);
  });
});
