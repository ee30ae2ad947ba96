/**
 * Gives the visitor a file.
 */

/** Until a browser has surely taken it. */
const KEPT_MS = 10_000;

/**
 * @param {string} name
 * @param {Blob} content
 */
export function saveFile(name, content) {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(content);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
