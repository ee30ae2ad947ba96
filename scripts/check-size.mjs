// Holds the bundles to their budgets: what a visitor downloads (wasm and glue), gzipped, in kB of
// 1000 bytes. Usage: node scripts/check-size.mjs DIR   (DIR holds cpu/ and, perhaps, gpu/)

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGETS_KB = { cpu: 450, gpu: 3200 };
const LIBRARY = "pixelrnn_bg.wasm";
const GLUE = "pixelrnn.js";

const directory = process.argv[2] ?? "pkg";
let over = 0;
for (const [bundle, budget] of Object.entries(BUDGETS_KB)) {
  if (!existsSync(join(directory, bundle, LIBRARY))) {
    console.log(`size: ${directory}/${bundle} is not built, nothing to measure`);
    continue;
  }
  const contents = [LIBRARY, GLUE].map((file) => readFileSync(join(directory, bundle, file)));
  const raw = contents.reduce((sum, bytes) => sum + bytes.length, 0) / 1000;
  const gzip = contents.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0) / 1000;
  const verdict = gzip <= budget ? "within" : "OVER";
  if (gzip > budget) over += 1;
  console.log(
    `size: ${directory}/${bundle} ${raw.toFixed(0)} kB, ${gzip.toFixed(0)} kB gzip, ${verdict} the budget of ${budget} kB gzip`,
  );
}
process.exit(over === 0 ? 0 : 1);
