/** The JavaScript API under `<pixel-rnn>`: loads models and draws with them in a worker. */

import type { ModelInfo } from './shared/protocol.js';

export type { ModelInfo };
export type Backend = 'auto' | 'cpu' | 'gpu';

/** A network as its weights file describes it; sizes of its layers are there too. */
export interface ModelConfig {
  network: 'pixelcnn' | 'row_lstm' | 'diagonal_bilstm';
  width: number;
  height: number;
  channels: number;
  levels: number;
  /** Of a network that draws a small picture first, and then the image from it. */
  conditioning?: { maps: number; small: ModelConfig };
}

/** How likely a network finds the images of a split. */
export interface MeasuredNll {
  nats_per_image: number;
  bits_per_dim: number;
  images: number;
  protocol: string;
}

/** A set of pictures that models draw the like of, as `models/index.json` lists it. Files are in `models/`. */
export interface ModelSet {
  name: string;
  title: string;
  about: string;
  /** A PNG of two by two of the pictures. */
  picture?: string;
  /** Pictures of the test split. */
  examples?: string;
  /** Name of one of those, without its number. */
  example?: string;
  /** Licence and source. */
  credit?: string;
}

/** A model, as `models/index.json` lists it. */
export interface ModelEntry {
  name: string;
  title: string;
  file: string;
  /** Exact size of the file. */
  bytes: number;
  sha256: string;
  parameters: number;
  config?: ModelConfig;
  /** Name of the set whose like it draws; lists without sets have none. */
  set?: string;
  test_nll?: MeasuredNll;
  valid_nll?: MeasuredNll;
  training?: { config?: { dataset?: string | { name?: string } } };
}

export interface LoadOptions {
  /** Told the bytes so far and the exact total; a model that is loaded already reports nothing. */
  onProgress?(loaded: number, total: number): void;
  signal?: AbortSignal;
}

/** One row of every image of the batch. */
export interface Row {
  /** Index into the model's `scales`. Those before the last are small pictures that the image is drawn from. */
  scale: number;
  /** In the picture of this scale, which is `width` x `height`. */
  y: number;
  width: number;
  height: number;
  /** RGBA, `[count, width, 4]`. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
  /** Of the image named by `trace`. */
  trace?: RowTrace;
}

/** What the network said of a row of one image, and what was drawn with; channels first, then columns. */
export interface RowTrace {
  /** `[C, W, logits]`; one logit, the log-odds of level 1, for two levels. */
  logits: Float32Array<ArrayBuffer>;
  /** The random number of every value, at least 0 and below 1: where it falls among the probabilities is what is drawn. `[C, W]`. */
  uniforms: Float32Array<ArrayBuffer>;
  /** Minus the log-probability of every value, at temperature 1, `[C, W]`. */
  nll_nats: Float32Array<ArrayBuffer>;
}

export interface SampleOptions {
  /** Name of a model in `models/index.json`. */
  model: string;
  /** Unsigned 64-bit, a number up to 2 ** 53 - 1. The same seed gives the same images everywhere. */
  seed: bigint | number;
  /** Index of the first image, 0 if left out: image k is the same in any batch. */
  first?: number;
  /** Images in the batch, 1 to 1024; 1 if left out. */
  count?: number;
  /** 0.001 or more; 1 if left out. */
  temperature?: number;
  /** `naive` runs a full pass for each pixel, on the CPU: the definition, and the slow way. */
  method?: 'cached' | 'naive';
  backend?: Backend;
  /**
   * Workers that may share the batch on the CPU, 1 or more; as many as there are cores, four at most, if left out. The
   * first batch of a model is always drawn by one, the others are started after it. The images are the same.
   */
  threads?: number;
  /** An image of the batch whose rows tell what the network said of them. It is drawn on the CPU, by one worker. */
  trace?: number;
  onRow?(row: Row): void;
  /** Told, in one sentence, when the GPU asked for does not draw and the CPU does. */
  onFallback?(reason: string): void;
  signal?: AbortSignal;
}

export interface CompleteOptions extends SampleOptions {
  /** Levels of the known pixels: one image `[C, H, W]` for all, or `[count, C, H, W]`. */
  given: Uint8Array;
  /** `[H, W]` for all or `[count, H, W]`, 1 = draw this pixel, 0 = keep the given one. */
  mask: Uint8Array;
}

export interface Drawing {
  /** `[count, C, H, W]`. */
  levels: Uint8Array<ArrayBuffer>;
  /**
   * Minus the log-likelihood of each image. With several scales it is of them all,
   * -ln p(small) - ln p(large | small), and null where `naive` drew.
   */
  nll_nats: Float32Array<ArrayBuffer> | null;
  /** Time spent drawing. */
  elapsed_ms: number;
  pixels_per_second: number;
  backend: 'cpu' | 'gpu';
  /** Name of the GPU that drew, else empty. */
  adapter: string;
  /** Workers that shared the batch. */
  threads: number;
  /** Memory that the drawing code of these workers holds. It grows to what is needed at once, and stays. */
  wasm_bytes: number;
}

export interface DistributionOptions {
  /** Name of a model in `models/index.json`. */
  model: string;
  /** `[C, H, W]` of one image. Only what is drawn before the value matters. */
  levels: Uint8Array;
  channel: number;
  y: number;
  x: number;
  signal?: AbortSignal;
}

/** Images that are drawn together. */
export interface Batch {
  /** Name of a model in `models/index.json`. */
  model: string;
  count: number;
}

/** What a row of a batch takes. */
export interface Calibration {
  /** The faster one. */
  backend: 'cpu' | 'gpu';
  /** Name of the adapter. */
  adapter: string;
  cpu_ms: number;
  gpu_ms: number;
  /** That measuring took, the GPU being opened already. */
  elapsed_ms: number;
}

export interface BackendReport {
  backend: 'cpu' | 'gpu';
  /** Name of the adapter, empty without one. */
  adapter: string;
  /** The choice and its reason, for people. */
  sentence: string;
}

/**
 * Owns one worker. Every argument is checked before anything is begun: a method rejects with a TypeError or a RangeError
 * that names it, what was found and what is expected. Fires `choice` when it has found out what draws a batch faster, and
 * `bundle` when the GPU bundle has become available.
 */
export class Engine extends EventTarget {
  /** The models on offer. */
  models(): Promise<ModelEntry[]>;
  /** The sets of pictures that they are of, none where the list does not say. */
  sets(): Promise<ModelSet[]>;
  /** Fetches, checks and builds a model; concurrent calls share one download. */
  load(name: string, options?: LoadOptions): Promise<ModelInfo>;
  /** Draws images. Rejects with the signal's reason when stopped. */
  sample(options: SampleOptions): Promise<Drawing>;
  /** Draws the masked pixels of given images. */
  complete(options: CompleteOptions): Promise<Drawing>;
  /** Minus the log-probability of each value of `[count, C, H, W]` levels. */
  score(options: { model: string; levels: Uint8Array; count: number; signal?: AbortSignal }): Promise<Float32Array<ArrayBuffer>>;
  /** The probability of each level of one value, knowing everything that is drawn before it; at temperature 1. */
  distribution(options: DistributionOptions): Promise<Float32Array<ArrayBuffer>>;
  /** Finds out whether the CPU or the GPU draws a batch faster; rejects where there is no GPU to draw on. */
  calibrate(options: Batch & { signal?: AbortSignal }): Promise<Calibration>;
  /** Says where a run with this setting draws, and why. */
  describe(backend: Backend, batch?: Batch): Promise<BackendReport>;
  /** Stops every run; their promises reject with an `AbortError`. */
  stop(): void;
  /** Stops everything and ends the worker. */
  dispose(): void;
}

/** The engine that all elements of a page share. */
export function sharedEngine(): Engine;
