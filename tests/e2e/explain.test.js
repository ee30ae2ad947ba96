/** The sections that explain: their figures, what moves when, and that their numbers are those of the networks. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertSoon } from './browser.js';
import { boxInSight } from './in-sight.js';
import { accessibilityFaults } from './sections.js';
import { listedModels } from './reference.js';
import { browser, page, site, visitSite } from './site.js';

visitSite();

const FIGURES = ['#one-number', '#looks', '#window-masks', '#row-memory', '#skew', '#shortcuts'];

/** Without motion a figure shows its end, which does not depend on when one looks. */
async function openStill(hash = '#pace=instant&seed=7') {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(hash);
}

async function open(hash = '#pace=instant&seed=7') {
  await page.goto(`${site.url}${hash}`);
  // The last of these sections to come to life.
  await page.locator('#race button:enabled').waitFor({ state: 'attached' });
}

/** Brings a section to the middle of the window, whatever is still laid out above it. @param {string} section */
async function see(section) {
  await page.waitForFunction((selector) => {
    const figure = document.querySelector(`${selector} .looks`) ?? document.querySelector(`${selector} figure`);
    figure.scrollIntoView({ block: 'center' });
    const { top, bottom } = figure.getBoundingClientRect();
    return Math.abs((top + bottom) / 2 - innerHeight / 2) < 2;
  }, section, { polling: 100 });
}

const captionOf = (/** @type {string} */ section) => page.locator(`${section} figcaption`).first();

/** The squares of a figure that are marked so, as columns and rows of its grid. @param {string} section @param {string} kind */
const marked = (section, kind) => page.locator(`${section} .cell.${kind}`).evaluateAll((squares) => squares.map((square) => ['x', 'y'].map((side) => Number(square.getAttribute(side)) / Number(square.getAttribute('width')))));

describe('figures', () => {
  /** Which of them have changed within the time. @param {number} ms */
  const moving = (ms) => page.evaluate(async ([ids, time]) => {
    const moved = new Set();
    const watches = ids.map((/** @type {string} */ id) => {
      const watch = new MutationObserver(() => moved.add(id));
      watch.observe(document.querySelector(id), { subtree: true, childList: true, attributes: true, characterData: true });
      return watch;
    });
    await new Promise((resolve) => setTimeout(resolve, time));
    for (const watch of watches) watch.disconnect();
    return [...moved];
  }, /** @type {const} */ ([FIGURES, ms]));

  test('move by themselves in sight, one at a time, and not out of sight or in a hidden tab', async () => {
    await page.setViewportSize({ width: 1280, height: 1400 });
    await open();
    await see('#row-memory');
    await assertSoon(() => moving(300), (ids) => ids.length > 0, 'one of them moves');
    for (let look = 0; look < 8; look++) {
      const ids = await moving(150);
      assert.ok(ids.length <= 1, `${ids} at once`);
    }
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    // Longer than they rest between two turns.
    assert.deepEqual(await moving(2600), [], 'in a hidden tab');
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await assertSoon(() => moving(300), (ids) => ids.length > 0, 'one of them moves again');
    await page.evaluate(() => scrollTo(0, 0));
    await page.waitForTimeout(300);
    assert.deepEqual(await moving(2600), [], 'out of sight');
  });

  test('do not move for those who asked for less motion', async () => {
    await openStill();
    for (const section of ['#row-memory', '#skew', '#shortcuts']) {
      await see(section);
      // What is asked when it comes into sight is shown once.
      if (section === '#shortcuts') await captionOf(section).filter({ hasText: 'first block' }).waitFor();
      assert.deepEqual(await moving(600), [], section);
    }
  });

  test('that a visitor has taken in hand stay as they are put', async () => {
    await open();
    await see('#skew');
    const slider = page.getByRole('slider', { name: 'Skew, run through, shift back' });
    await slider.fill('0');
    await page.waitForTimeout(400);
    assert.equal(await slider.inputValue(), '0');
  });

  test('keep out nobody, and fit a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await openStill();
    for (const section of FIGURES) {
      await see(section);
      const small = await page.locator(`${section} :is(button, input, .hand)`).evaluateAll((controls) => controls
        .filter((control) => control.checkVisibility())
        .map((control) => (control.matches('[type=radio], [type=file]') ? control.parentElement : control).getBoundingClientRect())
        .filter(({ width, height }) => width < 44 || height < 44).length);
      assert.equal(small, 0, section);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      assert.deepEqual(await accessibilityFaults(), [], section);
    }
  });
});

describe('one number', () => {
  test('is the sum of what the engine scores, in bits, of one test picture after the other', async () => {
    await openStill('#pace=instant&model=mnist-row');
    await see('#one-number');
    const scored = await page.evaluate(async () => {
      const [{ sharedEngine }, { loadExamples }] = [await import('./engine.js'), await import('./page/complete/examples.js')];
      const engine = sharedEngine();
      const set = (await engine.sets()).find(({ name }) => name === 'binarized-mnist');
      const examples = await loadExamples(set, await engine.load('mnist-row'));
      const two = examples.images.slice(0, 2);
      return Promise.all(two.map(async (levels, at) => {
        const nats = await engine.score({ model: 'mnist-row', levels, count: 1 });
        return { index: examples.indices[at], nats: nats.reduce((sum, one) => sum + one, 0) };
      }));
    });
    for (const { index, nats } of scored) {
      await captionOf('#one-number').filter({ hasText: `image ${index},` }).waitFor();
      const [, bits, said] = /^([\d.]+) bits for MNIST test image \d+, ([\d.]+) nats/.exec(await captionOf('#one-number').innerText()) ?? [];
      assert.ok(Math.abs(Number(bits) - nats / Math.LN2) < 0.06, `${bits} bits, ${nats} nats`);
      assert.ok(Math.abs(Number(said) - nats) < 0.06);
      await page.getByRole('button', { name: 'Count the next one' }).click();
    }
    const { nats_per_image } = listedModels().find(({ name }) => name === 'mnist-row').test_nll;
    assert.equal(await page.locator('#one-number .mean').innerText(), (nats_per_image / Math.LN2).toFixed(1));
  });

  test('counts along while it moves', async () => {
    await open();
    await see('#one-number');
    const counts = [];
    await assertSoon(async () => {
      const count = Number(/first ([\d,]+) of 784/.exec(await captionOf('#one-number').innerText())?.[1]);
      if (count) counts.push(count);
      return counts.length;
    }, (seen) => seen >= 3);
    assert.ok(counts[0] < counts[2], `${counts}`);
  });
});

describe('how far each network looks', () => {
  test('is measured: the counts of the pixel are those of the weights and of the wiring', { timeout: 120_000 }, async () => {
    await openStill();
    await see('#looks');
    await page.waitForFunction(() => [...document.querySelectorAll('#looks .said')].every(({ textContent }) => /^Of/.test(textContent)), undefined, { timeout: 90_000 });
    const area = page.locator('#looks .hand').first();
    await area.focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    const [x, y] = [15, 16];
    await page.waitForFunction((count) => [...document.querySelectorAll('#looks .said')].every(({ textContent }) => textContent.startsWith(`Of ${count} `)), 28 * y + x);
    for (const network of ['pixelcnn', 'row_lstm', 'diagonal_bilstm']) {
      const { name, test_nll } = listedModels().find(({ config }) => config.network === network && config.width === 28);
      const counts = await page.evaluate(async ({ model, x, y }) => {
        const { sharedEngine } = await import('./engine.js');
        const engine = sharedEngine();
        const { levels } = await engine.sample({ model, seed: 7n, backend: 'cpu' });
        const [effects, joined] = await Promise.all([engine.influence({ model, levels, x, y }), engine.reach({ model, x, y })]);
        const at = 28 * y + x;
        return { moved: effects.filter((effect) => effect > 0).length, cannot: joined.subarray(0, at).filter((one) => !one).length };
      }, { model: name, x, y });
      const said = await page.locator(`#looks [data-network="${network}"] figcaption`).innerText();
      assert.match(said, new RegExp(`^Of ${28 * y + x} earlier pixels ${counts.moved} move the answer, ${counts.cannot} cannot\\.`));
      assert.ok(said.endsWith(`${(test_nll.nats_per_image / Math.LN2).toFixed(1)} bits.`), said);
    }
  });

  test('is shown with digits where the pictures are in colour', async () => {
    await openStill('#pace=instant&model=cifar10-pixelcnn');
    await see('#looks');
    await page.locator('#looks .said').first().filter({ hasText: /Measuring|Of/ }).waitFor();
    const { nats_per_image } = listedModels().find(({ name }) => name === 'mnist-pixelcnn').test_nll;
    assert.equal(await page.locator('#looks [data-network="pixelcnn"] .bits-each').innerText(), `${(nats_per_image / Math.LN2).toFixed(1)} bits.`);
  });
});

describe('the masks', () => {
  test('are those that the paper has, for each pair of colours', async () => {
    await openStill();
    await see('#window-masks');
    await captionOf('#window-masks').filter({ hasText: 'mask A' }).waitFor();
    const past = [1, 1, 1, 1, 1, 1, 1];
    const future = [0, 0, 0, 0, 0, 0, 0];
    const maskA = (/** @type {number} */ centre) => [...past, ...past, ...past, 1, 1, 1, centre, 0, 0, 0, ...future, ...future, ...future];
    const maskB = (/** @type {number} */ centre) => [1, 1, 1, 1, centre, 0, 0, 0, 0];
    for (const [made, read, a, b] of /** @type {const} */ ([['Green', 'Green', 0, 1], ['Green', 'Red', 1, 1], ['Red', 'Blue', 0, 0], ['Blue', 'Green', 1, 1]])) {
      await page.getByRole('group', { name: 'Colour made' }).getByRole('radio', { name: made }).check();
      await page.getByRole('group', { name: 'Colour read' }).getByRole('radio', { name: read }).check();
      const [A, B] = await page.locator('#window-masks g').evaluateAll((groups) => groups.map((group) => [...group.querySelectorAll('text')].slice(1).map(({ textContent }) => Number(textContent))));
      assert.deepEqual([A, B], [maskA(a), maskB(b)], `${made} reading ${read}`);
      assert.equal(await captionOf('#window-masks').innerText(), `What makes ${made.toLowerCase()} reads ${read.toLowerCase()}: at the centre ${a} under mask A, ${b} under mask B.`);
    }
  });
});

describe('the memories', () => {
  test('that moves down has a triangle, moved by keys, pointer and finger', async () => {
    await openStill();
    await see('#row-memory');
    assert.match(await captionOf('#row-memory').innerText(), /^The state in row 9, column 8 .* 3, 5, 7, 9, 11, 13, 15, 15 states: 78 in all\.$/);
    const area = page.locator('#row-memory .hand');
    await area.focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    assert.match(await captionOf('#row-memory').innerText(), /^The state in row 8, column 7 /);
    const { x, y, width, height } = await boxInSight(area);
    await page.mouse.click(x + 0.5 * width / 15, y + 2.5 * height / 9);
    assert.match(await captionOf('#row-memory').innerText(), /^The state in row 3, column 1 has heard, row by row upwards, from 2, 3 states: 5 in all\.$/);
    assert.deepEqual(await marked('#row-memory', 'heard'), [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1]]);
    const context = await browser.newContext({ hasTouch: true, reducedMotion: 'reduce', viewport: { width: 390, height: 844 } });
    const phone = await context.newPage();
    await phone.goto(`${site.url}#pace=instant`);
    await phone.locator('#row-memory svg').waitFor({ state: 'attached' });
    const box = await boxInSight(phone.locator('#row-memory .hand'));
    await phone.touchscreen.tap(box.x + 14.5 * box.width / 15, box.y + 0.5 * box.height / 9);
    await phone.locator('#row-memory figcaption').filter({ hasText: 'The state in row 1, column 15 has heard from no other' }).waitFor();
    await context.close();
  });

  test('that moves along diagonals makes them columns, and adds what lies above and to the left', async () => {
    await openStill();
    await see('#skew');
    const slider = page.getByRole('slider', { name: 'Skew, run through, shift back' });
    const places = () => page.locator('#skew .cell').evaluateAll((squares) => squares.map((square) => Number(square.getAttribute('x')) / Number(square.getAttribute('width'))));
    await slider.fill('200');
    const skewed = await places();
    skewed.forEach((left, at) => assert.equal(left, (at % 8) + Math.floor(at / 8), `square ${at}`));
    assert.equal(Math.max(...skewed) - Math.min(...skewed) + 1, 15);
    // Column by column: what is heard so far is what lies in columns before the one under way.
    const now = (await marked('#skew', 'now')).map(([x]) => x);
    const known = (await marked('#skew', 'known')).map(([x]) => x);
    assert.ok(now.length > 0 && now.every((x) => x === now[0]) && known.every((x) => x < now[0]));
    await slider.fill('1000');
    const places64 = Array.from({ length: 64 }, (_, at) => [(at % 8) + 3.5, Math.floor(at / 8)]);
    const one = places64.filter(([x, y]) => x === 7.5 && y === 4);
    assert.deepEqual(await marked('#skew', 'one'), one);
    const seen = [...await marked('#skew', 'known'), ...await marked('#skew', 'also')].filter(([x, y]) => !(x === 7.5 && y === 4)).map(String).sort();
    const before = places64.filter(([x, y]) => y < 4 || (y === 4 && x < 7.5)).map(String).sort();
    assert.deepEqual(seen, before);
    assert.match(await captionOf('#skew').innerText(), /^Added, /);
  });
});

describe('shortcuts', () => {
  test('have the widths of the network at hand, and of the other kind', async () => {
    await openStill();
    await see('#shortcuts');
    const { title, config } = listedModels()[0];
    await captionOf('#shortcuts').filter({ hasText: `${title}: ${config.layers} such blocks. ${2 * config.h} features` }).waitFor();
    assert.deepEqual(await page.locator('#shortcuts .how-many').allTextContents(), [2, 1, 2].map((width) => String(width * config.h)));
    await page.getByRole('radio', { name: 'Convolutions' }).check();
    const conv = listedModels().find(({ name }) => name === 'mnist-pixelcnn').config;
    await captionOf('#shortcuts').filter({ hasText: `PixelCNN: ${conv.layers} such blocks.` }).waitFor();
    assert.deepEqual(await page.locator('#shortcuts .how-many').allTextContents(), [2, 1, 1, 2].map((width) => String(width * conv.h)));
  });

  test('show what the first block makes of the pixel that is looked at', async () => {
    await openStill('#pace=instant&seed=7&pixel=11,14');
    const { name, config } = listedModels()[0];
    const cells = page.locator('#shortcuts .features rect + rect');
    for (const [key, row] of [['', 15], ['ArrowUp', 14]]) {
      if (key) await page.locator('#easel-canvas').press(key);
      await see('#shortcuts');
      await captionOf('#shortcuts').filter({ hasText: `row ${row}, column 12` }).waitFor();
      const expected = await page.evaluate(async ([model, y]) => {
        const { Engine } = await import('./engine.js');
        const engine = new Engine();
        const { levels } = await engine.sample({ model, seed: 7n, count: 1 });
        const found = [...await engine.activations({ model, levels, block: 0, y, x: 11 })];
        engine.dispose();
        return found;
      }, [name, Number(row) - 1]);
      assert.equal(expected.length, 5 * config.h);
      const shown = await cells.evaluateAll((all) => all.map((cell) => Number(cell.getAttribute('fill-opacity')) * (cell.classList.contains('above') ? 1 : -1)));
      const widths = [2, 1, 2].map((width) => width * config.h);
      for (let from = 0, bar = 0; bar < 3; from += widths[bar++]) {
        const values = expected.slice(from, from + widths[bar]);
        const most = Math.max(...values.map(Math.abs));
        values.forEach((value, at) => assert.ok(Math.abs(shown[from + at] - value / most) < 1e-6, `${row}: feature ${at} of bar ${bar}`));
      }
    }
    // What is not drawn with has no features of this picture.
    await page.getByRole('radio', { name: 'Convolutions' }).check();
    assert.equal(await cells.count(), 0);
  });
});

test('the page has at most 1,200 words', async () => {
  // As it is served: what figures say of what they show comes on top. The page's own policy lets no text become markup.
  const text = await (await fetch(site.url)).text();
  await page.goto('about:blank');
  const words = await page.evaluate((text) => {
    const served = new DOMParser().parseFromString(text, 'text/html');
    const prose = [...served.body.querySelectorAll('p, h1, h2, h3, li, figcaption')].filter((element) => !element.matches('.unseen, noscript *'));
    return prose.flatMap(({ textContent }) => textContent.split(/\s+/)).filter((word) => /\p{L}/u.test(word)).length;
  }, text);
  assert.ok(words > 800 && words <= 1200, `${words} words`);
});
