/** The style of `<pixel-rnn>`. */

const STYLE = `
:host {
  --line: var(--pixel-rnn-line, color-mix(in srgb, currentColor 55%, transparent));
  --muted: var(--pixel-rnn-muted, color-mix(in srgb, currentColor 72%, transparent));
  --accent: var(--pixel-rnn-accent, CanvasText);
  --on-accent: var(--pixel-rnn-on-accent, Canvas);
  --focus: var(--pixel-rnn-focus, currentColor);
  display: block;
  container-type: inline-size;
  writing-mode: horizontal-tb;
}
:host([hidden]), [hidden] { display: none !important; }
/* Colour, family and size of the text come from the page; what else comes through by inheritance would break the lines here. */
figure { margin: 0; display: grid; gap: 1.5em; }
.stage, .side {
  font-weight: 400; font-style: normal; font-variant: normal; font-stretch: normal; line-height: 1.5;
  letter-spacing: normal; word-spacing: normal; text-align: start; text-indent: 0; text-transform: none;
  white-space: normal; word-break: normal; overflow-wrap: break-word; hyphens: manual;
}
/* The picture, and in its middle the button that draws it. */
.stage { position: relative; display: grid; grid-template-columns: minmax(0, max-content); justify-content: center; place-items: center; min-width: 0; }
canvas, .offer { grid-area: 1 / 1; }
canvas { display: block; max-width: 100%; image-rendering: pixelated; }
canvas[data-ink] { filter: invert(var(--pixel-rnn-invert, 0)); }
/* In place of the grid and as large, so that nothing moves when it goes; what it leaves free is the page's. */
.stage[data-poster] canvas { visibility: hidden; }
slot[name='poster'] { display: block; position: absolute; inset: 0; }
::slotted([slot='poster']) { display: block; width: 100%; height: 100%; object-fit: contain; }
figcaption { min-width: 0; }
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
.run, .offer { min-width: 6em; border-color: transparent; background: var(--accent); color: var(--on-accent); font-weight: 550; }
/* Their ring is on the page's ground, where the colour of their text may not be seen. */
.run, .offer { --focus: var(--pixel-rnn-focus, var(--accent)); }
.run:hover:enabled, .offer:hover:enabled { background: color-mix(in srgb, var(--accent) 86%, var(--on-accent)); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
/* What it lies on may have its colour: an edge tells it. */
.offer { z-index: 1; border-color: var(--on-accent); }
.report p { margin: 0; }
/* Room for what it will say, two of its lines broken in two, so that nothing below moves. */
.report { display: grid; gap: 0.25em; align-content: start; min-height: 7.25em; }
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
@container (min-width: 32em) {
  .report { min-height: 6em; }
}
@container (min-width: 52em) {
  :host(:not([controls='min'], [controls='none'])) .stage { justify-content: start; }
  :host(:not([controls='min'], [controls='none'])) ::slotted([slot='poster']) { object-position: left; }
  .controls { display: flex; align-items: end; gap: 0.875em; }
  .field { flex-basis: 0; flex-grow: 1; }
  .field.seed { flex-grow: 1.7; }
  .field.temperature { flex-grow: 1.6; }
  .report { min-height: 4.5em; }
}
/* Black on white, a frame where nothing is drawn yet, and nothing that only a finger could use. */
@media print {
  .controls, .offer, .download { display: none; }
  .stage { display: block; }
  canvas { break-inside: avoid; }
  canvas[data-ink] { filter: invert(var(--pixel-rnn-invert, 1)); }
  canvas[data-empty] { object-position: -1000vw; outline: 1px solid; outline-offset: -1px; filter: none; }
}
`;

/** @type {CSSStyleSheet | null} */
let sheet = null;

/** Made at the first element, not at import: the module must load where there is no document. An object, which a strict `style-src` allows. */
export function sharedSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}
