/**
 * Every message between the page (`engine.js`) and the worker (`worker.js`), and the limits both obey.
 *
 * The page numbers its requests with `id`; every answer carries the id of its request, so that rows of
 * two runs can never be mixed. Each request ends in exactly one of `loaded`, `done`, `scored`,
 * `distributed`, `calibrated`, `stopped` or `failed`.
 */

/** Most images in one batch. */
export const MAX_COUNT = 1024;

/** Largest seed: seeds are unsigned 64-bit numbers. */
export const MAX_SEED = 2n ** 64n - 1n;

/**
 * Where a page may ask to draw: `auto` leaves the choice to the engine.
 * @type {readonly ["auto", "cpu", "gpu"]}
 */
export const BACKENDS = Object.freeze(['auto', 'cpu', 'gpu']);

/**
 * A weights file: what the worker needs of its line in `models/index.json`.
 * @typedef {object} WeightsFile
 * @property {string} name    name of the model
 * @property {string} url     absolute address of the file
 * @property {number} bytes   exact size
 * @property {string} sha256  of the file, in hexadecimal
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
 * @property {number} temperature
 * @property {number} threads      workers that may draw it on the CPU
 * @property {Uint8Array} [given]  levels of known pixels, `[C, H, W]` or `[count, C, H, W]`
 * @property {Uint8Array} [mask]   `[H, W]` or `[count, H, W]`, 1 = draw this pixel, 0 = keep the given one
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
 * Page -> worker: find out what draws `count` images faster.
 * @typedef {object} CalibrateRequest
 * @property {"calibrate"} type
 * @property {number} id
 * @property {WeightsFile} weights
 * @property {number} count
 * @property {number} threads  workers that may draw it on the CPU
 */

/**
 * Page -> worker: give up request `id`. Looked at between rows.
 * @typedef {object} StopRequest
 * @property {"stop"} type
 * @property {number} id
 */

/** @typedef {LoadRequest | SampleRequest | ScoreRequest | DistributionRequest | CalibrateRequest} WorkRequest */
/** @typedef {WorkRequest | StopRequest} Request */

/**
 * Worker -> page: bytes of the weights so far.
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
 */

/**
 * Worker -> page: row `y` of every image, told again where it is drawn again. The buffer is transferred.
 * @typedef {object} RowReply
 * @property {"row"} type
 * @property {number} id
 * @property {number} scale  index into the model's `scales`: their pictures come one after the other
 * @property {number} y      in the picture of that scale
 * @property {Uint8ClampedArray<ArrayBuffer>} rgba  `[count, width, 4]`, as wide as that picture
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
 * Worker -> page: what a row of the batch takes.
 * @typedef {object} CalibratedReply
 * @property {"calibrated"} type
 * @property {number} id
 * @property {number} cpu_ms
 * @property {number} gpu_ms
 * @property {number} elapsed_ms  that measuring took
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
 *   | DistributedReply | CalibratedReply | StoppedReply | FailedReply} Reply
 */
