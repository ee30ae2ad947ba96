/**
 * Numbers as people read them.
 */

/**
 * A whole number with separators. (`Intl` costs a slow phone a noticeable part of its start.)
 * @param {number} value
 */
export function formatCount(value) {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/**
 * A duration with about three digits and its unit.
 * @param {number} ms
 */
export function formatDuration(ms) {
  if (ms >= 100_000) return `${(ms / 60_000).toFixed(1)} min`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 0.1) return `${(1000 * ms).toFixed(1)} µs`;
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/**
 * A download's size.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1000)} kB`;
}

/**
 * Whether a value is ink or paper, and nothing between or beside them.
 * @param {{ channels: number, levels: number }} info
 */
export function isInk({ channels, levels }) {
  return channels === 1 && levels === 2;
}

/**
 * How surprised a network is by an image: in nats where a value is ink or paper, else in bits for each value.
 * @param {number} nats  -ln p of the image
 * @param {{ width: number, height: number, channels: number, levels: number }} info
 */
export function formatLikelihood(nats, info) {
  const { width, height, channels } = info;
  if (isInk(info)) return `−ln p: ${nats.toFixed(2)} nats an image`;
  return `−log₂ p: ${(nats / Math.LN2 / (width * height * channels)).toFixed(2)} bits per dimension`;
}
