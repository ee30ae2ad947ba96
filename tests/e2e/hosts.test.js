/** `<pixel-rnn>` on pages that have keys, forms and ways of their own. */

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { untilDone } from './browser.js';
import { assertTold, colourAt } from './contrast.js';
import { openBody, page, visitSite } from './site.js';

visitSite();

/**
 * Opens a host's page with the element's module.
 * @param {string} body
 */
async function openHost(body) {
  await openBody(body);
  await page.waitForFunction(() => document.querySelector('pixel-rnn')?.shadowRoot);
}

describe('on a page with keys of its own', () => {
  // As books do: arrows turn the page, letters search, and what is taken is cancelled.
  const KEYS = `<script>
    window.heard = [];
    for (const type of ['keydown', 'keypress', 'keyup']) {
      document.addEventListener(type, (event) => {
        heard.push(event.key);
        if (/^(Arrow|[a-z/ ]$)/.test(event.key)) event.preventDefault();
      });
    }
  </script>`;
  beforeEach(() => openHost(`<pixel-rnn loading="manual"></pixel-rnn>${KEYS}`));

  /** @param {string[]} keys */
  async function press(...keys) {
    await page.evaluate(() => window.heard.splice(0));
    for (const key of keys) await page.keyboard.press(key);
    return page.evaluate(() => [...new Set(window.heard)]);
  }

  test('the slider moves, and the page does not hear its keys', async () => {
    const slider = page.locator('pixel-rnn').getByLabel('Temperature');
    await slider.focus();
    assert.deepEqual(await press('ArrowRight', 'ArrowUp', 'ArrowLeft'), []);
    assert.equal(await slider.inputValue(), '1.05');
    assert.deepEqual(await press('PageUp', 'PageDown', 'End', 'ArrowDown'), []);
    assert.equal(await slider.inputValue(), '1.95');
    assert.deepEqual(await press('Home'), []);
    assert.equal(await slider.inputValue(), '0.1');
    assert.deepEqual(await press('s', '/'), ['s', '/'], 'letters are nothing to a slider');
  });

  test('the seed is typed, and the page does not hear it', async () => {
    const seed = page.locator('pixel-rnn').getByLabel('Seed', { exact: true });
    await seed.focus();
    await seed.selectText();
    assert.deepEqual(await press('s', '/', '1', 'f', 'ArrowLeft', 'N', '2', 'Delete', 'Home', ' ', 'End', 'Backspace', 'ArrowUp', 'ArrowDown'), []);
    assert.equal(await seed.inputValue(), ' s/1N');
    await seed.fill('21');
    assert.deepEqual(await press('Enter'), []);
    assert.equal(await page.locator('pixel-rnn').getAttribute('seed'), '21');
  });

  test('a list is walked, and the page does not hear it', async () => {
    const pace = page.getByLabel('Pace');
    await pace.focus();
    await pace.selectOption('steady');
    assert.deepEqual(await press('ArrowDown'), []);
    assert.equal(await pace.inputValue(), 'instant');
    assert.deepEqual(await press('Home', 'End', 'ArrowUp', 'ArrowLeft', 's'), []);
    assert.equal(await pace.inputValue(), 'steady', 'the letter leads from Slow to the next choice with it');
  });

  test('a button is pressed, and the page does not hear it, but hears the arrows', async () => {
    await page.getByRole('button', { name: 'New' }).focus();
    assert.deepEqual(await press('Enter', 'Space'), []);
    assert.deepEqual(await press('ArrowRight', 's'), ['ArrowRight', 's']);
  });

  test('a disabled button has no use for keys', async () => {
    const save = page.getByRole('button', { name: 'Save PNG' });
    assert.ok(await save.isDisabled());
    await page.evaluate(() => window.heard.splice(0));
    await save.dispatchEvent('keydown', { key: 'Enter', bubbles: true, composed: true });
    assert.deepEqual(await page.evaluate(() => window.heard), ['Enter']);
  });

  test('what is no seed leaves the one in force, by Enter and by going on', async () => {
    const [element, seed] = [page.locator('pixel-rnn'), page.locator('pixel-rnn').getByLabel('Seed', { exact: true })];
    await element.evaluate((own) => {
      own.seed = 21n;
      window.changes = 0;
      own.addEventListener('change', () => window.changes++);
    });
    for (const text of ['none', '', '1,000', ' 021 ']) {
      for (const key of ['Enter', 'Tab']) {
        await seed.fill(text);
        await page.keyboard.press(key);
        assert.deepEqual([await seed.inputValue(), await element.getAttribute('seed')], ['21', '21'], `${text} and ${key}`);
      }
    }
    assert.equal(await page.evaluate(() => window.changes), 0);
    await seed.fill('22.4');
    await page.keyboard.press('Enter');
    assert.equal(await seed.inputValue(), '22');
    assert.equal(await page.evaluate(() => window.changes), 1);
  });

  for (const [which, end] of /** @type {const} */ ([['browsers', { isComposing: true }], ['Safari', { keyCode: 229 }]])) {
    test(`Enter that ends a composition takes no seed, as ${which} tell it`, async () => {
      const seed = page.locator('pixel-rnn').getByLabel('Seed', { exact: true });
      await seed.fill('22');
      const left = await seed.evaluate((field, how) => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true, cancelable: true, ...how })), end);
      assert.ok(left, 'the input method has the key');
      assert.equal(await page.locator('pixel-rnn').getAttribute('seed'), null);
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('pixel-rnn').getAttribute('seed'), '22');
    });
  }

  for (const label of ['Seed', 'Temperature', 'Pace']) {
    test(`keys that ${label} has no use for reach the page`, async () => {
      await page.getByLabel(label, { exact: label === 'Seed' }).focus();
      const unused = ['Escape', 'F2', 'Control+k', 'Meta+k', 'Tab'];
      assert.deepEqual(await press(...unused), ['Escape', 'F2', 'Control', 'k', 'Meta', 'Tab']);
    });
  }

  test('a key that the element has handled itself stays with it', async () => {
    await page.locator('pixel-rnn').evaluate((element) => {
      const picture = element.shadowRoot.querySelector('canvas');
      picture.tabIndex = 0;
      picture.focus();
      picture.addEventListener('keydown', (event) => event.key === 'ArrowLeft' && event.preventDefault());
    });
    assert.deepEqual(await press('ArrowLeft', 'ArrowRight'), ['ArrowRight']);
  });
});

describe('in a host with type of its own', () => {
  const ELEMENT = '<pixel-rnn loading="manual" style="width: 600px"></pixel-rnn>';
  const PLAIN = ':root { font: 16px/1.4 serif }';
  // A rule for all elements meets the element itself; it must go no further.
  const LOUD = `* { line-height: 3; letter-spacing: 4px; word-spacing: 20px; text-align: right; text-indent: 40px; text-transform: uppercase;
    white-space: pre; word-break: break-all; overflow-wrap: anywhere; hyphens: auto; font-style: italic; font-weight: 900; font-variant: small-caps; font-stretch: 75%; direction: rtl }`;

  /**
   * Where everything in the element stands, measured from its corner, and how its text is set.
   * @param {string} style
   * @param {string} [body]
   */
  async function layoutIn(style, body = ELEMENT) {
    await openHost(`<style>${style}</style>${body}`);
    await page.getByRole('button', { name: /^Draw 16 images/ }).waitFor();
    return page.locator('pixel-rnn').evaluate(async (element) => {
      // The picture has been told its room.
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const corner = element.getBoundingClientRect();
      // The figure has the page's type, for the caption.
      return [...element.shadowRoot.querySelectorAll('.stage, .side, .stage *, .side *')].filter((part) => part.checkVisibility()).map((part) => {
        const { left, top, width, height } = part.getBoundingClientRect();
        const box = [left - corner.left, top - corner.top, width, height].map((length) => Math.round(10 * length) / 10);
        const { fontStyle, whiteSpace, wordBreak, overflowWrap, hyphens, fontSize } = getComputedStyle(part);
        return [`${part.localName}#${part.id}`, box, fontStyle, whiteSpace, wordBreak, overflowWrap, hyphens, fontSize].join(' ');
      });
    });
  }

  for (const [host, style, body] of [
    ['mdBook', ':root { font: 62.5%/1.4 serif } body { font-size: 1.6rem }'],
    ['Material for MkDocs', ':root { font: 125%/1.4 serif } body { font-size: 0.5rem } pixel-rnn { font-size: 0.8rem }'],
    ['a host that sets everything loud', `${PLAIN} ${LOUD}`],
    ['a host written downwards', `${PLAIN} main { writing-mode: vertical-rl; text-orientation: upright }`, `<main>${ELEMENT}</main>`],
  ]) {
    test(`looks the same in ${host}`, async () => {
      const plain = await layoutIn(PLAIN);
      assert.ok(plain.length > 30 && plain.some((part) => part.endsWith(' 16px')));
      assert.deepEqual(await layoutIn(style, body), plain);
    });
  }

  for (const size of [10, 16, 20, 32]) {
    test(`has text as large as that around it, ${size} px, and room for a finger`, async () => {
      await openHost(`<style>pixel-rnn { font: ${size}px cursive; color: rgb(1, 2, 3) }</style>${ELEMENT}`);
      const controls = await page.locator('pixel-rnn').evaluate((element) =>
        [...element.shadowRoot.querySelectorAll('.controls :is(input, select, button)')].map((control) => {
          const { fontSize, fontFamily, color } = getComputedStyle(control);
          const { width, height } = control.getBoundingClientRect();
          return { fontSize, fontFamily, color, width, height };
        }),
      );
      assert.equal(controls.length, 8);
      for (const { fontSize, fontFamily, width, height } of controls) {
        assert.deepEqual([fontSize, fontFamily], [`${size}px`, 'cursive']);
        assert.ok(width >= 44 && height >= 44 && height <= Math.max(44, 2 * size), `${width} x ${height}`);
      }
      assert.equal(controls[0].color, 'rgb(1, 2, 3)');
    });
  }
});

for (const [scheme, poster] of [['light', 'black'], ['dark', 'white']]) {
  describe(`on a ${scheme} page`, () => {
    // 28 pixels of the button's own colour, in which it would be lost.
    const POSTER = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 28 28'><rect width='28' height='28' fill='${poster}'/></svg>`;
    beforeEach(async () => {
      await openHost(`<style>:root { color-scheme: ${scheme}; background: ${scheme === 'dark' ? '#16181d' : '#fbfaf7'}; color: CanvasText }</style>
        <pixel-rnn count="1" loading="manual"><img slot="poster" alt="" src="${POSTER}"></pixel-rnn>`);
      await page.getByRole('button', { name: /^Draw 1 image/ }).waitFor();
    });

    test('the ring around what has the focus is seen', async () => {
      for (const control of ['#seed', '#temperature', '#count', '.new-seed', '.run']) {
        const own = page.locator(`pixel-rnn ${control}`);
        await own.focus();
        // The keyboard brings the ring.
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.press('Tab');
        assertTold([await colourAt(own, -3, 20), await colourAt(own, -6, 20)], control);
      }
    });

    test('the button in the middle of a poster of its colour has an edge', async () => {
      const offer = page.locator('pixel-rnn .offer');
      assertTold([await colourAt(offer, 0, 20), await colourAt(offer, -2, 20)], 'the edge');
    });
  });
}

describe('in a form of a host', () => {
  test('is mistaken for none of its fields, and told on its own', async () => {
    await openHost(`<form><pixel-rnn count="1" loading="eager" pace="instant"></pixel-rnn></form><script>
      Object.assign(window, { form: [], element: [] });
      for (const type of ['input', 'beforeinput', 'change', 'submit', 'ready', 'start', 'row', 'done', 'failed', 'pick']) {
        document.querySelector('form').addEventListener(type, ({ type }) => form.push(type));
        document.querySelector('pixel-rnn').addEventListener(type, ({ type }) => element.push(type));
      }
    </script>`);
    await untilDone(page);
    await page.locator('pixel-rnn').getByLabel('Seed', { exact: true }).pressSequentially('1');
    await page.keyboard.press('Enter');
    await page.locator('pixel-rnn').getByLabel('Temperature').press('ArrowRight');
    await page.getByLabel('Images').selectOption('4');
    await page.getByRole('button', { name: 'New' }).click();
    await page.locator('pixel-rnn canvas').click({ position: { x: 5, y: 5 } });
    await page.locator('pixel-rnn').evaluate((element) => (element.model = 'nonsense'));
    await page.waitForFunction(() => window.element.includes('failed'));
    assert.deepEqual(await page.evaluate(() => window.form), []);
    const told = await page.evaluate(() => [...new Set(window.element)].sort());
    assert.deepEqual(told, ['change', 'done', 'failed', 'pick', 'ready', 'row', 'start']);
  });
});

describe('in a framework that sets properties', () => {
  const NAMES = ['model', 'seed', 'first', 'count', 'temperature', 'topK', 'topP', 'backend', 'controls', 'pace', 'loading'];
  const ATTRIBUTES = NAMES.map((name) => name.replace(/[KP]$/, (letter) => `-${letter.toLowerCase()}`));
  const ELEMENT = `<pixel-rnn ${ATTRIBUTES.map((name) => `${name}="x"`).join(' ')} loading="manual"></pixel-rnn>`;

  for (const nothing of [null, undefined]) {
    test(`${nothing} is an attribute that is not there`, async () => {
      await openHost(ELEMENT);
      const left = await page.locator('pixel-rnn').evaluate((element, [names, value]) => {
        for (const name of names) element[name] = value;
        return element.getAttributeNames();
      }, /** @type {const} */ ([NAMES, nothing]));
      assert.deepEqual(left, []);
    });

    test(`${nothing} set before the element is defined, too`, async () => {
      await openHost(`${ELEMENT}<script>for (const name of ${JSON.stringify(NAMES)}) document.querySelector('pixel-rnn')[name] = ${nothing}</script>`);
      assert.deepEqual(await page.locator('pixel-rnn').evaluate((element) => element.getAttributeNames()), []);
    });
  }
});
