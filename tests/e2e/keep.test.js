/** The control "Keep": which of the likeliest levels values are drawn of. What it draws, what is said of it, and where it goes along. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { coloursOn, imagesOn, imagesShown, untilDone } from './browser.js';
import { WHOLE, barsShown, bitsTold, coloursShown, digitShown, distribution, keepPixel, openEasel, toldByEngine, untilShown, untilWhole } from './easel.js';
import { boxInSight } from './in-sight.js';
import { colourModel, offer, twoScaleModel } from './models.js';
import { seeCompletions, startRace } from './sections.js';
import { openVisit, page, site, visitSite } from './site.js';

const COLOURS = 'test-colours';
const PAIR = 'test-pair';
const DIGITS = 'mnist-pixelcnn';

visitSite({ flags: [] });
beforeEach(() => {
  offer(site, [colourModel(COLOURS), twoScaleModel(PAIR)]);
});

const keep = () => page.getByLabel('Keep');
const chosen = () => keep().evaluate((select) => select.selectedOptions[0].textContent);
const caption = () => page.locator('#view-caption').innerText();
/** Of the address. @param {string} name */
const asked = (name) => new URLSearchParams(new URL(page.url()).hash.slice(1)).get(name);

/** Chooses, and waits for the picture. @param {string} label */
async function choose(label) {
  await page.evaluate(() => (document.querySelector('#easel-said').textContent = ''));
  await keep().selectOption({ label });
  await untilShown();
  await untilWhole();
}

/**
 * Which levels are kept, found by another way than the page's: a level is, where those before it in rank have not reached the share.
 * @param {number[]} probabilities
 * @param {{ topK?: number, topP?: number }} how
 */
function keptOf(probabilities, { topK = Infinity, topP = Infinity }) {
  const before = (/** @type {number} */ level, /** @type {number} */ other) => probabilities[other] > probabilities[level] || (probabilities[other] === probabilities[level] && other < level);
  const ranks = probabilities.map((_, level) => probabilities.filter((_, other) => before(level, other)).length);
  const all = probabilities.reduce((sum, p, level) => sum + (ranks[level] < topK ? p : 0), 0);
  return probabilities.map((_, level) => ranks[level] < topK && probabilities.reduce((sum, p, other) => sum + (before(level, other) ? p : 0), 0) < topP * all);
}

describe('the picture', () => {
  test('is what the engine draws, of a share, of a number, of all', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
    const all = await digitShown();
    assert.equal(await chosen(), 'all');
    /** @type {Array<[label: string, how: { topK?: number, topP?: number }]>} */
    const choices = [['90 %', { topP: 0.9 }], ['1 level', { topK: 1 }], ['60 %', { topP: 0.6 }], ['all', {}]];
    for (const [label, how] of choices) {
      await choose(label);
      const { levels } = await toldByEngine({ model: DIGITS, seed: 3, ...how });
      assert.deepEqual(await digitShown(), levels, label);
      if (label !== 'all') assert.notDeepEqual(levels, all, `${label} makes a difference`);
      assert.deepEqual([asked('top-p'), asked('top-k')], [how.topP, how.topK].map((one) => (one ? String(one) : null)), label);
    }
    assert.deepEqual(await keep().locator('option').allInnerTexts(), ['all', '99 %', '98 %', '95 %', '90 %', '80 %', '60 %', '1 level'], 'of two levels one can be kept');
  });

  test('in colour, and its small ones, too, at a temperature besides', async () => {
    const how = { temperature: 0.9, topK: 30, topP: 0.85 };
    await openEasel(`model=${COLOURS}&seed=3&temperature=0.9&top-k=30&top-p=0.85&k=${WHOLE}`);
    const { levels } = await toldByEngine({ model: COLOURS, seed: 3, ...how });
    assert.deepEqual(await coloursShown(), levels);
    assert.notDeepEqual(levels, (await toldByEngine({ model: COLOURS, seed: 3, temperature: 0.9 })).levels);
    const small = page.locator('#thumbnails canvas');
    await page.waitForFunction(() => document.querySelector('#thumbnails canvas')?.width === 32);
    const second = (await toldByEngine({ model: COLOURS, seed: 3, first: 1, ...how })).levels;
    assert.deepEqual((await coloursOn(small.nth(1), { count: 1, width: 32, height: 32 }))[0], second);
  });

  test('of two scales keeps them in both', async () => {
    await openEasel(`model=${PAIR}&seed=3&top-p=0.55&k=${WHOLE}`);
    const { levels } = await toldByEngine({ model: PAIR, seed: 3, topP: 0.55 });
    assert.deepEqual(await digitShown(), levels);
    assert.notDeepEqual(levels, (await toldByEngine({ model: PAIR, seed: 3 })).levels);
  });

  test('goes on after what was made another value, of the likeliest', async () => {
    const { levels } = (await page.goto(`${site.url}embed.html?loading=manual`), await toldByEngine({ model: DIGITS, seed: 5, topP: 0.8 }));
    const given = levels.map((level, at) => (at === 300 ? 1 - level : level));
    const mask = levels.map((_, at) => Number(at > 300));
    const forked = await toldByEngine({ model: DIGITS, seed: 5, topP: 0.8, given, mask });
    await openEasel(`model=${DIGITS}&seed=5&top-p=0.8&forks=300:${given[300]}&k=${WHOLE}`);
    assert.deepEqual(await digitShown(), forked.levels);
    assert.notDeepEqual(forked.levels, (await toldByEngine({ model: DIGITS, seed: 5, given, mask })).levels);
  });
});

describe('a pixel', () => {
  /** Pixels at the corners, the edges and within. */
  const PIXELS = [[0, 0], [13, 6], [14, 14], [9, 20], [15, 10], [12, 16]];

  for (const temperature of [1, 0.7]) {
    test(`of ink and paper shows what was cut off, with the network's own chances (temperature ${temperature})`, async () => {
      const how = { temperature, topP: 0.9 };
      await openEasel(`model=${DIGITS}&seed=3&temperature=${temperature}&top-p=0.9&k=${WHOLE}`);
      const { levels, nll_nats } = await toldByEngine({ model: DIGITS, seed: 3, ...how });
      const seen = new Set();
      const chancesOf = async (/** @type {number[]} */ [x, y]) => {
        const weights = (await distribution({ model: DIGITS, levels, channel: 0, y, x })).map((p) => p ** (1 / temperature));
        return weights.map((weight) => weight / (weights[0] + weights[1]));
      };
      // Besides these, some of the picture's strokes, and one of which the network is so sure that paper is cut off.
      const strokes = levels.flatMap((level, at) => (level ? [[at % 28, Math.floor(at / 28)]] : []));
      const sure = [];
      for (const pixel of strokes) {
        if (sure.length === 0 && !keptOf(await chancesOf(pixel), how)[0]) sure.push(pixel);
      }
      for (const [x, y] of [...PIXELS, ...sure, ...strokes.filter((_, nth) => nth % 5 === 0)]) {
        await keepPixel({ x, y });
        const at = 28 * y + x;
        const [paper, ink] = await chancesOf([x, y]);
        const kept = keptOf([paper, ink], how);
        const what = `${x}, ${y}: ${paper} of paper`;
        const [{ share, pin }] = await barsShown();
        assert.ok(Math.abs(share - paper) < 1e-6, what);
        assert.equal(Number(pin >= share), levels[at], `${what}, the pin at ${pin}`);
        const cut = page.locator('#inspector-values .cut');
        assert.equal(await cut.evaluate((one) => !one.hidden), kept.includes(false), what);
        const names = await page.locator('#inspector-values .names span').allInnerTexts();
        assert.deepEqual(names.map((name) => !name.endsWith(', cut off')), kept, what);
        assert.equal(/ of what is kept$/.test(await page.locator('#inspector-values .said').innerText()), kept.includes(false), what);
        if (kept.includes(false)) {
          const [hatched, bar] = await page.locator('#inspector-values :is(.cut, .bar)').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()).sort((a, b) => a.width - b.width));
          assert.ok(Math.abs(hatched.width / (bar.width - 2) - (kept[0] ? ink : paper)) < 0.01, what);
          assert.ok(kept[0] ? Math.abs(hatched.right - bar.right) < 2 : Math.abs(hatched.left - bar.left) < 2, what);
        }
        assert.ok(Math.abs((await bitsTold()) - nll_nats[at] / Math.LN2) <= 0.00501, `${what}: ${await bitsTold()} bits are the network's`);
        seen.add(kept.join());
      }
      assert.deepEqual([...seen].sort(), ['false,true', 'true,false', 'true,true'], 'all cases are among them');
    });
  }

  test('in colour has what was cut off in grey, and the draw among what is kept', async () => {
    const how = { topK: 30, topP: 0.85 };
    await openEasel(`model=${COLOURS}&seed=3&top-k=30&top-p=0.85&k=${WHOLE}`);
    const { levels } = await toldByEngine({ model: COLOURS, seed: 3, ...how });
    for (const [x, y] of [[0, 0], [31, 7], [16, 16]]) {
      await keepPixel({ x, y });
      const bars = await barsShown();
      for (const channel of [0, 1, 2]) {
        const level = levels[1024 * channel + 32 * y + x];
        const probabilities = await distribution({ model: COLOURS, levels, channel, y, x });
        const kept = keptOf(probabilities, how);
        assert.ok(kept[level]);
        const chart = page.locator('#inspector-values figure').nth(channel);
        const standing = (/** @type {string} */ d) => [...d.matchAll(/M(\d+) /g)].map(([, at]) => Number(at));
        const [grey, coloured] = (await chart.locator('path').evaluateAll((paths) => paths.map((path) => path.getAttribute('d')))).map(standing);
        assert.deepEqual(coloured, [...kept.keys()].filter((at) => kept[at]));
        assert.deepEqual(grey, [...kept.keys()].filter((at) => !kept[at]));
        assert.match(await chart.locator('.said').innerText(), new RegExp(`^${(100 * probabilities[level]).toFixed(1)}.*; ${coloured.length} kept$`));
        const share = (/** @type {(at: number) => boolean} */ which) => probabilities.reduce((sum, p, at) => sum + (kept[at] && which(at) ? p : 0), 0);
        const { from, share: wide, pin } = bars[channel];
        assert.ok(Math.abs(from - share((at) => at < level) / share(() => true)) < 1e-5 && Math.abs(wide - probabilities[level] / share(() => true)) < 1e-5, `${x}, ${y}, ${channel}`);
        assert.ok(pin >= from - 1e-5 && pin < from + wide + 1e-5, `${x}, ${y}, ${channel}: the pin at ${pin}, not in ${wide} from ${from}`);
      }
    }
  });

  test('is told of with the picture, and in the view of chances without what was cut off', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
    assert.equal(await caption(), 'All 784 values, drawn with seed 3.');
    await choose('60 %');
    assert.equal(await caption(), 'All 784 values, drawn with seed 3. What is cut off is grey; chances are those before the cut.');
    const { levels } = await toldByEngine({ model: DIGITS, seed: 3, topP: 0.6 });
    await page.locator('#views label', { hasText: 'Chance' }).click();
    assert.equal(await caption(), 'How likely ink was, just before each draw, without what was cut off.');
    const chances = await page.locator('#easel-canvas').evaluate((canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, at) => at % 4 === 0));
    let sure = 0;
    for (const at of levels.keys()) {
      if (chances[at] !== 0 && chances[at] !== 255) continue;
      sure += 1;
      assert.equal(chances[at] / 255, levels[at], `value ${at}`);
    }
    assert.ok(sure > 700, `${sure} values are sure, or what might have been was cut off`);
  });
});

describe('the address', () => {
  test('brings what is kept to another visitor, and says what is unusual', async () => {
    await page.goto(`${site.url}#model=${COLOURS}&seed=31&image=2&top-p=0.97&top-k=77&pixel=14%2C12`);
    await untilShown(/^Picture 3 of seed 31,/);
    assert.equal(await chosen(), '97 % of 77');
    await untilWhole();
    const there = await openVisit();
    await there.page.goto(page.url());
    await untilShown(/^Picture 3 of seed 31,/, there.page);
    const look = (/** @type {import('playwright-core').Page} */ page) => page.evaluate(() => [
      document.querySelector('#keep').selectedOptions[0].textContent,
      [...document.querySelector('#easel-canvas').getContext('2d').getImageData(0, 0, 32, 32).data].join(),
      document.querySelector('#inspector-values')?.textContent,
    ]);
    await there.page.waitForFunction(() => /in all$/.test(document.querySelector('#easel-sum')?.textContent ?? '') && !document.querySelector('#play-toggle[data-playing]'));
    assert.deepEqual(await look(there.page), await look(page));
    assert.deepEqual(await coloursShown(), (await toldByEngine({ model: COLOURS, seed: 31, first: 2, topK: 77, topP: 0.97 })).levels);
    for (const [hash, label] of [['top-p=0.995', '99.5 %'], ['top-k=77', '77 levels']]) {
      await page.evaluate((hash) => (location.hash = `#model=test-colours&seed=32&${hash}`), hash);
      await page.waitForFunction((label) => document.querySelector('#keep').selectedOptions[0].textContent === label, label);
    }
  });

  for (const [hash, label, how] of /** @type {const} */ ([
    ['top-p=most&top-k=few', 'all', {}],
    ['top-p=7&top-k=', 'all', {}],
    ['top-p=-3', '0.1 %', { topP: 0.001 }],
    ['top-k=-3', '1 level', { topK: 1 }],
    ['top-k=256', 'all', {}],
  ])) {
    test(`with ${hash} is drawn all the same`, async () => {
      await openEasel(`model=${DIGITS}&seed=3&${hash}&k=${WHOLE}`);
      assert.equal(await chosen(), label);
      assert.deepEqual(await digitShown(), (await toldByEngine({ model: DIGITS, seed: 3, ...how })).levels);
    });
  }

  test('keeps a number of levels for pictures that have as many', async () => {
    await openEasel(`model=${COLOURS}&seed=3&top-k=40&k=${WHOLE}`);
    await page.getByRole('radio', { name: 'Digits' }).check();
    await untilShown();
    await page.waitForFunction(() => document.querySelector('#easel-canvas')?.width === 28);
    assert.equal(await chosen(), 'all');
    assert.equal(await page.locator('#easel-fault').isVisible(), false);
    await page.evaluate((model) => (location.hash = location.hash.replace(/model=[^&]*/, `model=${model}`)), COLOURS);
    await page.waitForFunction(() => document.querySelector('#keep').selectedOptions[0].textContent === '40 levels');
  });
});

describe('on the rest of the page', () => {
  test('everything that is drawn with this seed is drawn so', async () => {
    await page.addInitScript(() => {
      const post = Worker.prototype.postMessage;
      Object.assign(window, { asked: [] });
      Worker.prototype.postMessage = function (message, ...rest) {
        if (message?.type === 'sample') window.asked.push([message.seed === 3n, message.method, Boolean(message.given), message.count, message.topP, message.topK, JSON.stringify(message.weights)]);
        return post.call(this, message, ...rest);
      };
    });
    await openEasel(`model=${DIGITS}&seed=3&count=4&top-p=0.8&k=${WHOLE}`);
    await untilDone(page);
    assert.deepEqual((await imagesShown(page))[1], (await toldByEngine({ model: DIGITS, seed: 3, first: 1, topP: 0.8 })).levels);
    await seeCompletions();
    await boxInSight(page.locator('#side-by-side'));
    await page.waitForFunction(() => [...document.querySelectorAll('#lanes .rate')].every(({ textContent }) => /\d/.test(textContent)), undefined, { timeout: 60_000 });
    await boxInSight(page.locator('#looks'));
    await page.locator('#looks .said').nth(2).filter({ hasText: /\d/ }).waitFor({ timeout: 60_000 });
    await startRace();
    const asked = (await page.evaluate(() => window.asked)).filter(([ours]) => ours);
    for (const [, method, given, count, topP, topK] of asked) assert.deepEqual([topP, topK], [0.8, undefined], `${method} ${given} ${count}`);
    const drawn = [...new Set(asked.map(([, method, given, count]) => `${method}${given ? ' of a part' : ''}, ${count}`))];
    // The easel, the small ones, the samples, the completions, side by side, the race; and those of which the maps are.
    for (const one of ['cached, 1', 'cached, 12', 'cached, 4', 'cached of a part, 16', 'cached, 9', 'naive, 1']) assert.ok(drawn.includes(one), `${one} is not among ${drawn}`);
    assert.ok(new Set(asked.filter(([, , , count]) => count === 1).map((one) => one.at(-1))).size >= 3, 'three networks draw it');
  });

  test('networks of two levels are measured, whatever number is kept of the colours above', async () => {
    await openEasel(`model=${COLOURS}&seed=3&top-k=40&k=${WHOLE}`);
    await boxInSight(page.locator('#looks'));
    await page.locator('#looks .said').first().filter({ hasText: /^(Measuring|Of \d)/ }).waitFor();
  });

  test('a result of the completions is put on the easel as it was drawn', async () => {
    await openEasel(`model=${DIGITS}&seed=3&top-p=0.7&k=${WHOLE}`);
    await seeCompletions();
    const results = await imagesOn(page.locator('#completed'), 16);
    await page.getByRole('button', { name: 'Look into result 6' }).focus();
    await page.keyboard.press('Enter');
    await untilShown(/^Picture 6 /);
    await untilWhole();
    assert.deepEqual(await digitShown(), results[5]);
    assert.equal(asked('top-p'), '0.7');
    await keepPixel({ x: 14, y: 2 });
    assert.equal(await page.locator('#inspector-state').innerText(), 'given: what the network would have said');
  });
});
