/**
 * The inside of `<pixel-rnn>`: its markup and its style. No behaviour.
 */

import { TEMPERATURE } from '../shared/settings.js';

const MARKUP = `
<figure part="figure" lang="en" dir="ltr">
  <div class="stage" part="stage">
    <canvas part="canvas" role="img" aria-label="Nothing drawn yet" width="118" height="118"></canvas>
    <button type="button" class="poster" part="poster" hidden></button>
  </div>
  <div class="side">
    <form class="controls" part="controls">
      <div class="field seed">
        <label for="seed">Seed</label>
        <div class="pair">
          <input id="seed" name="seed" inputmode="numeric" autocomplete="off" spellcheck="false" maxlength="20">
          <button type="button" class="new-seed" title="Another seed">New</button>
        </div>
      </div>
      <div class="field temperature">
        <label for="temperature">Temperature <output for="temperature"></output></label>
        <input id="temperature" name="temperature" type="range" min="${TEMPERATURE.min}" max="${TEMPERATURE.max}" step="${TEMPERATURE.step}">
      </div>
      <div class="field">
        <label for="count">Images</label>
        <select id="count" name="count"></select>
      </div>
      <div class="field">
        <label for="pace">Pace</label>
        <select id="pace" name="pace">
          <option value="slow">Slow</option>
          <option value="steady">Steady</option>
          <option value="instant">Instant</option>
        </select>
      </div>
      <div class="field">
        <label for="backend">Draw on</label>
        <select id="backend" name="backend">
          <option value="auto">Auto</option>
          <option value="cpu">CPU</option>
          <option value="gpu">WebGPU</option>
        </select>
      </div>
      <div class="buttons">
        <button type="submit" class="run">Draw</button>
        <button type="button" class="save" disabled>Save PNG</button>
      </div>
    </form>
    <div class="report" part="report">
      <div class="download" hidden>
        <label for="progress"></label>
        <progress id="progress" value="0" max="1"></progress>
      </div>
      <p class="error" role="alert" hidden></p>
      <p class="speed"></p>
      <p class="likelihood"></p>
      <p class="backend-line"></p>
      <p class="spoken" aria-live="polite"></p>
    </div>
  </div>
</figure>`;

const STYLE = `
:host {
  --line: var(--pixel-rnn-line, color-mix(in srgb, currentColor 55%, transparent));
  --muted: var(--pixel-rnn-muted, color-mix(in srgb, currentColor 72%, transparent));
  --accent: var(--pixel-rnn-accent, CanvasText);
  --on-accent: var(--pixel-rnn-on-accent, Canvas);
  --focus: var(--pixel-rnn-focus, Highlight);
  display: block;
  container-type: inline-size;
  writing-mode: horizontal-tb;
}
:host([hidden]), [hidden] { display: none !important; }
/* Colour, family and size of the text come from the page; what else comes through by inheritance would break the lines here. */
figure {
  margin: 0; display: grid; gap: 1.5em;
  font-weight: 400; font-style: normal; font-variant: normal; font-stretch: normal; line-height: 1.5;
  letter-spacing: normal; word-spacing: normal; text-align: start; text-indent: 0; text-transform: none;
  white-space: normal; word-break: normal; overflow-wrap: break-word; hyphens: manual;
}
.stage { position: relative; display: grid; justify-items: center; min-width: 0; }
canvas { display: block; max-width: 100%; image-rendering: pixelated; }
canvas[data-ink] { filter: invert(var(--pixel-rnn-invert, 0)); }
.side { display: grid; gap: 1.25em; min-width: 0; }
.controls { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.125em 0.75em; }
.field { display: grid; gap: 0.3em; align-content: start; min-width: 0; }
.seed, .temperature, .buttons { grid-column: 1 / -1; }
.pair, .buttons { display: flex; gap: 0.5em; align-items: end; }
.pair input { flex: 1; width: 0; }
label { color: var(--muted); font-size: 0.8125em; }
output, .speed, .likelihood, input, label { font-variant-numeric: tabular-nums; }
output { margin-inline-start: 0.25em; }
input, select, button { font: inherit; color: inherit; box-sizing: border-box; min-width: 0; }
input:not([type='range']), select, button {
  height: max(44px, 2em); min-width: 44px; padding: 0 0.75em; border: 1px solid var(--line); border-radius: 4px; background: transparent;
}
select { width: 100%; padding-inline: 0.5em; }
option { color: CanvasText; background: Canvas; }
button { cursor: pointer; white-space: nowrap; }
button:disabled { opacity: 0.5; cursor: default; }
button:hover:enabled { background: color-mix(in srgb, currentColor 8%, transparent); }
input[type='range'] { width: 100%; height: max(44px, 2em); margin: 0; accent-color: var(--accent); }
.run, .poster { min-width: 6em; border-color: transparent; background: var(--accent); color: var(--on-accent); font-weight: 550; }
.run:hover:enabled, .poster:hover:enabled { background: color-mix(in srgb, var(--accent) 86%, var(--on-accent)); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.poster { position: absolute; inset: 0; margin: auto; width: max-content; }
.report p { margin: 0; }
.report { display: grid; gap: 0.25em; align-content: start; min-height: 6em; }
.likelihood, .backend-line { color: var(--muted); font-size: 0.8125em; }
.error { border-inline-start: 3px solid var(--focus); padding-inline-start: 0.75em; }
.download { display: grid; gap: 0.25em; }
progress { width: 100%; height: 0.375em; accent-color: var(--accent); }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:host([controls='none']) .controls, :host([controls='none']) .report p:is(.speed, .likelihood, .backend-line) { display: none; }
:host([controls='none']) figure { gap: 0; }
:host([controls='none']) .report { min-height: 0; }
:host([controls='min']) .field, :host([controls='min']) .save, :host([controls='min']) :is(.likelihood, .backend-line) { display: none; }
:host([controls='min']) figure { gap: 0.75em; }
:host([controls='min']) .side { display: flex; flex-wrap: wrap; gap: 0.5em 1em; align-items: center; justify-content: center; }
:host([controls='min']) .report { min-height: 0; }
/* Forced colours take away the ground that pictures stand out from. The edge of an inverted picture is inverted with it. */
@media (forced-colors: active) {
  canvas { forced-color-adjust: none; outline: 1px solid CanvasText; background: color-mix(in srgb, Canvas, CanvasText); }
  canvas[data-ink] { outline-color: color-mix(in srgb, Canvas calc(100% * var(--pixel-rnn-invert, 0)), CanvasText); }
}
@container (min-width: 52em) {
  :host(:not([controls='min'], [controls='none'])) .stage { justify-items: start; }
  .controls { display: flex; align-items: end; gap: 0.875em; }
  .field { flex-basis: 0; flex-grow: 1; }
  .field.seed { flex-grow: 1.7; }
  .field.temperature { flex-grow: 1.6; }
  .report { min-height: 4.5em; }
}
/* Black on white, a frame where nothing is drawn yet, and nothing that only a finger could use. */
@media print {
  .controls, .poster, .download { display: none; }
  .stage { display: block; }
  canvas { break-inside: avoid; }
  canvas[data-ink] { filter: invert(var(--pixel-rnn-invert, 1)); }
  canvas[data-empty] { object-position: -1000vw; outline: 1px solid; outline-offset: -1px; filter: none; }
}
`;

/**
 * The parts of an element that its code touches.
 * @typedef {object} View
 * @property {HTMLElement} stage
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLButtonElement} poster
 * @property {HTMLFormElement} form
 * @property {HTMLInputElement} seed
 * @property {HTMLInputElement} temperature
 * @property {HTMLOutputElement} temperatureText
 * @property {HTMLSelectElement} count
 * @property {HTMLSelectElement} pace
 * @property {HTMLSelectElement} backend
 * @property {HTMLButtonElement} newSeed
 * @property {HTMLButtonElement} run
 * @property {HTMLButtonElement} save
 * @property {HTMLElement} download
 * @property {HTMLLabelElement} downloadText
 * @property {HTMLProgressElement} progress
 * @property {HTMLElement} error
 * @property {HTMLElement} speed
 * @property {HTMLElement} likelihood
 * @property {HTMLElement} backendLine
 * @property {HTMLElement} spoken
 */

/** @type {{ template: HTMLTemplateElement, sheet: CSSStyleSheet } | null} */
let parts = null;

/** Made at the first element, not at import: the module must load where there is no document. */
function sharedParts() {
  if (!parts) {
    const template = document.createElement('template');
    // A host may have said that line breaks count.
    template.innerHTML = MARKUP.trim();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    parts = { template, sheet };
  }
  return parts;
}

/**
 * Fills a shadow root. The style comes as a sheet object, which a strict `style-src` allows.
 * @param {ShadowRoot} root
 * @returns {View}
 */
export function buildView(root) {
  const { template, sheet } = sharedParts();
  root.adoptedStyleSheets = [sheet];
  root.append(template.content.cloneNode(true));
  const part = (/** @type {string} */ selector) => /** @type {any} */ (root.querySelector(selector));
  return {
    stage: part('.stage'),
    canvas: part('canvas'),
    poster: part('.poster'),
    form: part('form'),
    seed: part('#seed'),
    temperature: part('#temperature'),
    temperatureText: part('output'),
    count: part('#count'),
    pace: part('#pace'),
    backend: part('#backend'),
    newSeed: part('.new-seed'),
    run: part('.run'),
    save: part('.save'),
    download: part('.download'),
    downloadText: part('.download label'),
    progress: part('progress'),
    error: part('.error'),
    speed: part('.speed'),
    likelihood: part('.likelihood'),
    backendLine: part('.backend-line'),
    spoken: part('.spoken'),
  };
}
