/**
 * The sections of the page: each draws when it is in sight, so it is brought there and waited for.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { page } from './site.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * @param {string} section
 * @param {string | RegExp} said  what its report says when it is done
 */
async function see(section, said) {
  await page.locator(section).scrollIntoViewIfNeeded();
  const report = page.locator(`${section}-report`).filter({ hasText: said });
  await report.waitFor();
  return report;
}

/** @param {string | RegExp} [said] */
export const seeCompletions = (said = 'completions in') => see('#completions', said);

/** Single pixels and their probabilities. @param {string | RegExp} [said] */
export const seeDistribution = (said = 'Row') => see('#distribution', said);

/** The networks side by side, until every column tells its speed. */
export async function seeLanes() {
  await page.locator('#side-by-side').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => [...document.querySelectorAll('#lanes .rate')].every(({ textContent }) => /\d/.test(textContent)), undefined, { timeout: 60_000 });
}

/** The column of a network. @param {string} title */
export const lane = (title) => page.locator('#lanes figure').filter({ has: page.getByText(title, { exact: true }) });

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

/** Begins the comparison with full passes, and waits until these are under way. */
export async function startRace() {
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('#race-naive-report').filter({ hasText: /first row|to go/ }).waitFor();
}

/** Saves the picture as a visitor would. */
export async function savePicture() {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save PNG' }).click()]);
  return { name: download.suggestedFilename(), file: readFileSync(await download.path()) };
}
