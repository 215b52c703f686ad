// The analyses by name: what each needs of a trace, and the questions that it consists of, one for each layer.

import type { AnalysisName, Answer, LayerColumns, Question } from '../generated/routing.js';
import { labelsOf } from './trace.js';
import type { RoutingTrace, TraceLayer } from './trace.js';

/** What an analysis may lack. */
export type Missing = 'layers' | 'layer_pairs' | 'scores' | 'logits' | 'ids' | 'predicted' | 'label_pairs' | 'second' | 'same_tokens' | 'same_layers';

/** What the tokens are grouped by. */
export type LabelsBy = 'text' | 'input' | 'predicted' | 'next';

export interface AskOptions {
  /** By the labels of the texts unless given. */
  readonly by?: LabelsBy | undefined;
  /** A label must occur so often; 1 unless given. */
  readonly minTokens?: number | undefined;
  /** The other run of an agreement. */
  readonly second?: RoutingTrace | undefined;
}

/** One question, and the layer that it is about. */
export interface Ask {
  readonly layer: number;
  /** The layer that a flow goes to. */
  readonly next: number | undefined;
  readonly question: Question;
}

/** The answer to one of them. */
export interface LayerAnswer {
  readonly layer: number;
  readonly next: number | undefined;
  readonly answer: Answer;
}

/** Which columns besides the choices an analysis looks at; what is not needed is not sent. */
const COLUMNS: Partial<Record<AnalysisName, readonly ('weights' | 'logits' | 'scores')[]>> = {
  balance: ['logits', 'scores'], tokens: ['scores'], drops: ['logits', 'weights'], agreement: ['scores'],
};

/** Why a trace does not allow an analysis; nothing where it does. */
export function missingFor(analysis: AnalysisName, trace: RoutingTrace, { by = 'text', second }: AskOptions = {}): Missing | undefined {
  const has = (column: 'logits' | 'scores'): boolean => trace.layers.every((layer) => layer[column] !== undefined);
  if (trace.layers.length === 0 || trace.nTokens === 0) return 'layers';
  if (analysis === 'flow' && trace.layers.length < 2) return 'layer_pairs';
  if (analysis === 'tokens' || analysis === 'balance') {
    if (!has('scores')) return 'scores';
  }
  if ((analysis === 'drops' || analysis === 'balance') && !has('logits')) return 'logits';
  if (analysis === 'labels') return missingLabels(trace, by);
  return analysis === 'agreement' ? missingSecond(trace, second) : undefined;
}

function missingLabels(trace: RoutingTrace, by: LabelsBy): Missing | undefined {
  if (by === 'text') return new Set(trace.texts.map(({ label }) => label)).size < 2 ? 'label_pairs' : undefined;
  if (by === 'predicted') return trace.predicted === undefined ? 'predicted' : undefined;
  return trace.ids === undefined ? 'ids' : undefined;
}

function missingSecond(trace: RoutingTrace, second: RoutingTrace | undefined): Missing | undefined {
  if (second === undefined) return 'second';
  const sameIds = trace.ids === undefined || second.ids === undefined || trace.ids.every((id, token) => id === second.ids?.[token]);
  if (trace.nTokens !== second.nTokens || !sameIds) return 'same_tokens';
  const fits = trace.layers.length === second.layers.length
    && trace.layers.every(({ layer, nExperts }, at) => second.layers[at]?.layer === layer && second.layers[at]?.nExperts === nExperts);
  return fits ? undefined : 'same_layers';
}

/** What to ask; the trace must allow the analysis. */
export function questionsFor(analysis: AnalysisName, trace: RoutingTrace, options: AskOptions = {}): Ask[] {
  const labels = analysis === 'labels' ? labelsBy(trace, options.by ?? 'text') : null;
  const ask = (layer: TraceLayer, other?: TraceLayer): Question => ({
    analysis, labels,
    layer: columns(analysis, layer),
    other: other === undefined ? null : columns(analysis, other),
    min_tokens: options.minTokens ?? null,
  });
  if (analysis === 'flow') {
    return trace.layers.slice(0, -1).map((layer, at) => {
      const next = trace.layers[at + 1];
      return { layer: layer.layer, next: next?.layer, question: ask(layer, next) };
    });
  }
  return trace.layers.map((layer, at) => {
    const other = analysis === 'agreement' ? options.second?.layers[at] : undefined;
    return { layer: layer.layer, next: undefined, question: ask(layer, other) };
  });
}

/** The label of tokens that have none, such as the last of a text where the next token counts. */
export const NO_LABEL = 0xffffffff;

/** [T] a number for each token. */
function labelsBy(trace: RoutingTrace, by: LabelsBy): Uint32Array {
  if (by === 'text') return labelsOf(trace).labels;
  if (by === 'predicted') return trace.predicted ?? new Uint32Array();
  const ids = trace.ids ?? new Uint32Array();
  if (by === 'input') return ids;
  const next = new Uint32Array(trace.nTokens).fill(NO_LABEL);
  next.set(ids.subarray(1));
  for (const { start } of trace.texts) if (start > 0) next[start - 1] = NO_LABEL;
  return next;
}

function columns(analysis: AnalysisName, layer: TraceLayer): LayerColumns {
  const wanted = COLUMNS[analysis] ?? [];
  const column = (name: 'weights' | 'logits' | 'scores'): Float32Array | null => (wanted.includes(name) ? layer[name] ?? null : null);
  return {
    n_experts: layer.nExperts, offsets: layer.offsets, experts: layer.experts,
    weights: column('weights'), logits: column('logits'), scores: column('scores'),
  };
}
