/**
 * Colours for numbers. The style sheet has the six steps of each ramp, for light and dark pages.
 */

/** More bits than these look the same. */
export const MOST_BITS = 8;

/** Effects below this share look like it. */
export const LEAST_EFFECT = 1e-4;

/** Colours between two steps. */
const FINENESS = 32;

const darkness = globalThis.matchMedia?.('(prefers-color-scheme: dark)');

/** By name and by whether the page is dark. @type {Map<string, number[][]>} */
const ramps = new Map();

/**
 * The colour of a value that cost so many bits, as RGBA. Equal steps of the ramp are equal steps of the root: most values cost
 * next to nothing.
 * @param {number} bits
 */
export function bitsColour(bits) {
  return colourAt('bits', Math.sqrt(Math.min(bits, MOST_BITS) / MOST_BITS));
}

/**
 * The colour of an effect between 0 and 1, as RGBA. Equal steps of the ramp are equal factors: most effects are small.
 * @param {number} effect
 */
export function influenceColour(effect) {
  return colourAt('influence', effect > 0 ? 1 + Math.max(Math.log10(effect) / -Math.log10(LEAST_EFFECT), -0.95) : 0);
}

/**
 * @param {string} name  of the ramp
 * @param {number} share  0 to 1
 */
function colourAt(name, share) {
  const dark = darkness.matches;
  let ramp = ramps.get(`${name} ${dark}`);
  if (!ramp) ramps.set(`${name} ${dark}`, (ramp = readRamp(name)));
  return ramp[Math.round(Math.min(Math.max(share, 0), 1) * (ramp.length - 1))];
}

/**
 * The steps, and the colours between them.
 * @param {string} name
 */
function readRamp(name) {
  const style = getComputedStyle(document.documentElement);
  const steps = [0, 1, 2, 3, 4, 5].map((step) => {
    const [, hex] = /#([0-9a-f]{6})/.exec(style.getPropertyValue(`--${name}-${step}`)) ?? ['', '000000'];
    return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  });
  return Array.from({ length: (steps.length - 1) * FINENESS + 1 }, (_, at) => {
    const step = Math.min(Math.floor(at / FINENESS), steps.length - 2);
    const share = at / FINENESS - step;
    return [...steps[step].map((from, colour) => Math.round(from + share * (steps[step + 1][colour] - from))), 255];
  });
}
