// llama.cpp in the browser: @wllama/wllama on the same weights as GGUF.

const PACKAGE = '/.moescope/peers/node_modules/@wllama/wllama/esm';
const POSITIONS = 512;
const NEED_F16 = 'shader-f16';

const common = { name: 'wllama (llama.cpp)' };
const threads = navigator.hardwareConcurrency;

/** One thread as everywhere, all threads where the page is isolated, WebGPU where that starts. */
export const wllama = [
  ...['f32', 'q8_0'].flatMap((weights) => [
    { ...common, id: `wllama-${weights}`, device: 'CPU', weights, detail: 'one thread', load: (files) => loadWllama(files[weights], { weights }) },
    { ...common, id: `wllama-${weights}-threads`, device: 'CPU', weights, detail: `${threads} threads`, load: (files) => loadThreaded(files[weights], weights) },
  ]),
  ...['f32', 'q8_0'].map((weights) => ({ ...common, id: `wllama-webgpu-${weights}`, device: 'WebGPU', weights, detail: '', load: (files) => loadWebGpu(files[weights], weights) })),
];

/** Loads a file; `heard` is what llama.cpp says meanwhile. */
export async function loadWllama(url, { weights, n_threads = 1, n_gpu_layers = 0, heard = [] }) {
  const { Wllama } = await import(`${PACKAGE}/index.js`);
  const hear = (...said) => void heard.push(said.join(' '));
  const engine = new Wllama({ default: `${PACKAGE}/wasm/wllama.wasm` }, { logger: { debug: hear, log: hear, warn: hear, error: hear } });
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  // Float32 weights with a float32 cache, as ours; packed weights with the float16 cache that is wllama's default.
  const cache = weights === 'f32' ? { cache_type_k: 'f32', cache_type_v: 'f32' } : {};
  await engine.loadModel([await response.blob()], { n_ctx: POSITIONS, n_parallel: 1, n_threads, n_gpu_layers, ...cache });
  return { engine, generate: (prompt, limits) => generate(engine, prompt, limits), free: () => engine.exit() };
}

async function loadThreaded(url, weights) {
  if (!crossOriginIsolated) throw new Error('threads need a page that is cross-origin isolated');
  const loaded = await loadWllama(url, { weights, n_threads: threads });
  if (!loaded.engine.isMultithread()) throw new Error(`wllama stayed on one thread (${threads} were asked for)`);
  return loaded;
}

/** wllama falls back to the CPU without a word: only the buffers it reports tell where the weights lie. */
async function loadWebGpu(url, weights) {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('WebGPU gave no adapter');
  const heard = [];
  const loaded = await loadWllama(url, { weights, n_gpu_layers: 99, heard });
  if (heard.some((line) => /WebGPU\S*\s+model buffer size/i.test(line))) return loaded;
  await loaded.free();
  const why = adapter.features.has(NEED_F16) ? 'it does not say why' : `the adapter lacks ${NEED_F16}, which it needs`;
  throw new Error(`asked for WebGPU, wllama silently put the weights on the CPU: ${why}`);
}

async function generate(engine, { text: prompt }, { tokens, mayGoOn }) {
  const start = performance.now();
  const times = [];
  let [text, last] = ['', undefined];
  const stop = new AbortController();
  const options = { prompt, max_tokens: tokens, temperature: 0, cache_prompt: false, ignore_eos: true, stream: true, abortSignal: stop.signal };
  try {
    for await (const chunk of await engine.createCompletion(options)) {
      last = chunk;
      // The last chunk brings the reason of the end and the counts, no token.
      if (chunk.choices[0]?.finish_reason) continue;
      times.push(performance.now() - start);
      text += chunk.choices[0]?.text ?? '';
      if (!mayGoOn(times.length)) stop.abort();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return { read: last?.usage?.prompt_tokens, times, text };
}
