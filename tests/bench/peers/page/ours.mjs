// Our engines: every backend of the package, with and without the recording of traces.

import { BACKENDS } from '/web/packages/moescope/dist/public/index.js';
import { startWorker } from './worker-calls.mjs';

const DEVICES = { cpu: 'CPU', webgpu: 'WebGPU', 'webgpu-burn': 'WebGPU' };
const NAMES = { 'webgpu-burn': 'Moescope, stock Burn' };

/** Stock Burn is there to be compared with, and 8 bits with other engines' 8 bits: once is enough. */
const VARIANTS = BACKENDS.flatMap((backend) => [
  { backend, weights: 'f32', tracing: true },
  ...(backend === 'webgpu-burn' ? [] : [{ backend, weights: 'f32', tracing: false }]),
  ...(backend === 'cpu' ? [{ backend, weights: 'q8', tracing: true }, { backend, weights: 'f32', tracing: true, threaded: true }, { backend, weights: 'q8', tracing: true, threaded: true }] : []),
]);

/** `costsAs` names the engine that loads and weighs the same. */
export const ours = VARIANTS.map(({ backend, weights, tracing, threaded = false }) => ({
  id: [backend, ...(threaded ? ['threads'] : []), ...(weights === 'f32' ? [] : [weights]), ...(tracing ? [] : ['untraced'])].join('-'),
  name: NAMES[backend] ?? 'Moescope',
  device: DEVICES[backend],
  weights,
  detail: `${tracing ? 'with' : 'without'} traces${threaded ? `, ${navigator.hardwareConcurrency} threads` : ''}`,
  ...(tracing ? {} : { costsAs: backend }),
  load: ({ folder }) => loadOurs({ folder, backend, weights, tracing, threaded }),
}));

/** An engine in a worker of its own, and `call` for what only this bench asks of it. */
export async function loadOurs({ folder, backend, weights, tracing, threaded }) {
  if (threaded && !crossOriginIsolated) throw new Error('threads need a page that is cross-origin isolated');
  const { call, free } = startWorker('ours-worker.mjs');
  await call('load', { folder, backend, format: weights, tracing, threads: threaded ? navigator.hardwareConcurrency : 1 });
  return { call, free, generate: (prompt, limits) => generate(call, prompt, limits) };
}

async function generate(call, { text: prompt }, { tokens, mayGoOn }) {
  const start = performance.now();
  const times = [];
  const ids = [];
  let text = '';
  const { tokens: read } = await call('begin', { prompt, tokens });
  for (let step = await call('next'); step !== undefined; step = mayGoOn(times.length) ? await call('next') : undefined) {
    times.push(performance.now() - start);
    ids.push(step.token.id);
    text += step.token.text;
  }
  return { read: read.length, times, ids, text };
}
