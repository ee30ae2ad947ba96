// Records the picture that the page plays before its network is there: node scripts/record-picture.mjs
// writes www/page/easel/recorded.js. To be run when the first network of www/models/index.json is another one.

import { readFileSync, writeFileSync } from "node:fs";
import { launch } from "../tests/e2e/browser.js";
import { serveSite } from "../tests/e2e/server.js";

const SEED = 7;

const { models } = JSON.parse(readFileSync("www/models/index.json", "utf8"));
const site = await serveSite({ folder: undefined });
const browser = await launch([]);
try {
  const page = await browser.newPage();
  await page.goto(`${site.url}embed.html`);
  const recorded = await page.evaluate(recordIn, { model: models[0].name, seed: SEED });
  const text = Object.entries(recorded).map(([name, value]) => `  ${name}: ${JSON.stringify(value).replaceAll("'", "\\'").replaceAll('"', "'")},\n`);
  const about = "/** Written by `scripts/record-picture.mjs`; numbers of 32 bits as base64, the lowest byte first, and ink as bits. */\n";
  writeFileSync("www/page/easel/recorded.js", `${about}export default {\n${text.join("")}};\n`);
} finally {
  await browser.close();
  await site.close();
}

/**
 * Runs in the page.
 * @param {{ model: string, seed: number }} options
 */
async function recordIn({ model, seed }) {
  const { sharedEngine } = await import("./engine.js");
  const engine = sharedEngine();
  const { width, height } = await engine.load(model);
  /** @type {import('../www/engine.js').RowTrace[]} */
  const rows = [];
  const { levels } = await engine.sample({ model, seed, trace: 0, onRow: ({ trace }) => trace && rows.push(trace) });
  const base64 = (/** @type {Uint8Array} */ bytes) => btoa(String.fromCharCode(...bytes));
  const joined = (/** @type {'logits' | 'uniforms' | 'nll_nats'} */ name) => base64(new Uint8Array(Float32Array.from(rows.flatMap((row) => [...row[name]])).buffer));
  const ink = new Uint8Array(Math.ceil(levels.length / 8));
  levels.forEach((level, at) => (ink[at >> 3] |= level << (7 - (at & 7))));
  return { model, seed: String(seed), width, height, ink: base64(ink), logits: joined("logits"), uniforms: joined("uniforms"), nats: joined("nll_nats") };
}
