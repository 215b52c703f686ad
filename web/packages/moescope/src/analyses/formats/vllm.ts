// What vLLM returns under --enable-return-routed-experts: expert ids [tokens, MoE layers, top_k], as nested lists in its
// answers (docs.vllm.ai, "Routed experts replay": prompt_routed_experts, choices[].routed_experts) or as a saved numpy array.
// There are no weights, no token texts, and no number of experts; layers are counted among the MoE layers.

import { commonTopK, entriesOf } from '../trace.js';
import type { RoutingTrace } from '../trace.js';
import { expectLength, invalid, isFields, list, whole } from './check.js';
import type { Fields } from './check.js';
import { MAX_EXPERTS, expertCount, layerFrom } from './columns.js';
import { readNpy, writeNpy } from './npy.js';

/** [tokens][layers][k] expert ids. */
type Routed = readonly (readonly (readonly number[])[])[];

export function isVllm(value: unknown): boolean {
  return isFields(value) && ('routed_experts' in value || 'prompt_routed_experts' in value || choice(value) !== undefined);
}

/** The prompt's experts followed by those of the first completion. */
export function readVllm(file: Fields, nExperts: number | undefined): RoutingTrace {
  const prompt = file['prompt_routed_experts'];
  const written = file['routed_experts'] ?? choice(file)?.['routed_experts'];
  const known = (value: unknown): boolean => value !== undefined && value !== null;
  const rows = [
    ...(known(prompt) ? nested(prompt, 'prompt_routed_experts') : []),
    ...(known(written) ? nested(written, 'routed_experts') : []),
  ];
  return fromRouted(rows, typeof file['model'] === 'string' ? file['model'] : 'vLLM', nExperts);
}

function choice(file: Fields): Fields | undefined {
  const first: unknown = Array.isArray(file['choices']) ? file['choices'][0] : undefined;
  return isFields(first) && 'routed_experts' in first ? first : undefined;
}

/** Nested lists alone. */
export function readRoutedLists(value: unknown, nExperts: number | undefined): RoutingTrace {
  return fromRouted(nested(value, 'the array'), 'vLLM', nExperts);
}

export function readRoutedNpy(bytes: Uint8Array, nExperts: number | undefined): RoutingTrace {
  const { shape, values } = readNpy(bytes);
  const [tokens, layers, k] = shape;
  if (shape.length !== 3 || tokens === undefined || layers === undefined || k === undefined) {
    throw invalid(`The array has the shape [${shape.join(', ')}]; it must be [tokens, MoE layers, top_k].`);
  }
  const row = (token: number, layer: number): number[] => Array.from({ length: k }, (_, slot) => values[(token * layers + layer) * k + slot] ?? 0);
  const rows = Array.from({ length: tokens }, (_, token) => Array.from({ length: layers }, (__, layer) => row(token, layer)));
  return fromRouted(rows, 'vLLM', nExperts);
}

function nested(value: unknown, what: string): Routed {
  return list(value, what).map((token, t) => list(token, `${what}[${t}]`).map((layer, l) =>
    list(layer, `${what}[${t}][${l}]`).map((expert, slot) => whole(expert, `${what}[${t}][${l}][${slot}]`, MAX_EXPERTS))));
}

function fromRouted(rows: Routed, model: string, told: number | undefined): RoutingTrace {
  const nLayers = rows[0]?.length ?? 0;
  if (nLayers === 0) throw invalid('The array holds no tokens or no layers; it must be [tokens, MoE layers, top_k].');
  let highest = 0;
  for (const [token, layers] of rows.entries()) {
    expectLength(layers, `token ${token}`, nLayers);
    for (const experts of layers) for (const expert of experts) highest = Math.max(highest, expert);
  }
  const { nExperts, notes } = expertCount(highest, told);
  const places = Array.from({ length: nLayers }, (_, layer) => layer);
  const dense = places.filter((layer) => rows.every((token) => isPlaceholder(token[layer] ?? [])));
  const kept = places.filter((layer) => !dense.includes(layer));
  if (kept.length === 0) throw invalid('Every entry of the array is 0; it holds no routing.');
  return {
    model, nTokens: rows.length, ids: undefined, strings: undefined, texts: [{ start: 0, label: '' }],
    layers: kept.map((layer) => layerFrom(layer, nExperts, rows.map((token) => (token[layer] ?? []).map((expert) => ({ expert, weight: undefined }))))),
    notes: dense.length === 0 ? notes : [...notes, `Layers ${dense.join(', ')} hold nothing but zeros, as layers without experts do; they are left out.`],
  };
}

/** A dense layer is all zeros, which no router gives where several experts act. */
function isPlaceholder(experts: readonly number[]): boolean {
  return experts.length > 1 && experts.every((expert) => expert === 0);
}

/** A numpy array; every token must have as many experts. */
export function writeVllm(trace: RoutingTrace): Uint8Array<ArrayBuffer> {
  const k = commonTopK(trace);
  if (k === undefined) throw invalid('Tokens of this trace have different numbers of experts, for which an array [tokens, layers, top_k] has no room; save it in another form.');
  const values = new Int32Array(trace.nTokens * trace.layers.length * k);
  for (let token = 0; token < trace.nTokens; token += 1) {
    for (const [place, layer] of trace.layers.entries()) values.set(entriesOf(layer, token).experts, (token * trace.layers.length + place) * k);
  }
  return writeNpy([trace.nTokens, trace.layers.length, k], values);
}
