// What the page offers to keep for offline use: everything that it needs to draw on the CPU, with the sum of each file, so that files
// of two versions are never kept together. Written into DIST/service-worker.js; the page itself is told how many bytes that is.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The line of the service worker that says what there is to keep. */
const NOTHING = "({ version: '', folder: '', files: [], first: [], weights: [] })";

/** The part of the page that offers it. */
const OFFER = '<div id="offline" hidden>';

/** What the page does without when it is offline. @param {string} file */
const isLeft = (file) => /^(pkg\/gpu|bench)\/|\.d\.ts$/.test(file);

/** As it may stand in an attribute. @param {string} text */
const escaped = (text) => text.replace(/[&"<]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * @param {string} file
 * @param {string} from
 * @param {(found: string) => string} to
 */
function replaced(file, from, to) {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file}: found no ${from}, which must be replaced`);
  return text.replace(from, to);
}

/**
 * @param {string} www
 * @param {string} dist
 * @param {string} folder  of the modules
 * @param {string[]} modules  what is in it
 */
export function offerOffline(www, dist, folder, modules) {
  const { models, sets } = JSON.parse(readFileSync(join(dist, "models/index.json"), "utf8"));
  const beside = sets.flatMap((/** @type {{ picture: string, examples: string }} */ set) => [set.picture, set.examples]).filter(Boolean);
  const paths = [
    "icon.svg",
    "served.css",
    "models/index.json",
    ...beside.map((/** @type {string} */ file) => `models/${file}`),
    ...modules.filter((file) => !isLeft(file)).map((file) => `${folder}/${file}`),
  ];
  /** @type {Array<{ file: string, sha256: string, bytes: number, set?: string }>} */
  const weights = models;
  const first = weights.filter(({ set }) => set === (sets[0]?.name ?? weights[0].set));

  const page = join(dist, "index.html");
  const bytes = [page, ...paths.map((path) => join(dist, path))].reduce((sum, file) => sum + readFileSync(file).length, 0)
    + first.reduce((sum, model) => sum + model.bytes, 0);
  writeFileSync(page, replaced(page, OFFER, (offer) => offer.replace(">", () => ` data-bytes="${bytes}" data-set="${escaped(sets[0]?.title ?? "")}">`)));

  const sumOf = (/** @type {string | Buffer} */ content) => createHash("sha256").update(content).digest("hex");
  const kept = {
    folder,
    files: ["index.html", ...paths].map((path) => ({ path, sha256: sumOf(readFileSync(join(dist, path))) })),
    first: first.map(({ file, sha256 }) => ({ path: `models/${file}`, sha256 })),
    weights: weights.map(({ sha256 }) => sha256),
  };
  const source = join(www, "service-worker.js");
  const version = sumOf(JSON.stringify(kept) + readFileSync(source, "utf8")).slice(0, 16);
  writeFileSync(join(dist, "service-worker.js"), replaced(source, NOTHING, () => `(${JSON.stringify({ version, ...kept })})`));
}
