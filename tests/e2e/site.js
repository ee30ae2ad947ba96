/**
 * What the tests visit. A file, or a part of one, calls `visitSite()`: each of its tests then finds under the names below a site
 * of its own and a page on which nothing has happened yet. Both are closed after it, and nothing must have gone wrong.
 */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { launch, openPage } from './browser.js';
import { serveSite } from './server.js';

/** One for all tests of a file. @type {import('playwright-core').Browser} */
export let browser;
/** @type {import('./server.js').Site} */
export let site;
/** @type {import('playwright-core').Page} */
export let page;
/** What happens on the page. @type {import('./browser.js').Watch} */
export let watch;

/** What a test has opened. @type {Array<{ close: () => Promise<void>, watch?: import('./browser.js').Watch }>} */
const opened = [];
let mayFail = false;

after(async () => {
  await closeAll();
  await browser?.close();
});

/**
 * For the tests of the file or the `describe` that it is called in.
 * @param {{ flags?: string[], once?: boolean } & Parameters<typeof serveSite>[0]} [options]
 *   `flags` of Chromium, `once`: the same site and page for all the tests, and how the site is served
 */
export function visitSite({ flags, once = false, ...served } = {}) {
  const [begin, end] = once ? [before, after] : [beforeEach, afterEach];
  begin(async () => {
    browser ??= await launch(flags);
    // Nothing is called after a test that has skipped itself.
    await closeAll();
    mayFail = false;
    site = await openSite(served);
    ({ page, watch } = await openVisit());
  });
  end(async () => {
    const errors = opened.flatMap((one) => [...(one.watch?.errors ?? [])]);
    await closeAll();
    if (!mayFail) assert.deepEqual(errors, [], 'nothing went wrong on the page');
  });
}

async function closeAll() {
  await Promise.all(opened.splice(0).map(({ close }) => close()));
}

/** In a test that breaks something on purpose: browsers tell of that on the console. */
export function expectErrors() {
  mayFail = true;
}

/**
 * Another site, closed with the test's own.
 * @param {Parameters<typeof serveSite>[0]} [options]
 */
export async function openSite(options) {
  const other = await serveSite(options);
  opened.push(other);
  return other;
}

/**
 * Another visitor, who has kept nothing of earlier visits; closed like the first one.
 * @param {import('playwright-core').Browser} [own]
 * @param {import('playwright-core').BrowserContextOptions} [device]
 */
export async function openVisit(own = browser, device) {
  const visit = await openPage(own, device);
  opened.push(visit);
  return visit;
}

/**
 * Puts a page of somebody else on the site, and gives its address.
 * @param {string} body
 * @param {Record<string, string>} [headers]
 */
export function serveBody(body, headers) {
  const html = `<!doctype html><html lang="en"><title>fixture</title><link rel="icon" href="data:,"><body>${body}`;
  site.faults.set('fixture.html', (response) => response.writeHead(200, { 'Content-Type': 'text/html', ...headers }).end(html));
  return `${site.url}fixture.html`;
}

/** The element's module, in the body of such a page. */
export const MODULE = '<script type="module" src="pixel-rnn.js"></script>';

/**
 * Opens such a page, with the element's module.
 * @param {string} body
 */
export async function openBody(body) {
  await page.goto(serveBody(body + MODULE));
}
