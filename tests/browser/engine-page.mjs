// Drives a wasm engine directly inside a page, without the package around it: reference ids in, numbers out.
// The functions run in the page (Playwright serialises their source), so they use nothing from this file.

export const WASM = {
  cpu: '/web/packages/moescope/wasm/moescope_cpu.js',
  webgpu: '/web/packages/moescope/wasm/moescope_cpu.js',
  'webgpu-burn': '/web/packages/moescope/wasm/moescope_gpu.js',
};

/** Loads a model folder into the page's engine, `window.engine`; without a tokenizer it takes token ids only.
 * `format` is how a recorded plan stores matrices. */
export async function loadEngine(page, kind, folder, { hasTokenizer = true, format } = {}) {
  await page.evaluate(async ({ wasm, kind, folder, hasTokenizer, format }) => {
    const module = await import(wasm);
    await module.default();
    const file = (name) => fetch(`${folder}/${name}`);
    const config = await (await file('config.json')).text();
    const tokenizer = hasTokenizer ? await (await file('tokenizer.json')).text() : '';
    const weights = new Uint8Array(await (await file('model.safetensors')).arrayBuffer());
    const loader = kind === 'webgpu' ? await module.PreparedPlan.prepare(config, format) : module.Engine;
    window.engine = await loader.load(config, tokenizer, weights, 'test');
  }, { wasm: WASM[kind], kind, folder, hasTokenizer, format });
}

/** Logits [T, V] and, for every MoE layer, experts and weights of each token. */
export function forward(page, ids) {
  return page.evaluate(async (ids) => {
    const { logits, trace } = await window.engine.forward_ids(Uint32Array.from(ids));
    const layers = trace.layers.map(({ layer, offsets, experts, weights }) => ({
      layer,
      tokens: Array.from({ length: offsets.length - 1 }, (_, t) => ({
        experts: Array.from(experts.subarray(offsets[t], offsets[t + 1])),
        weights: Array.from(weights.subarray(offsets[t], offsets[t + 1])),
      })),
    }));
    return { logits: Array.from(logits), layers };
  }, ids);
}

/** `count` greedy tokens after `ids`. */
export function greedy(page, ids, count) {
  return page.evaluate(async ({ ids, count }) => Array.from(await window.engine.greedy_ids(Uint32Array.from(ids), count)), { ids, count });
}

/** The greedy tokens after a text, drawn one by one as a page does. */
export function continueGreedily(page, prompt, count) {
  return page.evaluate(async ({ prompt, count }) => {
    await window.engine.begin(prompt, { max_tokens: count, temperature: 0, seed: 0 });
    const ids = [];
    for (let step = await window.engine.next(); step !== undefined; step = await window.engine.next()) ids.push(step.token.id);
    return ids;
  }, { prompt, count });
}
