/**
 * What a visitor set for this device, and not for those who get a link. A browser may keep nothing.
 */

const PREFIX = 'pixelrnn ';

/** @param {string} name */
export function keptOnDevice(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function keepOnDevice(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Then it holds for this visit.
  }
}
