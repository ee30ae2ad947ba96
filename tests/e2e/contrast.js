/** What stands out from what lies beside it, to eyes that see little. */

import assert from 'node:assert/strict';
import { seenInPlace } from './in-sight.js';
import { onlyPixel } from './png.js';
import { page } from './site.js';

/** Of what is no text, to what lies beside it (WCAG 1.4.11). */
const LEAST_CONTRAST = 3;

/**
 * The colour on the screen at a distance from the upper left corner of an element.
 * @param {import('playwright-core').Locator} locator
 * @param {number} right
 * @param {number} down
 */
export function colourAt(locator, right, down) {
  return seenInPlace(locator, async ({ x, y }) => {
    const clip = { x: Math.round(x) + right, y: Math.round(y) + down, width: 1, height: 1 };
    return onlyPixel(await page.screenshot({ clip }));
  });
}

/** @param {number[][]} colours  @param {string} what */
export function assertTold([one, other], what) {
  const ratio = contrast(one, other);
  assert.ok(ratio >= LEAST_CONTRAST, `${what}: ${one} beside ${other} is ${ratio.toFixed(2)} to 1`);
}

/** @param {number[]} one  @param {number[]} other */
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {number[]} colour */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
