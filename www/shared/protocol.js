/**
 * Every message between the page (`engine.js`) and the worker (`worker.js`), and the limits both obey.
 *
 * The page numbers its requests with `id`; every answer carries the id of its request, so that rows of
 * two runs can never be mixed. Each request ends in exactly one of `loaded`, `done`, `scored`,
 * `distributed`, `activated`, `reached`, `influenced`, `coded`, `masked`, `calibrated`, `unloaded`, `stopped` or `failed`.
 */

/** Most images in one batch. */
export const MAX_COUNT = 1024;

/** Largest number of an image of a seed. */
export const MAX_FIRST = 2 ** 32 - 1;

/** Largest seed: seeds are unsigned 64-bit numbers. */
export const MAX_SEED = 2n ** 64n - 1n;

/** Most levels that a value can have. */
export const MAX_LEVELS = 256;

/**
 * Where a page may ask to draw: `auto` leaves the choice to the engine.
 * @type {readonly ["auto", "cpu", "gpu"]}
 */
export const BACKENDS = Object.freeze(['auto', 'cpu', 'gpu']);

/**
 * A weights file: what the worker needs of its line in `models/index.json`, or of a file that is in no list.
 * @typedef {object} WeightsFile
 * @property {string} name    name of the model
 * @property {string} url     absolute address of the file
 * @property {number} bytes   exact size
 * @property {string} sha256  of the file, in hexadecimal
 * @property {Blob} [file]    the file itself, which is then neither fetched nor kept: `url` only tells it from others
 * @property {string} [untrained]  a configuration in place of a file: a network of random weights
 */

/**
 * What a worker needs of another one to be its helper, so that nothing is fetched or compiled twice.
 * @typedef {object} LoadSource
 * @property {Uint8Array} bytes           of the weights file; none where there is no file
 * @property {WebAssembly.Module} module  the CPU bundle
 */

/**
 * The size of a picture.
 * @typedef {object} Size
 * @property {number} width
 * @property {number} height
 */

/**
 * What a loaded model says about itself.
 * @typedef {object} ModelInfo
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} levels      2 to 256
 * @property {number} parameters
 * @property {Size[]} scales      of an image in the order drawn, the image itself last; one for most networks
 */

/**
 * How rows are drawn: with every feature computed once, by a full pass per pixel, or with every feature
 * computed once inside one kernel on WebGPU.
 * @typedef {"cached" | "naive" | "gpu"} Method
 */

/**
 * Page -> worker: fetch and build a model.
 * @typedef {object} LoadRequest
 * @property {"load"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {LoadSource} [source]  given by a worker to its helpers
 */

/**
 * Page -> worker, and worker -> helper: draw images `first .. first + count`.
 * @typedef {object} SampleRequest
 * @property {"sample"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Method} method
 * @property {bigint} seed
 * @property {number} first
 * @property {number} count
 * @property {number | readonly number[]} temperature  for all scales or each, smallest image first
 * @property {number} [topK]       likeliest levels of which a value is drawn; all where left out
 * @property {number} [topP]       share of probability of the likeliest levels of which it is drawn; 1 where left out
 * @property {number} threads      workers that may draw it on the CPU
 * @property {Uint8Array} [given]  levels of known pixels, `[C, H, W]` or `[count, C, H, W]`
 * @property {Uint8Array} [mask]   `[H, W]` or `[count, H, W]`, 1 = draw this pixel, 0 = keep the given one; with a plane a
 *   channel `[C, H, W]` or `[count, C, H, W]`. Its length says which; three planes for three images are one an image
 * @property {number} [trace]      an image of the batch whose rows come with what the network said of them; `cached` only
 */

/**
 * What the network said of a row of one image, and what was drawn with.
 * @typedef {object} RowTrace
 * @property {Float32Array<ArrayBuffer>} logits    `[C, W, logits]`; one logit, the log-odds of level 1, for two levels
 * @property {Float32Array<ArrayBuffer>} uniforms  `[C, W]`, also of values that are given
 * @property {Float32Array<ArrayBuffer>} nll_nats  `[C, W]`, at temperature 1
 */

/**
 * Page -> worker: minus the log-probability of each value of `count` images.
 * @typedef {object} ScoreRequest
 * @property {"score"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Uint8Array} levels  `[count, C, H, W]`
 * @property {number} count
 */

/**
 * Page -> worker: the probabilities of one value, knowing everything that is drawn before it.
 * @typedef {object} DistributionRequest
 * @property {"distribution"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Uint8Array} levels  `[C, H, W]` of one image
 * @property {number} channel
 * @property {number} y
 * @property {number} x
 */

/**
 * Page -> worker: what the layers of one block give at a pixel.
 * @typedef {object} ActivationsRequest
 * @property {"activations"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Uint8Array} levels  `[C, H, W]` of one image
 * @property {number} block
 * @property {number} y
 * @property {number} x
 */

/**
 * Page -> worker: what the wiring of a network joins with a pixel.
 * @typedef {object} ReachRequest
 * @property {"reach"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {number} y
 * @property {number} x
 */

/**
 * Page -> worker, and worker -> helper: how far pixels of an image, flipped, move the distributions of others: each moves pixel (`y`, `x`), `on`;
 * that pixel each, `of`; each each, `all`, and no pixel is looked at.
 * @typedef {object} InfluenceRequest
 * @property {"influence"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {"on" | "of" | "all"} question
 * @property {Uint8Array} levels  `[C, H, W]` of one image
 * @property {number} y
 * @property {number} x
 * @property {number} threads  workers that may work it out
 * @property {{ at: number, of: number }} [share]  which share of the work, of how many; all of it where none is named
 */

/**
 * Page -> worker: images as few bytes.
 * @typedef {object} CompressRequest
 * @property {"compress"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Uint8Array} levels  `[count, C, H, W]`
 * @property {number} count
 */

/**
 * Page -> worker: the images of a compressed file.
 * @typedef {object} DecompressRequest
 * @property {"decompress"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {Uint8Array} file
 */

/**
 * Page -> worker: mask A or B of a convolution with one feature a colour.
 * @typedef {object} MaskRequest
 * @property {"mask"} type
 * @property {number} id
 * @property {"A" | "B"} kind
 * @property {number} size      of the kernel
 * @property {number} channels
 */

/**
 * Page -> worker: find out what draws `count` images faster.
 * @typedef {object} CalibrateRequest
 * @property {"calibrate"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {number} count
 * @property {number} threads  workers that may draw it on the CPU
 */

/**
 * Page -> worker, and worker -> helper: free the model, when nothing draws with it any more.
 * @typedef {object} UnloadRequest
 * @property {"unload"} type
 * @property {number} id
 * @property {WeightsFile} weights
 */

/**
 * Page -> worker: give up request `id`. Looked at between rows.
 * @typedef {object} StopRequest
 * @property {"stop"} type
 * @property {number} id
 */

/**
 * @typedef {LoadRequest | SampleRequest | ScoreRequest | DistributionRequest | ActivationsRequest | ReachRequest | InfluenceRequest
 *   | CompressRequest | DecompressRequest | MaskRequest | CalibrateRequest | UnloadRequest} WorkRequest
 */
/** @typedef {WorkRequest | StopRequest} Request */

/**
 * What is asked of the worker about a model.
 * @template {WorkRequest} R
 * @typedef {R extends unknown ? Omit<R, "id" | "weights"> : never} QuestionOf
 */
/** @typedef {QuestionOf<Exclude<WorkRequest, { type: "mask" }>>} Question */

/**
 * Asks the worker something about a model, told by name, and gives the answer; `onReply` is told what comes before it.
 * @typedef {(model: string, question: Question, options?: { signal?: AbortSignal, onReply?: (reply: Reply) => void }) => Promise<any>} Ask
 */

/**
 * Worker -> page: bytes so far of the weights, and of the CPU bundle where that is fetched too; of compressed images rows.
 * @typedef {object} ProgressReply
 * @property {"progress"} type
 * @property {number} id
 * @property {number} loaded
 * @property {number} total
 */

/**
 * Worker -> page: the model is ready.
 * @typedef {object} LoadedReply
 * @property {"loaded"} type
 * @property {number} id
 * @property {ModelInfo} info
 * @property {string} metadata  configuration, training record and results, as JSON
 */

/**
 * Worker -> page: row `y` of every image, told again where it is drawn again; of `naive` it is told with each of its values. The
 * buffer is transferred.
 * @typedef {object} RowReply
 * @property {"row"} type
 * @property {number} id
 * @property {number} scale  index into the model's `scales`: their pictures come one after the other
 * @property {number} y      in the picture of that scale
 * @property {Uint8ClampedArray<ArrayBuffer>} rgba  `[count, width, 4]`, as wide as that picture
 * @property {number} [values]  of it that are drawn, pixel by pixel and the colours of each one after another; none where all are
 * @property {RowTrace} [trace]
 */

/**
 * Worker -> page: the GPU gave up, the CPU draws the picture from its first row on.
 * @typedef {object} FallbackReply
 * @property {"fallback"} type
 * @property {number} id
 * @property {string} reason  one sentence
 */

/**
 * Worker -> page: every row is drawn.
 * @typedef {object} DoneReply
 * @property {"done"} type
 * @property {number} id
 * @property {Uint8Array<ArrayBuffer>} levels         `[count, C, H, W]`
 * @property {Float32Array<ArrayBuffer> | null} nll_nats  per image; null where it is not known
 * @property {number} elapsed_ms                      spent drawing, without waiting for other runs
 * @property {Method} method                          that drew the last row
 * @property {number} wasm_bytes                      memory that the wasm instances hold of the workers that drew
 * @property {number} threads                         workers that drew
 */

/**
 * Worker -> page: the scores, `[count, C, H, W]`.
 * @typedef {object} ScoredReply
 * @property {"scored"} type
 * @property {number} id
 * @property {Float32Array<ArrayBuffer>} nll_nats
 */

/**
 * Worker -> page: the probability of each level.
 * @typedef {object} DistributedReply
 * @property {"distributed"} type
 * @property {number} id
 * @property {Float32Array<ArrayBuffer>} probabilities
 */

/**
 * Worker -> page: what the block takes in and what its layers give, one after another.
 * @typedef {object} ActivatedReply
 * @property {"activated"} type
 * @property {number} id
 * @property {Float32Array<ArrayBuffer>} activations
 */

/**
 * Worker -> page: 1 where the wiring joins, `[H, W]`.
 * @typedef {object} ReachedReply
 * @property {"reached"} type
 * @property {number} id
 * @property {Uint8Array<ArrayBuffer>} joined
 */

/**
 * Worker -> page: the pixels of row `y` have all been flipped; the last row is told of first.
 * @typedef {object} FlippedReply
 * @property {"flipped"} type
 * @property {number} id
 * @property {number} y
 * @property {Float32Array<ArrayBuffer>} [effects]  of `on`: how far each of them moves the pixel, `[W]`
 */

/**
 * Worker -> page: every effect that was asked for.
 * @typedef {object} InfluencedReply
 * @property {"influenced"} type
 * @property {number} id
 * @property {Float32Array<ArrayBuffer>} effects  `[H, W]`; of `all` `[H · W, H · W]`, first the pixel flipped
 * @property {Float32Array<ArrayBuffer>} [mean]   of `all`: averaged over the pairs that lie alike, `[H, 2 W − 1]`
 */

/**
 * Worker -> page: the compressed file, or the levels of its images, `[count, C, H, W]`.
 * @typedef {object} CodedReply
 * @property {"coded"} type
 * @property {number} id
 * @property {Uint8Array<ArrayBuffer>} bytes
 */

/**
 * Worker -> page: 1 where a colour sees, `[channels, channels, size, size]`, first the colour that is made.
 * @typedef {object} MaskedReply
 * @property {"masked"} type
 * @property {number} id
 * @property {Uint8Array<ArrayBuffer>} mask
 */

/**
 * Worker -> page: what a row of the batch takes.
 * @typedef {object} CalibratedReply
 * @property {"calibrated"} type
 * @property {number} id
 * @property {number} cpu_ms
 * @property {number} gpu_ms
 * @property {number} elapsed_ms  that measuring took
 */

/**
 * Worker -> page: the model is freed, or will be with the end of the last run.
 * @typedef {object} UnloadedReply
 * @property {"unloaded"} type
 * @property {number} id
 */

/**
 * Worker -> page: the request was given up as asked.
 * @typedef {object} StoppedReply
 * @property {"stopped"} type
 * @property {number} id
 */

/**
 * Worker -> page: the request failed. After a fatal failure the wasm instance is dead and the page
 * starts another worker.
 * @typedef {object} FailedReply
 * @property {"failed"} type
 * @property {number} id
 * @property {string} message  one sentence
 * @property {boolean} fatal
 */

/**
 * @typedef {ProgressReply | LoadedReply | RowReply | FallbackReply | DoneReply | ScoredReply
 *   | DistributedReply | ActivatedReply | ReachedReply | FlippedReply | InfluencedReply | CodedReply | MaskedReply
 *   | CalibratedReply | UnloadedReply | StoppedReply | FailedReply} Reply
 */
