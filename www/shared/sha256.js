/** The sum that tells one content from all others. */

/**
 * In hexadecimal; empty on pages that are not served securely, which have no `crypto.subtle`.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function sha256Of(bytes) {
  if (!globalThis.crypto?.subtle) return '';
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
