// Lays out what `make dist` makes: node scripts/dist-layout.mjs WWW PKG DIST [SITE], the bundles being in PKG and the page at the
// address SITE, where that is known.
//
// Hosts let browsers keep files for a while, each file on its own: just after a deployment a page could be given old and new
// ones together. Therefore everything that must fit together lies in one folder named by the sum of its content:
//
//   DIST/1a2b3c4d5e6f7a8b/**/*.js, style.css, pkg/  modules, styles, bundles: they find each other by relative addresses
//   DIST/build.json                               the name of that folder
//   DIST/index.html, bench.html                   name the folder themselves: each belongs to the modules it was made with
//   DIST/pixel-rnn.js, engine.js, embed.js        the addresses that other pages know: each asks for build.json, past the cache,
//                                                 and hands on the module of that folder
//   DIST/embed.html                               goes by embed.js: of a page in a frame a reload asks for nothing new
//   DIST/service-worker.js                        lists what a visitor may keep, with the sum of each file
//   DIST/models/                                  as it is: the list is always asked for anew, and has the sums of the weights
//
// In development nothing of this is needed: the server of `make run` lets nothing be kept.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { offerOffline } from "./dist-offline.mjs";

/** The addresses that other pages know. */
const ENTRIES = ["pixel-rnn.js", "engine.js", "embed.js"];

/** Pages that name the folder. */
const PAGES = ["index.html", "bench.html"];

/** @param {string} file */
const isCode = (file) => /(\.js|\.d\.ts|\bstyle\.css)$/.test(file);

/**
 * @param {string} folder
 * @returns {string[]} its files, those of folders below it too
 */
function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(folder, entry.name)).map((file) => `${entry.name}/${file}`) : [entry.name],
  );
}

/**
 * Replaces a text that must be there.
 * @param {string} file
 * @param {string} from
 * @param {string} to
 */
function edited(file, from, to) {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file}: found no ${from}, which must be replaced`);
  return text.replaceAll(from, to);
}

/**
 * What a module exports, of one that other modules import; `embed.js` is for its page alone.
 * @param {string} file
 */
async function exportsOf(file) {
  return file.endsWith("/embed.js") ? [] : Object.keys(await import(pathToFileURL(resolve(file)).href));
}

/**
 * The address of the picture that previews of links show; relative, which they do not take, where that of the page is not known.
 * @param {string | undefined} site
 */
function previewOf(site) {
  if (!site) return "preview.png";
  if (!/^https?:\/\//.test(site) || !URL.canParse(site)) throw new Error(`${site}: the address of the page expected, such as https://example.org/pixelrnn/`);
  return new URL("preview.png", site.replace(/\/*$/, "/")).href;
}

/** @param {string} www @param {string} pkg @param {string} dist @param {string} [site] */
export async function layOut(www, pkg, dist, site) {
  const preview = previewOf(site);
  /** What is in the folder. @type {Map<string, Buffer>} */
  const build = new Map();
  const files = filesIn(www).filter((file) => file !== "service-worker.js");
  for (const file of files.filter(isCode)) build.set(file, readFileSync(join(www, file)));
  for (const file of filesIn(pkg)) build.set(`pkg/${file}`, readFileSync(join(pkg, file)));
  // A folder further down than in www/.
  const folder = "shared/models-folder.js";
  build.set(folder, Buffer.from(edited(join(www, folder), "'../models/'", "'../../models/'")));

  const sum = createHash("sha256");
  for (const file of [...build.keys()].sort()) sum.update(file).update("\0").update(build.get(file) ?? "").update("\0");
  const name = sum.digest("hex").slice(0, 16);

  rmSync(dist, { recursive: true, force: true });
  for (const file of files.filter((file) => !isCode(file))) cpSync(join(www, file), join(dist, file));
  for (const [file, bytes] of build) {
    mkdirSync(dirname(join(dist, name, file)), { recursive: true });
    writeFileSync(join(dist, name, file), bytes);
  }
  writeFileSync(join(dist, "build.json"), `${JSON.stringify(name)}\n`);
  for (const page of PAGES) {
    const html = readFileSync(join(www, page), "utf8").replace('content="preview.png"', () => `content="${preview}"`);
    writeFileSync(join(dist, page), html.replace(/\b(src|href)="((?:[\w-]+\/)*[\w-]+\.js|style\.css)"/g, `$1="${name}/$2"`));
  }
  offerOffline(www, dist, name, [...build.keys()]);
  // For embed.html.
  cpSync(join(www, "style.css"), join(dist, "style.css"));
  for (const entry of ENTRIES) {
    const names = await exportsOf(join(www, entry));
    const given = names.length ? `export const { ${names.join(", ")} } = ` : "";
    writeFileSync(
      join(dist, entry),
      `// The newest build, whatever lies in a cache; the one that this file was made with where there is no telling.
const build = await fetch(new URL("./build.json", import.meta.url), { cache: "no-cache" })
  .then((answer) => answer.json())
  .catch(() => ${JSON.stringify(name)});
${given}await import(\`./\${build}/${entry}\`);
`,
    );
    const types = entry.replace(/\.js$/, ".d.ts");
    if (build.has(types)) writeFileSync(join(dist, types), `export * from "./${name}/${entry}";\n`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [www, pkg, dist, site] = process.argv.slice(2);
  if (!dist) {
    console.error("usage: node scripts/dist-layout.mjs WWW PKG DIST [SITE]");
    process.exit(2);
  }
  await layOut(www, pkg, dist, site);
}
