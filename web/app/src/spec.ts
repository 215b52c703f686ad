// Reading and comparing router specs: pure functions that know fields, not strategies.

import { DEFAULT_SPEC } from 'moescope';
import type { ModelInfo, ModelRouting, RouterSpec, Select } from 'moescope';

/** The part of a model that strategies and edits are made for. */
export type RoutedModel = Pick<ModelInfo, 'moe_layers' | 'n_experts' | 'trained_routing'> & Outside;

/** Whether somebody decides where a spec selects by `external`: which of the routers that ran so far. */
export interface Outside {
  readonly external?: number | undefined;
}

/** With every stage and field: a trace recorded by an older engine lacks those that came later. */
export function completed(spec: Partial<RouterSpec>): RouterSpec {
  return {
    ...DEFAULT_SPEC,
    ...spec,
    adjust: { ...DEFAULT_SPEC.adjust, ...spec.adjust },
    score: { ...DEFAULT_SPEC.score, ...spec.score },
    restrict: { ...DEFAULT_SPEC.restrict, ...spec.restrict },
    prune: { ...DEFAULT_SPEC.prune, ...spec.prune },
    limit: { ...DEFAULT_SPEC.limit, ...spec.limit },
    weigh: { ...DEFAULT_SPEC.weigh, ...spec.weigh },
  };
}

/** Experts per token where the strategy has such a number. */
export function topKOf({ select }: RouterSpec): number | undefined {
  return 'top_k' in select ? select.top_k : undefined;
}

/** The numbers of a method besides top_k, which has a knob of its own. */
export function settingsOf(select: Select): Record<string, number> {
  const numbers = Object.entries(select).filter((field): field is [string, number] => typeof field[1] === 'number');
  return Object.fromEntries(numbers.filter(([name]) => name !== 'top_k'));
}

/** The same spec with other numbers, where its method has them. */
export function withNumbers(spec: RouterSpec, numbers: Readonly<Record<string, number>>): RouterSpec {
  const own = Object.entries(numbers).filter(([name]) => typeof new Map<string, unknown>(Object.entries(spec.select)).get(name) === 'number');
  return own.length === 0 ? spec : { ...spec, select: { ...spec.select, ...Object.fromEntries(own) } };
}

/** Whether two routings decide alike; order of bans does not matter because edits keep them ascending. */
export function sameRouting(a: ModelRouting, b: ModelRouting): boolean {
  return a === b || canonical(a) === canonical(b);
}

/** Whether two specs are the same strategy but for what has a knob: top-k, the method's numbers, temperature, offsets, bans and forced experts. */
export function sameStrategy(a: RouterSpec, b: RouterSpec): boolean {
  return a === b || canonical(withoutKnobs(a)) === canonical(withoutKnobs(b));
}

function withoutKnobs(spec: RouterSpec): unknown {
  const numbers = Object.entries(spec.select).filter(([, value]) => typeof value !== 'number');
  return {
    ...spec,
    adjust: { ...spec.adjust, temperature: 1, offsets: [] },
    restrict: { ...spec.restrict, disabled: [], forced: [] },
    select: Object.fromEntries(numbers),
  };
}

/** The engine orders keys differently, keeps single precision, and leaves out what JSON calls null. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'number') return Math.fround(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).filter(([, field]) => field != null).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function ascending(experts: readonly number[]): number[] {
  return [...new Set(experts)].sort((a, b) => a - b);
}

/** Few digits, whatever the precision that the engine keeps. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
