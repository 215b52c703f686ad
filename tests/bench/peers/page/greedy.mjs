// Whether llama.cpp continues as we do, token by token: the proof that the exported weights are the same network.
// The file for it names its tokens by their numbers, so that both engines read, and are read as, exact ids.

import { loadOurs } from './ours.mjs';
import { BEGINNINGS } from './texts.mjs';
import { loadWllama } from './wllama.mjs';

const TOKENS = 32;
const END = 0;

/**
 * For each beginning: how many of the greedy tokens agree, out of how many, and where they part, how close our best two
 * were there (in logits), by which a rounding error can be told from a wrong weight.
 */
export async function compareGreedy({ folder, numbered }) {
  const ours = await loadOurs({ folder, backend: 'cpu', tracing: false });
  const theirs = await loadWllama(numbered, { weights: 'f32' });
  const results = {};
  for (const [name, text] of Object.entries(BEGINNINGS)) {
    const ids = await ours.call('ids', { text });
    const expected = upToEnd(await ours.call('greedy', { ids, count: TOKENS }));
    const got = await continueByIds(theirs, ids);
    const parting = expected.findIndex((id, n) => id !== got[n]);
    results[name] = { agreed: parting < 0 ? expected.length : parting, of: expected.length };
    if (parting >= 0) results[name].margin = await ours.call('margin', { ids: [...ids, ...expected.slice(0, parting)] });
  }
  ours.free();
  await theirs.free();
  return results;
}

async function continueByIds({ engine }, ids) {
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
