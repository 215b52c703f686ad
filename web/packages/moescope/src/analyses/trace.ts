// A trace as analyses take it: choices in columns, with as much beside them as its source tells.
// The engine's own traces become such a trace, and so do those of other programs; several texts stand one after another.

import type { LayerTrace, Trace } from '../generated/engine.js';

/** The decisions of one MoE layer about all T tokens of E experts. */
export interface TraceLayer {
  /** Index of the transformer layer, or of the MoE layer where the source counts only those. */
  readonly layer: number;
  readonly nExperts: number;
  /** [T + 1] where each token's experts start. */
  readonly offsets: Uint32Array;
  /** [N] experts, best first within a token where the source keeps their order. */
  readonly experts: Uint16Array;
  /** [N] combine weights. */
  readonly weights?: Float32Array | undefined;
  /** [T, E] gating logits. */
  readonly logits?: Float32Array | undefined;
  /** [T, E] scores. */
  readonly scores?: Float32Array | undefined;
}

/** A text within a trace: tokens from `start` up to the next text. */
export interface TraceText {
  readonly start: number;
  /** What it is an example of, such as its domain. */
  readonly label: string;
}

export interface RoutingTrace {
  /** Name of the model. */
  readonly model: string;
  /** T. */
  readonly nTokens: number;
  /** [T] token ids. */
  readonly ids?: Uint32Array | undefined;
  /** [T] what each token adds to the text. */
  readonly strings?: readonly string[] | undefined;
  /** [T] ids that the model held likeliest to follow. */
  readonly predicted?: Uint32Array | undefined;
  readonly texts: readonly TraceText[];
  readonly layers: readonly TraceLayer[];
  /** What a reader had to assume, in sentences. */
  readonly notes: readonly string[];
}

/** A trace of the engine. */
export function traceOf({ tokens, layers }: Trace, model: string, label = ''): RoutingTrace {
  return {
    model,
    nTokens: tokens.length,
    ids: Uint32Array.from(tokens, ({ id }) => id),
    strings: tokens.map(({ text }) => text),
    texts: tokens.length === 0 ? [] : [{ start: 0, label }],
    layers: layers.map(layerOf),
    notes: [],
  };
}

function layerOf({ layer, n_experts: nExperts, offsets, experts, weights, logits, scores }: LayerTrace): TraceLayer {
  return { layer, nExperts, offsets, experts, weights, logits, scores };
}

/** Traces of one model as one: what only some of them tell is left out, and neighbouring texts of one label stay apart. */
export function joinTraces(traces: readonly RoutingTrace[]): RoutingTrace {
  const [first] = traces;
  if (first === undefined) throw new RangeError('there is no trace to join; give at least 1');
  if (traces.length === 1) return first;
  const starts = startsOf(traces);
  return {
    model: first.model,
    nTokens: traces.reduce((sum, trace) => sum + trace.nTokens, 0),
    ids: whole(traces.map(({ ids }) => ids), words),
    strings: whole(traces.map(({ strings }) => strings), (parts) => parts.flat()),
    predicted: whole(traces.map(({ predicted }) => predicted), words),
    texts: traces.flatMap(({ texts }, place) => texts.map(({ start, label }) => ({ start: start + (starts[place] ?? 0), label }))),
    layers: first.layers.map(({ layer, nExperts }, at) => joinLayers(layer, nExperts, traces.map(({ layers }) => layers[at]))),
    notes: [...new Set(traces.flatMap(({ notes }) => notes))],
  };
}

function startsOf(traces: readonly RoutingTrace[]): number[] {
  let sum = 0;
  return traces.map(({ nTokens }) => {
    sum += nTokens;
    return sum - nTokens;
  });
}

function joinLayers(layer: number, nExperts: number, parts: readonly (TraceLayer | undefined)[]): TraceLayer {
  const known = parts.filter((part) => part !== undefined);
  if (known.length !== parts.length || known.some((part) => part.layer !== layer || part.nExperts !== nExperts)) {
    throw new RangeError(`the traces differ at layer ${layer}; join traces of one model`);
  }
  let shift = 0;
  const offsets = known.map((part) => {
    const moved = part.offsets.subarray(1).map((offset) => offset + shift);
    shift += part.experts.length;
    return moved;
  });
  return {
    layer, nExperts,
    offsets: words([Uint32Array.of(0), ...offsets]),
    experts: concat((length) => new Uint16Array(length), known.map(({ experts }) => experts)),
    weights: whole(known.map(({ weights }) => weights), reals),
    logits: whole(known.map(({ logits }) => logits), reals),
    scores: whole(known.map(({ scores }) => scores), reals),
  };
}

/** All parts put together, or nothing where one is missing. */
function whole<T, R>(parts: readonly (T | undefined)[], join: (parts: T[]) => R): R | undefined {
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? join(known) : undefined;
}

function concat<T extends Uint32Array | Uint16Array | Float32Array>(make: (length: number) => T, parts: readonly T[]): T {
  const all = make(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const reals = (parts: readonly Float32Array[]): Float32Array => concat((length) => new Float32Array(length), parts);
const words = (parts: readonly Uint32Array[]): Uint32Array => concat((length) => new Uint32Array(length), parts);

/** The labels of a trace in order of appearance, and for each token the place of its own. */
export function labelsOf({ texts, nTokens }: RoutingTrace): { names: string[]; labels: Uint32Array } {
  const names = [...new Set(texts.map(({ label }) => label))];
  const labels = new Uint32Array(nTokens);
  for (const [place, { start, label }] of texts.entries()) {
    labels.fill(names.indexOf(label), start, texts[place + 1]?.start ?? nTokens);
  }
  return { names, labels };
}

/** Experts and weights of one token. */
export function entriesOf({ offsets, experts, weights }: TraceLayer, token: number): { experts: Uint16Array; weights: Float32Array | undefined } {
  const [from, to] = [offsets[token], offsets[token + 1]];
  return { experts: experts.subarray(from, to), weights: weights?.subarray(from, to) };
}

/** Experts per token where all tokens of all layers have as many. */
export function commonTopK({ layers, nTokens }: RoutingTrace): number | undefined {
  const k = layers[0]?.offsets[1];
  if (k === undefined || k === 0) return undefined;
  return layers.every(({ offsets }) => offsets.every((offset, token) => offset === token * k)) && nTokens > 0 ? k : undefined;
}
