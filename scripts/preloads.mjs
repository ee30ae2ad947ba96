// Names in www/index.html the modules that the first screen needs, so that a browser asks for all of them at once and none has to
// be found in another: node scripts/preloads.mjs. To be run when a module there imports another one; a test compares.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** What the page begins with, and what it asks for next. */
const FIRST = ["page/main.js", "engine.js", "page/network-picker.js", "pixel-rnn.js"];

/** Modules that come with a module: those that it, and they, import before anything runs. */
function importedBy(/** @type {string} */ www, /** @type {string} */ module, /** @type {Set<string>} */ found) {
  if (found.has(module)) return found;
  found.add(module);
  const text = readFileSync(join(www, module), "utf8");
  for (const [, path] of text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)';|^import '(\.[^']+)';/gm)) importedBy(www, join(dirname(module), path), found);
  return found;
}

/**
 * The page with its list of modules, whatever list it had.
 * @param {string} www
 */
export function withPreloads(www) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const module of FIRST) importedBy(www, module, found);
  const html = readFileSync(join(www, "index.html"), "utf8").replaceAll(/<link rel="modulepreload" href="[^"]+">\n/g, "");
  // The page's own script is asked for by its tag.
  const links = [...found].slice(1).map((module) => `<link rel="modulepreload" href="${module}">\n`);
  return html.replace('<script type="module" src="page/main.js">', (tag) => links.join("") + tag);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync("www/index.html", withPreloads("www"));
