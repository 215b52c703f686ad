// Our engines: every backend of the package, with and without the recording of traces.

import { BACKENDS } from '/web/packages/moescope/dist/public/index.js';

const DEVICES = { cpu: 'CPU', webgpu: 'WebGPU', 'webgpu-burn': 'WebGPU' };
const NAMES = { 'webgpu-burn': 'Moescope, stock Burn' };

/** Stock Burn is there to be compared with: once is enough. */
export const ours = BACKENDS.flatMap((backend) => (backend === 'webgpu-burn' ? [true] : [true, false]).map((tracing) => ({
  id: `${backend}${tracing ? '' : '-untraced'}`,
  name: NAMES[backend] ?? 'Moescope',
  device: DEVICES[backend],
  weights: 'f32',
  detail: tracing ? 'with traces' : 'without traces',
  load: ({ folder }) => loadOurs({ folder, backend, tracing }),
})));

/** An engine in a worker of its own, and `call` for what only this bench asks of it. */
export async function loadOurs({ folder, backend, tracing }) {
  const worker = new Worker(new URL('ours-worker.mjs', import.meta.url), { type: 'module' });
  const call = caller(worker);
  await call('load', { folder, backend, tracing });
  return { call, generate: (prompt, limits) => generate(call, prompt, limits), free: () => worker.terminate() };
}

/** Calls into a worker, one at a time or several. */
function caller(worker) {
  const waiting = new Map();
  const end = (message) => { for (const { reject } of waiting.values()) reject(new Error(message)); };
  worker.addEventListener('error', (event) => end(event.message || 'the worker could not be started'));
  worker.addEventListener('message', ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  });
  let last = 0;
  return (name, args) => new Promise((resolve, reject) => {
    waiting.set((last += 1), { resolve, reject });
    worker.postMessage({ id: last, name, args });
  });
}

async function generate(call, prompt, { tokens, mayGoOn }) {
  const start = performance.now();
  const times = [];
  let text = '';
  const { tokens: read } = await call('begin', { prompt, tokens });
  for (let step = await call('next'); step !== undefined; step = mayGoOn(times.length) ? await call('next') : undefined) {
    times.push(performance.now() - start);
    text += step.token.text;
  }
  return { read: read.length, times, text };
}
