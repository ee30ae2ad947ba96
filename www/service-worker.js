/**
 * Serves what a visitor has asked the page to keep for offline use; the page alone registers it (`page/offline.js`). `make dist` writes
 * into the line below what there is to keep: sources that are being worked on are kept nowhere.
 *
 * Never old and new files together: what is in the folder of modules is named by its content, every file is kept only if its content
 * is that of one list, and what is in no such folder comes from the network as long as there is one.
 */

/**
 * @typedef {{ path: string, sha256: string }} KeptFile  its path below the page's folder
 * @typedef {object} Kept
 * @property {string} version    of everything that is kept
 * @property {string} folder     of the modules
 * @property {KeptFile[]} files  that the page needs
 * @property {KeptFile[]} first  weights that are kept with the page
 * @property {string[]} weights  sums of all weights on offer
 */

const KEPT = /** @type {Kept} */ ({ version: '', folder: '', files: [], first: [], weights: [] });

/** The type library of pages has no workers. */
const worker = /** @type {any} */ (self);
/** @type {string} */
const scope = worker.registration.scope;
const PAGES = `pixelrnn page ${scope} `;
const PAGE = PAGES + KEPT.version;
/** That of the worker that draws (`worker/weights.js`), which checks what it finds there and keeps what it draws with. */
const WEIGHTS = 'pixelrnn-weights';
const listed = new Set(KEPT.files.map(({ path }) => addressOf(path)));

/** A file in a folder that is named by its content. */
const MODULE = /^[0-9a-f]{16}\//;

/** @param {string} path */
function addressOf(path) {
  return new URL(path, scope).href;
}

/** @param {KeptFile} file */
function weightsAddress({ path, sha256 }) {
  return `${addressOf(path)}?sha256=${sha256}`;
}

/**
 * Keeps an answer if it is the file that is meant; an error in one sentence where not.
 * @param {string} name  of the cache
 * @param {string} address
 * @param {Response} answer
 * @param {string} sha256
 */
async function keepAnswer(name, address, answer, sha256) {
  if (!answer.ok) throw new Error(`${address} could not be fetched: the server answered ${answer.status}.`);
  const bytes = await answer.arrayBuffer();
  const sum = [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (sum !== sha256) throw new Error(`${address} is not the file that belongs to this version of the page; try again in ten minutes.`);
  const headers = new Headers(answer.headers);
  // Of what was sent, not of what is kept.
  for (const header of ['Content-Encoding', 'Content-Length']) headers.delete(header);
  // An answer of its own: one that was redirected would be no answer to a visit.
  await (await caches.open(name)).put(address, new Response(bytes, { headers }));
}

/**
 * @param {string} name  of the cache
 * @param {string} address
 * @param {string} sha256
 */
async function keepFile(name, address, sha256) {
  if (await kept(name, address)) return;
  await keepAnswer(name, address, await fetch(address, { cache: 'no-cache' }), sha256);
}

/** Everything of this version, or nothing; and the first weights, if there is room for them. */
async function keepAll() {
  const ends = await Promise.allSettled(KEPT.files.map(({ path, sha256 }) => keepFile(PAGE, addressOf(path), sha256)));
  const failed = ends.find(({ status }) => status === 'rejected');
  if (failed) {
    await caches.delete(PAGE);
    throw /** @type {PromiseRejectedResult} */ (failed).reason;
  }
  await Promise.allSettled(KEPT.first.map((file) => keepFile(WEIGHTS, weightsAddress(file), file.sha256)));
}

/** An update keeps its files before it takes over, where the version before had kept its own. */
async function install() {
  const names = await caches.keys();
  if (names.some((name) => name.startsWith(PAGES))) await keepAll();
  await worker.skipWaiting();
}

/** Takes over from the version before, of which pages may still be open: their modules stay until the next update. */
async function activate() {
  const before = (await caches.keys()).filter((name) => name.startsWith(PAGES) && name !== PAGE);
  await Promise.all(before.slice(0, -1).map((name) => caches.delete(name)));
  const weights = await caches.open(WEIGHTS);
  const gone = (await weights.keys()).filter(({ url }) => url.startsWith(addressOf('models/')) && !KEPT.weights.some((sum) => url.endsWith(`?sha256=${sum}`)));
  await Promise.all(gone.map((request) => weights.delete(request)));
  await worker.clients.claim();
}

/**
 * @param {string} name  of the cache
 * @param {string} address
 * @returns {Promise<Response | undefined>}
 */
async function kept(name, address) {
  // Not made by looking into it.
  return (await caches.has(name)) ? (await caches.open(name)).match(address, { ignoreVary: true }) : undefined;
}

/**
 * What is named by its content: of whatever version that is kept, or from the network.
 * @param {Request} request
 * @param {string} address
 */
async function answerModule(request, address) {
  for (const name of await caches.keys()) {
    const there = name.startsWith(PAGES) && (await kept(name, address));
    if (there) return there;
  }
  return fetch(request);
}

/**
 * What may be another file tomorrow: from the network, or as it was kept.
 * @param {Request} request
 * @param {string} address
 */
async function answerPage(request, address) {
  return fetch(request).catch(async (error) => {
    const there = await kept(PAGE, address);
    if (there) return there;
    throw error;
  });
}

worker.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(activate()));

// The page asks for everything to be kept, and is answered with what stood against it.
worker.addEventListener('message', (/** @type {any} */ event) => {
  const [port] = event.ports;
  event.waitUntil(keepAll().then(() => port.postMessage(''), (error) => port.postMessage(String(error.message))));
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method !== 'GET') return;
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  const file = address === scope ? addressOf('index.html') : address;
  if (file.startsWith(scope) && MODULE.test(file.slice(scope.length))) event.respondWith(answerModule(event.request, file));
  else if (listed.has(file)) event.respondWith(answerPage(event.request, file));
});
