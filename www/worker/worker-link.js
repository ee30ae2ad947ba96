/**
 * The page's end of the line to the worker, and that of a worker to its helper: numbers the requests, ends
 * each in a settled promise, and starts another worker when one dies or does not answer.
 */

import { startFault, startWorker } from './worker-start.js';

/** @typedef {import('../shared/protocol.js').WorkRequest} WorkRequest */
/** @typedef {import('../shared/protocol.js').Reply} Reply */

/**
 * A request under way. `last`, the row it was told of last, guards against rows that are drawn again: by a
 * restarted worker, or by the CPU after a lost GPU; `deaths` counts the workers that died while they were busy with it.
 * @typedef {object} Job
 * @property {WorkRequest} request
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {(reply: Reply) => void} onReply
 * @property {{ scale: number, y: number, values: number }} last  row told of, as far as it was drawn
 * @property {number} deaths
 */

/** A worker deaf for this long after a stop is in the middle of a long row, and is replaced. */
const STOP_GRACE_MS = 400;

/** One worker and the requests it is busy with. */
export class WorkerLink {
  #role;
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, Job>} */
  #jobs = new Map();
  #nextId = 1;
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #stopping = new Map();

  /** @param {"" | "helper"} [role]  what tools that list workers call it */
  constructor(role = '') {
    this.#role = role;
  }

  /**
   * Sends a request and waits for its end.
   * @param {WorkRequest} request  its id is given here
   * @param {AbortSignal} [signal]  stops the request; the promise then rejects with its reason
   * @param {(reply: Reply) => void} [onReply]  told what comes before the end
   * @returns {Promise<any>} the last reply
   */
  request(request, signal, onReply = () => {}) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => this.#giveUp(id, signal?.reason);
      const settled = () => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort);
      this.#jobs.set(id, {
        request: { ...request, id },
        resolve: (value) => (settled(), resolve(value)),
        reject: (reason) => (settled(), reject(reason)),
        onReply,
        last: { scale: 0, y: -1, values: 0 },
        deaths: 0,
      });
      this.#post({ ...request, id });
    });
  }

  /** Stops every request but downloads. */
  stop() {
    for (const [id, job] of this.#jobs) {
      if (job.request.type !== 'load') this.#giveUp(id, abortError());
    }
  }

  /** Ends the worker and everything under way. */
  dispose() {
    this.#endWorker();
    for (const id of [...this.#jobs.keys()]) this.#settle(id)?.reject(abortError());
  }

  /** @param {import('../shared/protocol.js').Request} request */
  #post(request) {
    try {
      this.#worker ??= this.#startWorker();
      this.#worker.postMessage(request);
    } catch (error) {
      this.#settle(request.id)?.reject(error);
    }
  }

  #startWorker() {
    const worker = startWorker(this.#role);
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#restart(startFault);
    };
    return worker;
  }

  /** @param {Reply} reply */
  #receive(reply) {
    this.#heard(reply);
    const job = this.#jobs.get(reply.id);
    if (!job) return;
    if (reply.type === 'progress' || reply.type === 'fallback' || reply.type === 'flipped') job.onReply(reply);
    else if (reply.type === 'row') {
      const { scale, y, values = Number.MAX_SAFE_INTEGER } = reply;
      const { last } = job;
      if ((scale - last.scale || y - last.y || values - last.values) <= 0) return;
      job.last = { scale, y, values };
      job.onReply(reply);
    } else {
      this.#settle(reply.id);
      if (reply.type === 'failed') {
        job.reject(new Error(reply.message));
        if (reply.fatal) this.#restart(() => reply.message);
      } else job.resolve(reply);
    }
  }

  /**
   * A stopped request has ended in the worker too: no need to replace it.
   * @param {Reply} reply
   */
  #heard({ type, id }) {
    if (type === 'row' || type === 'progress' || type === 'fallback' || type === 'flipped') return;
    clearTimeout(this.#stopping.get(id));
    this.#stopping.delete(id);
  }

  /**
   * Ends a request on this side at once and tells the worker.
   * @param {number} id
   * @param {unknown} reason
   */
  #giveUp(id, reason) {
    const job = this.#settle(id);
    if (!job) return;
    job.reject(reason);
    this.#worker?.postMessage({ type: 'stop', id });
    this.#stopping.set(id, setTimeout(() => this.#restart(), STOP_GRACE_MS));
  }

  /** @param {number} id */
  #settle(id) {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    return job;
  }

  /**
   * Replaces the worker. Requests under way are sent again: a run draws the same rows again, of which
   * the first are dropped. One that a worker has died with twice has had its chance.
   * @param {() => string | Promise<string>} [fault]  tells what the worker died of; none where it was only
   *   deaf to a stop, which is the doing of the run that was stopped and not of the others
   */
  #restart(fault) {
    this.#endWorker();
    for (const [id, job] of [...this.#jobs]) {
      if (fault) job.deaths += 1;
      if (fault && job.deaths > 1) void this.#fail(id, fault);
      else this.#post(job.request);
    }
  }

  /**
   * @param {number} id
   * @param {() => string | Promise<string>} fault
   */
  async #fail(id, fault) {
    const job = this.#settle(id);
    job?.reject(new Error(await fault()));
  }

  #endWorker() {
    if (this.#worker) {
      // What it has sent already is not heard any more either.
      this.#worker.onmessage = null;
      // An error on its way that nobody prevents goes on to the worker that owns this one, as if that one had failed.
      this.#worker.onerror = (event) => event.preventDefault();
      this.#worker.terminate();
    }
    this.#worker = null;
    for (const timer of this.#stopping.values()) clearTimeout(timer);
    this.#stopping.clear();
  }
}

function abortError() {
  return new DOMException('The run was stopped.', 'AbortError');
}
