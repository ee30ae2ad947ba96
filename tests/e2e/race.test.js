/** The race between full runs and kept features: begins and ends by itself, counts, and leaves no worker behind. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertSoon, coloursOn, drawnAlone, imagesOn, ownWorkers } from './browser.js';
import { offerOnly, withSize } from './models.js';
import { accessibilityFaults, patientFor, raceLane, raceVerdict, startRace } from './sections.js';
import { startWorkersWith } from './server.js';
import { expectErrors, page, site, visitSite } from './site.js';

visitSite();

const SLOW = 'Run it all again';
const FAST = 'Keep what is known';

/**
 * Opens the page with a network of the listed weights for other pictures, whose full runs take as long as a test may.
 * @param {{ width: number, height: number }} size
 */
async function open(size, hash = '#pace=instant&seed=5') {
  offerOnly(site, [await withSize('small', size)]);
  await page.goto(`${site.url}${hash}`);
  await page.locator('#race button:enabled').waitFor({ state: 'attached' });
}

const SMALL = { width: 6, height: 5 };
/** Some seconds on a quick machine, of which each value takes a moment. */
const LONG = { width: 14, height: 40 };

/** What a lane says. @param {string} title */
async function saidBy(title) {
  const [runs, time, rate] = await raceLane(title).locator('dd').allTextContents();
  return { runs, time, rate, report: await raceLane(title).locator('.report').textContent() };
}

/** The picture of a lane, null where nothing is drawn. @param {string} title @param {{ width: number, height: number }} size */
async function shownBy(title, { width, height }) {
  const [picture] = await coloursOn(raceLane(title).locator('canvas'), { count: 1, width, height });
  return picture.slice(0, width * height);
}

/** As a number of milliseconds. @param {string} time */
const inMs = (time) => parseFloat(time) * (time.endsWith('ms') ? 1 : time.endsWith('µs') ? 0.001 : 1000);

const inSight = () => page.locator('#race .race').evaluate((race) => race.scrollIntoView({ block: 'center' }));
const outOfSight = () => page.evaluate(() => scrollTo(0, 0));

describe('the race', () => {
  test('begins when it has been in sight for a moment, counts, and says who was how much faster', async () => {
    await open(SMALL);
    await page.waitForTimeout(800);
    assert.equal((await saidBy(FAST)).runs, '–', 'nobody has looked yet');
    await startRace();
    await raceVerdict(/same pixels/).waitFor();
    const [slow, fast] = [await saidBy(SLOW), await saidBy(FAST)];
    assert.deepEqual([slow.runs, slow.report, fast.runs, fast.report], ['30 runs', '', '1 run', '']);
    for (const { time, rate } of [slow, fast]) {
      assert.ok(Math.abs(Number(rate.replaceAll(',', '')) * inMs(time) / 30_000 - 1) < 0.02, `${rate} a second and ${time} agree`);
    }
    const times = Number(/^([\d,]+) times as fast, same pixels\.$/.exec(await raceVerdict(/./).innerText())?.[1].replaceAll(',', ''));
    assert.ok(Math.abs(times - inMs(slow.time) / inMs(fast.time)) <= 1 + times / 100);
    const [wanted] = await drawnAlone(page, { model: 'small', seed: 5, count: 1 });
    for (const title of [SLOW, FAST]) {
      assert.deepEqual(await shownBy(title, SMALL), wanted.map((level) => 255 * level), title);
    }
    assert.equal(ownWorkers(page).length, 1, 'the worker of the slow lane is gone');
    assert.deepEqual(await accessibilityFaults(), []);
  });

  test('is run once, and again when asked', async () => {
    await open(SMALL);
    await startRace();
    await raceVerdict(/same pixels/).waitFor();
    await page.locator('#race .verdict .report').evaluate((verdict) => (verdict.textContent = 'That was it.'));
    await outOfSight();
    await page.waitForTimeout(200);
    await inSight();
    await page.waitForTimeout(1000);
    assert.equal(await raceVerdict(/./).textContent(), 'That was it.');
    await page.getByRole('button', { name: 'Again' }).click();
    await raceVerdict(/same pixels/).waitFor();
  });

  test('ends when the slow lane has had its time, and says what it would take', async () => {
    await patientFor(1000);
    await open(LONG);
    await startRace();
    await raceVerdict(/^At least [\d,]+ times as fast, by its pace [\d,]+ times; same pixels so far\.$/).waitFor();
    const slow = await saidBy(SLOW);
    assert.match(slow.report, /^Stopped; it would take [\d.]+ (s|min)\.$/);
    assert.ok(inMs(slow.time) >= 1000);
    const runs = Number(slow.runs.replace(' runs', ''));
    assert.ok(runs > 0 && runs < 560, slow.runs);
    assert.equal((await saidBy(FAST)).runs, '1 run');
    const shown = await shownBy(SLOW, LONG);
    assert.deepEqual(shown.map((pixel) => pixel !== null), Array.from(shown, (_, at) => at < runs), 'a pixel for each run, in their order');
    await assertSoon(async () => ownWorkers(page).length, (count) => count === 1);
  });

  test('ends out of sight and in a hidden tab, with what it has found out', async () => {
    await open(LONG);
    await startRace();
    await raceLane(FAST).getByText('1 run').waitFor();
    await outOfSight();
    await raceVerdict(/^At least [\d,]+ times as fast/).waitFor({ timeout: 2000 });
    await assertSoon(async () => ownWorkers(page).length, (count) => count === 1);
    // What the race before has counted is not waited for.
    await raceLane(SLOW).getByText(/ runs?$/).evaluate((counted) => (counted.textContent = ''));
    await page.getByRole('button', { name: 'Again' }).click();
    await raceLane(SLOW).getByText(/^[1-9]\d* runs?$/).waitFor();
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { get: () => true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.getByRole('button', { name: 'Again' }).waitFor();
    await assertSoon(async () => ownWorkers(page).length, (count) => count === 1);
  });

  test('shows each pixel when it is drawn, and counts the run that drew it', async () => {
    await open(LONG);
    await page.evaluate(() => {
      Object.assign(window, { counts: [] });
      const told = ([{ target }]) => window.counts.push(parseInt(target.textContent));
      new MutationObserver(told).observe(document.querySelector('#race .runs'), { childList: true });
    });
    await startRace();
    const shown = async () => (await shownBy(SLOW, LONG)).filter((pixel) => pixel !== null).length;
    await assertSoon(shown, (pixels) => pixels % 14 > 0);
    await page.locator('#race').getByRole('button', { name: 'Stop' }).click();
    await raceVerdict(/same pixels so far\.$/).waitFor();
    const counts = await page.evaluate(() => window.counts.filter((/** @type {number} */ count) => count >= 0));
    assert.ok(counts.length > 1 && counts.every((count, at) => at === 0 || count - counts[at - 1] <= 1), `${counts}`);
  });

  test('stops within a second when asked, though a run of it takes longer', async () => {
    await page.addInitScript(async () => {
      const { Engine } = await import('./engine.js');
      const { sample } = Engine.prototype;
      Engine.prototype.sample = function (options) {
        if (options.method !== 'naive') return sample.call(this, options);
        return new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)));
      };
    });
    await open(SMALL);
    await startRace();
    await raceLane(FAST).getByText('1 run').waitFor();
    const start = Date.now();
    await page.locator('#race').getByRole('button', { name: 'Stop' }).click();
    await raceVerdict(/^At least [\d,]+ times as fast\.$/).waitFor();
    assert.ok(Date.now() - start < 1000);
    assert.match((await saidBy(SLOW)).report, /^Stopped in its first pixel, after /);
  });

  test('is of finite times where a picture is drawn within one step of the clock', async () => {
    startWorkersWith(site, 'performance.now = () => 0;');
    await open(SMALL);
    await startRace();
    await raceVerdict(/^[\d,]+ times as fast, same pixels\.$/).waitFor();
    assert.match((await saidBy(FAST)).rate, /^[\d,]+$/);
  });

  test('is over when another digit is asked for, leaves nothing of the old one, and begins anew', async () => {
    await open(LONG);
    await startRace();
    await page.evaluate(() => (location.hash = '#pace=instant&seed=8'));
    await page.waitForFunction(() => [...document.querySelectorAll('#race dd')].every(({ textContent }) => textContent === '–'), undefined, { polling: 10 });
    const [digit] = await imagesOn(raceLane(FAST).locator('canvas'), 1);
    assert.ok(digit.every((pixel) => pixel === null));
    await raceLane(SLOW).getByText(/^[1-9]\d* runs?$/).waitFor();
  });

  test('shows only its numbers to those who asked for less motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(SMALL);
    await page.evaluate(() => {
      Object.assign(window, { times: [] });
      const time = document.querySelector('#race .time');
      new MutationObserver(() => window.times.push(time.textContent)).observe(time, { childList: true });
    });
    await startRace();
    await raceVerdict(/same pixels/).waitFor();
    const shown = await page.evaluate(() => window.times.filter((/** @type {string} */ time) => time !== '–'));
    assert.equal(shown.length, 1, `${shown}`);
  });

  test('tells what went wrong in one of its lanes', async () => {
    expectErrors();
    await open(SMALL);
    await page.evaluate(async () => {
      const { Engine } = await import('./engine.js');
      const { sample } = Engine.prototype;
      Engine.prototype.sample = function (options) {
        return options.method === 'naive' ? Promise.reject(new Error('It broke.')) : sample.call(this, options);
      };
    });
    await inSight();
    await raceVerdict('It broke.').waitFor();
    assert.deepEqual((await saidBy(FAST)).runs, '–');
    assert.equal(ownWorkers(page).length, 1);
  });
});

describe('a lane for the GPU', () => {
  /** Stands in for a card: says that it is one, and draws as the CPU does. @param {string} name */
  const withCard = (name) => page.addInitScript(async (description) => {
    Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => ({ info: { description } }) } });
    const { Engine } = await import('./engine.js');
    const { sample } = Engine.prototype;
    Engine.prototype.calibrate = async () => ({ backend: 'cpu', adapter: description, cpu_ms: 1, gpu_ms: 2, elapsed_ms: 3 });
    Engine.prototype.sample = function (options) {
      return sample.call(this, options.backend === 'gpu' ? { ...options, backend: 'cpu' } : options);
    };
  }, name);

  test('is there where a card passed its test, and says whether its pixels are the same', async () => {
    await withCard('Test card');
    await open(SMALL);
    await startRace();
    await raceLane('GPU').getByText('Same pixels').waitFor();
    assert.equal((await saidBy('GPU')).runs, '1 run');
  });

  test('is not there for an adapter in software', async () => {
    await withCard('SwiftShader');
    await open(SMALL);
    await startRace();
    await raceVerdict(/same pixels/).waitFor();
    assert.ok(await raceLane('GPU').isHidden());
  });
});
