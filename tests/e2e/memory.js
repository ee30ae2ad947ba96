/**
 * What the page and its worker hold, after their garbage is collected.
 */

/** @typedef {{ usedSize: number, backingStorageSize: number }} HeapUsage */

/**
 * @param {import('playwright-core').Page} page  with one worker
 * @returns {Promise<() => Promise<{ page_bytes: number, worker_bytes: number }>>}
 */
export async function memoryOf(page) {
  const devtools = await page.context().newCDPSession(page);
  const askWorker = await workerSession(devtools);
  /**
   * Objects, and the array buffers that rows and weights are in.
   * @param {(method: string) => Promise<any>} ask
   */
  const measure = async (ask) => {
    // Twice: what the first collection frees may have held on to other things.
    for (let k = 0; k < 2; k++) await ask('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = /** @type {HeapUsage} */ (await ask('Runtime.getHeapUsage'));
    return usedSize + backingStorageSize;
  };
  return async () => ({
    page_bytes: await measure((method) => devtools.send(/** @type {any} */ (method))),
    worker_bytes: await measure(askWorker),
  });
}

/**
 * The developer tools of the worker: a target inside the page's, which is spoken to in envelopes.
 * @param {import('playwright-core').CDPSession} devtools
 * @returns {Promise<(method: string) => Promise<any>>}
 */
async function workerSession(devtools) {
  const attached = new Promise((resolve) => devtools.once('Target.attachedToTarget', resolve));
  await devtools.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  const { sessionId } = await attached;
  /** @type {Map<number, (result: unknown) => void>} */
  const waiting = new Map();
  devtools.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message);
    waiting.get(id)?.(result);
  });
  let nextId = 1;
  return async (method) => {
    const id = nextId++;
    const answered = new Promise((resolve) => waiting.set(id, resolve));
    await devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
    return answered;
  };
}
