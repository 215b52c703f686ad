// Records of moe-routing-atlas (github.com/DJLougen/moe-routing-atlas, src/moe_routing_atlas/schema.py): one JSON object
// for each text with a list of activations, alone, in a list, or one on each line.
// Token strings and ids are optional there; gates have weights but no scores, and output norms are not kept.

import { entriesOf, joinTraces } from '../trace.js';
import type { RoutingTrace } from '../trace.js';
import { fields, ids, invalid, isFields, list, real, strings, text, whole } from './check.js';
import type { Fields } from './check.js';
import { MAX_EXPERTS, MAX_TOKENS, layerFrom } from './columns.js';
import type { Entry } from './columns.js';

export function isAtlas(value: unknown): value is Fields {
  return isFields(value) && 'activations' in value && 'num_experts' in value;
}

export function readAtlas(records: readonly unknown[]): RoutingTrace {
  const all = records.map((record, at) => {
    const what = records.length === 1 ? 'The record' : `Record ${at}`;
    return { what, record: fields(record, what) };
  });
  const shape = ({ record }: { record: Fields }): string => `${String(record['model_id'])} with ${String(record['num_experts'])} experts`;
  const [first] = all;
  if (first === undefined) throw invalid('The file has no record; there must be at least 1.');
  const odd = all.find((entry) => shape(entry) !== shape(first));
  if (odd !== undefined) throw invalid(`${odd.what} is of ${shape(odd)}, the first of ${shape(first)}; keep one model to a file.`);
  const layers = [...new Set(all.flatMap(({ what, record }) => activationsOf(record, what).map(({ layer }) => layer)))].sort((a, b) => a - b);
  return joinTraces(all.map(({ what, record }) => readRecord(record, what, layers)));
}

interface Activation extends Entry {
  readonly layer: number;
  readonly token: number;
}

function activationsOf(record: Fields, what: string): Activation[] {
  const nExperts = whole(record['num_experts'], `${what}: num_experts`, MAX_EXPERTS + 1);
  return list(record['activations'], `${what}: activations`).map((value, at) => {
    const here = `${what}: activations[${at}]`;
    const activation = fields(value, here);
    return {
      layer: whole(activation['layer'], `${here}.layer`),
      token: whole(activation['token_idx'], `${here}.token_idx`, MAX_TOKENS),
      expert: whole(activation['expert_idx'], `${here}.expert_idx`, nExperts),
      weight: real(activation['gate_weight'], `${here}.gate_weight`),
    };
  });
}

function readRecord(record: Fields, what: string, layers: readonly number[]): RoutingTrace {
  const tokenStrings = optional(record['token_strs'], `${what}: token_strs`, strings);
  const tokenIds = optional(record['token_ids'], `${what}: token_ids`, ids);
  const activations = activationsOf(record, what);
  const said = tokenIds?.length ?? tokenStrings?.length;
  const nTokens = said ?? activations.reduce((most, { token }) => Math.max(most, token + 1), 0);
  if (tokenStrings !== undefined && tokenStrings.length !== nTokens) {
    throw invalid(`${what}: token_strs has ${tokenStrings.length} entries and token_ids ${nTokens}; both must have one for each token.`);
  }
  const byLayer = new Map(layers.map((layer) => [layer, Array.from({ length: nTokens }, (): Entry[] => [])]));
  for (const { layer, token, expert, weight } of activations) {
    const entries = byLayer.get(layer)?.[token];
    if (entries === undefined) throw invalid(`${what}: an activation is of token ${token}; there are ${nTokens}, counted from 0.`);
    entries.push({ expert, weight });
  }
  const nExperts = whole(record['num_experts'], `${what}: num_experts`, MAX_EXPERTS + 1);
  return {
    model: text(record['model_id'], `${what}: model_id`), nTokens, ids: tokenIds, strings: tokenStrings,
    texts: nTokens === 0 ? [] : [{ start: 0, label: textLabel(record, tokenStrings) }],
    layers: layers.map((layer) => layerFrom(layer, nExperts, (byLayer.get(layer) ?? []).map(byWeight))),
    notes: [],
  };
}

/** Activations come in any order. */
function byWeight(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (b.weight ?? 0) - (a.weight ?? 0));
}

/** The schema lets lists be empty where they are not known. */
function optional<T extends { readonly length: number }>(value: unknown, what: string, read: (value: unknown, what: string) => T): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = read(value, what);
  return found.length === 0 ? undefined : found;
}

function textLabel(record: Fields, tokenStrings: readonly string[] | undefined): string {
  const said = typeof record['text'] === 'string' && record['text'] !== '' ? record['text'] : (tokenStrings ?? []).join('');
  return said.length > 40 ? `${said.slice(0, 39)}…` : said;
}

/** One record a line, one line for each text. */
export function writeAtlas(trace: RoutingTrace, timestamp: string): string {
  if (trace.layers.some(({ weights }) => weights === undefined)) {
    throw invalid('This trace has no gate weights, which moe-routing-atlas needs; save it in another form.');
  }
  return trace.texts.map(({ start }, at) => `${JSON.stringify(record(trace, start, trace.texts[at + 1]?.start ?? trace.nTokens, timestamp))}\n`).join('');
}

function record(trace: RoutingTrace, from: number, to: number, timestamp: string): Fields {
  const own = trace.strings?.slice(from, to) ?? [];
  const activations: Fields[] = [];
  let topK = 0;
  for (const layer of trace.layers) {
    for (let token = from; token < to; token += 1) {
      const { experts, weights } = entriesOf(layer, token);
      topK = Math.max(topK, experts.length);
      experts.forEach((expert, slot) => activations.push({
        layer: layer.layer, token_idx: token - from, expert_idx: expert, gate_weight: Number((weights?.[slot] ?? 0).toPrecision(9)), output_norm: 0,
      }));
    }
  }
  return {
    model_id: trace.model, num_layers: trace.layers.length, num_experts: trace.layers[0]?.nExperts ?? 0, top_k: topK,
    text: own.join(''), token_ids: Array.from(trace.ids?.subarray(from, to) ?? []), token_strs: own, activations, timestamp,
  };
}
