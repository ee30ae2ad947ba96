/** The choice of what is drawn: sets of pictures, shown by some of their pictures, each with its networks and test images. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, test } from 'node:test';
import { coloursOn, drawnAlone, imagesOn, imagesShown, untilDone } from './browser.js';
import { boxInSight } from './in-sight.js';
import { SETS, colourModel, offer, serveIndex, withInk } from './models.js';
import { png } from './png.js';
import { listedModels } from './reference.js';
import { STRICT_POLICY, fileOf } from './server.js';
import { accessibilityFaults, chooseNetwork, seeCompletions, seeEverySection, seeLanes } from './sections.js';
import { expectErrors, page, site, visitSite, watch } from './site.js';

const DIGITS = { ...SETS[0], picture: 'digits.png', credit: 'MNIST by LeCun, Cortes and Burges.' };
/** Of the same shape as the digits. */
const LETTERS = { name: 'letters', title: 'Letters', about: '28\u00a0×\u00a028, black and white', picture: 'letters.png', examples: 'letters.json', example: 'letter' };
const SIGNS = { name: 'signs', title: 'Signs', about: '24\u00a0×\u00a024, in colour', picture: 'signs.png', examples: 'signs.json', example: 'sign', credit: 'Signs of nobody, free for all.' };

const INDICES = [3, 5, 8, 13, 21, 34];

/** Images of a pattern, as levels. @param {{ width: number, height: number, channels: number, levels: number }} shape */
const patterns = ({ width, height, channels, levels }) =>
  INDICES.map((_, k) => Array.from({ length: channels * width * height }, (_, at) => ((at % width) + Math.floor(at / width) * (k + 1)) % levels));
const LETTER_IMAGES = patterns({ width: 28, height: 28, channels: 1, levels: 2 });
const SIGN_IMAGES = patterns({ width: 24, height: 24, channels: 3, levels: 8 });

/** Eight values a byte, most significant bit first. @param {number[]} image */
function packBits(image) {
  const bytes = Buffer.alloc(Math.ceil(image.length / 8));
  image.forEach((value, at) => (bytes[at >> 3] |= value << (7 - (at & 7))));
  return bytes.toString('base64');
}
const LETTERS_FILE = { width: 28, height: 28, channels: 1, value_levels: 2, indices: INDICES, levels: LETTER_IMAGES.map(packBits) };
const SIGNS_FILE = { width: 24, height: 24, channels: 3, value_levels: 8, indices: INDICES, levels: SIGN_IMAGES.map((image) => Buffer.from(image).toString('base64')) };

/** @type {any[]} */
let models;

visitSite({ policy: STRICT_POLICY });
beforeEach(async () => {
  const letters = [await withInk('upper', 0.4), await withInk('lower', -0.4)].map((model) => ({ ...model, set: 'letters' }));
  const signs = [{ ...colourModel('traffic', { width: 24, height: 24, levels: 8 }), set: 'signs' }];
  models = offer(site, [...letters, ...signs], [DIGITS, LETTERS, SIGNS]);
  for (const [file, side] of /** @type {const} */ ([['digits', 56], ['letters', 56], ['signs', 48]])) {
    const picture = png(side, side, (x, y) => Array(3).fill(255 * ((x ^ y) & 1)));
    site.faults.set(`models/${file}.png`, (response) => response.setHeader('Content-Type', 'image/png').end(picture));
  }
  site.faults.set('models/letters.json', (response) => response.end(JSON.stringify(LETTERS_FILE)));
  site.faults.set('models/signs.json', (response) => response.end(JSON.stringify(SIGNS_FILE)));
});

const setChoice = (/** @type {string} */ title) => page.locator('#sets').getByRole('radio', { name: title });
const setCard = (/** @type {string} */ title) => page.locator('#sets label').filter({ hasText: title });
/** Titles of the networks offered. */
const networks = () => page.locator('#networks [type=radio]').evaluateAll((radios) => radios.map(({ value }) => value));
const chosenNetwork = () => page.locator('#networks input:checked').inputValue();
const namesOf = (/** @type {{ name: string }} */ { name }) => models.filter(({ set }) => set === name).map((entry) => entry.name);
/** Files of models and sets asked for so far, sorted. */
const fetched = () => [...new Set(watch.requests.filter((url) => url.includes('/models/')).map((url) => new URL(url).pathname.split('/').pop()))].sort();

async function open(hash = '') {
  await page.goto(`${site.url}#pace=instant&count=4&${hash}`);
  await untilDone(page);
}

/** Waits until the pictures of all sets are there. */
async function untilPictures(count = 3) {
  await page.locator('#sets').scrollIntoViewIfNeeded();
  await page.waitForFunction((wanted) => [...document.querySelectorAll('#sets img')].filter(({ complete, naturalWidth }) => complete && naturalWidth).length === wanted, count);
}

/** Scrolls to the completions and waits for those of a picture named so. @param {RegExp} note */
async function completionsOf(note) {
  await page.locator('#finish').scrollIntoViewIfNeeded();
  await page.locator('#examples-note').filter({ hasText: note }).waitFor();
}

describe('the sets', () => {
  test('are shown by their pictures, in whole multiples of the pixels, the title standing beside', async () => {
    await open();
    await untilPictures();
    for (const { title, about } of [DIGITS, LETTERS, SIGNS]) {
      assert.equal(await setCard(title).innerText(), title);
      assert.equal(await setCard(title).locator('> span').getAttribute('title'), about);
      const image = setCard(title).locator('img');
      const { alt, scales, rendering, filter, loading } = await image.evaluate((element) => {
        const { width, height } = element.getBoundingClientRect();
        const { imageRendering, filter } = getComputedStyle(element);
        return { alt: element.getAttribute('alt'), scales: [width / element.naturalWidth, height / element.naturalHeight], rendering: imageRendering, filter, loading: element.loading };
      });
      assert.deepEqual({ alt, rendering, loading }, { alt: '', rendering: 'pixelated', loading: 'lazy' });
      assert.deepEqual(scales, [1, 1]);
      // Ink is shown on light paper as in the samples.
      assert.equal(filter, title === 'Signs' ? 'none' : 'invert(1)');
    }
  });

  test('are chosen with the mouse: on the picture, and the first of its networks draws', async () => {
    await open();
    await untilPictures();
    assert.ok(await setChoice('Digits').isChecked());
    assert.deepEqual((await networks()).sort(), namesOf(DIGITS).sort());
    assert.equal(await page.locator('#set-credit').textContent(), DIGITS.credit);
    const { x, y, width, height } = await boxInSight(setCard('Letters').locator('img'));
    await page.mouse.click(x + width / 2, y + height / 2);
    await untilDone(page, 2);
    assert.deepEqual(await networks(), ['upper', 'lower']);
    assert.equal(await chosenNetwork(), 'upper');
    assert.match(page.url(), /#model=upper&/);
    assert.deepEqual(await imagesShown(page), await drawnAlone(page, { model: 'upper', seed: 7, count: 4 }));
    assert.ok(await page.locator('#set-credit').isHidden());
    assert.deepEqual(await page.locator('#lanes .title').allTextContents(), ['upper', 'lower']);
  });

  test('are chosen with the keyboard, like any radio buttons, and keep the focus', async () => {
    await open();
    await setChoice('Digits').focus();
    const focused = () => page.evaluate(() => document.activeElement?.closest('label')?.textContent);
    /** @type {Array<[key: string, title: string, model: string]>} */
    const steps = [['ArrowRight', 'Letters', 'upper'], ['ArrowDown', 'Signs', 'traffic'], ['ArrowRight', 'Digits', models[0].name], ['ArrowLeft', 'Signs', 'traffic'], ['ArrowUp', 'Letters', 'upper']];
    for (const [key, title, model] of steps) {
      await page.keyboard.press(key);
      assert.ok((await focused())?.startsWith(title), `${key} to ${title}`);
      assert.ok(await setChoice(title).isChecked());
      assert.equal(await chosenNetwork(), model);
    }
    assert.equal(await setCard('Letters').locator('> span').evaluate((card) => getComputedStyle(card).outlineStyle), 'solid');
    // One stop for the sets, the next for their networks.
    await page.keyboard.press('Tab');
    assert.ok((await focused())?.startsWith('upper'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.closest('label')?.textContent === 'lower');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => window.seen.done.at(-1).model === 'lower');
  });

  test('come back to the network last used', async () => {
    await open();
    await setChoice('Letters').check();
    await chooseNetwork('lower');
    await setChoice('Digits').check();
    assert.equal(await chosenNetwork(), models[0].name);
    await setChoice('Letters').check();
    assert.equal(await chosenNetwork(), 'lower');
    assert.match(page.url(), /#model=lower&/);
  });

  test('follow the address', async () => {
    await open('model=lower');
    assert.ok(await setChoice('Letters').isChecked());
    assert.equal(await chosenNetwork(), 'lower');
    await page.evaluate(() => (location.hash = '#model=traffic&count=4&pace=instant'));
    await untilDone(page, 2);
    assert.ok(await setChoice('Signs').isChecked());
    assert.deepEqual(await networks(), ['traffic']);
    await page.evaluate(() => (location.hash = '#model=nonsense&count=4&pace=instant'));
    await untilDone(page, 3);
    assert.equal(await chosenNetwork(), models[0].name);
  });

  test('are fetched when chosen, all but their pictures', async () => {
    await open();
    await seeEverySection();
    await seeLanes();
    const digits = models.filter(({ set }) => set === DIGITS.name).map(({ file }) => file);
    const always = ['digits.png', 'index.json', 'letters.png', 'signs.png', 'mnist-test-digits.json', ...digits];
    assert.deepEqual(fetched(), [...always].sort());
    await setChoice('Signs').check();
    await completionsOf(/^sign 3\.$/);
    assert.deepEqual(fetched(), [...always, 'signs.json', 'traffic.safetensors'].sort());
  });

  test('do not move when their pictures come', async () => {
    const send = /** @type {Array<() => void>} */ ([]);
    for (const file of ['digits', 'letters', 'signs']) {
      const answer = /** @type {import('./server.js').Fault} */ (site.faults.get(`models/${file}.png`));
      site.faults.set(`models/${file}.png`, (response, path) => void send.push(() => answer(response, path)));
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    const places = () => page.locator('#sets label, #sets img, #networks').evaluateAll((all) => all.map((element) => JSON.stringify(element.getBoundingClientRect())));
    await page.locator('#sets').scrollIntoViewIfNeeded();
    while (send.length < 3) await page.waitForTimeout(50);
    const before = await places();
    for (const answer of send) answer();
    await untilPictures();
    assert.deepEqual(await places(), before);
  });

  test('whose pictures are missing or damaged show their titles only', async () => {
    expectErrors();
    site.faults.set('models/letters.png', (response) => response.writeHead(404).end());
    site.faults.set('models/signs.png', (response) => response.setHeader('Content-Type', 'image/png').end('no picture'));
    offer(site, [{ ...(await withInk('upper', 0.4)), set: 'letters' }, { ...colourModel('traffic'), set: 'signs' }, { ...colourModel('plain'), set: 'plain' }], [DIGITS, LETTERS, SIGNS, { name: 'plain', title: 'Plain', about: 'without a picture' }]);
    await open();
    await untilPictures(1);
    await page.waitForFunction(() => document.querySelectorAll('#sets .picture').length === 1);
    for (const title of ['Letters', 'Signs', 'Plain']) {
      assert.equal(await setCard(title).locator('img, .picture').count(), 0);
      assert.match(await setCard(title).innerText(), new RegExp(`^${title}`));
    }
    await setChoice('Plain').check();
    assert.deepEqual(await networks(), ['plain']);
  });
});

describe('an index without sets', () => {
  test('is grouped by data and shape, without pictures', async () => {
    const strange = withoutSet(colourModel('strange', { width: 24, height: 16, levels: 8 }).entry);
    const own = [...listedModels().filter(({ set }) => SETS.some(({ name }) => name === set)).map(withoutSet), { ...strange, name: 'stranger', training: undefined }, strange];
    serveIndex(site, { models: own });
    await open();
    const cards = (await page.locator('#sets label').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
    assert.deepEqual(cards, ['binarized-mnist', 'cifar10', 'Pictures', 'cifar10']);
    assert.equal(await page.locator('#sets img').count(), 0);
    await page.locator('#sets input').nth(1).check();
    await untilDone(page, 2);
    assert.deepEqual((await networks()).sort(), own.filter(({ file }) => file.startsWith('cifar10')).map(({ name }) => name).sort());
    assert.ok((await page.locator('#lanes .title').allTextContents()).length > 1);
    await seeCompletions();
    await page.locator('#examples-note').filter({ hasText: 'There are no test pictures for this network here.' }).waitFor();
  });
});

describe('test images', () => {
  test('are those of the set, though another set has the same shape', async () => {
    await open('model=upper');
    await completionsOf(/^letter 3\.$/);
    const shown = async () => (await imagesOn(page.locator('#sheet'), 1))[0].slice(0, 392);
    assert.deepEqual(await shown(), LETTER_IMAGES[0].slice(0, 392));
    const { indices } = JSON.parse(readFileSync(fileOf('models/mnist-test-digits.json') ?? '', 'utf8'));
    await setChoice('Digits').check();
    await completionsOf(new RegExp(`^MNIST test image ${indices[0]}\\.$`));
    assert.notDeepEqual(await shown(), LETTER_IMAGES[0].slice(0, 392));
    await setChoice('Letters').check();
    await completionsOf(/letter 3/);
    assert.deepEqual(await shown(), LETTER_IMAGES[0].slice(0, 392));
    assert.equal(watch.requests.filter((url) => url.endsWith('letters.json')).length, 1, 'fetched once');
  });

  test('of eight levels are shown in the colours that they stand for', async () => {
    await open('model=traffic');
    await completionsOf(/^sign 3\.$/);
    const [shown] = await coloursOn(page.locator('#sheet'), { count: 1, width: 24, height: 24 });
    const isGiven = (/** @type {unknown} */ _, /** @type {number} */ at) => at % 576 < 288;
    assert.deepEqual(shown.filter(isGiven), SIGN_IMAGES[0].map((level) => Math.round((255 * level) / 7)).filter(isGiven));
  });

  /** @type {Array<{ what: string, file: object, fits: boolean }>} */
  const FILES = [
    { what: 'of another width', file: { ...LETTERS_FILE, width: 27 }, fits: false },
    { what: 'of another height', file: { ...LETTERS_FILE, height: 27 }, fits: false },
    { what: 'in colour', file: { ...LETTERS_FILE, channels: 3 }, fits: false },
    { what: 'of more levels', file: { ...LETTERS_FILE, value_levels: 3 }, fits: false },
    { what: 'of one channel that do not tell their levels', file: { ...LETTERS_FILE, value_levels: undefined }, fits: true },
  ];
  for (const { what, file, fits } of FILES) {
    test(`${what} ${fits ? 'fit' : 'do not fit'} a network of ink and paper`, async () => {
      site.faults.set('models/letters.json', (response) => response.end(JSON.stringify(file)));
      await open('model=upper');
      await seeCompletions();
      assert.equal(await page.locator('#examples-note').innerText(), fits ? 'letter 3.' : 'A blank sheet. There are no test pictures for this network here.');
    });
  }
});

describe('the choice of a set', () => {
  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    test(`has no accessibility violations, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      await open('model=traffic');
      await untilPictures();
      assert.deepEqual(await accessibilityFaults(), []);
    });
  }

  for (const width of [320, 390, 768, 1280, 1920]) {
    test(`fits a window ${width} pixels wide, with room for a finger`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await open();
      await untilPictures();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      for (const label of await page.locator('#sets label, #networks label').filter({ visible: true }).all()) {
        const box = /** @type {any} */ (await label.boundingBox());
        assert.ok(box.width >= 44 && box.height >= 44, JSON.stringify(box));
      }
    });
  }

  test('can be seen in forced colours: edges, and which is chosen', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    await open();
    await untilPictures();
    const looks = (/** @type {import('playwright-core').Locator} */ locator) => locator.evaluate((element) => {
      const { backgroundColor, color, borderTopStyle, outlineStyle } = getComputedStyle(element);
      return { backgroundColor, color, borderTopStyle, outlineStyle };
    });
    const [chosen, other] = [await looks(setCard('Digits').locator('> span')), await looks(setCard('Letters').locator('> span'))];
    assert.deepEqual([chosen.borderTopStyle, other.borderTopStyle], ['solid', 'solid']);
    assert.notEqual(chosen.backgroundColor, other.backgroundColor);
    assert.notEqual(chosen.backgroundColor, chosen.color);
    assert.equal((await looks(setCard('Letters').locator('img'))).outlineStyle, 'solid');
  });
});

/** A line of an index as it was before there were sets. @param {any} entry */
function withoutSet({ set: _, ...entry }) {
  return entry;
}
