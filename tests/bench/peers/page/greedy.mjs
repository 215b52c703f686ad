// Whether another engine continues as we do, token by token: the proof that the exported weights are the same network.
// llama.cpp reads a file for it whose tokens are named by their numbers, so that exact ids go in and come out.

import { loadOnnx } from './onnx.mjs';
import { loadOurs } from './ours.mjs';
import { BEGINNINGS } from './texts.mjs';
import { loadWllama } from './wllama.mjs';

const TOKENS = 32;
const END = 0;

/** Each loads, and says how it goes on after token ids; one that ends texts by itself may return fewer tokens. */
const ENGINES = {
  'llama.cpp': async ({ numbered }) => {
    const { engine, free } = await loadWllama(numbered, { weights: 'f32' });
    return { free, goOn: (ids) => continueByNumbers(engine, ids) };
  },
  'onnxruntime-web': async (files) => {
    const { generate, free } = await loadOnnx(files, { provider: 'wasm', threads: 1 });
    return { free, goOn: async (ids) => (await generate({ ids }, { mayGoOn: (written) => written < TOKENS })).ids };
  },
};

/**
 * For each engine and beginning: how many of the greedy tokens agree, out of how many, and where they part, how close our
 * best two were there (in logits), by which a rounding error can be told from a wrong weight.
 */
export async function compareGreedy(files) {
  const ours = await loadOurs({ folder: files.folder, backend: 'cpu', tracing: false });
  const expected = {};
  for (const [name, text] of Object.entries(BEGINNINGS)) {
    const ids = await ours.call('ids', { text });
    expected[name] = { ids, tokens: upToEnd(await ours.call('greedy', { ids, count: TOKENS })) };
  }
  const results = {};
  for (const [engine, load] of Object.entries(ENGINES)) {
    const { goOn, free } = await load(files);
    results[engine] = {};
    for (const [name, { ids, tokens }] of Object.entries(expected)) results[engine][name] = await compare(ours, ids, tokens, await goOn(ids));
    await free();
  }
  ours.free();
  return results;
}

async function compare(ours, ids, expected, got) {
  const parting = expected.findIndex((id, n) => id !== got[n]);
  if (parting < 0) return { agreed: expected.length, of: expected.length };
  return { agreed: parting, of: expected.length, margin: await ours.call('margin', { ids: [...ids, ...expected.slice(0, parting)] }) };
}

async function continueByNumbers(engine, ids) {
  const prompt = ids.map((id) => `<${id}>`).join('');
  const { choices, usage } = await engine.createCompletion({ prompt, max_tokens: TOKENS, temperature: 0, cache_prompt: false });
  if (usage.prompt_tokens !== ids.length) throw new Error(`llama.cpp read ${usage.prompt_tokens} tokens in place of ${ids.length}`);
  return [...choices[0].text.matchAll(/<(\d+)>/g)].map(([, id]) => Number(id));
}

/** llama.cpp ends at the end of a text; ours is asked to go on and is cut there. */
function upToEnd(ids) {
  const end = ids.indexOf(END);
  return end < 0 ? ids : ids.slice(0, end);
}
