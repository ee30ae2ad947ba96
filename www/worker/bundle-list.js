/**
 * The list of the bundles, `pkg/index.json`. Where the page is served from its sources, that of the GPU may be built while the page
 * is in use. In the npm package another module stands in the place of this one (`scripts/npm-layout.mjs`), which has the list in it.
 */

/** @typedef {{ bytes: number, gzip: number }} Size */

/**
 * Sizes of the bundles; null where there is no list.
 * @param {RequestCache} cache
 * @returns {Promise<{ cpu?: Size | null, gpu?: Size | null } | null>}
 */
export async function bundleList(cache) {
  try {
    const response = await fetch(new URL('../pkg/index.json', import.meta.url), { cache });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
