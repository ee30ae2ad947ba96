/**
 * The lines that the programs of the ladder print, gathered: what was measured, of which network, on which machine.
 */

/**
 * The ways to draw, slowest kind first, in the order of the table: how they are called and which kind they are.
 * @typedef {"naive" | "peer" | "cached" | "fused"} Kind
 * @type {Array<{ key: string, label: string, kind: Kind }>}
 */
export const WAYS = [
  { key: 'native naive', label: 'naive burn', kind: 'naive' },
  { key: 'native naive-gpu', label: 'naive burn, GPU', kind: 'naive' },
  { key: 'chromium naive', label: 'naive burn, Chromium', kind: 'naive' },
  { key: 'native pytorch', label: 'PyTorch, CPU', kind: 'peer' },
  { key: 'native onnxruntime', label: 'onnxruntime, CPU', kind: 'peer' },
  { key: 'chromium onnxruntime-web', label: 'onnxruntime-web, Chromium', kind: 'peer' },
  { key: 'chromium cached-1', label: 'cached, Chromium, 1 thread', kind: 'cached' },
  { key: 'chromium cached-all', label: 'cached, Chromium, workers', kind: 'cached' },
  { key: 'native cached-1', label: 'cached, 1 thread', kind: 'cached' },
  { key: 'native cached-all', label: 'cached, all threads', kind: 'cached' },
  { key: 'chromium fused', label: 'fused, Chromium, WebGPU', kind: 'fused' },
  { key: 'native fused', label: 'fused, GPU', kind: 'fused' },
];

/**
 * A cell of the table, its runs summed up.
 * @typedef {object} Cell
 * @property {string} key       of its way
 * @property {string} network
 * @property {number} batch
 * @property {boolean} scaled   from a part of a batch
 * @property {number} ms        an image, the median of the warm runs
 * @property {number} min_ms
 * @property {number} max_ms
 * @property {number} runs
 * @property {number} images_per_s
 * @property {number} pixels_per_s
 * @property {number | null} first_row_ms  of the whole batch, the median
 * @property {number | null} cold_ms       an image, in the first run of a process or page
 * @property {number | null} cold_first_row_ms
 * @property {number | null} gmac_per_s    needed multiplications, whatever a way does beyond them; cached and fused only
 * @property {number | null} of_peak       the part of one core's peak; native on one thread only
 * @property {Rates | null} rates          native fused only
 */

/**
 * What a cell comes to on the GPU, see `rates` of `src/cli/bench`.
 * @typedef {object} Rates
 * @property {number} us_per_stage
 * @property {number} gflop_per_s
 * @property {number} gb_per_s
 * @property {number | null} of_peak       the part of what the card can do, where that was told
 * @property {number | null} of_bandwidth
 */

/**
 * What the fused sampler asks of a GPU, see `Figures` of `src/sample/fused`.
 * @typedef {object} Gpu
 * @property {number} images_per_workgroup
 * @property {number} stages_per_pixel
 * @property {number} barriers_per_pixel
 * @property {number} bytes_read_per_pixel     of an image
 * @property {number} bytes_written_per_pixel
 * @property {number} bytes_per_image
 */

/**
 * @typedef {object} Gathered
 * @property {Cell[]} cells
 * @property {Array<{ key?: string, network?: string, batch?: number, why: string }>} missing
 * @property {Record<string, string | number>} about
 * @property {Record<string, number>} multiplications  by network
 * @property {Record<string, Record<string, Gpu>>} gpu  by network and batch, where it is known
 * @property {{ gmac_per_s: number, registers: string } | null} peak
 */

/**
 * @param {Array<Record<string, any>>} lines
 * @param {import('./chromium.mjs').Network[]} networks
 * @returns {Gathered}
 */
export function gather(lines, networks) {
  const of = (/** @type {string} */ kind) => lines.filter(({ line }) => line === kind);
  const peak = /** @type {Gathered["peak"]} */ (of('peak')[0] ?? null);
  const multiplications = Object.fromEntries(of('network').map((line) => [line.network, line.multiplications]));
  const gpu = Object.fromEntries(of('network').flatMap((line) => (line.gpu ? [[line.network, line.gpu]] : [])));
  const about = Object.fromEntries(of('about').map(({ key, value }) => [key, value]));
  const missing = of('missing').map(({ host, way, network, batch, why }) => ({ key: `${host} ${way}`.trim(), network, batch, why }));
  const cells = of('cell').map((line) => {
    const network = networks.find(({ id }) => id === line.network);
    if (!network) throw new Error(`networks.json has no network "${line.network}"`);
    return summary(line, network.config, multiplications[network.id] ?? null, peak);
  });
  return { cells, missing, about, multiplications, gpu, peak };
}

/**
 * @param {Record<string, any>} line
 * @param {Record<string, any>} config
 * @param {number | null} multiplications
 * @param {{ gmac_per_s: number } | null} peak
 * @returns {Cell}
 */
function summary(line, { width, height }, multiplications, peak) {
  const key = `${line.host} ${line.way}`;
  const ms = median(line.ms_per_image);
  const kind = WAYS.find((way) => way.key === key)?.kind;
  const counts = multiplications !== null && (kind === 'cached' || kind === 'fused');
  const gmac_per_s = counts ? multiplications / ms / 1e6 : null;
  const own_core = key === 'native cached-1' && gmac_per_s !== null && peak;
  return {
    key,
    network: line.network,
    batch: line.batch,
    scaled: line.share < 1,
    ms,
    min_ms: Math.min(...line.ms_per_image),
    max_ms: Math.max(...line.ms_per_image),
    runs: line.ms_per_image.length,
    images_per_s: 1e3 / ms,
    pixels_per_s: (width * height * 1e3) / ms,
    first_row_ms: line.first_row_ms.length ? median(line.first_row_ms) : null,
    cold_ms: line.cold_ms_per_image,
    cold_first_row_ms: line.cold_first_row_ms,
    gmac_per_s,
    of_peak: own_core ? gmac_per_s / peak.gmac_per_s : null,
    rates: line.rates ?? null,
  };
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
