/** Numbers that people, addresses and scripts set: read as the nearest one allowed, or refused with a sentence. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_COUNT, MAX_FIRST, MAX_SEED } from '../../www/shared/protocol.js';
import { attributeText } from '../../www/element/properties.js';
import { readCount, readFirst, readSeed, readTemperature, readTemperatures, readTopK, readTopP } from '../../www/shared/settings.js';
import { openBody, page, visitSite, watch } from './site.js';

/** Text, and what is read of it: a number, or null where it is none and the default holds. */
const READ = /** @type {const} */ ([
  { text: '16', seed: 16n, count: 16, temperature: 2 },
  { text: ' 16 ', seed: 16n, count: 16, temperature: 2 },
  { text: '\n1', seed: 1n, count: 1, temperature: 1 },
  { text: '+5', seed: 5n, count: 5, temperature: 2 },
  { text: '007', seed: 7n, count: 7, temperature: 2 },
  { text: '16.7', seed: 17n, count: 17, temperature: 2 },
  { text: '.8', seed: 1n, count: 1, temperature: 0.8 },
  { text: '1.', seed: 1n, count: 1, temperature: 1 },
  { text: '1e2', seed: 100n, count: 100, temperature: 2 },
  { text: '1E-1', seed: 0n, count: 1, temperature: 0.1 },
  { text: '0', seed: 0n, count: 1, temperature: 0.1 },
  { text: '-0', seed: 0n, count: 1, temperature: 0.1 },
  { text: '-1', seed: 0n, count: 1, temperature: 0.1 },
  { text: '-99999999999999999999999', seed: 0n, count: 1, temperature: 0.1 },
  { text: '9999', seed: 9999n, count: MAX_COUNT, temperature: 2 },
  { text: '10000', seed: 10000n, count: MAX_COUNT, temperature: 2 },
  { text: '9007199254740993', seed: 9007199254740993n, count: MAX_COUNT, temperature: 2 },
  { text: '18446744073709551615', seed: MAX_SEED, count: MAX_COUNT, temperature: 2 },
  { text: '18446744073709551616', seed: MAX_SEED, count: MAX_COUNT, temperature: 2 },
  { text: '1e19', seed: 10n ** 19n, count: MAX_COUNT, temperature: 2 },
  { text: '1e20', seed: MAX_SEED, count: MAX_COUNT, temperature: 2 },
  { text: '1e999', seed: MAX_SEED, count: MAX_COUNT, temperature: 2 },
  { text: '-1e999', seed: 0n, count: 1, temperature: 0.1 },
  ...['', ' ', 'NaN', 'Infinity', '-Infinity', 'sixteen', '16 images', '1,024', '0,8', '0x10', '5n', '1e', 'e5', '.', '+', '--1', 'null', '１６'].map((text) => ({
    text, seed: null, count: null, temperature: null,
  })),
]);

describe('text', () => {
  for (const { text, seed, count, temperature } of READ) {
    test(`${JSON.stringify(text)} is the seed ${seed}, the count ${count}, the temperature ${temperature}`, () => {
      assert.deepEqual([readSeed(text, 3n), readCount(text, 3), readTemperature(text, 0.3)], [seed ?? 3n, count ?? 3, temperature ?? 0.3]);
    });
  }

  for (const [text, first] of /** @type {const} */ ([['3', 3], ['0', 0], ['-1', 0], ['2.6', 3], ['4294967295', MAX_FIRST], ['1e20', MAX_FIRST], ['third', 9], [null, 9]])) {
    test(`${JSON.stringify(text)} is the first image ${first}`, () => assert.equal(readFirst(text, 9), first));
  }

  test('that is missing is the default', () => {
    for (const text of [null, undefined]) assert.deepEqual([readSeed(text, 3n), readCount(text, 3), readTemperature(text, 0.3)], [3n, 3, 0.3]);
  });

  test('of a million digits is read in no time', () => {
    const [digits, nearly] = ['1'.repeat(1e6), `${'1'.repeat(1e6)}x`];
    const start = performance.now();
    assert.deepEqual([digits, nearly].map((text) => [readSeed(text, 3n), readCount(text, 3), readTemperature(text, 0.3)]), [[MAX_SEED, MAX_COUNT, 2], [3n, 3, 0.3]]);
    assert.ok(performance.now() - start < 5000);
  });
});

describe('temperatures', () => {
  for (const [text, temperatures] of /** @type {const} */ ([
    ['0.8', 0.8], ['0.8,1', [0.8, 1]], [' 0.8 , 1 ', [0.8, 1]], ['0,8', [0.1, 2]], ['1,1,1', [1, 1, 1]],
    ['', 1], [null, 1], [',', 1], ['0.8,', 1], ['0.8,warm', 1], ['0.8 1', 1], ['[0.8,1]', 1],
  ])) {
    test(`${JSON.stringify(text)} are ${JSON.stringify(temperatures)}`, () => assert.deepEqual(readTemperatures(text), temperatures));
  }
});

describe('the levels that may be drawn', () => {
  for (const [text, topK, topP] of /** @type {const} */ ([
    ['4', 4, 1], ['0.5', 1, 0.5], ['0', 1, 0.001], ['-3', 1, 0.001], ['999', 256, 1], ['1e999', 256, 1], ['few', null, 1], ['', null, 1], ['NaN', null, 1], [null, null, 1],
  ])) {
    test(`${JSON.stringify(text)} is the top-k ${topK}, the top-p ${topP}`, () => assert.deepEqual([readTopK(text), readTopP(text)], [topK, topP]));
  }
});

describe('a property', () => {
  for (const [name, value, text] of /** @type {const} */ ([
    ['seed', 7n, '7'], ['seed', 7, '7'], ['seed', 0, '0'], ['seed', -0, '0'], ['seed', MAX_SEED, String(MAX_SEED)], ['seed', 2 ** 53 - 1, '9007199254740991'],
    ['first', 0, '0'], ['first', MAX_FIRST, '4294967295'], ['count', 1, '1'], ['count', MAX_COUNT, '1024'], ['count', 16n, '16'],
    ['top-k', 1, '1'], ['top-k', 256n, '256'], ['top-k', 'few', 'few'], ['top-k', null, null], ['top-p', 0.001, '0.001'], ['top-p', 1, '1'],
    ['temperature', [0.8, 1], '0.8,1'], ['temperature', [1], '1'], ['temperature', '0.8,1', '0.8,1'], ['temperature', 0.1, '0.1'], ['temperature', 2, '2'], ['temperature', 0.123, '0.123'], ['temperature', 1n, '1'],
    // Text is the attribute's, which forgives; so are words.
    ['seed', '-1', '-1'], ['count', '9999', '9999'], ['temperature', 'warm', 'warm'], ['model', 'mnist-row', 'mnist-row'], ['pace', 'warp', 'warp'],
    ['seed', null, null], ['count', undefined, null], ['model', null, null],
  ])) {
    test(`${name} = ${shown(value)} is the attribute ${shown(text)}`, () => assert.equal(attributeText(name, value), text));
  }

  for (const [name, value, kind, ending] of /** @type {const} */ ([
    ['seed', -1n, RangeError, 'The seed cannot be -1'], ['seed', 2n ** 64n + 7n, RangeError, 'The seed cannot be 18446744073709551623'],
    ['seed', -1, RangeError, 'The seed cannot be -1'], ['seed', 1.5, RangeError, 'The seed cannot be 1.5'], ['seed', NaN, RangeError, 'The seed cannot be NaN'],
    ['seed', 2 ** 53, RangeError, 'The seed cannot be 9007199254740992'], ['seed', true, TypeError, 'The seed cannot be true'],
    ['first', -1, RangeError, 'The first cannot be -1'], ['first', 2 ** 32, RangeError, 'The first cannot be 4294967296'],
    ['count', 1.5, RangeError, 'The count cannot be 1.5'], ['count', 0, RangeError, 'The count cannot be 0'], ['count', 1025, RangeError, 'The count cannot be 1025'],
    ['count', Infinity, RangeError, 'The count cannot be Infinity'], ['count', {}, TypeError, 'The count cannot be [object Object]'],
    ['temperature', 5, RangeError, 'The temperature cannot be 5'], ['temperature', 0, RangeError, 'The temperature cannot be 0'],
    ['top-k', 0, RangeError, 'The top-k cannot be 0'], ['top-k', 257, RangeError, 'The top-k cannot be 257'], ['top-k', 1.5, RangeError, 'The top-k cannot be 1.5'],
    ['top-p', 0, RangeError, 'The top-p cannot be 0'], ['top-p', 1.01, RangeError, 'The top-p cannot be 1.01'], ['top-p', NaN, RangeError, 'The top-p cannot be NaN'],
    ['temperature', NaN, RangeError, 'The temperature cannot be NaN'], ['temperature', {}, TypeError, 'The temperature cannot be [object Object]'],
    ['temperature', [0.8, 5], RangeError, 'The temperature cannot be [0.8,5]'], ['temperature', [], RangeError, 'The temperature cannot be []'],
    ['temperature', [0.8, '1'], TypeError, 'The temperature cannot be [0.8,1]'], ['top-p', [0.9], TypeError, 'The top-p cannot be [0.9]'],
  ])) {
    test(`${name} = ${shown(value)} is a ${kind.name}`, () => {
      assert.throws(() => attributeText(name, value), (error) => error instanceof kind && error.message.startsWith(`${ending}: it must be `));
    });
  }

  describe('of an element', () => {
    visitSite();

    test('that is refused changes nothing, and is told of where it was set before the element was defined', async () => {
      await openBody(`<pixel-rnn seed="3" loading="manual"></pixel-rnn><script>
        Object.assign(document.querySelector('pixel-rnn'), { seed: -1n, count: 4 });</script>`);
      await page.getByRole('button', { name: /^Draw 4 images/ }).waitFor();
      assert.deepEqual(watch.errors.splice(0), [`RangeError: The seed cannot be -1: it must be a whole number from 0 to ${MAX_SEED}, and a bigint from 2^53 on.`]);
      const kept = await page.locator('pixel-rnn').evaluate((element) => {
        const refused = [() => (element.seed = 2n ** 64n + 7n), () => (element.count = 1.5), () => (element.temperature = NaN)].map((set) => {
          try {
            set();
          } catch (error) {
            return error.name;
          }
        });
        return [...refused, String(element.seed), element.count, element.temperature, element.hasAttribute('temperature')];
      });
      assert.deepEqual(kept, ['RangeError', 'RangeError', 'RangeError', '3', 4, 1, false]);
    });
  });
});

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : typeof value === 'number' ? String(value) : JSON.stringify(value);
}
