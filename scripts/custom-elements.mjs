// Writes scripts/npm/custom-elements.json, in which editors and catalogues find what `<pixel-rnn>` takes and tells
// (https://github.com/webcomponents/custom-elements-manifest): node scripts/custom-elements.mjs. What stands there is said once, in the
// comments of the element's classes. The analyser that reads them is installed by `npm ci --prefix tests/sites/npm`; a test compares.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const WWW = new URL("../www/", import.meta.url);
const ANALYSER = new URL("../tests/sites/npm/node_modules/@custom-elements-manifest/analyzer/index.js", import.meta.url);
const FILE = new URL("npm/custom-elements.json", import.meta.url);

/** The class of the element, and the one that it extends, which is nobody else's business. */
const MODULES = ["pixel-rnn.js", "element/settings-element.js"];

/** The analyser says 1.0.0 and writes what later versions have added. */
const SCHEMA = "2.1.0";

/** The file, as the comments say it. */
export async function customElements() {
  const { create, ts } = await import(ANALYSER.href);
  const read = (/** @type {string} */ path) => ts.createSourceFile(path, readFileSync(new URL(path, WWW), "utf8"), ts.ScriptTarget.ES2022, true);
  const { modules } = create({ modules: MODULES.map(read) });
  const [{ declarations: [element], ...module }] = modules;
  const own = (/** @type {{ inheritedFrom?: object }} */ { inheritedFrom: _, ...one }) => one;
  const declaration = {
    ...element,
    superclass: { name: "HTMLElement" },
    attributes: element.attributes.map(own),
    // Those of which the code alone speaks have no names there.
    events: element.events.filter((/** @type {{ description?: string }} */ { description }) => description),
    members: element.members.filter((/** @type {{ privacy?: string }} */ { privacy }) => privacy !== "private").map(own),
  };
  const manifest = { schemaVersion: SCHEMA, modules: [{ ...module, declarations: [declaration] }] };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(FILE, await customElements());
