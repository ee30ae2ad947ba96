// Writes DIR/index.json, the list of bundles that the worker reads before it loads one:
//   { "cpu": { "bytes": N, "gzip": N }, "gpu": null | { "bytes": N, "gzip": N } }
// Sizes are those of pixelrnn_bg.wasm; `bytes` is what the progress bar counts to.
// Usage: node scripts/bundle-index.mjs DIR

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const directory = process.argv[2];
if (!directory) {
  console.error("usage: node scripts/bundle-index.mjs DIR");
  process.exit(2);
}

/** @param {string} folder of one bundle */
function sizes(folder) {
  const path = join(folder, "pixelrnn_bg.wasm");
  if (!existsSync(path)) return null;
  const wasm = readFileSync(path);
  return { bytes: wasm.length, gzip: gzipSync(wasm, { level: 9 }).length };
}

const index = { cpu: sizes(join(directory, "cpu")), gpu: sizes(join(directory, "gpu")) };
const path = join(directory, "index.json");
// Renamed into place, so that a page never reads half a list.
const draft = `${path}.${process.pid}`;
writeFileSync(draft, `${JSON.stringify(index)}\n`);
renameSync(draft, path);
