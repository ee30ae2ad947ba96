/**
 * Starts the worker's script, that of another origin too. A browser refuses a worker whose script is not of the page's own
 * origin: where the element comes from another host, or the page is a frame in a sandbox, which has no origin. There,
 * and only there, the worker begins with a line of the page's own that imports the script, which the server must allow
 * as it did for this module. Inside the script `import.meta.url` is its own address, so that all else is found as ever.
 */

import { isForeign, refusal, refusedByPolicy } from '../shared/fetching.js';
import { workerScript } from './worker-script.js';

const FAILED = 'The worker that draws could not be started';

/**
 * The part of trusted types used here; the type library has none.
 * @typedef {{ createScriptURL(address: string): object }} Policy
 * @typedef {{ createPolicy(name: string, rules: { createScriptURL(address: string): string }): Policy }} PolicyFactory
 */

/** What a page with `require-trusted-types-for` must have in its `trusted-types`. */
const POLICY = 'pixel-rnn';

/** Where a page wants trusted types: made at the first worker, and lets nothing through but that one script. @type {Policy | null} */
let policy = null;
let policyRefused = false;

/**
 * @param {string} role  what tools that list workers call it
 */
export function startWorker(role) {
  const hash = role && `#${role}`;
  const { url, options } = workerScript();
  const foreign = isForeign(url);
  const address = trusted((foreign ? importerUrl(url) : url.href) + hash);
  try {
    return foreign ? new Worker(address) : new Worker(address, options);
  } catch (cause) {
    throw policyRefused ? new Error(`${FAILED}: the page's Content-Security-Policy forbids it, and must have ${POLICY} in its trusted-types.`, { cause }) : cause;
  }
}

/**
 * An address as `new Worker` takes it under `require-trusted-types-for`. Without that, a policy that could not be made is none missed.
 * @param {string} address
 */
function trusted(address) {
  const { trustedTypes } = /** @type {{ trustedTypes?: PolicyFactory }} */ (globalThis);
  try {
    policy ??= trustedTypes?.createPolicy(POLICY, { createScriptURL }) ?? null;
  } catch {
    policyRefused = true;
  }
  // The type library knows no worker that takes one.
  return policy ? /** @type {string} */ (/** @type {unknown} */ (policy.createScriptURL(address))) : address;
}

/** @param {string} address */
function createScriptURL(address) {
  const [script] = address.split('#');
  const { url } = workerScript();
  if (script !== url.href && script !== importer) throw new TypeError(`The policy ${POLICY} is for ${url.href} alone, not for ${address}.`);
  return address;
}

/** Why a worker ended, as far as that is known, in one sentence. */
export async function startFault() {
  const { url } = workerScript();
  const foreign = isForeign(url);
  if (refusedByPolicy(foreign ? 'blob' : url.href)) {
    const why = foreign ? `, because its script is of another origin, ${url.origin}` : '';
    return `${FAILED}: the page's Content-Security-Policy forbids it, and must have ${foreign ? 'blob:' : "'self'"} in its worker-src${why}.`;
  }
  const reason = await refusal(url);
  return `${FAILED}${reason && `: worker.js could not be fetched, ${reason}`}.`;
}

/** Kept as long as the page: a line, from which every further worker begins. */
let importer = '';

/**
 * A classic script, because Chromium starts no module from a blob in a frame without an origin. It keeps the messages that
 * come before the imported script hears them.
 * @param {URL} url
 */
function importerUrl(url) {
  importer ||= URL.createObjectURL(new Blob([`
    const early = [];
    onmessage = (event) => early.push(event);
    import(${JSON.stringify(url.href)}).then(() => early.forEach((event) => onmessage(event)), reportError);
  `], { type: 'text/javascript' }));
  return importer;
}
