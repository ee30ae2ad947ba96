/** The first picture, drawn and left alone, shows what the network looked at for its least expected pixel; whoever does anything is not disturbed. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { untilWhole } from './easel.js';
import { browser, openVisit, page, site, visitSite } from './site.js';

visitSite({ flags: [] });

/** Longer than the picture rests before it looks. */
const LONGER_MS = 1500;

const chosen = (/** @type {string} */ view) => page.locator(`#views [value=${view}]:checked`).waitFor({ state: 'attached', timeout: 60_000 });

test('it shows how unexpected it was until the network is there, and then what that looked at', async () => {
  /** @type {Array<() => void>} */
  const held = [];
  site.faults.set('pkg/cpu/pixelrnn_bg.wasm', (response, file) => void held.push(() => response.writeHead(200, { 'content-type': 'application/wasm' }).end(readFileSync(file ?? ''))));
  await page.goto(site.url);
  await chosen('surprise');
  assert.match(await page.locator('#view-caption').innerText(), /^The least expected pixel\. Put your finger on any other\. How unexpected/);
  site.faults.clear();
  for (const send of held.splice(0)) send();
  await chosen('looks');
  await page.locator('#view-caption').filter({ hasText: /^The least expected pixel\..* cannot \(hatched\)\.$/ }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the address is that of the page');
  // It was only shown: whatever one does next is as ever.
  await page.locator('#draw-another').click();
  await chosen('picture');
  assert.doesNotMatch(await page.locator('#view-caption').innerText(), /least expected/);
});

for (const [what, act] of /** @type {Array<[string, () => Promise<unknown>]>} */ ([
  ['moves the pointer', () => page.mouse.move(200, 300)],
  ['presses a key', () => page.keyboard.press('Tab')],
  ['scrolls', () => page.mouse.wheel(0, 40)],
])) {
  test(`it stays as it is for one who ${what}`, async () => {
    await page.goto(site.url);
    await page.locator('#play-toggle[data-playing]').waitFor();
    await act();
    await untilWhole();
    await page.waitForTimeout(LONGER_MS);
    await chosen('picture');
  });
}

test('it stays as it is for those who want no motion, and for those who save data', async () => {
  const { page: still } = await openVisit(browser, { reducedMotion: 'reduce' });
  const { page: sparing } = await openVisit();
  await sparing.addInitScript(() => Object.defineProperty(navigator, 'connection', { value: { saveData: true } }));
  for (const visited of [still, sparing]) {
    await visited.goto(site.url);
    await visited.waitForFunction(() => /in all$/.test(document.querySelector('#easel-sum')?.textContent ?? '') && !document.querySelector('#play-toggle[data-playing]'));
    await visited.waitForTimeout(LONGER_MS);
    assert.equal(await visited.locator('#views :checked').inputValue(), 'picture');
  }
});
