/**
 * What is done to the network's distributions before levels are drawn of them, as every sampler has it. First the temperature; then
 * the likeliest levels are kept, so many of them (top-k), and of these the fewest likeliest that have this share of their
 * probability (top-p). The others are cut off; what is kept is drawn in proportion.
 */

/**
 * @typedef {object} Sharpening
 * @property {number} temperature
 * @property {number} [topK]  without it, all levels
 * @property {number} [topP]  without it, the whole of their probability
 */

/**
 * It alone, of whatever else it stands among, and as a network takes it: all the levels that it has, or more, are no choice of some.
 * @param {{ temperature: number, topK?: number | null, topP?: number }} settings
 * @param {number} [levels]
 * @returns {Sharpening}
 */
export function sharpeningOf({ temperature, topK, topP }, levels = Infinity) {
  return { temperature, ...(topK && topK < levels && { topK }), ...(topP && topP < 1 && { topP }) };
}

/**
 * Which levels are kept, 1 each; null where all are. Of equally likely ones the lower is.
 * @param {Float64Array} probabilities  at the temperature
 * @param {Sharpening} sharpening
 */
export function keptOf(probabilities, { topK, topP }) {
  if (!topK && !topP) return null;
  const likeliest = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b).slice(0, topK);
  // The samplers know the share as a number of 32 bits.
  const enough = topP ? Math.fround(topP) * likeliest.reduce((sum, level) => sum + probabilities[level], 0) : Infinity;
  const kept = new Uint8Array(probabilities.length);
  let sum = 0;
  for (const level of likeliest) {
    if (sum >= enough) break;
    kept[level] = 1;
    sum += probabilities[level];
  }
  return kept.includes(0) ? kept : null;
}

/**
 * How likely each level is to be drawn.
 * @param {Float64Array} probabilities  at the temperature
 * @param {Uint8Array | null} kept
 */
export function drawnFrom(probabilities, kept) {
  if (!kept) return probabilities;
  const all = probabilities.reduce((sum, p, level) => sum + kept[level] * p, 0);
  return probabilities.map((p, level) => (kept[level] * p) / all);
}
