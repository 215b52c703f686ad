// onnxruntime-web in a worker, on our checkpoint as an ONNX graph. The page asks for one token at a time.

import { answerCalls } from './worker-calls.mjs';

const PACKAGE = '/.moescope/peers/node_modules/onnxruntime-web/dist/';
/** The build for the CPU alone is half as large. */
const BUILDS = { wasm: 'ort.wasm.min.mjs', webgpu: 'ort.webgpu.min.mjs' };

let ort;
let session;
let past;
let length;
let next;

answerCalls({
  async load({ url, provider, threads, layers }) {
    ort = await import(PACKAGE + BUILDS[provider]);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = PACKAGE;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    // On a GPU the cache stays there; only logits come back.
    const caches = Array.from({ length: layers }, (_, layer) => [`key_${layer}`, `value_${layer}`]).flat();
    const preferredOutputLocation = Object.fromEntries(caches.map((name) => [name, provider === 'webgpu' ? 'gpu-buffer' : 'cpu']));
    session = await ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()), { executionProviders: [provider], preferredOutputLocation });
  },
  /** Reads a prompt of token ids. */
  async begin({ ids, groups, headDim }) {
    drop(past);
    length = 0;
    const caches = session.inputNames.filter((name) => name.startsWith('past_'));
    past = Object.fromEntries(caches.map((name) => [name, new ort.Tensor('float32', new Float32Array(0), [1, groups, 0, headDim])]));
    next = await step(ids);
  },
  /** The likeliest token, and on to the one after it unless this is the last. */
  async next({ isFirst }) {
    if (!isFirst) next = await step([next]);
    return next;
  },
});

async function step(ids) {
  length += ids.length;
  const results = await session.run({
    ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    last_position: new ort.Tensor('int32', Int32Array.of(length - 1), [1]),
    length: new ort.Tensor('int32', Int32Array.of(length), []),
    ...past,
  });
  drop(past);
  past = Object.fromEntries(Object.keys(past).map((name) => [name, results[name.slice('past_'.length)]]));
  const { data } = results.logits;
  let best = 0;
  for (let id = 1; id < data.length; id += 1) if (data[id] > data[best]) best = id;
  return best;
}

/** What lies on a GPU is not collected by itself. */
function drop(tensors = {}) {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
