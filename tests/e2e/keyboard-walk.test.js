/** The whole page without a mouse: Tab leads through every control, from the top to the bottom and out, and each instrument works by keys. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEasel, untilWhole } from './easel.js';
import { seeEverySection } from './sections.js';
import { page, visitSite } from './site.js';

visitSite({ flags: [] });

/** Most controls that the page may have; a trap has no end. */
const MOST = 150;

/**
 * What is pressed on a control and what it changes; `own` keys are the page's, not the browser's, and stay inside.
 * @type {Array<{ at: string, key: string, changes: string, own?: boolean }>}
 */
const INSTRUMENTS = [
  { at: '#easel-canvas', key: 'ArrowLeft', changes: '#inspector-place', own: true },
  { at: '#scrubber-range', key: 'PageDown', changes: '#scrubber-text' },
  { at: '#play-back', key: 'Enter', changes: '#scrubber-text' },
  { at: '#play-row', key: ' ', changes: '#scrubber-text' },
  { at: '#draw-another', key: 'Enter', changes: '#seed' },
  { at: '[name=view]', key: 'ArrowRight', changes: '#view-caption' },
  { at: '#temperature', key: 'ArrowLeft', changes: '#temperature-text' },
  { at: '#keep', key: 'ArrowDown', changes: '#view-caption' },
  { at: '[name=tool]', key: 'ArrowRight', changes: '#tools' },
  { at: '#sheet', key: ' ', changes: '#undo', own: true },
  { at: '#sheet-line', key: 'ArrowUp', changes: '#sheet-line', own: true },
  { at: '#one-number button', key: 'Enter', changes: '#one-number' },
  { at: '#looks .hand', key: 'ArrowLeft', changes: '#looks', own: true },
  { at: '[name=colour-made]', key: 'ArrowRight', changes: '#window-masks' },
  { at: '#row-memory [tabindex]', key: 'ArrowLeft', changes: '#row-memory', own: true },
  { at: '#skew [type=range]', key: 'ArrowLeft', changes: '#skew' },
  { at: '[name=block]', key: 'ArrowRight', changes: '#shortcuts' },
  { at: '#race button', key: 'Enter', changes: '#race' },
  { at: '#embed-try', key: 'Enter', changes: '#embed-try' },
];

/** What the tests know of the page, in the page. */
function watchPage() {
  /** @type {Set<Element>} */
  const reached = new Set();
  /** @returns {Element | null} */
  const focused = () => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element === document.body ? null : element;
  };
  /** Those that Tab leads to, in the order in which they stand. @param {ParentNode} root @returns {Element[]} */
  const controls = (root) => [...root.querySelectorAll('*')].flatMap((element) => {
    const inner = element.shadowRoot ? controls(element.shadowRoot) : [];
    const { tabIndex, disabled, type, checked, name } = /** @type {any} */ (element);
    if (tabIndex < 0 || disabled || !element.matches('a[href], button, input, select, textarea, summary, [tabindex]') || !element.checkVisibility({ visibilityProperty: true })) return inner;
    // Of radio buttons the chosen one.
    return type === 'radio' && !checked && name ? inner : [element, ...inner];
  });
  const name = (/** @type {Element} */ element) => `${element.tagName} ${element.id || element.getAttribute('name')} ${element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 30)}`;
  /** Whether something around it shows that it is here, that does not show else. @param {HTMLElement} element */
  const marks = (element) => [element, element.nextElementSibling, element.parentElement].flatMap((one) => (one ? [undefined, '::after'].map((pseudo) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one, pseudo);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  }) : []));
  let [at, outside] = [-1, 0];
  addEventListener('keydown', ({ key }) => (outside += Number(key !== 'Tab')));
  Object.assign(globalThis, {
    walk: {
      /** The control that has the focus, and what is wrong with that. */
      look: async () => {
        // What grows above it moves it out of its place until the browser has scrolled after it, a frame later.
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
        const element = /** @type {HTMLElement | null} */ (focused());
        if (!element) return null;
        const place = controls(document).indexOf(element);
        const { top, bottom } = element.getBoundingClientRect();
        const faults = [];
        if (!marks(element).some(Boolean)) faults.push('shows no focus');
        if (place <= at) faults.push(`comes after number ${at}, being ${place}`);
        if (reached.has(element)) faults.push('comes twice');
        if (bottom <= 0 || top >= innerHeight) faults.push(`is out of sight: ${top} to ${bottom}`);
        at = place;
        reached.add(element);
        return { name: name(element), faults };
      },
      is: (/** @type {string} */ selector) => focused()?.matches(selector),
      missed: () => controls(document).filter((element) => !reached.has(element)).map(name),
      state: (/** @type {string} */ selector) => {
        const element = /** @type {any} */ (document.querySelector(selector));
        return `${element.value} ${element.outerHTML} ${[...element.querySelectorAll('input')].map(({ checked, value }) => `${checked} ${value}`)}`;
      },
      outside: () => outside,
      /** What has just been pressed may have changed what there is, and where one is; nobody presses Tab before that is laid out. */
      settle: async () => {
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
        const element = /** @type {Element} */ (focused());
        reached.add(element);
        at = controls(document).indexOf(element);
      },
    },
  });
}

test('Tab leads through the whole page, and keys do everything on the way', async () => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openEasel('count=4');
  await untilWhole();
  await seeEverySection();
  await page.evaluate(() => scrollTo(0, 0));
  await page.evaluate(watchPage);
  const walk = (/** @type {string} */ step, /** @type {string} */ text = '') => page.evaluate(([what, given]) => /** @type {any} */ (globalThis).walk[what](given), [step, text]);
  const waiting = new Set(INSTRUMENTS);
  /** @type {string[]} */
  const faults = [];
  let stops = 0;
  for (;;) {
    await page.keyboard.press('Tab');
    const stop = await walk('look');
    if (!stop || ++stops > MOST) break;
    faults.push(...stop.faults.map((/** @type {string} */ fault) => `${stop.name} ${fault}`));
    for (const instrument of waiting) {
      const { at, key, changes, own } = instrument;
      if (!(await walk('is', at))) continue;
      waiting.delete(instrument);
      const [before, outside, scrolled] = [await walk('state', changes), await walk('outside'), await page.evaluate(() => scrollY)];
      await page.keyboard.press(key);
      await page.waitForFunction(([selector, state]) => /** @type {any} */ (globalThis).walk.state(selector) !== state, [changes, before], { timeout: 20_000 })
        .catch(() => faults.push(`${key} on ${stop.name} changes nothing of ${changes}`));
      if (own && (await walk('outside')) !== outside) faults.push(`${key} on ${stop.name} is heard outside`);
      if (own && (await page.evaluate(() => scrollY)) !== scrolled) faults.push(`${key} on ${stop.name} scrolls the page`);
      await walk('settle');
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(stops <= MOST, 'the walk comes to an end');
  assert.deepEqual([...waiting].map(({ at }) => at), [], 'every instrument is met');
  assert.deepEqual(await walk('missed'), []);
});
