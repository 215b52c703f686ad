// Rounds in which engines take turns, so that a busy machine harms all alike; runs in the page and in Node.

import { summary } from '../../figures.mjs';

/** A prompt that took longer to read in the warm-up is not read again: that one value stands. Longer ones are not read. */
export const PROMPT_PATIENCE_MS = 6000;

/**
 * Loads every engine once, lets each take a turn to warm up, then takes `runs` turns of each that count.
 *
 * An engine that fails, at whatever point, has its reason in place of figures, and the others go on.
 */
export async function takeTurns(ids, { runs, tokens, load, turn, say }) {
  const results = Object.fromEntries(ids.map((id) => [id, { decode: [], firstMs: [], prompt: {} }]));
  const lengths = {};
  const attempt = async (what, id, act) => {
    if (results[id].reason !== undefined) return;
    say(`${what}: ${id}`);
    try {
      await act();
    } catch (error) {
      results[id] = { reason: String(error?.message ?? error) };
    }
  };
  for (const id of ids) {
    await attempt('warming up', id, async () => {
      const { reason } = await load(id);
      if (reason !== undefined) throw new Error(reason);
      const { prompt } = await turn(id, tokens);
      const isQuick = ([count, perSecond]) => (count * 1000) / perSecond < PROMPT_PATIENCE_MS;
      lengths[id] = Object.entries(prompt).filter(isQuick).map(([count]) => Number(count));
      for (const [count, value] of Object.entries(prompt).filter((entry) => !isQuick(entry))) results[id].prompt[count] = [value];
    });
  }
  for (let run = 0; run < runs; run += 1) {
    for (const id of ids) await attempt(`round ${run + 1}`, id, async () => add(results[id], await turn(id, tokens, lengths[id])));
  }
  return Object.fromEntries(Object.entries(results).map(([id, result]) => [id, result.reason === undefined ? summarise(result) : result]));
}

function add(result, { decode, firstMs, prompt, ...written }) {
  Object.assign(result, written);
  result.decode.push(decode);
  result.firstMs.push(firstMs);
  for (const [count, value] of Object.entries(prompt)) (result.prompt[count] ??= []).push(value);
}

function summarise({ decode, firstMs, prompt, ...written }) {
  const prompts = Object.fromEntries(Object.entries(prompt).map(([count, values]) => [count, summary(values)]));
  return { decode: summary(decode), firstMs: summary(firstMs), prompt: prompts, ...written };
}
