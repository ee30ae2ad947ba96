/** `<pixel-rnn>` in sites that generators of documentation build (scripts/docs-generators.sh installs them). */

import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { assertSoon, drawnAlone, imagesShown, ownWorkers } from '../e2e/browser.js';
import { openSite, openVisit, page, site, visitSite, watch } from '../e2e/site.js';
import { build, serve } from './docs-sites.js';

/** What each host has of its own. `toDark` is its switch, `search` a key of it and what is there once it has searched. */
const HOSTS = [
  {
    name: 'mdbook',
    toDark: async () => {
      await page.locator('#mdbook-theme-toggle').click();
      await page.locator('#mdbook-theme-navy').click();
    },
    search: { key: 's', field: '#mdbook-searchbar' },
    // Its arrows turn the page.
    turns: true,
  },
  { name: 'mkdocs', toDark: () => page.locator('label[title="Dark"]').click(), search: { key: 's', field: '.md-search__input' }, goesOn: true },
  {
    name: 'sphinx',
    toDark: async () => {
      const dark = page.locator('body[data-theme=dark]');
      for (let k = 0; k < 3 && !(await dark.count()); k++) await page.locator('.theme-toggle:visible').first().click();
      await dark.waitFor();
    },
    search: { key: '/', field: '.sidebar-search' },
  },
  { name: 'vitepress', toDark: () => page.locator('.VPSwitchAppearance:visible').click(), search: { key: '/', field: '#localsearch-input' }, goesOn: true },
  { name: 'docusaurus', toDark: toDarkInDocusaurus, goesOn: true },
];

/** The switch of Docusaurus goes round: what the system has, light, dark. */
async function toDarkInDocusaurus() {
  const dark = page.locator('html[data-theme=dark]');
  for (let k = 0; k < 3 && !(await dark.count()); k++) await page.locator('nav [class*=colorModeToggle] button').click();
  await dark.waitFor();
}

visitSite();
/** What the pictures must be: of seed 7, and of seed 8. @type {number[][][]} */
let expected;
/** Where the elements come from, as from a host of files for others. @type {import('../e2e/server.js').Site} */
let files;
/** @type {Awaited<ReturnType<typeof serve>>} */
let docs;
/** The same site without the elements. @type {Awaited<ReturnType<typeof serve>> | null} */
let bare = null;

beforeEach(async () => {
  files = await openSite({ prefix: '/some/path/', cors: true });
  await page.setViewportSize({ width: 1280, height: 900 });
  if (expected) return;
  const { page: own } = await openVisit();
  await own.goto(`${site.url}embed.html`);
  expected = [];
  for (const seed of [7, 8]) expected.push(await drawnAlone(own, { model: 'mnist-pixelcnn', seed, count: 4 }));
});

/** Scrolls to each of the two elements of the first page, and waits for both. @param {number} [runs] finished by then */
async function untilBothDone(runs = 2) {
  for (const k of [0, 1]) {
    await page.locator('pixel-rnn').nth(k).evaluate((element) => element.scrollIntoView());
    await page.waitForFunction((count) => window.seen.done.length >= count, runs - 1 + k, { timeout: 60_000 });
  }
}

async function assertPictures() {
  assert.equal(await page.locator('pixel-rnn').count(), 2);
  for (const k of [0, 1]) {
    const shown = await imagesShown(page, `pixel-rnn[seed="${7 + k}"]`);
    assert.deepEqual(shown, expected[k], `the picture of seed ${7 + k}`);
  }
}

/** The workers that the elements have started; some hosts search in one of their own. */
const engines = () => ownWorkers(page).filter((worker) => worker.url().startsWith('blob:'));

/** In a document: how the host's own parts are set, where they stand in a line, and how wide the page is. */
function hostLook() {
  const own = [...document.body.querySelectorAll('*')].filter((part) => !['pixel-rnn', 'script'].includes(part.localName));
  const look = own.map((part) => {
    const { fontFamily, fontSize, fontWeight, lineHeight, color, backgroundColor } = getComputedStyle(part);
    const { left, width } = part.getBoundingClientRect();
    return [part.localName, part.className, fontFamily, fontSize, fontWeight, lineHeight, color, backgroundColor, left, width].join(' ');
  });
  return [...look, `the page ${document.documentElement.scrollWidth}`];
}

/** The colours of the text around an element, of its main button and of the words on that, as 0 for black to 1 for white. */
function lightness() {
  return page.locator('pixel-rnn').first().evaluate((element) => {
    const pen = new OffscreenCanvas(1, 1).getContext('2d');
    const read = (colour) => {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
      return (r + g + b) / 765;
    };
    const run = getComputedStyle(element.shadowRoot.querySelector('.run'));
    return { text: read(getComputedStyle(element).color), button: read(run.backgroundColor), words: read(run.color) };
  });
}

for (const { name, toDark, search, turns, goesOn } of HOSTS) {
  describe(`in a site by ${name}`, () => {
    before(() => build(name));
    beforeEach(async () => {
      docs = await serve(name, `${files.url}pixel-rnn.js`);
    });
    afterEach(async () => {
      await docs.close();
      await bare?.close();
      bare = null;
    });

    test('draws its pictures, by one engine, and asks nobody else for anything', async () => {
      await page.goto(docs.url);
      await untilBothDone();
      await assertPictures();
      assert.equal(engines().length, 1);
      const origins = new Set(watch.requests.map((url) => new URL(url).origin));
      assert.deepEqual([...origins].sort(), [new URL(docs.url).origin, new URL(files.url).origin].sort());
      assert.deepEqual([docs.missing, files.missing], [[], []]);
    });

    test('follows the way through the site and back', async () => {
      await page.goto(`${docs.url}other`);
      await page.evaluate(() => Object.assign(window, { stays: true }));
      for (const times of [1, 2]) {
        await page.getByRole('link', { name: /(Digits|Home)$/ }).filter({ visible: true }).first().click();
        await page.locator('pixel-rnn').first().waitFor();
        await untilBothDone(goesOn ? 2 * times : 2);
        await assertPictures();
        assert.equal(engines().length, 1);
        await page.getByRole('link', { name: /Another (page|chapter)/ }).filter({ visible: true }).first().click();
        await page.locator('pixel-rnn').first().waitFor({ state: 'detached' });
      }
      assert.equal(await page.evaluate(() => 'stays' in window), Boolean(goesOn), 'whether the host stays on one page');
    });

    test('changes nothing of the host, on a large and on a small screen', async () => {
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(docs.url);
        await untilBothDone();
        await page.evaluate(() => scrollTo(0, 0));
        await bare?.close();
        bare = await serve(name, 'data:text/javascript,');
        const other = await openVisit(undefined, { viewport: { width, height: 900 } });
        await other.page.goto(bare.url);
        const difference = async () => {
          const [bared, here] = [await other.page.evaluate(hostLook), await page.evaluate(hostLook)];
          return [...bared.filter((line) => !here.includes(line)), ...here.filter((line) => !bared.includes(line))];
        };
        await assertSoon(difference, (found) => found.length === 0);
      }
    });

    test('follows the switch of the host between light and dark', async () => {
      await page.goto(docs.url);
      await untilBothDone();
      await page.evaluate(() => scrollTo(0, 0));
      const light = await lightness();
      assert.ok(light.text < 0.5 && light.button < 0.5 && light.words > 0.5, JSON.stringify(light));
      await toDark();
      await assertSoon(lightness, (dark) => dark.text > 0.5 && dark.button > 0.5 && dark.words < 0.5);
    });

    test('leaves its keys to the host, and takes none from it', async () => {
      await page.goto(docs.url);
      await untilBothDone();
      const slider = page.locator('pixel-rnn').first().getByLabel('Temperature');
      await slider.press('ArrowRight');
      assert.equal(await slider.inputValue(), '1.05');
      const seed = page.locator('pixel-rnn').first().getByLabel('Seed', { exact: true });
      await seed.selectText();
      for (const key of ['s', '/', 'f', '.', 'ArrowLeft', 'ArrowRight']) await page.keyboard.press(key);
      assert.equal(await seed.inputValue(), 's/f.');
      assert.equal(await page.locator('pixel-rnn').count(), 2, 'no page was turned');
      await seed.evaluate((field) => field.blur());
      if (search) {
        await page.keyboard.press(search.key);
        await page.waitForFunction((field) => document.activeElement?.matches(field), search.field);
        await page.keyboard.press('Escape');
      }
      if (turns) {
        await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
        await page.keyboard.press('ArrowRight');
        await page.waitForURL(/other/);
      }
    });

    test('is printed with its pictures, on the paper', async () => {
      await page.goto(docs.url);
      await page.locator('pixel-rnn').first().waitFor();
      await page.emulateMedia({ media: 'print' });
      // Not scrolled to: the print itself asks for both.
      await page.waitForFunction(() => window.seen.done.length >= 2, undefined, { timeout: 60_000 });
      await assertPictures();
      for (const canvas of await page.locator('pixel-rnn canvas').all()) {
        const box = await canvas.boundingBox();
        assert.ok(box && box.width > 100 && box.x >= 0 && box.x + box.width <= 1280, JSON.stringify(box));
      }
      assert.ok((await page.pdf()).length > 10_000);
    });
  });
}
