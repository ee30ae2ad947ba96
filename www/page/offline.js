/**
 * "Keep for offline use": the visitor's own decision, and taken back with the same button. Nothing is registered, and nothing
 * kept, before it; where the browser has no service worker, or the page is not that of `make dist`, nothing is offered.
 */

/** How the names begin of what the service worker keeps, a version each; the folder of the page follows. */
const PAGES = 'pixelrnn page';

/** What a policy with `require-trusted-types-for` must let through: this one script. */
const POLICY = 'pixel-rnn-offline';

/**
 * @param {HTMLElement} part  with a button and a line of text; `data-bytes` says how much is to be fetched, `data-set` whose networks
 */
export async function offerOffline(part) {
  const { bytes, set } = part.dataset;
  const workers = bytes ? serviceWorkers() : null;
  if (!workers) return;
  const script = new URL('service-worker.js', document.baseURI).href;
  const scope = new URL('.', script).href;
  const registered = async () => (await workers.getRegistrations()).find((one) => one.scope === scope);
  const scriptOf = (/** @type {ServiceWorkerRegistration} */ one) => (one.active ?? one.waiting ?? one.installing)?.scriptURL;
  const before = await registered().catch(() => undefined);
  // The site has one of its own for this folder.
  if (before && scriptOf(before) !== script) return;

  const button = /** @type {HTMLButtonElement} */ (part.querySelector('button'));
  const said = /** @type {HTMLElement} */ (part.querySelector('p'));
  const offer = `${Math.ceil(Number(bytes) / 1000).toLocaleString('en')} kB: this page and the networks of “${set}”. Others are kept when you draw with them.`;
  let isKept = false;
  const show = (/** @type {boolean} */ now, /** @type {string} */ text) => {
    isKept = now;
    button.textContent = now ? 'Remove what is kept' : 'Keep for offline use';
    said.textContent = text;
  };
  const KEPT = 'Kept on this device: the page opens and draws without a connection.';
  show(Boolean(before) && (await isThere(scope)), '');
  said.textContent = isKept ? KEPT : offer;
  part.hidden = false;

  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    try {
      if (isKept) {
        await remove(scope, await registered());
        show(false, `Removed. ${offer}`);
      } else {
        said.textContent = 'Fetching what is to be kept…';
        await keep(await workers.register(allowed(script), { updateViaCache: 'none' }));
        show(true, KEPT);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!isKept) await remove(scope, await registered()).catch(() => {});
      said.textContent = isKept ? `Not everything could be removed: ${why}` : `Nothing was kept: ${why}`;
    }
    button.removeAttribute('aria-disabled');
  });
}

/** None in old browsers, pages without a secure address, and frames in a sandbox. */
function serviceWorkers() {
  try {
    return navigator.serviceWorker ?? null;
  } catch {
    return null;
  }
}

/** Whether a page is kept, of whatever version. @param {string} scope */
async function isThere(scope) {
  return (await caches.keys()).some((name) => name.startsWith(`${PAGES} ${scope} `));
}

/** Made once: a second one of the name is refused. @type {any} */
let policy = null;

/**
 * The address as a page with `require-trusted-types-for` takes it.
 * @param {string} script
 * @returns {string}
 */
function allowed(script) {
  try {
    policy ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy(POLICY, { createScriptURL: () => script });
  } catch (cause) {
    throw new Error(`the page's Content-Security-Policy must have ${POLICY} in its trusted-types.`, { cause });
  }
  return policy ? policy.createScriptURL(script) : script;
}

/** Waits until everything is kept; an error in one sentence where it is not. @param {ServiceWorkerRegistration} registration */
async function keep(registration) {
  const worker = await active(registration);
  const { port1, port2 } = new MessageChannel();
  const fault = await new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage('keep', [port2]);
  });
  port1.close();
  if (fault) throw new Error(fault);
}

/** @param {ServiceWorkerRegistration} registration @returns {Promise<ServiceWorker>} */
function active({ active, waiting, installing }) {
  const worker = active ?? waiting ?? installing;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker?.state === 'activated') resolve(worker);
      else if (!worker || worker.state === 'redundant') reject(new Error('the browser did not start its service worker.'));
    };
    worker?.addEventListener('statechange', look);
    look();
  });
}

/** @param {string} scope @param {ServiceWorkerRegistration} [registration] */
async function remove(scope, registration) {
  await registration?.unregister();
  const names = (await caches.keys()).filter((name) => name.startsWith(`${PAGES} ${scope} `));
  await Promise.all(names.map((name) => caches.delete(name)));
  const weights = await caches.open('pixelrnn-weights');
  const own = (await weights.keys()).filter(({ url }) => url.startsWith(`${scope}models/`));
  await Promise.all(own.map((request) => weights.delete(request)));
}
