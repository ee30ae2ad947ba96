/**
 * Starts the worker's script, that of another origin too. A browser refuses a worker whose script is not of the page's own
 * origin: where the element comes from another host, or the page is a frame in a sandbox, which has no origin. There,
 * and only there, the worker begins with a line of the page's own that imports the script, which the server must allow
 * as it did for this module. Inside the script `import.meta.url` is its own address, so that all else is found as ever.
 */

import { isForeign, refusal, refusedByPolicy } from '../shared/fetching.js';

const SCRIPT = new URL('./worker.js', import.meta.url);

/**
 * @param {string} role  what tools that list workers call it
 */
export function startWorker(role) {
  const hash = role && `#${role}`;
  return isForeign(SCRIPT) ? new Worker(importerUrl() + hash) : new Worker(SCRIPT.href + hash, { type: 'module' });
}

/** Why a worker ended, as far as that is known, in one sentence. */
export async function startFault() {
  const failed = 'The worker that draws could not be started';
  const foreign = isForeign(SCRIPT);
  if (refusedByPolicy(foreign ? 'blob' : SCRIPT.href)) {
    const why = foreign ? `, because its script is of another origin, ${SCRIPT.origin}` : '';
    return `${failed}: the page's Content-Security-Policy forbids it, and must have ${foreign ? 'blob:' : "'self'"} in its worker-src${why}.`;
  }
  const reason = await refusal(SCRIPT);
  return `${failed}${reason && `: worker.js could not be fetched, ${reason}`}.`;
}

/** Kept as long as the page: a line, from which every further worker begins. */
let importer = '';

/**
 * A classic script, because Chromium starts no module from a blob in a frame without an origin. It keeps the messages that
 * come before the imported script hears them.
 */
function importerUrl() {
  importer ||= URL.createObjectURL(new Blob([`
    const early = [];
    onmessage = (event) => early.push(event);
    import(${JSON.stringify(SCRIPT.href)}).then(() => early.forEach((event) => onmessage(event)), reportError);
  `], { type: 'text/javascript' }));
  return importer;
}
