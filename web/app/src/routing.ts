// What a person changed of a model's routing, and the routing that results: pure functions.
// Changes are kept apart from the trained routing, so that a link means the same on a model that is trained again.

import type { ModelRouting, Rerouted, RouterSpec } from 'moescope';
import { specFor } from 'moescope/views';

import { ascending, settingsOf, topKOf, withNumbers } from './spec.js';
import type { RoutedModel } from './spec.js';
import { baseSpec, isUniform, rangeOf } from './strategy.js';

/** Differences from the trained routing. */
export interface RoutingEdits {
  /** A preset that replaces the trained strategy at every layer; the other edits act on top of it. */
  readonly strategy: string | undefined;
  readonly topK: number | undefined;
  readonly temperature: number | undefined;
  /** Other numbers of the method, by the name of their field. */
  readonly settings: Readonly<Record<string, number>>;
  /** Banned at every layer, ascending. */
  readonly banned: readonly number[];
  /** Banned at single layers besides, by layer, ascending. */
  readonly bannedAt: Readonly<Record<string, readonly number[]>>;
  /** Added to the gating logits, one per expert, by layer. */
  readonly offsets: Readonly<Record<string, readonly number[]>>;
}

export const NO_EDITS: RoutingEdits = {
  strategy: undefined, topK: undefined, temperature: undefined, settings: {}, banned: [], bannedAt: {}, offsets: {},
};

export const TEMPERATURE = { min: 0.1, max: 10 } as const;

export type BanScope = 'all' | 'layer';

/** Experts that the edits ban at a layer. */
export function bannedAt(edits: RoutingEdits, layer: number): number[] {
  return ascending([...edits.banned, ...(edits.bannedAt[String(layer)] ?? [])]);
}

/** The routing that the engine is given. */
export function applyEdits(model: RoutedModel, edits: RoutingEdits): ModelRouting {
  const trained = model.trained_routing;
  const own = model.moe_layers.filter((layer) => (edits.bannedAt[String(layer)] ?? []).length > 0
    || edits.offsets[String(layer)]?.length === model.n_experts
    || (trained.layers[String(layer)] !== undefined && !isUniform(model, edits.strategy)));
  return {
    default: editedSpec(model, trained.default, edits, edits.banned),
    layers: Object.fromEntries(own.map((layer) => [
      String(layer), withOffsetsOf(model, edits, layer, editedSpec(model, specFor(trained, layer), edits, bannedAt(edits, layer))),
    ])),
  };
}

function editedSpec(model: RoutedModel, trained: RouterSpec, edits: RoutingEdits, banned: readonly number[]): RouterSpec {
  const base = baseSpec(model, edits.strategy, trained);
  const disabled = ascending([...base.restrict.disabled, ...banned]).filter((expert) => expert < model.n_experts);
  const topK = edits.topK === undefined ? {} : { top_k: Math.min(edits.topK, model.n_experts) };
  const edited = {
    ...base,
    adjust: { ...base.adjust, temperature: edits.temperature ?? base.adjust.temperature },
    restrict: { ...base.restrict, disabled },
  };
  return withNumbers(edited, { ...withinLimits(edited, edits.settings, model.n_experts), ...topK });
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

/** Puts the offsets of a rerouting in force, as exactly as a link says them. */
export function withOffsets(edits: RoutingEdits, { layers }: Rerouted): RoutingEdits {
  const chosen = layers.filter(({ offsets }) => offsets.length > 0);
  const rounded = chosen.map(({ layer, offsets }) => [String(layer), offsets.map((offset) => Number(offset.toFixed(OFFSET_DIGITS)))] as const);
  return { ...edits, offsets: Object.fromEntries(rounded) };
}

/** Takes a preset, or the trained strategy for undefined; bans, temperature and top-k stay as they are set. */
export function withStrategy(edits: RoutingEdits, strategy: string | undefined): RoutingEdits {
  return { ...edits, strategy, settings: {} };
}

export function withTopK(model: RoutedModel, edits: RoutingEdits, topK: number): RoutingEdits {
  const same = isUniform(model, edits.strategy) && topKOf(untouched(model, edits)) === topK;
  return { ...edits, topK: same ? undefined : topK };
}

export function withTemperature(model: RoutedModel, edits: RoutingEdits, temperature: number): RoutingEdits {
  const same = Math.abs(temperature - untouched(model, edits).adjust.temperature) < 1e-6;
  return { ...edits, temperature: same ? undefined : temperature };
}

export function withSetting(model: RoutedModel, edits: RoutingEdits, name: string, value: number): RoutingEdits {
  const { [name]: _, ...others } = edits.settings;
  const usual = isUniform(model, edits.strategy) ? settingsOf(untouched(model, edits).select)[name] : undefined;
  const same = usual !== undefined && Math.abs(value - usual) < 1e-6;
  return { ...edits, settings: same ? others : { ...others, [name]: value } };
}

/** Bans or allows an expert; undefined when that would leave a layer without any expert. */
export function withBan(
  model: RoutedModel, edits: RoutingEdits, expert: number, change: { ban: boolean; layer: number; scope: BanScope },
): RoutingEdits | undefined {
  const next = new Map(model.moe_layers.map((layer) => [layer, new Set(bannedAt(edits, layer))]));
  for (const [layer, banned] of next) {
    if (change.scope === 'layer' && layer !== change.layer) continue;
    if (change.ban) banned.add(expert);
    else banned.delete(expert);
    if (banned.size >= model.n_experts) return undefined;
  }
  return { ...edits, ...folded(next) };
}

/** Bans that hold at every layer are said once. */
function folded(byLayer: ReadonlyMap<number, ReadonlySet<number>>): Pick<RoutingEdits, 'banned' | 'bannedAt'> {
  const sets = [...byLayer.values()];
  const everywhere = [...(sets[0] ?? [])].filter((expert) => sets.every((banned) => banned.has(expert)));
  const single: Record<string, number[]> = {};
  for (const [layer, banned] of byLayer) {
    const rest = ascending([...banned].filter((expert) => !everywhere.includes(expert)));
    if (rest.length > 0) single[String(layer)] = rest;
  }
  return { banned: ascending(everywhere), bannedAt: single };
}
