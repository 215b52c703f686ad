// One of our engines in a worker, without the package around it, because the package records traces always and this
// bench wants them off as well. As in the package, the page asks for one token at a time and gets it with its trace.

import { loadModule } from '/web/packages/moescope/dist/worker/wasm.js';
import { answerCalls } from './worker-calls.mjs';

let engine;

answerCalls({
  async load({ backend, folder, format, tracing, threads }) {
    const file = async (name) => {
      const response = await fetch(`${folder}/${name}`);
      if (!response.ok) throw new Error(`${folder}/${name}: ${response.status}`);
      return response;
    };
    const text = async (name) => (await file(name)).text();
    const module = loadModule(backend, {}, threads).then((loaded) => loaded.module);
    const config = text('config.json');
    // As in the package, a plan compiles while the weights come.
    const loader = Promise.all([module, config]).then(([{ Engine, PreparedPlan }, json]) => (backend === 'webgpu' ? PreparedPlan.prepare(json) : Engine));
    const weights = file('model.safetensors').then((response) => response.arrayBuffer());
    engine = await (await loader).load(await config, await text('tokenizer.json'), new Uint8Array(await weights), 'bench', format);
    engine.set_tracing(tracing);
  },
  begin: ({ prompt, tokens }) => engine.begin(prompt, { max_tokens: tokens, temperature: 0, seed: 0 }),
  next: () => engine.next(),
  ids: ({ text }) => engine.tokenize(text).map(({ id }) => id),
  cut: ({ text, count }) => engine.tokenize(text).filter(({ special }) => !special).slice(0, count).map((token) => token.text).join(''),
  greedy: async ({ ids, count }) => Array.from(await engine.greedy_ids(Uint32Array.from(ids), count)),
  /** How far the best next token is ahead of the second, in logits. */
  async margin({ ids }) {
    const { logits } = await engine.forward_ids(Uint32Array.from(ids));
    const last = logits.subarray(logits.length - logits.length / ids.length);
    let [best, second] = [-Infinity, -Infinity];
    for (const logit of last) {
      if (logit > best) [best, second] = [logit, best];
      else if (logit > second) second = logit;
    }
    return best - second;
  },
});
