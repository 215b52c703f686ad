// Calls into a worker and their answers, so that every engine that needs a worker of its own is asked in the same way.

/** In the page: a worker from a script beside this one, and how to call it, one call at a time or several. */
export function startWorker(script) {
  const worker = new Worker(new URL(script, import.meta.url), { type: 'module' });
  const waiting = new Map();
  worker.addEventListener('error', (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || `${script} could not be started`));
  });
  worker.addEventListener('message', ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  });
  let last = 0;
  const call = (name, args) => new Promise((resolve, reject) => {
    waiting.set((last += 1), { resolve, reject });
    worker.postMessage({ id: last, name, args });
  });
  return { call, free: () => worker.terminate() };
}

/** In the worker: answers with what the function of that name returns. */
export function answerCalls(calls) {
  addEventListener('message', async ({ data: { id, name, args } }) => {
    try {
      postMessage({ id, result: await calls[name](args) });
    } catch (error) {
      postMessage({ id, error: String(error?.message ?? error) });
    }
  });
}
