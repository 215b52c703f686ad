// What a person changed of a model's routing, and the routing that results: pure functions.
// Changes are kept apart from the trained routing, so that a link means the same on a model that is trained again.

import type { ModelRouting, Priority, Rerouted, RouterSpec } from 'moescope';
import { specFor } from 'moescope/views';

import { ascending, settingsIn, topKOf, withSettings } from './spec.js';
import type { RoutedModel } from './spec.js';
import { OWN, baseSpec, isUniform, rangeOf } from './strategy.js';

/** What one layer does differently. */
export interface LayerEdits {
  /** A preset; the empty name is the trained strategy. */
  readonly strategy?: string | undefined;
  readonly topK?: number | undefined;
  readonly temperature?: number | undefined;
  /** Other numbers, by the name of their field. */
  readonly settings?: Readonly<Record<string, number>> | undefined;
}

/** Differences from the trained routing. */
export interface RoutingEdits {
  /** A preset that replaces the trained strategy at every layer; the other edits act on top of it. */
  readonly strategy: string | undefined;
  readonly topK: number | undefined;
  readonly temperature: number | undefined;
  /** Other numbers, by the name of their field; those of other stages than selection have the stage before a dot. */
  readonly settings: Readonly<Record<string, number>>;
  /** Banned at every layer, ascending. */
  readonly banned: readonly number[];
  /** Banned at single layers besides, by layer, ascending. */
  readonly bannedAt: Readonly<Record<string, readonly number[]>>;
  /** Made to act on every token, at every layer, ascending. */
  readonly forced: readonly number[];
  readonly forcedAt: Readonly<Record<string, readonly number[]>>;
  /** What single layers do differently, by layer. */
  readonly at: Readonly<Record<string, LayerEdits>>;
  /** How many tokens an expert takes, and who comes first; as the strategy has it unless given. */
  readonly limit: LimitEdit | undefined;
  /** Added to the gating logits, one per expert, by layer. */
  readonly offsets: Readonly<Record<string, readonly number[]>>;
}

export interface LimitEdit {
  /** Of the even share. */
  readonly factor: number;
  readonly priority: Extract<Priority, 'order' | 'batch_priority'>;
}

export const NO_EDITS: RoutingEdits = {
  strategy: undefined, topK: undefined, temperature: undefined, settings: {}, banned: [], bannedAt: {}, forced: [], forcedAt: {}, at: {}, limit: undefined, offsets: {},
};

export const TEMPERATURE = { min: 0.1, max: 10 } as const;

export const CAPACITY = { min: 0.125, max: 2, step: 0.125 } as const;

export type BanScope = 'all' | 'layer';

/** Experts that the edits ban at a layer. */
export function bannedAt(edits: RoutingEdits, layer: number): number[] {
  return ascending([...edits.banned, ...(edits.bannedAt[String(layer)] ?? [])]);
}

/** Experts that the edits force at a layer. */
export function forcedAt(edits: RoutingEdits, layer: number): number[] {
  return ascending([...edits.forced, ...(edits.forcedAt[String(layer)] ?? [])]);
}

/** The routing that the engine is given. */
export function applyEdits(model: RoutedModel, edits: RoutingEdits): ModelRouting {
  const trained = model.trained_routing;
  const own = model.moe_layers.filter((layer) => differsAt(model, edits, String(layer))
    || (trained.layers[String(layer)] !== undefined && !isUniform(model, edits.strategy)));
  return {
    default: editedSpec(model, trained.default, edits),
    layers: Object.fromEntries(own.map((layer) => [
      String(layer), withOffsetsOf(model, edits, layer, editedSpec(model, specFor(trained, layer), editsAt(edits, layer))),
    ])),
  };
}

function differsAt(model: RoutedModel, { bannedAt: bans, forcedAt: forces, at, offsets }: RoutingEdits, layer: string): boolean {
  return (bans[layer] ?? []).length > 0 || (forces[layer] ?? []).length > 0 || at[layer] !== undefined
    || offsets[layer]?.length === model.n_experts;
}

/** The edits as they hold at one layer. */
export function editsAt(edits: RoutingEdits, layer: number): RoutingEdits {
  const { strategy, topK, temperature, settings } = edits.at[String(layer)] ?? {};
  return {
    ...edits,
    strategy: strategy ?? edits.strategy,
    topK: topK ?? edits.topK,
    temperature: temperature ?? edits.temperature,
    settings: { ...edits.settings, ...settings },
    banned: bannedAt(edits, layer),
    forced: forcedAt(edits, layer),
  };
}

function editedSpec(model: RoutedModel, trained: RouterSpec, edits: RoutingEdits): RouterSpec {
  const base = baseSpec(model, edits.strategy, trained);
  const inModel = (experts: readonly number[]): number[] => ascending(experts).filter((expert) => expert < model.n_experts);
  const disabled = inModel([...base.restrict.disabled, ...edits.banned]);
  const forced = inModel([...base.restrict.forced, ...edits.forced]).filter((expert) => !disabled.includes(expert));
  const topK = edits.topK === undefined ? {} : { top_k: Math.min(edits.topK, model.n_experts) };
  const edited = {
    ...base,
    adjust: { ...base.adjust, temperature: edits.temperature ?? base.adjust.temperature },
    restrict: { ...base.restrict, disabled, forced },
  };
  return withLimitOf(edits, withSettings(edited, { ...withinLimits(edited, edits.settings, model.n_experts), ...topK }));
}

/** A limit of its own goes before the capacity that is a setting of the strategy. */
function withLimitOf({ limit }: RoutingEdits, spec: RouterSpec): RouterSpec {
  return limit === undefined ? spec
    : { ...spec, limit: { ...spec.limit, capacity: null, capacity_factor: limit.factor, priority: limit.priority } };
}

/** Offsets of a model with another number of experts mean nothing here. */
function withOffsetsOf(model: RoutedModel, edits: RoutingEdits, layer: number, spec: RouterSpec): RouterSpec {
  const offsets = edits.offsets[String(layer)];
  return offsets?.length === model.n_experts ? { ...spec, adjust: { ...spec.adjust, offsets: [...offsets] } } : spec;
}

/** A link may say anything. */
function withinLimits(spec: RouterSpec, settings: RoutingEdits['settings'], nExperts: number): Record<string, number> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => {
    const { min, max, step } = rangeOf(name, value, spec, nExperts);
    const kept = Math.min(max, Math.max(min, value));
    return [name, step === 1 ? Math.round(kept) : kept];
  }));
}

/** The strategy as it is before knobs are turned. */
function untouched(model: RoutedModel, edits: RoutingEdits): RouterSpec {
  return baseSpec(model, edits.strategy, model.trained_routing.default);
}

/** Digits of an offset behind the point: with fewer, a token between two experts may well go to the other one. */
const OFFSET_DIGITS = 4;
/** How far one push moves a logit. */
export const NUDGE = 0.5;

/** Puts the offsets of a rerouting in force, as exactly as a link says them. */
export function withOffsets(edits: RoutingEdits, { layers }: Rerouted): RoutingEdits {
  const chosen = layers.filter(({ offsets }) => offsets.length > 0);
  const rounded = chosen.map(({ layer, offsets }) => [String(layer), offsets.map((offset) => Number(offset.toFixed(OFFSET_DIGITS)))] as const);
  return { ...edits, offsets: Object.fromEntries(rounded) };
}

/** Where a change acts. */
export interface Where {
  readonly layer: number;
  readonly scope: BanScope;
}

const EVERYWHERE: Where = { layer: 0, scope: 'all' };

/** Takes a preset, or the trained strategy for undefined; bans, temperature and top-k stay as they are set. */
export function withStrategy(edits: RoutingEdits, strategy: string | undefined, where = EVERYWHERE): RoutingEdits {
  if (where.scope === 'layer') return withAt(edits, where.layer, { strategy: strategy === edits.strategy ? undefined : strategy ?? '', settings: undefined });
  return { ...edits, strategy, settings: {}, at: without(without(edits.at, 'strategy'), 'settings') };
}

/** Whether the visitor's own router decides anywhere. */
export function hasOwn(edits: RoutingEdits): boolean {
  return edits.strategy === OWN || Object.values(edits.at).some(({ strategy }) => strategy === OWN);
}

/** The trained strategy wherever the visitor's own router decided. */
export function withoutOwn(edits: RoutingEdits): RoutingEdits {
  const at = Object.entries(edits.at).map(([layer, edit]) => [layer, edit.strategy === OWN ? { ...edit, strategy: undefined } : edit] as const);
  return { ...edits, strategy: edits.strategy === OWN ? undefined : edits.strategy, at: tidy(Object.fromEntries(at)) };
}

export function withTopK(model: RoutedModel, edits: RoutingEdits, topK: number, where = EVERYWHERE): RoutingEdits {
  const usual = isUniform(model, edits.strategy) ? topKOf(untouched(model, edits)) : undefined;
  if (where.scope === 'layer') return withAt(edits, where.layer, { topK: topK === (edits.topK ?? usual) ? undefined : topK });
  return { ...edits, topK: usual === topK ? undefined : topK, at: without(edits.at, 'topK') };
}

export function withTemperature(model: RoutedModel, edits: RoutingEdits, temperature: number, where = EVERYWHERE): RoutingEdits {
  const usual = untouched(model, edits).adjust.temperature;
  const same = (other: number): boolean => Math.abs(temperature - other) < 1e-6;
  if (where.scope === 'layer') return withAt(edits, where.layer, { temperature: same(edits.temperature ?? usual) ? undefined : temperature });
  return { ...edits, temperature: same(usual) ? undefined : temperature, at: without(edits.at, 'temperature') };
}

/** Changes what one layer does differently; what is undefined then follows the other layers. */
function withAt(edits: RoutingEdits, layer: number, change: LayerEdits): RoutingEdits {
  return { ...edits, at: tidy({ ...edits.at, [String(layer)]: { ...edits.at[String(layer)], ...change } }) };
}

function without(at: RoutingEdits['at'], field: keyof LayerEdits): RoutingEdits['at'] {
  return tidy(Object.fromEntries(Object.entries(at).map(([layer, edit]) => [layer, { ...edit, [field]: undefined }])));
}

/** Without what says nothing, so that equal edits are equal values. */
function tidy(at: RoutingEdits['at']): RoutingEdits['at'] {
  const said = Object.entries(at).map(([layer, edit]) => [layer, Object.fromEntries(Object.entries(edit).filter(([, value]) => says(value)))] as const);
  return Object.fromEntries(said.filter(([, edit]) => Object.keys(edit).length > 0));
}

function says(value: LayerEdits[keyof LayerEdits]): boolean {
  return typeof value === 'object' ? Object.keys(value).length > 0 : value !== undefined;
}

export function withSetting(model: RoutedModel, edits: RoutingEdits, name: string, value: number, where = EVERYWHERE): RoutingEdits {
  const here = where.scope === 'layer' ? edits.at[String(where.layer)] : undefined;
  const usual = isUniform(model, here?.strategy ?? edits.strategy) ? settingsIn(untouched(model, { ...edits, strategy: here?.strategy ?? edits.strategy }))[name] : undefined;
  const same = (other: number | undefined): boolean => other !== undefined && Math.abs(value - other) < 1e-6;
  if (where.scope === 'layer') {
    const others = leftOut(here?.settings ?? {}, name);
    return withAt(edits, where.layer, { settings: same(edits.settings[name] ?? usual) ? others : { ...others, [name]: value } });
  }
  const others = leftOut(edits.settings, name);
  const at = tidy(Object.fromEntries(Object.entries(edits.at).map(([layer, edit]) => [layer, { ...edit, settings: leftOut(edit.settings ?? {}, name) }])));
  return { ...edits, settings: same(usual) ? others : { ...others, [name]: value }, at };
}

function leftOut(settings: Readonly<Record<string, number>>, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(settings).filter(([other]) => other !== name));
}

export function withLimit(edits: RoutingEdits, limit: LimitEdit | undefined): RoutingEdits {
  return { ...edits, limit };
}

/** Bans or allows an expert; undefined when that would leave a layer without any expert. */
export function withBan(model: RoutedModel, edits: RoutingEdits, expert: number, change: Where & { ban: boolean }): RoutingEdits | undefined {
  const sets = changed(model, edits, { ...change, on: change.ban }, expert, bannedAt);
  if ([...sets.values()].some((banned) => banned.size >= model.n_experts)) return undefined;
  const [banned, single] = folded(sets);
  const free = change.ban ? withForce(model, edits, expert, { ...change, force: false }) : edits;
  return { ...free, banned, bannedAt: single };
}

/** Makes an expert act on every token, or no longer; one that is forced is not banned. */
export function withForce(model: RoutedModel, edits: RoutingEdits, expert: number, change: Where & { force: boolean }): RoutingEdits {
  const [forced, single] = folded(changed(model, edits, { ...change, on: change.force }, expert, forcedAt));
  const allowed = change.force ? withBan(model, edits, expert, { ...change, ban: false }) ?? edits : edits;
  return { ...allowed, forced, forcedAt: single };
}

/** Moves an expert's logit up or down by `by`. */
export function withNudge(model: RoutedModel, edits: RoutingEdits, expert: number, change: Where & { by: number }): RoutingEdits {
  const touched = model.moe_layers.filter((layer) => change.scope === 'all' || layer === change.layer);
  const offsets = { ...edits.offsets };
  for (const layer of touched) {
    const before = offsets[String(layer)]?.length === model.n_experts ? offsets[String(layer)] ?? [] : new Array<number>(model.n_experts).fill(0);
    const next = before.map((offset, n) => (n === expert ? Number((offset + change.by).toFixed(OFFSET_DIGITS)) : offset));
    if (next.some((offset) => offset !== 0)) offsets[String(layer)] = next;
    else delete offsets[String(layer)];
  }
  return { ...edits, offsets };
}

type Sets = ReadonlyMap<number, ReadonlySet<number>>;

function changed(
  model: RoutedModel, edits: RoutingEdits, { layer: here, scope, on }: Where & { on: boolean }, expert: number,
  read: (edits: RoutingEdits, layer: number) => number[],
): Sets {
  return new Map(model.moe_layers.map((layer) => {
    const set = new Set(read(edits, layer));
    if (scope === 'layer' && layer !== here) return [layer, set];
    if (on) set.add(expert);
    else set.delete(expert);
    return [layer, set];
  }));
}

/** What holds at every layer is said once. */
function folded(byLayer: Sets): [everywhere: number[], single: Record<string, number[]>] {
  const sets = [...byLayer.values()];
  const everywhere = [...(sets[0] ?? [])].filter((expert) => sets.every((set) => set.has(expert)));
  const single: Record<string, number[]> = {};
  for (const [layer, set] of byLayer) {
    const rest = ascending([...set].filter((expert) => !everywhere.includes(expert)));
    if (rest.length > 0) single[String(layer)] = rest;
  }
  return [ascending(everywhere), single];
}
