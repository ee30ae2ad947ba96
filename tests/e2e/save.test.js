/** The picture saved: what the network has drawn, also where a browser does not let pages read their canvases. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { encodePng } from '../../www/shared/png.js';
import { untilDone } from './browser.js';
import { colourModel, offer } from './models.js';
import { readPng } from './png.js';
import { savePicture } from './sections.js';
import { page, site, visitSite } from './site.js';

const SCALE = 8;
const COLOURS = 'test-colours';

/** @param {Blob} blob */
const bytesOf = async (blob) => Buffer.from(await blob.arrayBuffer());

describe('a PNG', () => {
  const RED_AND_CLEAR = { width: 2, height: 1, rgba: Uint8Array.of(200, 0, 0, 255, 9, 9, 9, 0) };
  const GREYS = { width: 2, height: 2, rgba: Uint8Array.from([0, 51, 102, 255].flatMap((grey) => [grey, grey, grey, 255])) };

  test('has a square for each pixel, on white, in grey where there is no colour', async () => {
    const colour = readPng(await bytesOf(await encodePng(RED_AND_CLEAR, 3)));
    assert.deepEqual([colour.width, colour.height, colour.channels], [6, 3, 3]);
    for (let y = 0; y < 3; y++) {
      assert.deepEqual(Array.from({ length: 6 }, (_, x) => colour.colourAt(x, y)), [...Array(3).fill([200, 0, 0]), ...Array(3).fill([255, 255, 255])]);
    }
    const grey = readPng(await bytesOf(await encodePng(GREYS, 2)));
    assert.equal(grey.channels, 1);
    assert.deepEqual(Array.from({ length: 16 }, (_, at) => grey.colourAt(at % 4, at >> 2)[0]), [0, 0, 51, 51, 0, 0, 51, 51, 102, 102, 255, 255, 102, 102, 255, 255]);
  });

  test('is the same without compression, where a browser has none', async () => {
    const noise = { width: 300, height: 290, rgba: Uint8Array.from({ length: 4 * 300 * 290 }, (_, at) => (at % 4 === 3 ? 255 : (at * 2_654_435_761) >>> 24)) };
    const { CompressionStream } = globalThis;
    const compressed = readPng(await bytesOf(await encodePng(noise, 1)));
    try {
      Object.assign(globalThis, { CompressionStream: undefined });
      const stored = await bytesOf(await encodePng(noise, 1));
      const plain = readPng(stored);
      for (const [x, y] of [[0, 0], [299, 0], [150, 144], [299, 289]]) assert.deepEqual(plain.colourAt(x, y), compressed.colourAt(x, y));
      assert.ok(stored.length > 3 * 300 * 290, 'it was stored');
    } finally {
      Object.assign(globalThis, { CompressionStream });
    }
  });

  test('gets smaller squares rather than more pixels than viewers open', async () => {
    const wide = { width: 6000, height: 2, rgba: new Uint8Array(4 * 6000 * 2).fill(255) };
    const { width, height } = readPng(await bytesOf(await encodePng(wide, SCALE)));
    assert.deepEqual([width, height], [12_000, 4]);
    const large = { width: 2000, height: 1000, rgba: new Uint8Array(4 * 2_000_000) };
    assert.equal(readPng(await bytesOf(await encodePng(large, 1000))).width, 10_000);
  });
});

describe('on the page', () => {
  visitSite();
  beforeEach(() => offer(site, [colourModel(COLOURS)]));

  /** What browsers that guard against fingerprinting give pages in place of what is on their canvases. */
  const giveNoise = () =>
    page.addInitScript(() => {
      const noise = (/** @type {number} */ length) => Uint8ClampedArray.from({ length }, () => 256 * Math.random());
      CanvasRenderingContext2D.prototype.getImageData = (x, y, width, height) => new ImageData(noise(4 * width * height), width, height);
      HTMLCanvasElement.prototype.toBlob = (callback) => callback(new Blob([noise(1000)]));
      HTMLCanvasElement.prototype.toDataURL = () => 'data:,';
      OffscreenCanvas.prototype.convertToBlob = async () => new Blob([noise(1000)]);
    });

  for (const { model, size, channels, top } of [{ model: '', size: 28, channels: 1, top: 1 }, { model: COLOURS, size: 32, channels: 3, top: 255 }]) {
    test(`it is what was drawn, ${channels === 3 ? 'in colour' : 'in ink'}, whatever the browser says of its canvases`, async () => {
      await giveNoise();
      await page.goto(`${site.url}#seed=3&count=4&pace=instant&model=${model}`);
      await untilDone(page);
      const { name, file } = await savePicture();
      assert.match(name, /-seed-3\.png$/);
      const levels = await page.evaluate(() => [...window.seen.done[0].levels]);
      const picture = readPng(file);
      assert.equal(picture.channels, channels);
      const columns = (picture.width / SCALE + 2) / (size + 2);
      for (let k = 0; k < 4; k++) {
        const [left, above] = [(k % columns) * (size + 2), Math.floor(k / columns) * (size + 2)];
        for (let at = 0; at < size * size; at++) {
          const wanted = Array.from({ length: channels }, (_, channel) => (255 * levels[(k * channels + channel) * size * size + at]) / top);
          for (const corner of [0, SCALE - 1]) {
            const [x, y] = [SCALE * (left + (at % size)) + corner, SCALE * (above + Math.floor(at / size)) + corner];
            assert.deepEqual(picture.colourAt(x, y), wanted, `image ${k}, pixel ${at}`);
          }
        }
      }
      assert.deepEqual(picture.colourAt(SCALE * size, 0), Array(channels).fill(255), 'white between two images');
    });
  }

  test('it opens as a picture', async () => {
    await page.goto(`${site.url}#count=1&pace=instant`);
    await untilDone(page);
    const { file } = await savePicture();
    const size = await page.evaluate(async (bytes) => {
      const { width, height } = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }));
      return [width, height];
    }, [...file]);
    assert.deepEqual(size, [224, 224]);
  });

  test('a scale too large for any canvas is saved as large as may be, without holding the page up', async () => {
    await page.goto(`${site.url}#count=4&pace=instant`);
    await untilDone(page);
    const { width, height, turns } = await page.evaluate(async () => {
      let turns = 0;
      const ticking = setInterval(() => turns++, 4);
      const blob = await document.querySelector('pixel-rnn').toPng(1000);
      clearInterval(ticking);
      const { width, height } = await createImageBitmap(blob);
      return { width, height, turns };
    });
    assert.ok(width * height > 2 ** 25 && width <= 16_384 && height <= 16_384, `${width} × ${height}`);
    assert.ok(turns > 10, `the page went on ${turns} times`);
  });

  test('a fault is said in a sentence', async () => {
    await page.goto(`${site.url}#count=1&pace=instant`);
    await untilDone(page);
    await page.evaluate(() => (globalThis.CompressionStream = class {
      constructor() {
        throw new Error('no memory is left.');
      }
    }));
    await page.getByRole('button', { name: 'Save PNG' }).click();
    await page.getByRole('alert').filter({ hasText: 'The picture could not be saved: no memory is left.' }).waitFor();
  });
});
