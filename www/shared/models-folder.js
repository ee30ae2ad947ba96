/**
 * Where the weights are, their list and what belongs to them: beside this folder or, in what `scripts/dist.sh` makes,
 * beside the folder of all modules (`scripts/dist-layout.mjs` changes the line below).
 */

const FOLDER = new URL('../models/', import.meta.url);

/**
 * The address of a file. With the sum of its content it is one that no older file has, in whatever cache.
 * @param {string} file
 * @param {string} [sha256]
 */
export function modelUrl(file, sha256) {
  const url = new URL(file, FOLDER);
  if (sha256) url.searchParams.set('sha256', sha256);
  return url.href;
}
