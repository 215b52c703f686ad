// onnxruntime-web on the same weights as an ONNX graph (../onnx-model.mjs). It reads and writes token ids: cutting text is
// the caller's, and here left out, which flatters it by what our tokenizer takes.

import { startWorker } from './worker-calls.mjs';

const threads = navigator.hardwareConcurrency;
const common = { name: 'onnxruntime-web', weights: 'f32' };

export const onnx = [
  { ...common, id: 'onnx', device: 'CPU', detail: 'one thread', load: (files) => loadOnnx(files, { provider: 'wasm', threads: 1 }) },
  { ...common, id: 'onnx-threads', device: 'CPU', detail: `${threads} threads`, load: (files) => loadThreaded(files) },
  { ...common, id: 'onnx-webgpu', device: 'WebGPU', detail: 'experts on the CPU', load: (files) => loadOnnx(files, { provider: 'webgpu', threads: 1 }) },
];

/** A session in a worker of its own. */
export async function loadOnnx({ folder, onnx: url }, { provider, threads: count }) {
  const { num_hidden_layers: layers, num_key_value_heads: groups, head_dim: headDim } = await (await fetch(`${folder}/config.json`)).json();
  const { call, free } = startWorker('onnx-worker.mjs');
  await call('load', { url, provider, threads: count, layers });
  return { free, generate: (prompt, limits) => generate(call, { ...prompt, groups, headDim }, limits) };
}

function loadThreaded(files) {
  if (!crossOriginIsolated) throw new Error('threads need a page that is cross-origin isolated');
  return loadOnnx(files, { provider: 'wasm', threads });
}

async function generate(call, { ids: read, ...cache }, { mayGoOn }) {
  const start = performance.now();
  const times = [];
  const ids = [];
  await call('begin', { ids: read, ...cache });
  do {
    ids.push(await call('next', { isFirst: ids.length === 0 }));
    times.push(performance.now() - start);
  } while (mayGoOn(times.length));
  return { read: read.length, times, ids };
}
