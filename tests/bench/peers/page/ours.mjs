// Our engines: every backend of the package, with and without the recording of traces.

import { BACKENDS } from '/web/packages/moescope/dist/public/index.js';
import { startWorker } from './worker-calls.mjs';

const DEVICES = { cpu: 'CPU', webgpu: 'WebGPU', 'webgpu-burn': 'WebGPU' };
const NAMES = { 'webgpu-burn': 'Moescope, stock Burn' };

/** Stock Burn is there to be compared with: once is enough. `costsAs` names the engine that loads and weighs the same. */
export const ours = BACKENDS.flatMap((backend) => (backend === 'webgpu-burn' ? [true] : [true, false]).map((tracing) => ({
  id: `${backend}${tracing ? '' : '-untraced'}`,
  name: NAMES[backend] ?? 'Moescope',
  device: DEVICES[backend],
  weights: 'f32',
  detail: tracing ? 'with traces' : 'without traces',
  ...(tracing ? {} : { costsAs: backend }),
  load: ({ folder }) => loadOurs({ folder, backend, tracing }),
})));

/** An engine in a worker of its own, and `call` for what only this bench asks of it. */
export async function loadOurs({ folder, backend, tracing }) {
  const { call, free } = startWorker('ours-worker.mjs');
  await call('load', { folder, backend, tracing });
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
