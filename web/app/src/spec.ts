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

/** A number of another stage than selection, which some strategies need and others leave as it is. */
interface StageNumber {
  readonly matters: (spec: RouterSpec) => boolean;
  readonly of: (spec: RouterSpec) => number;
  readonly put: (spec: RouterSpec, value: number) => RouterSpec;
}

const hasNulls = ({ adjust }: RouterSpec): boolean => adjust.null_rule === 'constant';

/** By stage and field; the knobs for temperature, bans and forced experts are apart. */
const STAGE_NUMBERS: Readonly<Record<string, StageNumber>> = {
  'adjust.null_experts': {
    matters: hasNulls, of: ({ adjust }) => adjust.null_experts, put: (spec, value) => ({ ...spec, adjust: { ...spec.adjust, null_experts: value } }),
  },
  'adjust.null_logit': {
    matters: hasNulls, of: ({ adjust }) => adjust.null_logit, put: (spec, value) => ({ ...spec, adjust: { ...spec.adjust, null_logit: value } }),
  },
  'restrict.topk_groups': {
    matters: ({ restrict }) => restrict.n_groups > 1, of: ({ restrict }) => restrict.topk_groups,
    put: (spec, value) => ({ ...spec, restrict: { ...spec.restrict, topk_groups: value } }),
  },
  'prune.ratio': {
    matters: ({ prune }) => prune.ratio > 0, of: ({ prune }) => prune.ratio, put: (spec, value) => ({ ...spec, prune: { ...spec.prune, ratio: value } }),
  },
  'limit.capacity_factor': {
    matters: ({ limit }) => limit.capacity_factor !== null, of: ({ limit }) => limit.capacity_factor ?? 0,
    put: (spec, value) => ({ ...spec, limit: { ...spec.limit, capacity_factor: value } }),
  },
  'weigh.scale': {
    matters: ({ weigh }) => weigh.scale !== 1, of: ({ weigh }) => weigh.scale, put: (spec, value) => ({ ...spec, weigh: { ...spec.weigh, scale: value } }),
  },
};

/** Every number that matters to a spec besides top_k: those of its method, and those of other stages that it turns on. */
export function settingsIn(given: Partial<RouterSpec>): Record<string, number> {
  const spec = completed(given);
  const others = Object.entries(STAGE_NUMBERS).filter(([, { matters }]) => matters(spec)).map(([name, { of }]) => [name, of(spec)] as const);
  return { ...settingsOf(spec.select), ...Object.fromEntries(others) };
}

/** What a number stands at, whether it matters to the spec or not; undefined where the method has none of that name. */
export function settingOf(given: Partial<RouterSpec>, name: string): number | undefined {
  const spec = completed(given);
  return STAGE_NUMBERS[name]?.of(spec) ?? settingsOf(spec.select)[name];
}

/** The same spec with other numbers, where they matter to it. */
export function withSettings(spec: RouterSpec, numbers: Readonly<Record<string, number>>): RouterSpec {
  const others = Object.entries(STAGE_NUMBERS).filter(([name, { matters }]) => numbers[name] !== undefined && matters(spec));
  return others.reduce((made, [name, { put }]) => put(made, numbers[name] ?? 0), withNumbers(spec, numbers));
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

/** What a number of another stage stands at where only whether it matters counts. */
const ANY = -1;

function withoutKnobs(given: RouterSpec): unknown {
  const turned = Object.fromEntries(Object.keys(STAGE_NUMBERS).map((name) => [name, ANY]));
  const spec = withSettings(completed(given), turned);
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
