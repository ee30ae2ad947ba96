// Makes www/preview.png, what other pages show of a link to the page: a picture of the page's first network, three
// quarters drawn, and what the network said of the pixel drawn last. `node scripts/preview.mjs`, after `make wasm-cpu`.
// Fonts differ from machine to machine, so the picture is made by hand and kept.

import { fileURLToPath } from "node:url";
import { launch } from "../tests/e2e/browser.js";
import { startServer } from "./serve.mjs";

const FILE = fileURLToPath(new URL("../www/preview.png", import.meta.url));

/** What those who show previews ask for. */
const SIZE = { width: 1200, height: 630 };

/** CSS pixels a side of a pixel's square. */
const SQUARE = 18;

/** The part of the picture in which the last pixel is looked for: the one the network was least sure of. */
const [FROM, TO] = [0.68, 0.8];

/** A digit that can be read, of the page's own seed. */
const [SEED, IMAGE] = [7, 15];

/**
 * A picture, and what decided each of its pixels.
 * @typedef {{ width: number, height: number, levels: number[], inks: number[], draws: number[] }} Drawing
 */

/**
 * Draws the picture.
 * @param {import("playwright-core").Page} page  of the site
 * @returns {Promise<Drawing>}
 */
function draw(page) {
  return page.evaluate(async ([seed, image]) => {
    const { sharedEngine } = await import(new URL("engine.js", location.href).href);
    const engine = sharedEngine();
    const [{ name }] = await engine.models();
    const { width, height } = await engine.load(name);
    /** @type {number[]} */
    const logits = [];
    /** @type {number[]} */
    const draws = [];
    const { levels } = await engine.sample({
      model: name,
      seed,
      first: image,
      trace: 0,
      onRow: (/** @type {any} */ { trace }) => {
        logits.push(...trace.logits);
        draws.push(...trace.uniforms);
      },
    });
    return { width, height, levels: [...levels], inks: logits.map((logit) => 1 / (1 + Math.exp(-logit))), draws };
  }, [SEED, IMAGE]);
}

/** @param {Drawing} drawing */
function lastPixel({ inks }) {
  const doubt = (/** @type {number} */ at) => Math.abs(inks[at] - 0.5);
  const places = inks.map((_, at) => at).slice(Math.floor(FROM * inks.length), Math.floor(TO * inks.length));
  return places.reduce((best, at) => (doubt(at) < doubt(best) ? at : best));
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/**
 * @param {Drawing} drawing
 * @param {number} last
 */
function markup({ width, height, levels, inks, draws }, last) {
  const [paper, draw] = [1 - inks[last], draws[last]];
  const isInk = levels[last] === 1;
  if (isInk !== draw >= paper) throw new Error(`pixel ${last}: the draw ${draw} does not give the level ${levels[last]}`);
  const [x, y] = [last % width, Math.floor(last / width)];
  return `<!doctype html><meta charset="utf-8"><style>
    * { box-sizing: border-box; margin: 0; }
    body { width: ${SIZE.width}px; height: ${SIZE.height}px; padding: 63px; display: grid; grid-template-columns: ${width * SQUARE}px 1fr; gap: 56px;
      background: #faf8f4; color: #1c1b19; font: 28px/1.3 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
    .easel { position: relative; width: ${width * SQUARE}px; height: ${height * SQUARE}px; }
    .cursor { position: absolute; left: ${x * SQUARE - 2}px; top: ${y * SQUARE - 2}px; width: ${SQUARE + 4}px; height: ${SQUARE + 4}px;
      border: 3px solid #0b5fb0; outline: 3px solid #faf8f4; }
    .side { display: flex; flex-direction: column; }
    .name { color: #625e57; }
    h1 { margin: 12px 0 auto; font-size: 50px; white-space: nowrap; line-height: 1.12; font-weight: 600; letter-spacing: -0.02em; }
    .values { display: flex; justify-content: space-between; margin: 24px 0 10px; }
    .bar { display: flex; height: 52px; border: 2px solid #8b867d; background: #fff; }
    .ink { margin-left: auto; width: ${100 * inks[last]}%; background: #1c1b19; }
    .pin { width: 0; margin-left: ${100 * draw}%; border: 12px solid transparent; border-top: 0; border-bottom: 18px solid #0b5fb0; translate: -12px 6px; }
    .draw { margin-top: 10px; color: #0b5fb0; text-align: ${draw > 0.5 ? "right" : "left"}; }
  </style>
  <div class="easel"><canvas width="${width * SQUARE}" height="${height * SQUARE}"></canvas><div class="cursor"></div></div>
  <div class="side">
    <p class="name">pixelrnn</p>
    <h1>A picture,<br>one pixel at a time</h1>
    <p>Row ${y + 1}, column ${x + 1}</p>
    <p class="values"><span>paper ${percent(paper)}</span><span>ink ${percent(inks[last])}</span></p>
    <div class="bar"><div class="ink"></div></div>
    <div class="pin"></div>
    <p class="draw">the draw: ${draw.toFixed(3)}, ${isInk ? "ink" : "paper"}</p>
  </div>`;
}

/**
 * Paints the pixels up to the last, and dots where none is drawn yet.
 * @param {import("playwright-core").Page} page
 * @param {Drawing} drawing
 * @param {number} last
 */
function paint(page, { width, levels }, last) {
  return page.evaluate(
    ({ width, levels, last, side }) => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("canvas"));
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      levels.forEach((level, at) => {
        const [x, y] = [side * (at % width), side * Math.floor(at / width)];
        context.fillStyle = at > last ? "#f1eee7" : level ? "#1c1b19" : "#ffffff";
        context.fillRect(x, y, side, side);
        context.fillStyle = "#8b867d";
        if (at > last) context.fillRect(x, y, 2, 2);
      });
    },
    { width, levels, last, side: SQUARE },
  );
}

const server = await startServer({ port: 0 });
const browser = await launch([]);
try {
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(`${server.url}bench.html`);
  const drawing = await draw(page);
  const last = lastPixel(drawing);
  // A page of its own: that of the site has a policy, and a style.
  await page.goto("about:blank");
  await page.setContent(markup(drawing, last));
  await paint(page, drawing, last);
  await page.screenshot({ path: FILE });
  console.log(`preview: ${FILE}`);
} finally {
  await browser.close();
  await server.close();
}
