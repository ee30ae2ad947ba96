/** One pixel of the easel: what the network knew of it, what decided, what it cost, and what if. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { untilDone } from './browser.js';
import { WHOLE, barsShown, bitsTold, canvas, coloursShown, digitShown, distribution, keepPixel, openEasel, placeOf, scrubTo, toldByEngine, untilShown, untilWhole } from './easel.js';
import { colourModel, offer } from './models.js';
import { openVisit, page, site, visitSite } from './site.js';

const COLOURS = 'test-colours';
const DIGITS = 'mnist-pixelcnn';

visitSite({ flags: [] });
beforeEach(() => {
  offer(site, [colourModel(COLOURS)]);
});

const place = () => page.locator('#inspector-place').innerText();
const state = () => page.locator('#inspector-state').innerText();
/** Pixels at the corners, the edges and within. */
const PIXELS = [[0, 0], [27, 0], [13, 6], [14, 14], [9, 20], [0, 27], [27, 27]];
/** The views there are. */
const views = () => page.locator('#views input').evaluateAll((radios) => radios.map(({ value }) => value));

describe('any pixel', () => {
  for (const temperature of [1, 0.6]) {
    test(`of ink and paper is told as the engine has it, and the draw decides it (temperature ${temperature})`, async () => {
      await openEasel(`model=${DIGITS}&seed=3&temperature=${temperature}&k=${WHOLE}`);
      const { levels, nll_nats } = await toldByEngine({ model: DIGITS, seed: 3, temperature });
      assert.deepEqual(await digitShown(), levels);
      let inked = 0;
      for (const [x, y] of PIXELS) {
        await keepPixel({ x, y });
        const at = 28 * y + x;
        const [{ share, pin }] = await barsShown();
        const [paper, ink] = (await distribution({ model: DIGITS, levels, channel: 0, y, x })).map((p) => p ** (1 / temperature));
        assert.ok(Math.abs(share - paper / (paper + ink)) < 1e-6, `${x}, ${y}: ${share} of paper, not ${paper / (paper + ink)}`);
        assert.equal(Number(pin >= share), levels[at], `${x}, ${y}: the pin at ${pin}, paper up to ${share}`);
        assert.ok(Math.abs((await bitsTold()) - nll_nats[at] / Math.LN2) <= 0.00501, `${x}, ${y}: ${await bitsTold()} bits`);
        assert.equal(await state(), 'drawn');
        inked += levels[at];
      }
      assert.ok(inked > 0, 'ink is among them');
      const sum = nll_nats.reduce((all, nats) => all + nats, 0) / Math.LN2;
      const nats = parseFloat((await page.locator('#easel-sum').getAttribute('title')) ?? '');
      assert.ok(Math.abs(nats / Math.LN2 - sum) < 0.01 / Math.LN2 + 0.01, `${nats} nats, scored ${sum} bits`);
      assert.equal(await page.locator('#easel-sum').innerText(), `${sum.toFixed(1)} bits in all`);
    });
  }

  test('in colour has three curves, each as the engine has it', async () => {
    await openEasel(`model=${COLOURS}&seed=3&k=${WHOLE}`);
    const { levels, nll_nats } = await toldByEngine({ model: COLOURS, seed: 3 });
    for (const [x, y] of [[0, 0], [31, 7], [16, 16], [31, 31]]) {
      await keepPixel({ x, y });
      const bars = await barsShown();
      let bits = 0;
      for (const channel of [0, 1, 2]) {
        const at = 1024 * channel + 32 * y + x;
        const probabilities = await distribution({ model: COLOURS, levels, channel, y, x });
        const below = probabilities.slice(0, levels[at]).reduce((sum, p) => sum + p, 0);
        const { from, share, pin } = bars[channel];
        assert.ok(Math.abs(from - below) < 1e-6 && Math.abs(share - probabilities[levels[at]]) < 1e-6, `${x}, ${y}, ${channel}: ${share} from ${from}`);
        // Sums of 32-bit floats on one side.
        assert.ok(pin >= from - 1e-6 && pin < from + share + 1e-6, `${x}, ${y}, ${channel}: the pin at ${pin}`);
        const chart = page.locator('#inspector-values figure').nth(channel);
        assert.equal(await chart.locator('figcaption').innerText(), `${['Red', 'Green', 'Blue'][channel]} ${levels[at]}`);
        assert.equal(await chart.locator('.drawn').getAttribute('x1'), String(levels[at] + 0.5));
        const highest = Math.max(...probabilities);
        const heights = (await chart.locator('path').getAttribute('d'))?.match(/V[\d.]+H/g)?.map((bar) => 100 - parseFloat(bar.slice(1))) ?? [];
        assert.equal(heights.length, 256);
        heights.forEach((height, level) => assert.ok(Math.abs(height - (100 * probabilities[level]) / highest) < 0.01));
        bits += nll_nats[at] / Math.LN2;
      }
      assert.ok(Math.abs((await bitsTold()) - bits) <= 0.00501);
    }
  });

  test('is followed with mouse, keys and Escape; the first shown is the least expected', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
    const { nll_nats } = await toldByEngine({ model: DIGITS, seed: 3 });
    const dearest = nll_nats.indexOf(Math.max(...nll_nats));
    const first = `Row ${Math.floor(dearest / 28) + 1}, column ${(dearest % 28) + 1}`;
    assert.equal(await place(), first);
    await canvas().hover({ position: await placeOf({ x: 4, y: 9 }) });
    assert.equal(await place(), 'Row 10, column 5');
    await page.locator('h1').hover();
    assert.equal(await place(), first);
    await keepPixel({ x: 4, y: 9 });
    await page.locator('h1').hover();
    assert.equal(await place(), 'Row 10, column 5');
    for (const [key, wanted] of [['ArrowUp', 'Row 9, column 5'], ['ArrowLeft', 'Row 9, column 4'], ['ArrowDown', 'Row 10, column 4'], ['ArrowRight', 'Row 10, column 5'], ['Home', 'Row 10, column 1'], ['ArrowLeft', 'Row 10, column 1'], ['End', 'Row 10, column 28'], ['Control+Home', 'Row 1, column 1'], ['ArrowUp', 'Row 1, column 1'], ['Escape', first], ['Enter', first]]) {
      await page.keyboard.press(key);
      assert.equal(await place(), wanted, key);
    }
    assert.match(page.url(), new RegExp(`pixel=${dearest % 28}%2C${Math.floor(dearest / 28)}`));
    const [frame, cursor] = await page.locator('#easel, #easel-cursor').evaluateAll((all) => all.map((element) => element.getBoundingClientRect().toJSON()));
    assert.deepEqual([(cursor.x - frame.x) * 28, (cursor.y - frame.y) * 28].map((distance) => Math.round(distance / frame.width)), [dearest % 28, Math.floor(dearest / 28)]);
  });

  test('that is not drawn yet has no values', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=100&pixel=5,5`);
    assert.equal(await state(), 'not drawn yet');
    assert.equal(await page.locator('#inspector-values > *').count(), 0);
    assert.equal(await page.locator('#inspector-cost').innerText(), '');
    await scrubTo(28 * 5 + 6);
    assert.equal(await state(), 'drawn');
  });

  test('picked among many is looked at on the easel', async () => {
    await page.goto(`${site.url}#model=${COLOURS}&count=4&pace=instant&seed=3`);
    await untilDone(page);
    const samples = page.locator('#samples canvas');
    const { scale, columns } = await samples.evaluate((element) => ({ scale: element.getBoundingClientRect().width / element.width, columns: (element.width + 2) / 34 }));
    await samples.click({ position: { x: ((2 % columns) * 34 + 5.5) * scale, y: (Math.floor(2 / columns) * 34 + 9.5) * scale } });
    await untilShown(/^Picture 3 of seed 3,/);
    assert.equal(await place(), 'Row 10, column 6');
    assert.deepEqual(await coloursShown(), (await toldByEngine({ model: COLOURS, seed: 3, first: 2 })).levels);
    const { top, bottom } = await page.locator('#easel').evaluate((element) => element.getBoundingClientRect().toJSON());
    assert.ok(top >= -1 && bottom <= 721, `it is in sight: ${top} to ${bottom}`);
  });
});

describe('what if', () => {
  test('keeps what was before, draws what comes after with the same draws, and goes back', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
    const { levels: before, nll_nats } = await toldByEngine({ model: DIGITS, seed: 3 });
    // Of ink that was least expected, what comes next depends on it.
    const k = nll_nats.indexOf(Math.max(...nll_nats.slice(0, 400).filter((_, at) => before[at])));
    const [x, y] = [k % 28, Math.floor(k / 28)];
    await keepPixel({ x, y });
    const question = page.getByRole('button', { name: `What if it were ${before[k] ? 'paper' : 'ink'}?` });
    await question.click();
    await page.locator('#fork-line').filter({ hasText: `Forked at row ${y + 1}, column ${x + 1}.` }).waitFor();
    await untilWhole();
    const given = before.map((level, at) => (at === k ? 1 - level : level));
    const { levels: after } = await toldByEngine({ model: DIGITS, seed: 3, given, mask: before.map((_, at) => Number(at > k)) });
    assert.deepEqual(await digitShown(), after);
    assert.deepEqual(after.slice(0, k), before.slice(0, k));
    assert.equal(after[k], 1 - before[k]);
    assert.notDeepEqual(after.slice(k + 1, k + 40), before.slice(k + 1, k + 40));

    await page.reload();
    await untilShown(/seed 3,/);
    await untilWhole();
    assert.deepEqual(await digitShown(), after);
    // A fork of a fork; the key asks too.
    await keepPixel({ x: 13, y: 15 });
    await page.keyboard.press('f');
    await page.locator('#fork-line').filter({ hasText: 'Forked at row 16, column 14.' }).waitFor();
    const twice = await digitShown();
    assert.deepEqual(twice.slice(0, 15 * 28 + 13), after.slice(0, 15 * 28 + 13));
    assert.equal(twice[15 * 28 + 13], 1 - after[15 * 28 + 13]);
    for (const former of [after, before]) {
      await page.locator('#fork-back').click();
      await page.waitForFunction((wanted) => document.querySelector('#fork-line span')?.textContent !== wanted, former === after ? 'Forked at row 16, column 14.' : '');
      await page.waitForFunction((forks) => location.hash.includes('forks') === forks, former === after);
      await untilShown(/seed 3,/);
      for (let tries = 0; tries < 50 && String(await digitShown()) !== String(former); tries++) await page.waitForTimeout(100);
      assert.deepEqual(await digitShown(), former);
    }
    assert.ok(await page.locator('#fork-line').isHidden());
    assert.equal(await page.locator('#play-toggle[data-playing]').count(), 0, 'going back is no playing');
  });

  test('in colour it begins with the value itself: those before it in its pixel stay', async () => {
    await openEasel(`model=${COLOURS}&seed=3&k=${WHOLE}`);
    const { levels: before } = await toldByEngine({ model: COLOURS, seed: 3 });
    const [x, y] = [11, 20];
    await keepPixel({ x, y });
    const green = page.locator('#inspector-values figure').nth(1);
    const at = 1024 + 32 * y + x;
    const other = (before[at] + 100) % 256;
    await green.getByRole('spinbutton').fill(String(other));
    await green.getByRole('button', { name: 'What if?' }).click();
    await page.locator('#fork-line').filter({ hasText: `Forked at row ${y + 1}, column ${x + 1}` }).waitFor();
    await untilWhole();
    const shown = await coloursShown();
    const pixel = 32 * y + x;
    const later = (/** @type {number} */ place) => place % 1024 > pixel || (place % 1024 === pixel && place > at);
    shown.forEach((level, place) => assert.ok(later(place) || level === (place === at ? other : before[place]), `value ${place}`));
    const { levels } = await toldByEngine({ model: COLOURS, seed: 3, given: before.map((level, place) => (place === at ? other : level)), mask: before.map((_, place) => Number(later(place))) });
    assert.deepEqual(shown, levels);
  });

  test('is asked eight times of a picture at most, and what was asked stays', async () => {
    const forks = Array.from({ length: 8 }, (_, at) => `${300 + at}:${at % 2}`).join();
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}&forks=${encodeURIComponent(forks)}`);
    await keepPixel({ x: 20, y: 20 });
    const before = await digitShown();
    await page.keyboard.press('f');
    await page.locator('#easel-said').filter({ hasText: '8 forks at most' }).waitFor();
    assert.deepEqual(await digitShown(), before);
    assert.ok(decodeURIComponent(page.url()).includes(forks));
  });

  for (const forks of ['99999:1', '300:7']) {
    test(`of what is not there says so: ${forks}`, async () => {
      await page.goto(`${site.url}#model=${DIGITS}&seed=3&forks=${encodeURIComponent(forks)}`);
      await page.locator('#easel-fault').filter({ hasText: /^This link has level \d as value \d+, but this picture has 784 values of 2 levels/ }).waitFor();
      await page.getByRole('button', { name: 'Draw another' }).click();
      await untilShown(/seed (?!3,)/);
    });
  }
});

describe('the address', () => {
  test('brings seed, picture, temperature, position, pixel, view and forks to another visitor', async () => {
    const hash = `#model=${DIGITS}&seed=31&temperature=0.9&image=2&k=500&pixel=14%2C12&view=surprise&forks=200%3A1`;
    await page.goto(site.url + hash);
    await untilShown(/^Picture 3 of seed 31,/);
    await page.waitForFunction(() => document.querySelector('#scrubber-range').value === '500');
    const look = (/** @type {import('playwright-core').Page} */ page) => page.evaluate(() => ({
      pixels: [...document.querySelector('#easel-canvas').getContext('2d').getImageData(0, 0, 28, 28).data].join(),
      // Not what is spoken, which comes when nothing has changed for a while.
      told: ['#inspector-place', '#inspector-state', '#inspector-values', '#inspector-cost', '#view-caption', '#fork-line', '#scrubber-text', '#temperature-text'].map((part) => document.querySelector(part)?.textContent),
      fields: ['#seed', '#temperature', '#views :checked', '#networks :checked'].map((part) => document.querySelector(part)?.value),
      pressed: [...document.querySelectorAll('#thumbnails button')].map((button) => button.getAttribute('aria-pressed')).indexOf('true'),
    }));
    const here = await look(page);
    assert.deepEqual(here.fields, ['31', '0.9', 'surprise', DIGITS]);
    assert.equal(here.pressed, 2);
    assert.match(here.told.join(), /Row 13, column 15.*Forked at row 8, column 5.*500 of 784/s);
    // Whoever looks on has the same in the address bar.
    await page.locator('#play-on').click();
    await page.locator('#play-back').click();
    const there = await openVisit();
    await there.page.goto(page.url());
    await untilShown(/^Picture 3 of seed 31,/, there.page);
    await there.page.waitForFunction(() => document.querySelector('#scrubber-range')?.value === '500');
    assert.deepEqual(await look(there.page), here);
  });

  test('follows each change of the look, and is followed when it alone changes', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=300`);
    for (const [key, value] of [['k', '100'], ['pixel', '7,2'], ['view', 'chance']]) {
      await page.evaluate(([name, text]) => {
        const values = new URLSearchParams(location.hash.slice(1));
        values.set(name, text);
        location.hash = String(values);
      }, [key, value]);
    }
    await page.locator('#scrubber-text').filter({ hasText: '100 of 784' }).waitFor();
    await page.locator('#inspector-place').filter({ hasText: 'Row 3, column 8' }).waitFor();
    await page.locator('#views [value="chance"]:checked').waitFor({ state: 'attached' });
    await page.locator('#views label', { hasText: 'Surprise' }).click();
    await scrubTo(50);
    assert.match(page.url(), /k=50&pixel=7%2C2&view=surprise/);
  });

  test('has an entry for every picture: another is drawn, and Back shows the former one', async () => {
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
    const first = await digitShown();
    const entries = await page.evaluate(() => history.length);
    await page.getByRole('button', { name: 'Draw another' }).click();
    await untilShown(/seed (?!3,)/);
    assert.equal(await page.evaluate(() => history.length), entries + 1);
    assert.doesNotMatch(page.url(), /seed=3&/);
    await scrubTo(200);
    await keepPixel({ x: 3, y: 3 });
    assert.equal(await page.evaluate(() => history.length), entries + 1, 'none for the look');
    await page.goBack();
    await untilShown(/seed 3,/);
    await untilWhole();
    assert.deepEqual(await digitShown(), first);
    await page.goForward();
    await untilShown(/seed (?!3,)/);
    await page.waitForFunction(() => document.querySelector('#scrubber-range').value === '200');
  });
});

test('the temperature, while it is dragged, draws the picture on the easel alone', async () => {
  await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}`);
  await untilDone(page);
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(500);
  await page.evaluate(() => {
    const post = Worker.prototype.postMessage;
    Object.assign(window, { asked: [] });
    Worker.prototype.postMessage = function (message, ...rest) {
      if (message.type === 'sample') window.asked.push(message.count);
      return post.call(this, message, ...rest);
    };
  });
  for (const value of ['0.9', '0.7', '0.5']) {
    await page.locator('#settings #temperature').evaluate((range, text) => {
      range.value = text;
      range.dispatchEvent(new Event('input', { bubbles: true }));
    }, value);
    await page.locator('#easel-sum').waitFor();
    await page.waitForTimeout(300);
  }
  assert.deepEqual(await page.evaluate(() => window.asked), [1, 1, 1]);
  assert.deepEqual(await digitShown(), (await toldByEngine({ model: DIGITS, seed: 3, temperature: 0.5 })).levels);
  await page.locator('#settings #temperature').dispatchEvent('change');
  await page.waitForFunction(() => window.asked.includes(12));
});

test('every view shows what is drawn and nothing else, whatever is looked at', async () => {
  await openEasel(`model=${DIGITS}&seed=3&k=300`);
  for (const view of (await views()).slice(0, 3)) {
    await page.locator(`#views [value='${view}']`).check();
    const opaque = await canvas().evaluate((element) => [...element.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, at) => at % 4 === 3).map((alpha) => alpha > 0));
    assert.deepEqual(opaque, Array.from({ length: 784 }, (_, at) => at < 300), view);
  }
});

describe('the map of what another pixel looks at', () => {
  /** Opens it, and goes one pixel on. Gives how the map appeared, and whether the one before lay under it. */
  async function walk() {
    await page.addInitScript(() => {
      const fades = [];
      Object.assign(window, { fades });
      const { animate } = Element.prototype;
      Element.prototype.animate = function (frames, options) {
        if (this.id === 'easel-heat') fades.push({ opacity: frames.opacity, duration: options.duration, former: this.previousElementSibling.toDataURL() });
        return animate.call(this, frames, options);
      };
    });
    await openEasel(`model=${DIGITS}&seed=3&k=${WHOLE}&pixel=14%2C17&view=looks`);
    const told = (/** @type {number} */ earlier) => page.locator('#view-caption').filter({ hasText: new RegExp(`Of ${earlier} earlier pixels .* cannot \\(hatched\\)`) }).waitFor();
    await told(17 * 28 + 14);
    await page.waitForFunction(() => !document.querySelector('#easel-heat').getAnimations().length);
    const before = await page.locator('#easel-heat').evaluate((map) => map.toDataURL());
    await page.evaluate(() => window.fades.splice(0));
    await canvas().press('ArrowRight');
    await told(17 * 28 + 15);
    const fades = await page.evaluate(() => window.fades);
    assert.equal(await page.locator('#easel-heat').evaluate((map, former) => map.toDataURL() === former, before), false);
    return fades.map(({ former, ...fade }) => ({ ...fade, over: former === before }));
  }

  test('appears over the one before', async () => {
    assert.deepEqual(await walk(), [{ opacity: [0, 1], duration: 160, over: true }]);
  });

  test('is there at once for those who want no motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    assert.deepEqual(await walk(), []);
  });
});
