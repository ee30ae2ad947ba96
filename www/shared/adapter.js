/**
 * What this browser's WebGPU is, in a name or in one sentence. Never called where a page asks for
 * the CPU.
 */

/**
 * @typedef {object} AdapterReport
 * @property {boolean} present
 * @property {string} name      empty without an adapter
 * @property {boolean} software a software adapter: correct, and slower than the CPU sampler
 * @property {string} reason    why there is none, one sentence; empty with an adapter
 */

/** What the samplers open: what is said of an adapter must be of the one that draws. */
const WANTED = Object.freeze({ powerPreference: 'high-performance' });

/** @type {Promise<AdapterReport> | null} */
let report = null;

/**
 * Asks for an adapter until there is one: a browser that has just started, or whose driver is being replaced,
 * may offer none now and one later.
 * @returns {Promise<AdapterReport>}
 */
export function findAdapter() {
  report ??= probe().then((found) => {
    if (!found.present) report = null;
    return found;
  });
  return report;
}

/** @returns {Promise<AdapterReport>} */
async function probe() {
  try {
    const gpu = /** @type {{ gpu?: { requestAdapter(options: typeof WANTED): Promise<any> } }} */ (/** @type {unknown} */ (navigator)).gpu;
    if (!gpu) return absent(globalThis.isSecureContext === false ? 'WebGPU needs a secure page (https or localhost).' : 'This browser has no WebGPU.');
    const adapter = await gpu.requestAdapter(WANTED);
    if (!adapter) return absent('This browser has WebGPU but offers no adapter.');
    const info = adapter.info ?? {};
    const software = Boolean(info.isFallbackAdapter ?? adapter.isFallbackAdapter) || /swiftshader|llvmpipe/i.test(adapterName(info));
    return { present: true, name: adapterName(info), software, reason: '' };
  } catch {
    return absent('This browser has WebGPU but refused an adapter.');
  }
}

/**
 * @param {string} reason
 * @returns {AdapterReport}
 */
function absent(reason) {
  return { present: false, name: '', software: false, reason };
}

/**
 * The most telling name an adapter gives itself.
 * @param {{ vendor?: string, architecture?: string, description?: string }} info
 */
function adapterName({ vendor, architecture, description }) {
  return description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
}
