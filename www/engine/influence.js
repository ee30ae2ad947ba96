/** How far flipped pixels move distributions: what the engine asks the worker, and what it is told meanwhile. */

/** @typedef {import('../shared/protocol.js').Ask} Ask */

/**
 * @param {Ask} ask
 * @param {Pick<import('../shared/protocol.js').InfluenceRequest, "question" | "threads">} how
 * @param {import('../engine.js').PixelOptions} options
 * @param {(reply: import('../shared/protocol.js').FlippedReply) => void} [onFlipped]
 * @returns {Promise<import('../shared/protocol.js').InfluencedReply>}
 */
export function influence(ask, how, { model, levels, y, x, signal }, onFlipped) {
  // A worker that was started anew tells of rows again.
  let told = Infinity;
  const onReply = (/** @type {import('../shared/protocol.js').Reply} */ reply) => {
    if (reply.type !== 'flipped' || reply.y >= told) return;
    told = reply.y;
    onFlipped?.(reply);
  };
  return ask(model, { type: 'influence', levels, y, x, ...how }, { signal, onReply });
}

/**
 * How far each pixel moves each.
 * @param {Ask} ask
 * @param {number} threads
 * @param {import('../engine.js').InfluenceMapOptions} options
 * @param {number} height  of the image
 * @returns {Promise<import('../engine.js').InfluenceMap>}
 */
export async function influenceMap(ask, threads, options, height) {
  // The images of row y have the rows from there on to be drawn.
  const rows = (/** @type {number} */ y) => ((height - y) * (height - y + 1)) / 2;
  const onFlipped = (/** @type {{ y: number }} */ { y }) => options.onProgress?.(rows(y), rows(0));
  const { effects, mean } = await influence(ask, { question: 'all', threads }, { ...options, y: 0, x: 0 }, onFlipped);
  return { effects, mean: mean ?? new Float32Array() };
}
