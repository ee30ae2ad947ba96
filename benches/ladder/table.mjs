/**
 * The ladder as text: a header, one table, what is missing, and the ratios that the project holds itself to.
 */

import { WAYS } from './cells.mjs';

/** @typedef {import('./cells.mjs').Cell} Cell */
/** @typedef {import('./cells.mjs').Gathered} Gathered */
/** @typedef {import('./chromium.mjs').Network} Network */

const COLUMNS = ['way', 'batch', 'ms an image', 'min .. max', 'images/s', 'pixels/s', '1st row, ms', 'cold', 'its 1st row', 'GMAC/s', 'of peak'];
const WIDTHS = [28, 6, 14, 24, 10, 12, 12, 10, 12, 8, 8];

/**
 * @param {Gathered} gathered
 * @param {Network[]} networks
 */
export function tableOf(gathered, networks) {
  const { cells, about, peak, multiplications, gpu } = gathered;
  const lines = Object.entries(about).map(([key, value]) => `${key}: ${value}`);
  if (peak) lines.push(`peak of one core: ${peak.gmac_per_s.toFixed(1)} GMAC/s, products and sums apart, registers of ${peak.registers}`);
  lines.push('', '~ timed on a part of a batch and scaled up. An image is drawn from the request to its last row, the 1st row is of');
  lines.push('the whole batch. Cold: the first run of a process or page, ms an image. GMAC/s: multiplications an image needs.');
  lines.push('', row(COLUMNS));
  for (const { id, title } of networks) {
    const own = cells.filter(({ network }) => network === id);
    if (!own.length) continue;
    lines.push('', `${title}${multiplications[id] ? `: ${(multiplications[id] / 1e6).toFixed(1)} million multiplications an image` : ''}`);
    if (gpu[id]) lines.push(...gpuLines(gpu[id], own));
    for (const { key, label } of WAYS) {
      const ofWay = own.filter((cell) => cell.key === key).sort((a, b) => a.batch - b.batch);
      ofWay.forEach((cell, k) => lines.push(row([k ? '' : label, ...fields(cell)])));
    }
  }
  return lines.join('\n');
}

/**
 * What the fused sampler asks of a GPU at each batch, and what that came to by the measured time.
 * @param {Record<string, import('./cells.mjs').Gpu>} gpu
 * @param {Cell[]} cells
 */
function gpuLines(gpu, cells) {
  return Object.entries(gpu).map(([batch, figures]) => {
    const { images_per_workgroup: images, stages_per_pixel: stages, barriers_per_pixel: barriers } = figures;
    const cell = cells.find((cell) => cell.key === 'native fused' && cell.batch === Number(batch));
    const time = cell?.rates ? `; ${rateText(cell.rates)}` : '';
    const asked = `${stages} stages and ${barriers} barriers a pixel`;
    const bytes = `${digits(figures.bytes_read_per_pixel)} bytes read and ${digits(figures.bytes_written_per_pixel)} written`;
    const kept = `${digits(figures.bytes_per_image)} bytes an image`;
    return `on a GPU at batch ${batch}: ${images} images a workgroup, ${asked}, ${bytes} a pixel and image, ${kept}${time}`;
  });
}

/** @param {import('./cells.mjs').Rates} rates */
function rateText({ us_per_stage, gflop_per_s, gb_per_s, of_peak, of_bandwidth }) {
  const part = (/** @type {number | null} */ part) => (part === null ? '' : ` (${digits(part * 100)} % of the card's)`);
  return `${digits(us_per_stage)} µs a stage, ${digits(gflop_per_s)} GFLOP/s${part(of_peak)}, ${digits(gb_per_s)} GB/s of storage${part(of_bandwidth)}`;
}

/** @param {string[]} cells */
function row(cells) {
  return cells.map((cell, k) => (k ? cell.padStart(WIDTHS[k]) : cell.padEnd(WIDTHS[k]))).join('');
}

/** @param {Cell} cell */
function fields(cell) {
  const mark = cell.scaled ? '~' : '';
  const spread = cell.runs > 1 ? `${digits(cell.min_ms)} .. ${digits(cell.max_ms)}` : '1 run';
  return [
    String(cell.batch),
    mark + digits(cell.ms),
    spread,
    digits(cell.images_per_s),
    digits(cell.pixels_per_s),
    digits(cell.first_row_ms),
    digits(cell.cold_ms),
    digits(cell.cold_first_row_ms),
    digits(cell.gmac_per_s),
    cell.of_peak === null ? '-' : `${Math.round(cell.of_peak * 100)}%`,
  ];
}

/**
 * Two or three digits that count, whole numbers whole.
 * @param {number | null} value
 */
export function digits(value) {
  if (value === null) return '-';
  if (value > 0 && value < 0.1) return value.toPrecision(2);
  const places = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(places).replace(/\B(?=(\d{3})+$)/g, places ? '' : ',');
}

/**
 * Failures, those of one way with one reason in one line.
 * @param {Gathered} gathered
 */
export function missingOf({ missing }) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map();
  for (const { key, network, batch, why } of missing) {
    const label = WAYS.find((way) => way.key === key)?.label ?? key;
    const places = reasons.get(`${label}: ${why}`) ?? [];
    if (network) places.push(`${network} at ${batch}`);
    reasons.set(`${label}: ${why}`, places);
  }
  return [...reasons].map(([reason, places]) => `not measured: ${reason}${places.length ? ` (${places.join(', ')})` : ''}`);
}

/**
 * The targets, as ratios of cells of this run; pairs without both numbers are left out.
 * @param {Gathered} gathered
 * @param {Network[]} networks
 * @returns {Array<{ what: string, network: string, batch: number, ratio: number }>}
 */
export function ratiosOf({ cells, multiplications }, networks) {
  const find = (/** @type {string} */ key, /** @type {string} */ network, /** @type {number} */ batch) =>
    cells.find((cell) => cell.key === key && cell.network === network && cell.batch === batch);
  const ratios = [];
  const recurrent = networks.filter(({ config }) => config.network !== 'pixelcnn').map(({ id }) => id);
  const yardstick = networks.find(({ config }) => config.network === 'pixelcnn')?.id ?? '';
  const batches = [...new Set(cells.map(({ batch }) => batch))].sort((a, b) => a - b);
  for (const [key, label] of [['native cached-1', 'native 1 thread'], ['chromium cached-1', 'Chromium']]) {
    for (const id of recurrent) {
      for (const batch of batches) {
        const [cell, other] = [find(key, id, batch), find(key, yardstick, batch)];
        if (!cell || !other) continue;
        const ratio = cell.ms / multiplications[id] / (other.ms / multiplications[yardstick]);
        ratios.push({ what: `time of a multiplication, ${label}, over that of ${yardstick}`, network: id, batch, ratio });
      }
    }
  }
  const pairs = [
    ['chromium cached-1', 'native cached-1', 'cached in Chromium, over native 1 thread'],
    ['native cached-1', 'native cached-all', 'cached 1 thread, over all threads'],
    ['chromium cached-1', 'chromium cached-all', 'cached in Chromium, 1 thread over all workers'],
    ['native naive', 'native cached-1', 'naive, over cached 1 thread'],
    ['native pytorch', 'native cached-1', 'PyTorch, over cached 1 thread'],
    ['native onnxruntime', 'native cached-1', 'onnxruntime, over cached 1 thread'],
    ['chromium onnxruntime-web', 'chromium cached-1', 'onnxruntime-web, over cached in Chromium'],
    ['native naive-gpu', 'native fused', 'naive on the GPU, over fused'],
    ['native cached-all', 'native fused', 'cached all threads, over fused'],
    ['chromium cached-1', 'chromium fused', 'cached in Chromium, over fused on WebGPU'],
  ];
  for (const [slow, fast, what] of pairs) {
    for (const { id } of networks) {
      for (const batch of batches) {
        const [above, below] = [find(slow, id, batch), find(fast, id, batch)];
        if (above && below) ratios.push({ what, network: id, batch, ratio: above.ms / below.ms });
      }
    }
  }
  return ratios;
}

/**
 * Ratios of one kind and network in one line: `batch 1: 1.02, 16: 0.98`.
 * @param {ReturnType<typeof ratiosOf>} ratios
 */
export function ratioLines(ratios) {
  /** @type {Map<string, Map<string, string[]>>} */
  const groups = new Map();
  for (const { what, network, batch, ratio } of ratios) {
    const group = groups.get(what) ?? new Map();
    group.set(network, [...(group.get(network) ?? []), `${batch}: ${digits(ratio)}`]);
    groups.set(what, group);
  }
  return [...groups].flatMap(([what, group]) => [
    '',
    what,
    ...[...group].map(([network, values]) => `  ${network.padEnd(18)} batch ${values.join(', ')}`),
  ]);
}
