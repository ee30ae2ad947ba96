/** The custom element `<pixel-rnn>`; importing this module defines it. */

import type { Backend, Drawing, ModelInfo, Row } from './engine.js';
import type { Pace } from './shared/reveal.js';

export interface ReadyDetail extends ModelInfo {
  model: string;
}

/** The canvas is empty, and the rows that follow are of this run. */
export interface StartDetail {
  model: string;
  seed: bigint;
  first: number;
  count: number;
  /** For all scales, or for each, smallest image first. */
  temperature: number | number[];
  topK: number | null;
  topP: number;
}

/** How far it is: code and weights are fetched first, if they are not here, then rows are shown. */
export interface ProgressDetail {
  unit: 'bytes' | 'rows';
  done: number;
  total: number;
}

export interface RowDetail extends Row {
  /** What the row is of. */
  model: string;
  seed: bigint;
}

export interface DoneDetail extends Drawing {
  model: string;
  seed: bigint;
  first: number;
  count: number;
  /** For all scales, or for each, smallest image first. */
  temperature: number | number[];
  topK: number | null;
  topP: number;
  /** Of the model. */
  info: ModelInfo;
}

export interface FailedDetail {
  /** One sentence. */
  message: string;
}

/** The visitor has clicked a pixel of the picture. */
export interface PickDetail {
  /** Which image of the grid. */
  image: number;
  x: number;
  y: number;
}

export interface ChangeDetail {
  /** The attribute that the visitor changed. */
  name: string;
  /** True while a slider moves. */
  live: boolean;
}

export interface PixelRnnEventMap extends Omit<HTMLElementEventMap, 'progress' | 'change'> {
  ready: CustomEvent<ReadyDetail>;
  start: CustomEvent<StartDetail>;
  progress: CustomEvent<ProgressDetail>;
  row: CustomEvent<RowDetail>;
  done: CustomEvent<DoneDetail>;
  failed: CustomEvent<FailedDetail>;
  change: CustomEvent<ChangeDetail>;
  pick: CustomEvent<PickDetail>;
}

/** What a property may be set to in place of a value: its attribute is removed. */
type Nothing = null | undefined;

/**
 * Draws a grid of images row by row. Attributes and properties of the same name mirror each other. Attributes, and text given to
 * properties, forgive: a number takes the nearest value allowed, anything else the default. A number or bigint given to a property
 * that is not allowed is refused with a `RangeError`.
 *
 * Its events do not bubble: they are heard by listeners of the element itself, and by those around it that capture.
 */
export class PixelRnnElement extends HTMLElement {
  /** Name of a model in `models/index.json`, or of one that the engine has opened; empty takes the first. Ignored where there is a `src`. */
  get model(): string;
  set model(name: string | Nothing);
  /**
   * Address of a weights file made by `pixelrnn train`, relative to the document: on the page's own site, or on one that sends
   * `Access-Control-Allow-Origin`. It is read as the attribute stands.
   */
  get src(): string;
  set src(address: string | URL | Nothing);
  /** Unsigned 64-bit, 7 by default; a bigint from 2^53 on. */
  get seed(): bigint;
  set seed(seed: bigint | number | string | Nothing);
  /** Number of the first image, 0 by default: image k of a seed is the same in any grid. */
  get first(): number;
  set first(first: number | string | Nothing);
  /** Images in the grid: 1 to 1024, 16 by default. */
  get count(): number;
  set count(count: number | string | Nothing);
  /** 0.1 to 2, 1 by default; of a network of several scales there may be one each, smallest image first. */
  get temperature(): number | number[];
  set temperature(temperature: number | readonly number[] | string | Nothing);
  /** Of how many likeliest levels a value is drawn: 1 to those it can have, or all, null, by default. More is refused by the network. */
  get topK(): number | null;
  set topK(topK: number | string | Nothing);
  /** The share of probability, 0.001 to 1, that the fewest likeliest levels have of which a value is drawn; 1, all, by default. */
  get topP(): number;
  set topP(topP: number | string | Nothing);
  get backend(): Backend;
  set backend(backend: Backend | Nothing);
  get controls(): 'full' | 'min' | 'none';
  set controls(controls: 'full' | 'min' | 'none' | Nothing);
  /** How fast rows are shown, not drawn. */
  get pace(): Pace;
  set pace(pace: Pace | Nothing);
  /** `lazy` fetches when it is near and draws when it is in view, `eager` at once, `manual` when asked to. */
  get loading(): 'lazy' | 'eager' | 'manual';
  set loading(loading: 'lazy' | 'eager' | 'manual' | Nothing);
  readonly running: boolean;
  /** Draws anew; resolves when all rows are shown, the run is stopped, or it failed. */
  draw(): Promise<void>;
  /** Stops at the row shown now. */
  stop(): void;
  /**
   * The picture on a white ground as a PNG, each of its pixels a square of `scale` pixels a side; 8 if left out, fewer
   * where the file would have more than 67 million pixels. Rejects with a RangeError where `scale` is no whole number
   * from 1 on.
   */
  toPng(scale?: number): Promise<Blob>;
  addEventListener<K extends keyof PixelRnnEventMap>(
    type: K,
    listener: (this: PixelRnnElement, event: PixelRnnEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'pixel-rnn': PixelRnnElement;
  }
}
