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

/** A model, as `models/index.json` lists it, or as the file that was brought says itself. */
export interface ModelEntry {
  name: string;
  title: string;
  file: string;
  /** Exact size of the file. */
  bytes: number;
  /** Empty where a file was brought on a page that is not served securely. */
  sha256: string;
  parameters: number;
  config?: ModelConfig;
  /** Name of the set whose like it draws; lists without sets have none. */
  set?: string;
  test_nll?: MeasuredNll;
  valid_nll?: MeasuredNll;
  training?: { config?: { dataset?: string | { name?: string } } };
  /** Whether it came as a file (`Engine.open`): it is in no list, on no server, and gone with the page. */
  own?: boolean;
}

export interface OpenOptions extends LoadOptions {
  /** Of the file; if left out that of a `File`, or the end of the address. */
  name?: string;
  /** Of the network, in `ModelEntry`; its name if left out. Numbered, as its name is, where another network came in a file of this name. */
  title?: string;
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

/** A row of which some values are drawn, pixel by pixel and the colours of each one after another; the others are 0. */
export interface RowUnderWay extends Row {
  /** Drawn so far, of every image. */
  values: number;
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
  /** 0.001 or more; 1 if left out. Of several scales one for all or one each, smallest image first. */
  temperature?: number | readonly number[];
  /** Of how many likeliest levels a value is drawn, 1 to those it can have; all if left out. Of equally likely ones the lower is taken. */
  topK?: number;
  /**
   * Above 0, at most 1: a value is drawn of the fewest likeliest levels, of those that `topK` leaves, that have this share of their
   * probability at the temperature; 1 if left out. `nll_nats` stays that of the network itself.
   */
  topP?: number;
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
  /** With `naive`, told of a row each time one of its values is drawn; once all are, `onRow` is. */
  onValue?(row: RowUnderWay): void;
  /** Told, in one sentence, when the GPU asked for does not draw and the CPU does. */
  onFallback?(reason: string): void;
  signal?: AbortSignal;
}

export interface CompleteOptions extends SampleOptions {
  /** Levels of the known pixels: one image `[C, H, W]` for all, or `[count, C, H, W]`. */
  given: Uint8Array;
  /**
   * `[H, W]` for all or `[count, H, W]`, 1 = draw this pixel, 0 = keep the given one. In colour it may have a plane a channel,
   * `[C, H, W]` for all or `[count, C, H, W]`; its length says which, and three planes for three images are one an image.
   *
   * Where everything up to one value is given as it was drawn, the same seed draws the rest again: change that value, and
   * what differs follows from it. Not with several scales: the small picture is drawn again below what is given of it.
   */
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

/** A pixel of an image that is known, at least as far as it is asked about. */
export interface PixelOptions {
  /** Name of a model in `models/index.json`. */
  model: string;
  /** `[C, H, W]` of one image. */
  levels: Uint8Array;
  y: number;
  x: number;
  signal?: AbortSignal;
}

export interface InfluenceOptions extends PixelOptions {
  /** Told of each row of pixels before it, the nearest first, how far each of them moves it: `[W]`. */
  onRow?(y: number, effects: Float32Array<ArrayBuffer>): void;
}

export interface InfluenceMapOptions {
  /** Name of a model in `models/index.json`. */
  model: string;
  /** `[C, H, W]` of one image of at most 4096 pixels. */
  levels: Uint8Array;
  signal?: AbortSignal;
  /** Told how much of the work is done, and how much there is. */
  onProgress?(done: number, total: number): void;
}

/** How far each pixel of an image, flipped, moves the distribution of each. */
export interface InfluenceMap {
  /** `[H · W, H · W]`: of flipped pixel `i` on pixel `j` at `i · H · W + j`; 0 unless `j` is after `i`. */
  effects: Float32Array<ArrayBuffer>;
  /**
   * The same averaged over all pairs that lie alike, `[H, 2 W − 1]`, as seen from the middle of the last row: the pixel `up` rows
   * above and `right` columns to the right is at row `H − 1 − up`, column `W − 1 + right`.
   */
  mean: Float32Array<ArrayBuffer>;
}

/** Images to be written in few bytes. */
export interface CompressOptions {
  /** Name of a model in `models/index.json`. */
  model: string;
  /** `[count, C, H, W]`. */
  levels: Uint8Array;
  count: number;
  signal?: AbortSignal;
  /** Told how many rows are done, of all images, and how many there are. */
  onProgress?(done: number, total: number): void;
}

/** Bytes to be read as images. */
export interface DecompressOptions {
  /** Name of the model that they were written with. */
  model: string;
  /** What `compress`, here or in the program, has written. */
  file: Uint8Array;
  signal?: AbortSignal;
  /** Told how many rows are done, of all images, and how many there are. */
  onProgress?(done: number, total: number): void;
}

/** A masked convolution with one feature a colour. */
export interface MaskOptions {
  /** A, of the first layer, or B, of the others. */
  kind: 'A' | 'B';
  /** Of its kernel, odd. */
  size: number;
  /** Colours: 1, 2 or 3. */
  channels: number;
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
  /** The models on offer, and after them those that were opened. */
  models(): Promise<ModelEntry[]>;
  /** The sets of pictures that they are of, none where the list does not say. */
  sets(): Promise<ModelSet[]>;
  /**
   * Takes a weights file made by `pixelrnn train`, of any size, scales and levels: itself, its bytes, or its address, which is
   * relative to the document. It is checked and built, kept in memory as long as the page, and neither stored nor sent.
   * The name of its entry, which ends in `.safetensors`, then goes wherever the name of a model does, in every engine of the page; the same file opened again
   * is the same entry. Rejects with one sentence that says which tensor or field is wrong.
   */
  open(file: Blob | Uint8Array | string | URL, options?: OpenOptions): Promise<ModelEntry>;
  /** Fetches, checks and builds a model; concurrent calls share one download. */
  load(name: string, options?: LoadOptions): Promise<ModelInfo>;
  /** Bytes that a first picture of a model fetches, code and weights, without what is here already. A host that compresses sends fewer. */
  downloadBytes(name: string): Promise<number>;
  /** Frees the memory that the worker holds of a model, after what draws with it. Whoever asks for the model again has it built again. */
  unload(name: string): Promise<void>;
  /** Draws images. Rejects with the signal's reason when stopped. */
  sample(options: SampleOptions): Promise<Drawing>;
  /** Draws the masked pixels, or values, of given images. */
  complete(options: CompleteOptions): Promise<Drawing>;
  /** Minus the log-probability of each value of `[count, C, H, W]` levels. */
  score(options: { model: string; levels: Uint8Array; count: number; signal?: AbortSignal }): Promise<Float32Array<ArrayBuffer>>;
  /** The probability of each level of one value, knowing everything that is drawn before it; at temperature 1. */
  distribution(options: DistributionOptions): Promise<Float32Array<ArrayBuffer>>;
  /**
   * What one block of a network (0 is the first) takes in at a pixel, 2h features, and what its layers give there, one after another: h
   * features of a recurrent layer, or h twice of two convolutions, then the 2h that what came in is added to.
   */
  activations(options: PixelOptions & { block: number }): Promise<Float32Array<ArrayBuffer>>;
  /**
   * What the wiring of a network joins with a pixel, whatever its weights: `[H, W]`, 1 at the pixels before it that its
   * distribution may depend on, and at those after it whose distributions may depend on it.
   */
  reach(options: Pick<PixelOptions, 'model' | 'y' | 'x' | 'signal'>): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * How far each pixel before (`y`, `x`), flipped, moves its distribution: `[H, W]`, 0 from that pixel on. Flipped, every colour
   * of a pixel moves by half of the levels; the effect is the total variation between the distributions before and after, 0 to 1,
   * the mean of its colours, at temperature 1. It is 0 where no logit changes at all, and never 0 where one does: then it may be
   * too small to be told by probabilities of 32 bits. With several scales the small picture is held.
   */
  influence(options: InfluenceOptions): Promise<Float32Array<ArrayBuffer>>;
  /** The other way round: how far (`y`, `x`), flipped, moves the distribution of each pixel after it, `[H, W]`, 0 up to that pixel. */
  changes(options: PixelOptions): Promise<Float32Array<ArrayBuffer>>;
  /** The same of all pairs of pixels, which is as much work as drawing W (H + 1) / 2 pictures. */
  influenceMap(options: InfluenceMapOptions): Promise<InfluenceMap>;
  /**
   * Images without loss in as many bits as the model finds them unlikely, -log2 p, and a few bytes beside: the file that `pixelrnn
   * compress` writes of them.
   */
  compress(options: CompressOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The images of such a file, `[count, C, H, W]`, wherever it was written. Rejects with one sentence where it is damaged, another
   * kind of file, or was written with another model.
   */
  decompress(options: DecompressOptions): Promise<{ levels: Uint8Array<ArrayBuffer>; count: number }>;
  /**
   * Mask A or B as the networks have it: `[channels, channels, size, size]`, first the colour that is made, then the one it looks
   * at; 1 where it sees.
   */
  mask(options: MaskOptions): Promise<Uint8Array<ArrayBuffer>>;
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
