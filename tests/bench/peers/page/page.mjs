// The page of the bench: engines by name, one visit to an engine, and rounds in which all take turns.
// A script drives it through `window.peers`; by hand the button measures speeds and shows them.
// All times are milliseconds by the page's clock, from the call to the moment the page holds the token.

import { measureByHand } from './by-hand.mjs';
import { compareGreedy } from './greedy.mjs';
import { onnx } from './onnx.mjs';
import { ours, loadOurs } from './ours.mjs';
import { PROMPT_PATIENCE_MS } from './rounds.mjs';
import { PROSE } from './texts.mjs';
import { wllama } from './wllama.mjs';

const engines = [...ours, ...wllama, ...onnx];

/** A slow engine decodes fewer tokens: at least these, and then until its time is up. */
const FEWEST_TOKENS = 3;
const PATIENCE_MS = 3000;
/** Tokens of the prompt before decoding, and of those whose reading is timed: one less than the models' 512 positions. */
const SHORT = 16;
const PROMPTS = [128, 511];

let files;
let prompts;
const loaded = new Map();

/** What can be measured, without what only functions know. */
async function list() {
  return engines.map(({ load: _, ...facts }) => facts);
}

/** Cuts the prompts to whole numbers of our tokens; the marker that begins a text counts. */
async function cutPrompts({ folder }) {
  const { call, free } = await loadOurs({ folder, backend: 'cpu', tracing: false });
  const cut = {};
  for (const count of [SHORT, ...PROMPTS]) {
    const text = await call('cut', { text: PROSE, count: count - 1 });
    const ids = await call('ids', { text });
    if (ids.length !== count) throw new Error(`a prompt of ${count} tokens was wanted, the prose gives ${ids.length}`);
    cut[count] = { text, ids };
  }
  free();
  return cut;
}

/** Says where the weights lie and what the prompts are; nothing else may be called before. */
function setUp(given) {
  ({ files, prompts } = given);
}

/** Loads an engine into this page; `{ ms }`, or `{ reason }` where it does not start. */
async function load(id) {
  const start = performance.now();
  try {
    loaded.set(id, await engines.find((engine) => engine.id === id).load(files));
    return { ms: performance.now() - start };
  } catch (error) {
    return { reason: String(error?.message ?? error) };
  }
}

/** Reads a prompt and writes `tokens` after it, fewer when it takes long. */
async function run(id, count, tokens) {
  const begun = performance.now();
  const mayGoOn = (written) => written < tokens && (written < FEWEST_TOKENS || performance.now() - begun < PATIENCE_MS);
  const { read, times, ids, text } = await loaded.get(id).generate(prompts[count], { tokens, mayGoOn });
  if (read !== undefined && read !== count) throw new Error(`${id} read ${read} tokens where the prompt has ${count}`);
  return { firstMs: times[0], lastMs: times.at(-1), written: times.length, ids, text };
}

/** One engine's part of a round; of the long prompts only those in `lengths`, and none after one that took too long. */
async function turn(id, tokens, lengths = PROMPTS) {
  const { firstMs, lastMs, ...output } = await run(id, SHORT, tokens);
  const prompt = {};
  for (const count of lengths) {
    const took = (await run(id, count, 1)).firstMs;
    prompt[count] = (count * 1000) / took;
    if (took > PROMPT_PATIENCE_MS) break;
  }
  return { decode: ((output.written - 1) * 1000) / (lastMs - firstMs), firstMs, prompt, ...output };
}

/** A first visit: load, then the first token ever; or the reason why not. */
async function visit(id) {
  const { ms, reason } = await load(id);
  if (reason !== undefined) return { reason };
  try {
    return { loadMs: ms, coldFirstMs: (await run(id, SHORT, 1)).firstMs };
  } catch (error) {
    return { reason: String(error?.message ?? error) };
  }
}

/** What the graphics adapter says of itself; undefined where there is none. */
async function adapter() {
  const found = await navigator.gpu?.requestAdapter();
  if (!found) return undefined;
  const { vendor, architecture, description, isFallbackAdapter } = found.info;
  return { vendor, architecture, description, isFallbackAdapter, features: [...found.features] };
}

measureByHand({ list, cutPrompts, setUp, load, turn });
window.peers = { adapter, list, cutPrompts, setUp, load, turn, visit, compareGreedy: () => compareGreedy(files) };
