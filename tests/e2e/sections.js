/**
 * The sections of the page: each draws when it is in sight, so it is brought there and waited for.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { boxInSight } from './in-sight.js';
import { page } from './site.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * @param {string} section
 * @param {string | RegExp} said  what its report says when it is done
 */
async function see(section, said) {
  await boxInSight(page.locator(section));
  const report = page.locator(`${section}-report`).filter({ hasText: said });
  await report.waitFor();
  return report;
}

/** @param {string | RegExp} [said] */
export const seeCompletions = (said = 'completions in') => see('#completions', said);

/** The networks side by side, until every column tells its speed. */
export async function seeLanes() {
  await page.locator('#side-by-side').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => [...document.querySelectorAll('#lanes .rate')].every(({ textContent }) => /\d/.test(textContent)), undefined, { timeout: 60_000 });
}

/** The column of a network. @param {string} title */
export const lane = (title) => page.locator('#lanes figure').filter({ has: page.getByText(title, { exact: true }) });

/** Chooses a network as a visitor does, who may have to look behind "More". @param {string} title */
export async function chooseNetwork(title) {
  const radio = page.locator('#networks').getByRole('radio', { name: title, exact: true, includeHidden: true });
  await radio.waitFor({ state: 'attached' });
  const more = page.locator('#networks details:not([open])').filter({ has: page.getByRole('radio', { name: title, exact: true, includeHidden: true }) });
  if (await more.count()) await more.locator('summary').click();
  await radio.check();
}

/** Scrolls through the page: sections out of sight are not laid out. */
export async function seeEverySection() {
  for (const section of await page.locator('section:not([hidden])').all()) {
    await section.scrollIntoViewIfNeeded();
    await page.waitForTimeout(300);
  }
}

/** What keeps some visitors out, as axe finds it. */
export async function accessibilityFaults() {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** A lane of the race. @param {string} title */
export const raceLane = (title) => page.locator('#race figure').filter({ has: page.getByText(title, { exact: true }) });

/** What the race says in the end. @param {string | RegExp} said */
export const raceVerdict = (said) => page.locator('#race .verdict .report').filter({ hasText: said });

/** Brings the race into sight, whatever is still laid out above it, until it has begun, which it does by itself. */
export async function startRace() {
  await page.waitForFunction(() => {
    const race = document.querySelector('#race .race');
    race.scrollIntoView({ block: 'center' });
    const runs = race.querySelector('.runs');
    return runs && runs.textContent !== '–';
  }, undefined, { polling: 200 });
}

/** Gives the slow lane another time than the page does. @param {number} ms */
export function patientFor(ms) {
  return page.addInitScript((patience) => {
    const { setTimeout } = window;
    window.setTimeout = /** @type {any} */ ((/** @type {any} */ told, /** @type {number} */ wait, ...rest) => setTimeout(told, wait === 10_000 ? patience : wait, ...rest));
  }, ms);
}

/** Saves the picture as a visitor would. */
export async function savePicture() {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save PNG' }).click()]);
  return { name: download.suggestedFilename(), file: readFileSync(await download.path()) };
}
