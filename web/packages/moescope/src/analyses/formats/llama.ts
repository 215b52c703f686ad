// CSV of llama.cpp's moe-trace (github.com/ggml-org/llama.cpp, pull request 28544): a header and a row `layer,expert` for
// each expert that acts; within a layer the rows stand in the order of tokens, and all experts of a token together.
// Tokens are not told apart: how many experts each has is worked out, because no token has an expert twice.
// A column `token`, which other tools write, is used where it is there.

import { commonTopK, entriesOf } from '../trace.js';
import type { RoutingTrace } from '../trace.js';
import { invalid, whole } from './check.js';
import { MAX_EXPERTS, MAX_TOKENS, expertCount, layerFrom } from './columns.js';

const MAX_TOP_K = 128;

export function isMoeTraceCsv(text: string): boolean {
  const names = header(text);
  return names.includes('layer') && names.includes('expert');
}

function header(text: string): string[] {
  const [line = ''] = text.split('\n', 1);
  return line.split(',').map((name) => name.trim().toLowerCase().replace(/_i(d|dx)$/, ''));
}

export function readMoeTraceCsv(text: string, told: number | undefined): RoutingTrace {
  const names = header(text);
  const [layerAt, expertAt, tokenAt] = ['layer', 'expert', 'token'].map((name) => names.indexOf(name));
  const layers = new Map<number, { experts: number[]; tokens: number[] }>();
  let highest = 0;
  for (const [line, row] of text.split('\n').entries()) {
    if (line === 0 || row.trim() === '') continue;
    const cells = row.split(',');
    const cell = (at: number | undefined, what: string, end?: number): number => {
      const said = cells[at ?? -1]?.trim() ?? '';
      return whole(/^\d+$/.test(said) ? Number(said) : said, `Line ${line + 1}: ${what}`, end);
    };
    const layer = cell(layerAt, 'layer');
    const column = layers.get(layer) ?? { experts: [], tokens: [] };
    layers.set(layer, column);
    column.experts.push(cell(expertAt, 'expert', MAX_EXPERTS));
    if (tokenAt !== -1) column.tokens.push(cell(tokenAt, 'token', MAX_TOKENS));
    highest = Math.max(highest, column.experts.at(-1) ?? 0);
  }
  if (layers.size === 0) throw invalid('The CSV has a header and no rows; there must be one for each expert that acts.');
  const { nExperts, notes } = expertCount(highest, told);
  const sorted = [...layers].sort(([a], [b]) => a - b);
  return tokenAt === -1 ? byOrder(sorted, nExperts, notes) : byToken(sorted, nExperts, notes);
}

type Columns = readonly (readonly [layer: number, columns: { readonly experts: readonly number[]; readonly tokens: readonly number[] }])[];

function byOrder(layers: Columns, nExperts: number, notes: readonly string[]): RoutingTrace {
  const longest = layers.reduce((most, [, { experts }]) => Math.max(most, experts.length), 0);
  const whole = layers.filter(([, { experts }]) => experts.length === longest);
  const partial = layers.filter(([, { experts }]) => experts.length !== longest).map(([layer]) => layer);
  const topK = likelyTopK(whole.map(([, { experts }]) => experts));
  return {
    model: 'llama.cpp', nTokens: longest / topK, ids: undefined, strings: undefined, texts: [{ start: 0, label: '' }],
    layers: whole.map(([layer, { experts }]) => layerFrom(layer, nExperts, Array.from({ length: longest / topK }, (_, token) =>
      experts.slice(token * topK, (token + 1) * topK).map((expert) => ({ expert, weight: undefined }))))),
    notes: [
      ...notes,
      `The file does not tell tokens apart; ${topK} experts per token are assumed, the most for which no token has an expert twice.`,
      ...(partial.length === 0 ? [] : [`Layers ${partial.join(', ')} have fewer rows than the others, as the last one has where llama.cpp leaves out tokens whose output nobody wants; they are left out.`]),
    ],
  };
}

/** The largest number of rows to a token for which every token has different experts. */
function likelyTopK(layers: readonly (readonly number[])[]): number {
  const rows = layers[0]?.length ?? 0;
  for (let k = Math.min(MAX_TOP_K, rows); k > 1; k -= 1) {
    if (rows % k === 0 && layers.every((experts) => allDifferent(experts, k))) return k;
  }
  return 1;
}

function allDifferent(experts: readonly number[], k: number): boolean {
  for (let start = 0; start < experts.length; start += k) {
    if (new Set(experts.slice(start, start + k)).size !== k) return false;
  }
  return true;
}

function byToken(layers: Columns, nExperts: number, notes: readonly string[]): RoutingTrace {
  const nTokens = 1 + layers.reduce((most, [, { tokens }]) => tokens.reduce((a, b) => Math.max(a, b), most), 0);
  return {
    model: 'llama.cpp', nTokens, ids: undefined, strings: undefined, texts: [{ start: 0, label: '' }],
    layers: layers.map(([layer, { experts, tokens }]) => {
      const rows = Array.from({ length: nTokens }, (): { expert: number; weight: undefined }[] => []);
      for (const [at, token] of tokens.entries()) rows[token]?.push({ expert: experts[at] ?? 0, weight: undefined });
      return layerFrom(layer, nExperts, rows);
    }),
    notes,
  };
}

/** All tokens of a layer, then those of the next, as one pass over a text leaves them. */
export function writeMoeTraceCsv(trace: RoutingTrace): string {
  if (commonTopK(trace) === undefined) {
    throw invalid("Tokens of this trace have different numbers of experts, and llama.cpp's CSV does not tell tokens apart; save it in another form.");
  }
  const rows = trace.layers.flatMap((layer) => Array.from({ length: trace.nTokens }, (_, token) =>
    Array.from(entriesOf(layer, token).experts, (expert) => `${layer.layer},${expert}\n`).join('')));
  return `layer,expert\n${rows.join('')}`;
}
