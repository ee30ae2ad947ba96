/**
 * How long the tasks of a page's main thread take, in processor time: what other programs take from the machine does not count,
 * but for what they push out of its caches, which a yardstick tells.
 */

/** Numbers of the yardstick, 1 MB: what a core keeps near it. */
const LENGTH = 2 ** 18;
const EVERY_MS = 30;

/**
 * @typedef {object} Visit
 * @property {Array<{ at: number, ms: number }>} tasks  from the first contentful paint on: milliseconds after it, and of the processor
 * @property {number} slowdown  how many times longer than at its fastest a piece of work took meanwhile, of the processor too
 */

/**
 * What a page does while `visit` runs.
 * @param {import('playwright-core').Browser} browser
 * @param {() => Promise<unknown>} visit  goes to a page, and evaluates nothing on it: that would be measured too
 * @returns {Promise<Visit>}
 */
export async function tasksDuring(browser, visit) {
  await browser.startTracing(undefined, { categories: ['disabled-by-default-devtools.timeline', 'loading'] });
  /** @type {number[]} */
  const times = [];
  const measuring = setInterval(() => times.push(walk()), EVERY_MS);
  try {
    await visit();
  } finally {
    clearInterval(measuring);
  }
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const painted = traceEvents.filter(({ name }) => name === 'firstContentfulPaint').pop();
  const ofPage = traceEvents.filter(({ name, pid, tid, ts }) => name === 'RunTask' && pid === painted.pid && tid === painted.tid && ts > painted.ts);
  times.sort((one, other) => one - other);
  const tasks = ofPage.map(({ ts, tdur }) => ({ at: (ts - painted.ts) / 1000, ms: tdur / 1000 }));
  return { tasks, slowdown: times[times.length >> 1] / fastest };
}

/** Where the walk goes from each place: through all of them, in no order that a processor could guess. */
const next = new Int32Array(LENGTH);
{
  const places = Int32Array.from({ length: LENGTH }, (_, at) => at);
  for (let at = LENGTH - 1, random = 1; at > 0; at--) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const other = random % (at + 1);
    [places[at], places[other]] = [places[other], places[at]];
  }
  places.forEach((place, at) => (next[place] = places[(at + 1) % LENGTH]));
}

let fastest = Infinity;

/** Milliseconds of the processor for a walk. */
function walk() {
  const before = process.cpuUsage();
  for (let step = 0, place = 0; step < LENGTH / 4; step++) place = next[place];
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  fastest = Math.min(fastest, ms);
  return ms;
}
