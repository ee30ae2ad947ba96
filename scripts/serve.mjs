// A small static server for development and tests: www/ at the base path, pkg/ under it at pkg/,
// just as `make dist` lays them out. It never caches, so that a reload always shows the last build.
//
//   node scripts/serve.mjs [--port 8000] [--host localhost] [--base /some/sub/path/] [--dist] [--csp]
//
// When the port is taken the next free one is used. --dist serves dist/ instead, --csp sends the
// strictest content security policy that the page promises to work under.
// Tests import `startServer`.

import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)));
const PORTS_TRIED = 50;

/** The content security policy the page is built for. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; object-src 'none'; base-uri 'self'; require-trusted-types-for 'script'; trusted-types pixel-rnn pixel-rnn-offline";

/** @type {Record<string, string>} */
const MIME_TYPES = {
  ".bin": "application/octet-stream",
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".safetensors": "application/octet-stream",
  ".svg": "image/svg+xml",
  ".ts": "text/plain; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json; charset=utf-8",
};

/**
 * A folder and the URL path, relative to the base and ending in "/" or empty, at which it is served.
 * @typedef {{ at: string, folder: string }} Mount
 */

/**
 * What runs while developing: the sources of the page and the bundles that make built.
 * @type {Mount[]}
 */
export const SOURCE_MOUNTS = [
  { at: "pkg/", folder: join(REPOSITORY, "pkg") },
  { at: "", folder: join(REPOSITORY, "www") },
];

/**
 * What a visitor gets: the output of `make dist`.
 * @type {Mount[]}
 */
export const DIST_MOUNTS = [{ at: "", folder: join(REPOSITORY, "dist") }];

/**
 * The file of a request path, or null where there is none that may be served.
 * @param {string} pathname still percent-encoded
 * @param {string} base
 * @param {Mount[]} mounts
 * @returns {Promise<{ redirect: string } | { file: string, size: number } | null>}
 */
async function locate(pathname, base, mounts) {
  let path;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return null; // malformed escape
  }
  if (!path.startsWith(base) || path.includes("\0") || path.includes("\\")) return null;
  const relative = path.slice(base.length);
  // Hidden files are no part of a site, and `..` leaves it.
  if (relative.split("/").some((part) => part.startsWith("."))) return null;

  const mount = mounts.find(({ at }) => relative.startsWith(at));
  if (!mount) return null;
  try {
    const root = await realpath(mount.folder);
    let file = await realpath(join(root, relative.slice(mount.at.length)));
    if ((await stat(file)).isDirectory()) {
      // Without its slash a folder's page would resolve its relative links one level up.
      if (!path.endsWith("/")) return { redirect: `${pathname}/` };
      file = await realpath(join(file, "index.html"));
    }
    // A symbolic link may lead out of the folder.
    if (!file.startsWith(root + sep)) return null;
    const { size } = await stat(file);
    return { file, size };
  } catch {
    return null;
  }
}

/**
 * @typedef {object} ServerOptions
 * @property {number} [port] first port to try; 0 takes any free one
 * @property {string} [host]
 * @property {string} [base] path under which everything is served
 * @property {Mount[]} [mounts] the first whose `at` begins the path answers
 * @property {Record<string, string>} [headers] sent with every answer
 * @property {(pathname: string, status: number) => void} [onRequest] told of every answer
 */

/**
 * Starts serving and resolves when the address is known.
 * @param {ServerOptions} [options]
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function startServer(options = {}) {
  const { port = 8000, host = "localhost", mounts = SOURCE_MOUNTS, headers = {}, onRequest } = options;
  const base = `/${(options.base ?? "").replace(/^\/+|\/+$/g, "")}/`.replace("//", "/");

  const server = createServer(async (request, response) => {
    const pathname = (request.url ?? "/").replace(/[?#].*$/, "");
    // Pages of another origin, and frames in a sandbox, may use what is served, as on most static hosts.
    const open = { "Access-Control-Allow-Origin": "*" };
    const common = { ...open, ...headers, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
    /** @param {number} status @param {Record<string, string>} extra @param {string} [text] */
    const answer = (status, extra, text = "") => {
      response.writeHead(status, { ...common, ...extra });
      response.end(text);
      onRequest?.(pathname, status);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, { Allow: "GET, HEAD" });
    }
    if (pathname === base.slice(0, -1)) return answer(308, { Location: base });

    const found = await locate(pathname, base, mounts);
    if (!found) return answer(404, { "Content-Type": "text/plain; charset=utf-8" }, `not found: ${pathname}\n`);
    if ("redirect" in found) return answer(308, { Location: found.redirect });

    const type = MIME_TYPES[extname(found.file)] ?? "application/octet-stream";
    response.writeHead(200, { ...common, "Content-Type": type, "Content-Length": String(found.size) });
    onRequest?.(pathname, 200);
    if (request.method === "HEAD") return response.end();
    // A file that changes or goes away under the transfer breaks off this answer, not the server.
    createReadStream(found.file)
      .on("error", () => response.destroy())
      .pipe(response);
  });

  const bound = await listen(server, host, port);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}${base}`,
    port: bound,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/**
 * Listens on the first free port from `first` on and resolves to it.
 * @param {import("node:http").Server} server
 * @param {string} host
 * @param {number} first
 * @returns {Promise<number>}
 */
async function listen(server, host, first) {
  for (let port = first; ; port += 1) {
    try {
      await new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve(undefined);
        });
      });
      const address = server.address();
      return typeof address === "object" && address ? address.port : port;
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!taken || port - first >= PORTS_TRIED) throw error;
    }
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8000" },
      host: { type: "string", default: "localhost" },
      base: { type: "string", default: "/" },
      dist: { type: "boolean", default: false },
      csp: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is no port`);
  const { url } = await startServer({
    port,
    host: values.host,
    base: values.base,
    mounts: values.dist ? DIST_MOUNTS : SOURCE_MOUNTS,
    headers: values.csp ? { "Content-Security-Policy": CONTENT_SECURITY_POLICY } : {},
  });
  console.log(`serve: the page is at ${url} (Ctrl-C ends)`);
}

if (process.argv[1] && (await realpath(process.argv[1])) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`serve: ${error.message}`);
    process.exit(1);
  });
}
