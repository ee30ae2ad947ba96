/** What the manifest of the package says `<pixel-rnn>` takes and tells is what it does, and what the READMEs say. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { READMES, withTable } from '../../scripts/element-table.mjs';
import { untilDone } from './browser.js';
import { openBody, page, visitSite } from './site.js';

const IDLE = '<pixel-rnn loading="manual"></pixel-rnn>';

const [element] = JSON.parse(readFileSync(new URL('../../scripts/npm/custom-elements.json', import.meta.url), 'utf8')).modules[0].declarations;
const names = (/** @type {Array<{ name: string }>} */ entries) => entries.map(({ name }) => name).sort();

for (const file of READMES) {
  const path = file.pathname.replace(/.*?((scripts\/npm\/)?README\.md)$/, '$1');
  test(`${path} has the table of the manifest`, () => {
    const text = readFileSync(file, 'utf8');
    assert.equal(text, withTable(text), 'node scripts/element-table.mjs brings the table up to date');
  });
}

describe('an element', () => {
  visitSite();

  test('has the attributes, properties and methods of the manifest', async () => {
    await openBody(IDLE);
    const own = await page.locator('pixel-rnn').evaluate((found) => {
      const members = [];
      for (let proto = Object.getPrototypeOf(found); proto !== HTMLElement.prototype; proto = Object.getPrototypeOf(proto)) {
        for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
          if (!/^constructor$|Callback$/.test(name)) members.push({ name, kind: value ? 'method' : 'field', readonly: !value && !set });
        }
      }
      return { members, attributes: [...found.constructor.observedAttributes] };
    });
    const ofManifest = element.members.map((/** @type {any} */ { name, kind, readonly = false }) => ({ name, kind, readonly }));
    const byName = (/** @type {{ name: string }} */ a, /** @type {{ name: string }} */ b) => (a.name < b.name ? -1 : 1);
    assert.deepEqual(ofManifest.sort(byName), own.members.sort(byName));
    assert.deepEqual(names(element.attributes), own.attributes.sort());
  });

  test('has the slots and parts, and its style the custom properties', async () => {
    await openBody(IDLE);
    const own = await page.locator('pixel-rnn').evaluate(({ shadowRoot }) => ({
      slots: [...shadowRoot.querySelectorAll('slot')].map(({ name }) => name).sort(),
      parts: [...shadowRoot.querySelectorAll('[part]')].flatMap(({ part }) => [...part]).sort(),
      properties: [...new Set([...shadowRoot.adoptedStyleSheets[0].cssRules].map(({ cssText }) => cssText).join().match(/--pixel-rnn-[\w-]+/g))].sort(),
    }));
    assert.deepEqual({ slots: names(element.slots), parts: names(element.cssParts), properties: names(element.cssProperties) }, own);
  });

  test('tells the events', async () => {
    await openBody(`<pixel-rnn count="1" loading="manual" pace="instant"></pixel-rnn><script>
      window.told = new Set();
      const dispatch = EventTarget.prototype.dispatchEvent;
      document.querySelector('pixel-rnn').dispatchEvent = function (event) { told.add(event.type); return dispatch.call(this, event); };
    </script>`);
    await page.getByRole('button', { name: /^Draw 1 image/ }).click();
    await untilDone(page);
    await page.locator('pixel-rnn canvas').click();
    await page.getByRole('button', { name: 'New' }).click();
    await untilDone(page, 2);
    await page.locator('pixel-rnn').evaluate((found) => (found.model = 'nonsense'));
    await page.waitForFunction(() => window.told.has('failed'));
    assert.deepEqual(await page.evaluate(() => [...window.told].sort()), names(element.events));
  });

});

describe('a property of an element', () => {
  visitSite({ once: true });
  before(() => openBody(IDLE));

  /** A value that is no default, as a property gives it; numbers as text. @param {string} type */
  const another = (type) => /'(\w+)'$/.exec(type)?.[1] ?? (type === 'string' ? 'another' : '2');

  for (const { name, attribute, reflects, default: fallback = "''", type } of element.members.filter((/** @type {any} */ one) => one.attribute)) {
    test(`${name} is read from its attribute${reflects ? ', written there,' : ''} and has the default`, async () => {
      const value = name === 'topP' ? '0.5' : another(type.text);
      const kind = /^(bigint|number)/.exec(type.text)?.[0] ?? 'string';
      const seen = await page.evaluate(([property, attr, text, kind]) => {
        const found = document.createElement('pixel-rnn');
        const byDefault = String(found[property]);
        found.setAttribute(attr, text);
        const read = [String(found[property]), typeof found[property]];
        found.removeAttribute(attr);
        found[property] = kind === 'bigint' ? BigInt(text) : kind === 'number' ? Number(text) : text;
        return { byDefault, read, written: found.getAttribute(attr) };
      }, [name, attribute, value, kind]);
      assert.deepEqual(seen, { byDefault: fallback.replaceAll("'", ''), read: [value, kind], written: reflects ? value : null });
    });
  }
});

describe('the style of a page reaches', () => {
  visitSite({ once: true });
  before(async () => {
    const rules = element.cssParts.map((/** @type {{ name: string }} */ { name }, /** @type {number} */ at) => `pixel-rnn::part(${name}) { outline: 3px solid rgb(1, 2, ${at}) }`);
    await openBody(`<style>${rules.join('')}</style><pixel-rnn count="1" loading="manual" pace="instant"><span slot="caption">A caption</span></pixel-rnn>`);
    await page.getByRole('button', { name: /^Draw 1 image/ }).waitFor();
  });

  for (const [at, { name }] of element.cssParts.entries()) {
    test(`the part ${name}`, async () => {
      const part = page.locator(`pixel-rnn [part="${name}"]`);
      await part.waitFor();
      assert.equal(await part.evaluate((found) => getComputedStyle(found).outline), `rgb(1, 2, ${at}) solid 3px`);
    });
  }
});

describe('a custom property of the style is of use', () => {
  visitSite({ once: true });
  before(async () => {
    await openBody(IDLE.replace('>', ' count="1" pace="instant">'));
    await page.getByRole('button', { name: /^Draw 1 image/ }).click();
    await untilDone(page);
    await page.locator('pixel-rnn #seed').focus();
    // Of what is clicked, not all have a ring.
    await page.keyboard.press('Home');
  });

  /** Where each is seen, and another value of it. @type {Record<string, { on: string, as: string, value?: string, seen?: string }>} */
  const SEEN = {
    '--pixel-rnn-line': { on: '#seed', as: 'borderTopColor' },
    '--pixel-rnn-muted': { on: 'label', as: 'color' },
    '--pixel-rnn-accent': { on: '.run', as: 'backgroundColor' },
    '--pixel-rnn-on-accent': { on: '.run', as: 'color' },
    '--pixel-rnn-focus': { on: '#seed', as: 'outlineColor' },
    '--pixel-rnn-invert': { on: 'canvas', as: 'filter', value: '1', seen: 'invert(1)' },
  };

  for (const { name, default: fallback } of element.cssProperties) {
    test(`${name}, and has the default`, async () => {
      const { on, as, value = 'rgb(1, 2, 3)', seen = value } = SEEN[name];
      const [set, unset, byDefault] = await page.locator('pixel-rnn').evaluate((found, [property, place, style, ...values]) => values.map((one) => {
        found.style.setProperty(property, one);
        const shown = getComputedStyle(found.shadowRoot.querySelector(place))[style];
        found.style.removeProperty(property);
        return shown;
      }), [name, on, as, value, '', fallback]);
      assert.equal(set, seen);
      assert.notEqual(unset, seen);
      assert.equal(unset, byDefault, `${name} is ${fallback} where it is not set`);
    });
  }
});
