/**
 * Fetches files, and says why where that fails. A script is told only that it did; whether nobody answered, the page's
 * policy forbade it, or a server of another origin did not allow it, has to be found out.
 */

/** Addresses that the page's policy has refused. @type {Set<string>} */
const refused = new Set();
globalThis.addEventListener?.('securitypolicyviolation', ({ blockedURI }) => refused.add(blockedURI));

/**
 * Whether the page's policy has refused an address; that of a blob is `blob`.
 * @param {string} address
 */
export function refusedByPolicy(address) {
  return refused.has(address);
}

/**
 * Whether a file is of another origin than the page, which in a sandboxed frame has none.
 * @param {string | URL} url
 */
export function isForeign(url) {
  return new URL(url).origin !== globalThis.origin;
}

/**
 * The answer of a server that has the file; an error in one sentence where there is none.
 * @param {string | URL} url
 * @param {string} name  of the file, in that sentence
 * @param {RequestInit} [options]
 */
export async function fetchFile(url, name, options) {
  const response = await fetch(url, options).catch(async (cause) => {
    options?.signal?.throwIfAborted();
    throw new Error(`${name} could not be fetched: ${(await refusal(url)) || 'the server did not answer'}.`, { cause });
  });
  // It may be an answer from before the file was there, out of the browser's cache.
  if (!response.ok && options?.cache !== 'reload') return fetchFile(url, name, { ...options, cache: 'reload' });
  if (!response.ok) throw new Error(`${name} could not be fetched: ${statusOf(response)}.`);
  return response;
}

/**
 * Why a file was not had, or nothing where it is had now.
 * @param {string | URL} url
 */
export async function refusal(url) {
  const { href, origin } = new URL(url);
  const ask = (/** @type {RequestMode} */ mode) => fetch(href, { method: 'HEAD', mode, cache: 'no-store' }).catch(() => null);
  const answer = await ask('cors');
  if (answer) return answer.ok ? '' : statusOf(answer);
  // Asked so, a server of another origin answers whether it allows the page or not; nobody is told what.
  if (isForeign(href) && (await ask('no-cors'))) {
    return `${origin} does not send the header "Access-Control-Allow-Origin: *", which pages of another origin need`;
  }
  // The violation is told after the failure.
  await new Promise((resolve) => setTimeout(resolve));
  if (refusedByPolicy(href)) return `the page's Content-Security-Policy forbids it, and must have ${origin} in its connect-src`;
  return 'the server did not answer';
}

/**
 * What a server gave in place of a file, where that can be told from its beginning; an empty text where not.
 * @param {string} beginning
 */
export function mistaken(beginning) {
  if (beginning.startsWith('version https://git-lfs')) return 'the server has a Git LFS pointer in its place, and must be given the file itself, which "git lfs pull" fetches';
  if (/^\s*<(!doctype|html|head|\?xml)/i.test(beginning)) return 'the server gave a web page in its place';
  return '';
}

/** @param {Response} response */
function statusOf({ status }) {
  return `the server answered ${status}`;
}
