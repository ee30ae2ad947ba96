// Lays out the npm package: node scripts/npm-layout.mjs WWW PKG OUT, the bundles being in PKG. `npm pack OUT` makes the file.
//
//   OUT/pixel-rnn.js, engine.js      the element and the engine, and their types
//   OUT/element/, engine/, shared/, worker/   their modules, as they are: a page can be served from the folder, and bundlers read it too
//   OUT/react.d.ts and others        the element in the templates of frameworks, from scripts/npm/
//   OUT/custom-elements.json         what the element takes and tells, for editors, from there too
//   OUT/pkg/, models/                the bundles, and the networks that are small enough to come along
//
// A bundler takes along only what a module names by `new URL` with plain words. The weights' files are known here alone: the
// module that gives their addresses is written here.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const REPOSITORY = fileURLToPath(new URL("../", import.meta.url));
const OWN = join(REPOSITORY, "scripts/npm");

/** Of what is on top of WWW, the page is left out. */
const ENTRIES = ["pixel-rnn.js", "engine.js"];
const ROOMS = ["element", "engine", "shared", "worker"];

/** Modules that the types of the entries name: their types are in comments, which are read in no package. */
const TYPES = ["shared/protocol.js", "shared/reveal.js"];

/** Larger weights, those of CIFAR-10, would make the package three times as large, for each of its users. */
const MOST_BYTES = 1_000_000;

/** @param {string} file @param {unknown} value */
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

/** The one place where the version stands. */
function version() {
  const found = /^version = "(.+)"$/m.exec(readFileSync(join(REPOSITORY, "Cargo.toml"), "utf8"));
  if (!found) throw new Error('Cargo.toml: found no line like version = "1.2.3", which is the version of the npm package too');
  return found[1];
}

/**
 * Copies the list of the networks, the shorter one of those that come along, and what it names.
 * @param {string} from
 * @param {string} to
 */
function copyModels(from, to) {
  const index = JSON.parse(readFileSync(join(from, "index.json"), "utf8"));
  const models = index.models.filter((/** @type {{ bytes: number }} */ { bytes }) => bytes <= MOST_BYTES);
  const drawn = new Set(models.map((/** @type {{ set: string }} */ { set }) => set));
  const sets = index.sets.filter((/** @type {{ name: string }} */ { name }) => drawn.has(name));
  const weights = models.map((/** @type {{ file: string }} */ { file }) => file);
  mkdirSync(to);
  writeJson(join(to, "index.json"), { models, sets });
  for (const file of [...weights, ...sets.flatMap((/** @type {any} */ { picture, examples }) => [picture, examples])]) {
    if (file) cpSync(join(from, file), join(to, file));
  }
  return ["index.json", ...weights];
}

/**
 * The module that gives the addresses of these files.
 * @param {string[]} files
 */
function modelsFolder(files) {
  return `/** Where the weights are, and their list. */

const FILES = {
${files.map((file) => `  ${JSON.stringify(file)}: new URL(${JSON.stringify(`../models/${file}`)}, import.meta.url),\n`).join("")}};

/**
 * The address of a file.
 * @param {string} file
 */
export function modelUrl(file) {
  return FILES[file].href;
}
`;
}

/**
 * The module that lists the bundles: bundlers would put so short a file into an address, which many a page's policy forbids to fetch.
 * @param {string} pkg
 */
function bundleList(pkg) {
  const size = (/** @type {string} */ bundle) => {
    const wasm = readFileSync(join(pkg, bundle, "pixelrnn_bg.wasm"));
    return { bytes: wasm.length, gzip: gzipSync(wasm, { level: 9 }).length };
  };
  return `/** Sizes of the bundles. */
export async function bundleList() {
  return ${JSON.stringify({ cpu: size("cpu"), gpu: size("gpu") })};
}
`;
}

/**
 * Writes the types of modules beside them.
 * @param {string} www
 * @param {string} out
 */
function writeTypes(www, out) {
  const options = "--ignoreConfig --declaration --emitDeclarationOnly --allowJs --target es2022 --module es2022 --moduleResolution bundler";
  const library = ["--lib", "es2022,dom,dom.iterable,esnext.disposable", "--types", ""];
  const files = TYPES.map((file) => join(www, file));
  const made = mkdtempSync(join(tmpdir(), "pixelrnn-types-"));
  try {
    execFileSync(join(REPOSITORY, "node_modules/.bin/tsc"), [...options.split(" "), ...library, "--rootDir", www, "--outDir", made, ...files], { stdio: "inherit" });
    // The compiler writes those of the modules that they import, too.
    for (const file of TYPES.map((module) => module.replace(/\.js$/, ".d.ts"))) cpSync(join(made, file), join(out, file));
  } finally {
    rmSync(made, { recursive: true });
  }
}

/** @param {string} out */
function writeManifest(out) {
  const manifest = { ...JSON.parse(readFileSync(join(OWN, "package.json"), "utf8")), version: version() };
  writeJson(join(out, "package.json"), { ...manifest, files: readdirSync(out) });
}

/** @param {string} www @param {string} pkg @param {string} out */
export function layOutPackage(www, pkg, out) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const file of [...ROOMS, ...ENTRIES, ...ENTRIES.map((entry) => entry.replace(/\.js$/, ".d.ts"))]) {
    cpSync(join(www, file), join(out, file), { recursive: true });
  }
  for (const bundle of ["cpu", "gpu"]) {
    for (const file of ["pixelrnn.js", "pixelrnn_bg.wasm"]) cpSync(join(pkg, bundle, file), join(out, "pkg", bundle, file));
  }
  writeFileSync(join(out, "shared/models-folder.js"), modelsFolder(copyModels(join(www, "models"), join(out, "models"))));
  writeFileSync(join(out, "worker/bundle-list.js"), bundleList(pkg));
  writeTypes(www, out);
  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(REPOSITORY, licence), join(out, licence));
  cpSync(OWN, out, { recursive: true });
  writeManifest(out);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [www, pkg, out] = process.argv.slice(2);
  if (!out) {
    console.error("usage: node scripts/npm-layout.mjs WWW PKG OUT");
    process.exit(2);
  }
  layOutPackage(www, pkg, out);
}
