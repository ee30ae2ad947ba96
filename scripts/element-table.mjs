// Writes what `<pixel-rnn>` takes and tells into README.md and that of the npm package, as one table made from
// scripts/npm/custom-elements.json: node scripts/element-table.mjs. A test compares.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const MANIFEST = new URL("npm/custom-elements.json", import.meta.url);
const PLACE = /(<!-- made by scripts\/element-table\.mjs -->\n\n)[^]*?(\n<!-- end -->\n)/;

/** Files with the table. */
export const READMES = [new URL("../README.md", import.meta.url), new URL("npm/README.md", import.meta.url)];

/**
 * What the manifest says of one thing.
 * @typedef {{ name: string, description: string, type?: { text: string }, default?: string, kind?: string, attribute?: string,
 *   parameters?: Array<{ name: string, optional?: boolean }>, return?: { type: { text: string } } }} Entry
 */

/** @param {string | undefined} text */
const code = (text) => (text ? `\`${text.replaceAll("|", "\\|")}\`` : "");

/** @param {Entry} method */
const call = ({ name, parameters = [] }) => `${name}(${parameters.map((one) => (one.optional ? `${one.name}?` : one.name)).join(", ")})`;

/** The table of the manifest. */
function table() {
  const [element] = JSON.parse(readFileSync(MANIFEST, "utf8")).modules[0].declarations;
  /** @type {Entry[]} */
  const members = element.members;
  const methods = members.filter(({ kind }) => kind === "method").map((one) => ({ ...one, name: call(one), type: one.return?.type }));
  /** @type {Array<[string, Entry[]]>} */
  const groups = [
    ["attributes, and properties of the same names", element.attributes],
    ["other properties", members.filter(({ kind, attribute }) => kind === "field" && !attribute)],
    ["methods", methods],
    ["events", element.events],
    ["slots", element.slots],
    ["CSS parts", element.cssParts],
    ["CSS custom properties", element.cssProperties],
  ];
  const rows = groups.flatMap(([group, entries]) =>
    entries.map((one, at) => `| ${at ? "" : group} | ${code(one.name)} | ${code(one.type?.text)} | ${code(one.default)} | ${one.description} |\n`),
  );
  return `| | name | type | default | meaning |\n|---|---|---|---|---|\n${rows.join("")}`;
}

/**
 * A text with the table in its place.
 * @param {string} text
 */
export function withTable(text) {
  if (!PLACE.test(text)) throw new Error(`found no lines ${PLACE}, between which the table stands`);
  const made = table();
  return text.replace(PLACE, (_, begin, end) => begin + made + end);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of READMES) writeFileSync(file, withTable(readFileSync(file, "utf8")));
}
