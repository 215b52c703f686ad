// The two sides of a comparison. A side is a model, what it reads, and a routing. B is what the page shows; A is held, says in
// which of these it is another, and is as B in the rest.

import type { ModelRouting } from 'moescope';
import { compareLayers, pairUp } from 'moescope/views';
import type { LayerComparison, TokenRecord } from 'moescope/views';

import { messages } from './messages.js';
import type { RoutingEdits } from './routing.js';

/** Side A as a link says it. */
export interface Rival<Input> {
  /** Folder of its model. */
  readonly model: string | undefined;
  /** A text, or where a picture comes from. */
  readonly input: Input | undefined;
  readonly routing: RoutingEdits;
}

/** A side that can be read: a model that runs, what it is given, and the routing that it takes. */
export interface Side<Scope, Input> {
  readonly scope: Scope;
  readonly input: Input;
  readonly routing: ModelRouting;
}

/** What came of reading a side. */
export interface Half {
  /** Name of the model. */
  readonly model: string;
  readonly records: readonly TokenRecord[];
}

export interface Comparison {
  /** Whether tokens, or patches, are compared one with one. */
  readonly paired: boolean;
  readonly layers: readonly LayerComparison[];
  /** What cannot be compared, or only with care, and why. */
  readonly notes: readonly string[];
}

/** Tokens of different texts have no partners; patches have one by their place, whatever they show. */
export function comparisonOf(a: Half, b: Half, of: { readonly kind: 'text' | 'picture'; readonly same: boolean }): Comparison {
  const words = messages.compare.notes;
  const alike = pairUp(a.records, b.records);
  const partners = of.same || of.kind === 'picture';
  const paired = partners && alike;
  return {
    paired,
    layers: compareLayers(a.records, b.records, paired),
    notes: [
      ...(of.same ? [] : [words.inputs[of.kind]]),
      ...(partners && !alike ? [words.cut[of.kind]] : []),
      ...(a.model === b.model ? [] : [words.models(a.model, b.model)]),
      ...shapeNotes(a, b),
    ],
  };
}

/** Whether it is known at this layer which tokens have other experts. */
export function marksChanges({ layers }: Comparison, layer: number): boolean {
  return layers.some((row) => row.layer === layer && row.changed !== undefined);
}

function shapeNotes(a: Half, b: Half): string[] {
  const words = messages.compare.notes;
  const [x, y] = [expertsOf(a), expertsOf(b)];
  const dense = [...(x.size === 0 ? [a.model] : []), ...(y.size === 0 ? [b.model] : [])];
  if (dense.length > 0) return dense.map(words.dense);
  const common = [...x.keys()].filter((layer) => y.has(layer));
  const other = common.filter((layer) => x.get(layer) !== y.get(layer));
  const [first] = other;
  return [
    ...(common.length === x.size && common.length === y.size ? [] : [words.layers([...x.keys()], [...y.keys()])]),
    ...(first === undefined ? [] : [words.experts(other, x.get(first) ?? 0, y.get(first) ?? 0)]),
  ];
}

/** Experts by layer. */
function expertsOf({ records }: Half): ReadonlyMap<number, number> {
  return new Map(records[0]?.trace.layers.map(({ layer, n_experts }) => [layer, n_experts]));
}
