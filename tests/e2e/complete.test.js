/** "Finish a picture": the sheet and its tools, by mouse, finger, pen and keyboard, and sixteen results that follow every stroke. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { rectanglePixels, strokePixels } from '../../www/page/complete/brush.js';
import { isDrawing, readDrawing, writeDrawing } from '../../www/page/complete/drawing-text.js';
import { History } from '../../www/page/complete/history.js';
import { lineOf, presetMask } from '../../www/page/complete/masks.js';
import { Sheet } from '../../www/page/complete/sheet.js';
import { assertSoon, coloursOn, imagesOn } from './browser.js';
import { boxInSight } from './in-sight.js';
import { colourModel, offer, twoScaleModel } from './models.js';
import { seeCompletions } from './sections.js';
import { fileOf } from './server.js';
import { browser, expectErrors, page, serveBody, site, visitSite } from './site.js';

const DIGITS = { width: 28, height: 28, channels: 1, levels: 2 };

/** A picture of few pixels, as its rows. @param {Iterable<number>} pixels */
const rows = (pixels, width = 5, height = 5) => {
  const covered = new Set(pixels);
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => (covered.has(y * width + x) ? '#' : '.')).join('')).join(' ');
};
const SMALL = { width: 5, height: 5 };

describe('a brush', () => {
  /** @type {Array<[name: string, from: [number, number], to: [number, number], size: number, wanted: string]>} */
  const CASES = [
    ['of one pixel', [1, 1], [1, 1], 1, '..... .#... ..... ..... .....'],
    ['leaves no gap where a pointer jumps', [0, 0], [4, 2], 1, '#.... .##.. ...## ..... .....'],
    ['of three pixels is a square', [2, 2], [2, 2], 3, '..... .###. .###. .###. .....'],
    ['of five pixels is round', [2, 2], [2, 2], 5, '.###. ##### ##### ##### .###.'],
    ['ends at the edges, and comes back from beside the picture', [-3, 0], [0, 0], 1, '#.... ..... ..... ..... .....'],
    ['beside the picture does nothing', [-3, 9], [-9, 9], 3, '..... ..... ..... ..... .....'],
  ];
  for (const [name, [x, y], [toX, toY], size, wanted] of CASES) {
    test(name, () => assert.equal(rows(strokePixels({ x, y }, { x: toX, y: toY }, size, SMALL)), wanted));
  }

  test('makes rectangles from any corner, cut at the edges', () => {
    assert.equal(rows(rectanglePixels({ x: 3, y: 3 }, { x: 1, y: 2 }, SMALL)), '..... ..... .###. .###. .....');
    assert.equal(rows(rectanglePixels({ x: 3, y: 3 }, { x: 9, y: -9 }, SMALL)), '...## ...## ...## ...## .....');
  });
});

describe('a sheet', () => {
  const hiddenRows = (/** @type {Sheet} */ { mask }) => Array.from({ length: 28 }, (_, y) => y).filter((y) => mask.subarray(28 * y, 28 * y + 28).every((hidden) => hidden));
  const from = (/** @type {number} */ y) => Array.from({ length: 28 - y }, (_, k) => y + k);

  test('that is blank keeps its line under the lowest stroke, until the line is moved by hand', () => {
    const sheet = Sheet.blank(DIGITS);
    assert.deepEqual(hiddenRows(sheet), from(0));
    sheet.paint([5 * 28 + 3], [1]);
    assert.equal(sheet.line, 6);
    sheet.paint([2 * 28 + 3], [1]);
    assert.deepEqual(hiddenRows(sheet), from(6));
    sheet.moveLine(4);
    assert.deepEqual(hiddenRows(sheet), from(4), 'what is drawn below it is the network’s again');
    sheet.paint([20 * 28], [1]);
    assert.equal(sheet.line, 4);
    assert.equal(sheet.mask[20 * 28], 0, 'a stroke below the line is given');
    assert.equal(sheet.mask[20 * 28 + 1], 1);
  });

  test('keeps what is hidden by hand above the line, and the line moves the rows it passes only', () => {
    const sheet = new Sheet(DIGITS, { levels: new Uint8Array(784), mask: presetMask('bottom', DIGITS), origin: { kind: 'test', name: '' } });
    assert.equal(sheet.line, 14);
    sheet.hide([30]);
    sheet.show([27 * 28]);
    sheet.moveLine(20);
    assert.deepEqual([sheet.mask[30], sheet.mask[27 * 28], sheet.mask[19 * 28], sheet.mask[20 * 28]], [1, 0, 0, 1]);
  });

  test('has its line where everything below is hidden', () => {
    const lines = /** @type {const} */ (['bottom', 'right', 'centre', 'top', 'radical', 'blank']).map((preset) => lineOf(presetMask(preset, DIGITS), DIGITS));
    assert.deepEqual(lines, [14, 28, 28, 28, 28, 0]);
  });

  test('goes a hundred steps back, and forth again', () => {
    const history = new History();
    for (let state = 0; state < 130; state++) history.remember(state);
    let now = 130;
    for (let back = 0; back < 100; back++) now = history.undo(now) ?? NaN;
    assert.equal(now, 30);
    assert.equal(history.undo(now), null);
    assert.equal(history.redo(now), 31);
    history.remember(31);
    assert.equal(history.canRedo, false, 'a new stroke forgets what was undone');
  });
});

describe('a drawing as text', () => {
  const bits = (/** @type {number} */ length, seed = 1) => Uint8Array.from({ length }, (_, at) => ((at + 3) * (at + seed) * 2654435761) >>> 31);

  test('comes back, in 98 bytes for a mask of 28 by 28 pixels and as many for a picture', () => {
    for (const [width, height] of [[28, 28], [32, 32], [5, 3], [24, 16], [1, 1]]) {
      const [mask, levels] = [bits(width * height), bits(width * height, 7)];
      for (const drawing of [{ mask, levels: null }, { mask, levels }]) {
        const text = writeDrawing(drawing);
        assert.ok(isDrawing(text));
        assert.equal(encodeURIComponent(text), text);
        assert.deepEqual(readDrawing(text, { width, height }), drawing);
      }
    }
    assert.equal(writeDrawing({ mask: bits(784), levels: null }).length, Math.ceil((98 * 4) / 3));
    assert.equal(writeDrawing({ mask: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1, 1), levels: null }), 'gYA');
  });

  test('of another size, cut off or made up is none', () => {
    const text = writeDrawing({ mask: bits(784), levels: bits(784) });
    for (const wrong of ['', '.', text.slice(1), `${text}A`, `${text}.AA`, text.replace('.', ''), `${text.split('.')[0]}.`, '<b>', '=='.repeat(66)]) assert.equal(readDrawing(wrong, DIGITS), null, wrong);
    assert.equal(readDrawing(text, { width: 32, height: 32 }), null);
  });
});

/** Opens the page and brings the section into sight. @param {string} hash */
async function open(hash = '') {
  await page.setViewportSize({ width: 1280, height: 900 });
  // Of two models the first one counts.
  await page.goto(`${site.url}#${hash}&model=mnist-pixelcnn&pace=instant&count=1`);
  await seeCompletions();
  await page.locator('#tools').evaluate((tools) => scrollTo(0, tools.getBoundingClientRect().top + scrollY - 20));
  await settled();
}

/** Waits until every result is of what is on the sheet. */
const settled = () => page.locator('#results[aria-busy="false"]').waitFor();

/** The sheet as it is seen: ink 1, paper 0, hidden null. */
const sheetShown = async () => (await imagesOn(page.locator('#sheet'), 1))[0];
const resultsShown = () => imagesOn(page.locator('#completed'), 16);
const countOf = (/** @type {Array<number | null>} */ image, /** @type {number | null} */ value) => image.filter((pixel) => pixel === value).length;
const hiddenCount = async () => countOf(await sheetShown(), null);
const choose = (/** @type {string} */ tool) => page.locator('#tools').getByRole('radio', { name: tool }).check();
const press = (/** @type {string} */ name) => page.locator('#completions').getByRole('button', { name }).click();

/** The middle of a pixel of the sheet on the screen. @param {number} x @param {number} y */
async function place(x, y) {
  const sheet = page.locator('#sheet');
  const box = await boxInSight(sheet);
  const cell = box.width / Number(await sheet.getAttribute('width'));
  return { x: box.x + (x + 0.5) * cell, y: box.y + (y + 0.5) * cell };
}

/** Draws with the mouse. @param {Array<[number, number]>} pixels */
async function stroke(...pixels) {
  for (const [at, pixel] of pixels.entries()) {
    const { x, y } = await place(...pixel);
    await page.mouse.move(x, y);
    if (at === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** That no result differs from the sheet where that is given, and all are whole. */
async function assertGiven() {
  await settled();
  const [sheet, results] = [await sheetShown(), await resultsShown()];
  const isGiven = (/** @type {unknown} */ _, /** @type {number} */ at) => sheet[at] !== null;
  const given = sheet.filter(isGiven);
  results.forEach((image, k) => {
    assert.deepEqual(image.filter(isGiven), given, `result ${k + 1} keeps what is given`);
    assert.ok(image.every((pixel) => pixel !== null), `result ${k + 1} is whole`);
  });
  return { sheet, results };
}

/** What a worker of its own makes of the sheet. @param {{ model?: string, seed?: number }} [options] */
async function finishedAlone({ model = 'mnist-pixelcnn', seed = 7 } = {}) {
  const sheet = await sheetShown();
  return page.evaluate(async ([name, seed, pixels]) => {
    const { Engine } = await import('./engine.js');
    const engine = new Engine();
    const [given, mask] = [Uint8Array.from(pixels, (pixel) => pixel ?? 0), Uint8Array.from(pixels, (pixel) => Number(pixel === null))];
    const { levels } = await engine.complete({ model: name, seed, count: 16, given, mask });
    engine.dispose();
    return Array.from({ length: 16 }, (_, k) => [...levels.subarray(784 * k, 784 * k + 784)]);
  }, /** @type {const} */ ([model, seed, sheet]));
}

describe('a digit', () => {
  visitSite();

  test('is finished sixteen times: what is given stays, and the network draws the rest', async () => {
    await open();
    for (const [button, count] of /** @type {const} */ ([['', 392], ['Hide right', 392], ['Hide middle', 196], ['Hide top', 392]])) {
      if (button) await press(button);
      const { sheet, results } = await assertGiven();
      assert.equal(countOf(sheet, null), count, button);
      assert.deepEqual(results, await finishedAlone(), button);
      assert.ok(new Set(results.map(String)).size > 4, 'results differ');
    }
    const before = await resultsShown();
    await page.evaluate(() => (location.hash = `${location.hash}&seed=8`.replace('seed=7&', '')));
    await assertSoon(async () => String(await resultsShown()) !== String(before), Boolean);
    await settled();
    assert.deepEqual(await resultsShown(), await finishedAlone({ seed: 8 }));
  });

  test('begins with a few strokes: every move of the pointer is shown before it is asked about, and the last one counts', async () => {
    await page.addInitScript(() => {
      Object.assign(window, { asked: [] });
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message, ...rest) {
        if (message.mask) {
          const canvas = document.querySelector('#sheet');
          const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
          const seen = message.given.every((level, at) => message.mask[at] === Number(data[4 * at + 3] < 255) && (message.mask[at] || data[4 * at] === 255 * level));
          window.asked.push({ seen, ink: message.given.filter((level) => level).length });
        }
        return post.call(this, message, ...rest);
      };
    });
    await open('hidden=blank');
    assert.equal(await hiddenCount(), 784);
    await page.evaluate(() => (window.asked.length = 0));
    await stroke([8, 5], [12, 5], [16, 6], [18, 9], [16, 12]);
    const { sheet, results } = await assertGiven();
    assert.equal(countOf(sheet, null), 784 - 28 * 14, 'the line is under the lowest stroke');
    assert.deepEqual(results, await finishedAlone());
    const asked = await page.evaluate(() => window.asked);
    assert.ok(asked.every(({ seen }) => seen), 'the sheet shows what is asked about');
    const inks = asked.map(({ ink }) => ink);
    assert.deepEqual(inks, inks.toSorted((a, b) => a - b));
    assert.equal(inks.at(-1), countOf(sheet, 1), 'the whole stroke');
  });

  test('is changed with each tool, and back, and back again', async () => {
    await open();
    const start = await sheetShown();
    const line = (/** @type {number} */ at) => Math.floor(at / 28) === 3 && at % 28 >= 4 && at % 28 <= 9;
    const STEPS = /** @type {Array<[string, Array<[number, number]>, (pixel: number | null, at: number) => number | null]>} */ ([
      ['Ink', [[4, 3], [9, 3]], (pixel, at) => (line(at) ? 1 : pixel)],
      ['Paper', [[4, 3], [9, 3]], (pixel, at) => (line(at) ? 0 : pixel)],
      ['Hide', [[4, 3], [9, 3]], (pixel, at) => (line(at) ? null : pixel)],
      ['Show', [[4, 3], [9, 3]], (pixel, at) => (line(at) ? 0 : pixel)],
      ['Rectangle', [[10, 12], [1, 1], [5, 6]], (pixel, at) => (at % 28 >= 5 && at % 28 <= 10 && at >= 6 * 28 && at < 13 * 28 ? null : pixel)],
    ]);
    await page.locator('#brush-sizes').getByRole('radio', { name: '1' }).check();
    const states = [start];
    for (const [tool, pixels, changed] of STEPS) {
      await choose(tool);
      await stroke(...pixels);
      states.push(states[states.length - 1].map(changed));
      assert.deepEqual(await sheetShown(), states[states.length - 1], tool);
    }
    await assertGiven();
    for (const state of states.slice(0, -1).reverse()) {
      await page.keyboard.press('Control+z');
      assert.deepEqual(await sheetShown(), state);
    }
    assert.equal(await page.getByRole('button', { name: 'Undo' }).getAttribute('aria-disabled'), 'true');
    for (const state of states.slice(1)) {
      await press('Redo');
      assert.deepEqual(await sheetShown(), state);
    }
    // A whole picture is a step too.
    await press('Blank sheet');
    assert.equal(await hiddenCount(), 784);
    await page.keyboard.press('Control+z');
    assert.deepEqual(await sheetShown(), states.at(-1));
    await assertGiven();
    assert.deepEqual(await resultsShown(), await finishedAlone());
  });

  test('is drawn with the keyboard alone', async () => {
    await open('hidden=blank');
    await page.locator('#redo').focus();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'sheet');
    await page.evaluate(() => {
      Object.assign(window, { heard: [] });
      document.addEventListener('keydown', ({ key }) => window.heard.push(key));
    });
    await page.keyboard.press('[');
    for (const key of ['ArrowDown', 'ArrowRight', 'Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
    assert.deepEqual([await sheetShown()].map((sheet) => [countOf(sheet, 1), sheet[7 * 28 + 15], sheet[7 * 28 + 16]])[0], [2, 1, 1]);
    assert.equal(await page.locator('#sheet-said').textContent(), 'Row 8, column 17, given');
    await page.keyboard.press(']');
    await page.keyboard.press(']');
    await page.keyboard.press('Space');
    assert.equal(countOf(await sheetShown(), 1), 21, 'a brush of five pixels');
    // The line, and back.
    await page.keyboard.press('l');
    const line = page.locator('#sheet-line');
    assert.equal(await line.getAttribute('aria-valuenow'), '10');
    for (const key of ['ArrowDown', 'PageDown', 'ArrowUp']) await page.keyboard.press(key);
    assert.equal(await line.getAttribute('aria-valuetext'), 'Rows 1 to 14 are given');
    assert.equal(await hiddenCount(), 392);
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'sheet');
    // A rectangle: from one Space to the next, or never.
    await choose('Rectangle');
    await page.locator('#sheet').focus();
    for (const key of ['Space', 'ArrowUp', 'ArrowUp', 'Space', 'ArrowUp']) await page.keyboard.press(key);
    assert.equal(await hiddenCount(), 395);
    for (const key of ['Space', 'ArrowLeft', 'Escape', 'ArrowUp']) await page.keyboard.press(key);
    assert.equal(await hiddenCount(), 395);
    await page.keyboard.press('x');
    assert.deepEqual(await page.evaluate(() => window.heard), ['x'], 'keys that do something here do nothing elsewhere');
    await assertGiven();
  });

  test('has a line that is dragged: rows passed there and back are as they were', async () => {
    await open();
    await choose('Hide');
    await stroke([3, 12], [20, 12]);
    const before = await sheetShown();
    const handle = async () => {
      const { x, y, width, height } = await boxInSight(page.locator('#sheet-line'));
      return { x: x + width / 2 + 3, y: y + height / 2 + 4 };
    };
    const { x, y } = await handle();
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y - 16 * 6, { steps: 3 });
    assert.equal(await page.locator('#sheet-line').getAttribute('aria-valuenow'), '8');
    assert.deepEqual(await sheetShown(), before.map((pixel, at) => (at >= 8 * 28 ? null : pixel)));
    await page.mouse.move(x, y + 16, { steps: 3 });
    await page.mouse.move(x, y, { steps: 3 });
    assert.deepEqual(await sheetShown(), before);
    await page.mouse.move(x, y - 16 * 20, { steps: 3 });
    await page.mouse.up();
    assert.equal(await hiddenCount(), 784, 'it ends at the edge');
    await page.keyboard.press('Control+z');
    assert.deepEqual(await sheetShown(), before);
    await assertGiven();
  });

  test('is rubbed out with the button of a pen', async () => {
    await open();
    const devtools = await page.context().newCDPSession(page);
    const pen = async (/** @type {"left" | "right"} */ button) => {
      const [from, to] = [await place(4, 3), await place(9, 3)];
      const options = { button, buttons: button === 'left' ? 1 : 2, pointerType: /** @type {const} */ ('pen'), clickCount: 1 };
      await devtools.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...from, ...options });
      await devtools.send('Input.dispatchMouseEvent', { type: 'mouseMoved', ...to, ...options });
      await devtools.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...to, ...options, buttons: 0 });
    };
    const start = await sheetShown();
    await pen('left');
    assert.equal(countOf(await sheetShown(), 1), countOf(start, 1) + 24);
    await pen('right');
    assert.deepEqual(await sheetShown(), start);
    // The right button of a mouse is the browser's.
    const { x, y } = await place(4, 3);
    await page.mouse.move(x, y);
    await page.mouse.down({ button: 'right' });
    await page.mouse.up({ button: 'right' });
    assert.deepEqual(await sheetShown(), start);
  });

  test('comes by number with the address, and the next one goes into it', async () => {
    await open('hidden=right&example=2');
    const { indices } = JSON.parse(readFileSync(fileOf('models/mnist-test-digits.json') ?? '', 'utf8'));
    const note = page.locator('#examples-note');
    assert.equal(await note.innerText(), `MNIST test image ${indices[2]}.`);
    assert.equal((await sheetShown())[14], null);
    await press('Next test picture');
    await note.filter({ hasText: String(indices[3]) }).waitFor();
    assert.equal((await sheetShown())[14], null, 'what is hidden stays hidden');
    await press('Hide bottom');
    assert.match(page.url(), /hidden=bottom&example=3/);
    await page.evaluate(() => (location.hash = '#model=mnist-pixelcnn'));
    await note.filter({ hasText: `${indices[0]}.` }).waitFor();
    await assertGiven();
  });

  test('drawn on a blank sheet, or hidden in part, goes along with a link', async () => {
    await open('hidden=blank');
    await stroke([8, 5], [16, 5], [12, 12]);
    await choose('Hide');
    await stroke([9, 9], [14, 9]);
    const drawn = await sheetShown();
    const link = page.url();
    assert.ok(link.length < 400, link);
    await page.goto('about:blank');
    await open(new URL(link).hash.slice(1));
    assert.deepEqual(await sheetShown(), drawn);
    await press('Next test picture');
    await press('Hide bottom');
    assert.doesNotMatch(page.url(), /drawing=/);
    await page.locator('#sheet-line').press('ArrowDown');
    assert.match(page.url(), /drawing=[\w-]+&|drawing=[\w-]+$/, 'of a test picture the mask alone');
    const hidden = await sheetShown();
    await page.goto(`${page.url().replace('#', '?again#')}`);
    await seeCompletions();
    assert.deepEqual(await sheetShown(), hidden);
    // A link that was changed by hand is one without a drawing.
    await page.goto('about:blank');
    await open('hidden=bottom&drawing=AAAA.BBBB');
    assert.equal(await hiddenCount(), 392);
    await assertGiven();
  });

  test('asks for nothing while it is out of sight', async () => {
    await open();
    await page.evaluate(() => {
      Object.assign(window, { asks: 0 });
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message, ...rest) {
        if (message.mask) window.asks += 1;
        return post.call(this, message, ...rest);
      };
      scrollTo(0, 0);
    });
    await page.setViewportSize({ width: 1280, height: 400 });
    await page.waitForTimeout(300);
    await page.evaluate(() => (location.hash = '#model=mnist-pixelcnn&temperature=0.5'));
    await page.waitForTimeout(500);
    assert.equal(await page.evaluate(() => window.asks), 0);
    await page.locator('#results').scrollIntoViewIfNeeded();
    await page.waitForFunction(() => window.asks > 0);
    await assertGiven();
  });
});

describe('other pictures', () => {
  visitSite();

  test('of characters keep their left part: sixteen that do not exist', async () => {
    await open('model=characters-row');
    const { sheet, results } = await assertGiven();
    assert.deepEqual(sheet.flatMap((pixel, at) => (pixel === null ? [at % 28] : [])).filter((x) => x < 11), []);
    assert.equal(countOf(sheet, null), 28 * 17);
    assert.equal(new Set(results.map(String)).size, 16);
    assert.ok(await page.getByText('sixteen characters, most of which do not exist').isVisible());
    await press('Hide bottom');
    await press('Keep the left part');
    assert.deepEqual(await sheetShown(), sheet);
    await page.getByRole('radio', { name: 'Digits' }).check();
    // The choice is at the top of the page, and what is out of sight waits.
    await page.locator('#finish').scrollIntoViewIfNeeded();
    await page.locator('#examples-note').filter({ hasText: 'MNIST' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Keep the left part' }).isHidden());
  });

  test('in colour are painted with eight inks, and given values stay to the last bit', async () => {
    offer(site, [colourModel('test-colours')]);
    await open('model=test-colours&hidden=bottom');
    const size = { width: 32, height: 32 };
    await page.locator('#inks').getByRole('radio', { name: 'Red' }).check();
    await page.locator('#brush-sizes').getByRole('radio', { name: '1' }).check();
    await stroke([4, 20], [9, 20]);
    await choose('Paper');
    await stroke([4, 2], [9, 2]);
    await choose('Rectangle');
    await stroke([20, 4], [25, 9]);
    await settled();
    const [sheet] = await coloursOn(page.locator('#sheet'), { count: 1, ...size });
    const at = (/** @type {number} */ x, /** @type {number} */ y) => [0, 1, 2].map((channel) => sheet[1024 * channel + 32 * y + x]);
    assert.deepEqual([at(4, 20), at(9, 20), at(3, 20), at(9, 2), at(25, 9), at(26, 9)[0] === null], [[200, 45, 35], [200, 45, 35], [null, null, null], [255, 255, 255], [null, null, null], false]);
    for (const image of await coloursOn(page.locator('#completed'), { count: 16, ...size })) {
      assert.ok(image.every((level, place) => level !== null && (sheet[place] === null || sheet[place] === level)));
    }
  });

  test('of two scales are drawn over, not hidden by the small picture', async () => {
    offer(site, [twoScaleModel('test-scales')]);
    await open('model=test-scales');
    await assertGiven();
  });

  test('say what is missing, and a blank sheet is there', async () => {
    expectErrors();
    site.faults.set('models/mnist-test-digits.json', (response) => response.writeHead(404).end());
    await open();
    assert.equal(await page.locator('#examples-note').innerText(), 'A blank sheet. The test images, mnist-test-digits.json, could not be fetched: the server answered 404.');
    assert.ok(await page.getByRole('button', { name: 'Next test picture' }).isDisabled());
    await stroke([8, 5], [16, 5]);
    await assertGiven();
    assert.equal(await hiddenCount(), 784 - 28 * 7);
  });

  test('are taken along to a network of the same pictures, strokes and all', async () => {
    await open('hidden=blank');
    await stroke([8, 5], [16, 5]);
    const sheet = await sheetShown();
    await page.evaluate(() => (location.hash = location.hash.replace('mnist-pixelcnn', 'mnist-row')));
    await page.waitForFunction(() => document.querySelector('#completions-report')?.textContent === '');
    await seeCompletions();
    await assertGiven();
    assert.deepEqual(await sheetShown(), sheet);
    assert.deepEqual(await resultsShown(), await finishedAlone({ model: 'mnist-row' }));
  });
});

describe('the newest wish counts', () => {
  visitSite();

  /** Results on a page of their own, with an engine whose answers the test gives. @param {number} elapsed_ms that every answer says it took */
  async function script(elapsed_ms) {
    await page.goto(serveBody('<div id="mine"><canvas></canvas><div role="group"></div></div>'));
    await page.evaluate(async (elapsed_ms) => {
      const { Results } = await import('./page/complete/results.js');
      /** @type {any[]} */
      const calls = [];
      const engine = {
        complete: ({ temperature, first, count, given, signal, onRow }) => new Promise((resolve, reject) => {
          // Every pixel is as bright as the number of the wish.
          const rgba = new Uint8ClampedArray(4 * 2 * count).map((_, at) => (at % 4 === 3 ? 255 : temperature));
          for (const y of [0, 1]) onRow({ scale: 0, y, width: 2, height: 2, rgba });
          const call = { temperature, first, count, ended: false, answer: () => resolve({ levels: Uint8Array.from({ length: count * given.length }, (_, at) => first + Math.floor(at / given.length)), elapsed_ms: (elapsed_ms * count) / 16 }) };
          signal.addEventListener('abort', () => ((call.ended = true), reject(signal.reason)));
          calls.push(call);
        }),
      };
      const [wholes, picked] = [/** @type {number[]} */ ([]), /** @type {any[]} */ ([])];
      const results = new Results(/** @type {any} */ (engine), document.querySelector('#mine'), { onWhole: (ms) => wholes.push(ms), onFault: () => {}, onPick: (completion) => picked.push(completion) });
      const info = { width: 2, height: 2, channels: 1, levels: 2, parameters: 0, scales: [{ width: 2, height: 2 }] };
      const ask = (/** @type {number} */ temperature) => results.ask({ model: 'm', info, seed: 1n, temperature, given: new Uint8Array(4), mask: new Uint8Array(4) });
      Object.assign(window, { calls, ask, wholes, picked });
      results.fit(400);
    }, elapsed_ms);
  }
  const calls = () => page.evaluate(() => window.calls.map(({ temperature, first, count, ended }) => `${temperature}: ${first}+${count}${ended ? ' ended' : ''}`));
  const ask = (/** @type {number} */ wish) => page.evaluate((wish) => (window.ask(wish), new Promise((resolve) => setTimeout(resolve))), wish);
  const answer = () => page.evaluate(() => (window.calls.at(-1).answer(), new Promise((resolve) => setTimeout(resolve))));

  test('what takes a blink is finished, and of those that came meanwhile the last one is drawn', async () => {
    await script(30);
    await ask(1);
    await answer();
    for (const wish of [2, 3, 4]) await ask(wish);
    assert.deepEqual(await calls(), ['1: 0+16', '2: 0+16']);
    assert.equal(await page.locator('#mine').getAttribute('aria-busy'), 'true');
    await answer();
    await answer();
    assert.deepEqual(await calls(), ['1: 0+16', '2: 0+16', '4: 0+16']);
    assert.equal(await page.locator('#mine').getAttribute('aria-busy'), 'false');
    assert.deepEqual(await page.evaluate(() => window.wholes), [30, 30], 'what a newer wish has overtaken is not said to be whole');
  });

  test('where sixteen take longer, four come before the other twelve, and these yield to a newer wish', async () => {
    await script(800);
    for (const wish of [1, 2]) {
      await ask(wish);
      await answer();
    }
    assert.deepEqual(await calls(), ['1: 0+16', '2: 0+4', '2: 4+12']);
    const shown = async () => (await coloursOn(page.locator('#mine canvas'), { count: 16, width: 2, height: 2 })).map((image) => [...new Set(image)].join());
    assert.deepEqual(await shown(), Array(16).fill('2'));
    await ask(3);
    assert.deepEqual((await calls()).slice(2), ['2: 4+12 ended', '3: 0+4']);
    assert.deepEqual(await shown(), [...Array(4).fill('3'), ...Array(12).fill('2')], 'those to come stay as they are until then');
    await ask(4);
    await answer();
    assert.deepEqual((await calls()).slice(3), ['3: 0+4', '4: 0+4'], 'four are finished, twelve not begun');
    await answer();
    await answer();
    assert.equal(await page.locator('#mine').getAttribute('aria-busy'), 'false');
  });

  test('and where four take longer than a moment, they yield too', async () => {
    await script(1600);
    await ask(1);
    await answer();
    await ask(2);
    await ask(3);
    assert.deepEqual((await calls()).slice(1), ['2: 0+4 ended', '3: 0+4']);
  });

  test('a result is handed over with all that it takes to draw it again, to pointers and to the keyboard, when it is whole', async () => {
    await script(30);
    await ask(0.5);
    const canvas = page.locator('#mine canvas');
    const { width, height } = await canvas.evaluate((element) => element.getBoundingClientRect().toJSON());
    // Pictures of 2 by 2 pixels, 2 apart: the lower left pixel of the sixth.
    const position = { x: (width * 4.5) / 14, y: (height * 5.5) / 14 };
    await canvas.click({ position });
    assert.equal(await page.evaluate(() => window.picked.length), 0, 'not while it is drawn');
    await answer();
    await canvas.click({ position });
    for (const key of ['Tab', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
    const picked = await page.evaluate(() => window.picked.map(({ levels, given, mask, ...rest }) => ({ ...rest, levels: [...levels], given: [...given], mask: [...mask] })));
    const info = { width: 2, height: 2, channels: 1, levels: 2, parameters: 0, scales: [{ width: 2, height: 2 }] };
    const wish = { model: 'm', info, seed: 1n, temperature: 0.5, given: [0, 0, 0, 0], mask: [0, 0, 0, 0] };
    assert.deepEqual(picked, [
      { ...wish, image: 5, levels: [5, 5, 5, 5], pixel: { x: 0, y: 1 } },
      { ...wish, image: 6, levels: [6, 6, 6, 6], pixel: null },
    ]);
  });

  test('and one that stands already is not drawn again', async () => {
    await script(30);
    await ask(1);
    await ask(1);
    await answer();
    await ask(1);
    assert.deepEqual(await calls(), ['1: 0+16']);
  });
});

describe('in one window are brush and results', () => {
  visitSite();

  for (const [width, height, easel] of [[1280, 900, 448], [390, 844, 336]]) {
    test(`of ${width} by ${height} pixels; every control is 44 pixels high at least`, async () => {
      await open();
      await page.setViewportSize({ width, height });
      await page.waitForFunction((side) => document.querySelector('#sheet')?.clientWidth === side, easel);
      const [tools, sheet, results] = await page.locator('.sheet-tools, #sheet, #completed').evaluateAll((all) => all.map((element) => element.getBoundingClientRect().toJSON()));
      assert.ok(Math.max(sheet.bottom, results.bottom) - tools.top <= height, JSON.stringify({ tools, sheet, results }));
      assert.equal(results.width, width === 1280 ? 472 : 354);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      const low = await page.locator('#completions').locator('button, label > span, [role="slider"]').filter({ visible: true }).evaluateAll((all) =>
        all.map((element) => ({ text: element.id || element.textContent, ...element.getBoundingClientRect().toJSON() })).filter((box) => box.height < 44 || box.width < 44));
      assert.deepEqual(low, []);
    });
  }

  test('where a finger draws, the page stays; beside it, the page scrolls', async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 664 }, hasTouch: true, isMobile: true });
    try {
      const phone = await context.newPage();
      await phone.goto(`${site.url}#pace=instant&count=1&model=mnist-pixelcnn&hidden=blank`);
      await phone.locator('#tools').scrollIntoViewIfNeeded();
      await phone.locator('#completions-report').filter({ hasText: 'completions in' }).waitFor();
      await phone.locator('#tools').evaluate((tools) => scrollTo(0, tools.getBoundingClientRect().top + scrollY));
      await phone.waitForTimeout(100);
      const devtools = await context.newCDPSession(phone);
      const swipe = async (/** @type {number} */ x) => {
        const before = await phone.evaluate(() => scrollY);
        await devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y: 340 }] });
        for (let y = 330; y >= 180; y -= 15) await devtools.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x, y }] });
        await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
        await phone.waitForTimeout(300);
        return (await phone.evaluate(() => scrollY)) - before;
      };
      assert.equal(await swipe(150), 0);
      assert.ok(countOf((await imagesOn(phone.locator('#sheet'), 1))[0], 1) > 30, 'a stroke');
      assert.ok((await swipe(6)) > 80, 'the page');
    } finally {
      await context.close();
    }
  });
});
