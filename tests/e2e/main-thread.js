/**
 * How long the tasks of a page's main thread take, in processor time: what other programs take from the machine does not count.
 */

/**
 * @typedef {object} Task
 * @property {number} at  milliseconds after the first contentful paint
 * @property {number} ms  of the processor
 */

/**
 * The tasks of the page that was visited last while `visit` ran, from the first one after its first paint on.
 * @param {import('playwright-core').Browser} browser
 * @param {() => Promise<unknown>} visit  goes to a page, and evaluates nothing on it: that would be measured too
 * @returns {Promise<Task[]>}
 */
export async function tasksDuring(browser, visit) {
  await browser.startTracing(undefined, { categories: ['toplevel', 'loading'] });
  await visit();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const painted = traceEvents.filter(({ name }) => name === 'firstContentfulPaint').pop();
  const ofPage = traceEvents.filter(({ name, ph, pid, tid, ts }) => name === 'ThreadControllerImpl::RunTask' && ph === 'X' && pid === painted.pid && tid === painted.tid && ts > painted.ts);
  return ofPage.map(({ ts, tdur }) => ({ at: (ts - painted.ts) / 1000, ms: tdur / 1000 }));
}
