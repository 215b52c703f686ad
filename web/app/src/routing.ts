// What a person changed of a model's routing, and the routing that results: pure functions.
// Changes are kept apart from the trained routing, so that a link means the same on a model that is trained again.

import type { ModelInfo, ModelRouting, RouterSpec } from 'moescope';

/** Differences from the trained routing. */
export interface RoutingEdits {
  readonly topK: number | undefined;
  readonly temperature: number | undefined;
  /** Banned at every layer, ascending. */
  readonly banned: readonly number[];
  /** Banned at single layers besides, by layer, ascending. */
  readonly bannedAt: Readonly<Record<string, readonly number[]>>;
}

export const NO_EDITS: RoutingEdits = { topK: undefined, temperature: undefined, banned: [], bannedAt: {} };

export const TEMPERATURE = { min: 0.1, max: 10 } as const;

export type BanScope = 'all' | 'layer';

/** The part of a model that edits are made for. */
export type RoutedModel = Pick<ModelInfo, 'moe_layers' | 'n_experts' | 'trained_routing'>;

export function specOf(routing: ModelRouting, layer: number): RouterSpec {
  return routing.layers[String(layer)] ?? routing.default;
}

/** Experts per token where the strategy has such a number. */
export function topKOf(spec: RouterSpec): number | undefined {
  return spec.select.method === 'top_k' ? spec.select.top_k : undefined;
}

/** Experts that the edits ban at a layer. */
export function bannedAt(edits: RoutingEdits, layer: number): number[] {
  return ascending([...edits.banned, ...(edits.bannedAt[String(layer)] ?? [])]);
}

/** The routing that the engine is given. */
export function applyEdits(model: RoutedModel, edits: RoutingEdits): ModelRouting {
  const trained = model.trained_routing;
  const own = model.moe_layers.filter((layer) =>
    trained.layers[String(layer)] !== undefined || (edits.bannedAt[String(layer)] ?? []).length > 0);
  return {
    default: editedSpec(trained.default, edits, edits.banned, model.n_experts),
    layers: Object.fromEntries(own.map((layer) => [
      String(layer), editedSpec(specOf(trained, layer), edits, bannedAt(edits, layer), model.n_experts),
    ])),
  };
}

function editedSpec(spec: RouterSpec, edits: RoutingEdits, banned: readonly number[], nExperts: number): RouterSpec {
  const disabled = ascending([...spec.restrict.disabled, ...banned]).filter((expert) => expert < nExperts);
  return {
    ...spec,
    adjust: { ...spec.adjust, temperature: edits.temperature ?? spec.adjust.temperature },
    restrict: { ...spec.restrict, disabled },
    select: edits.topK === undefined ? spec.select : { method: 'top_k', top_k: Math.min(edits.topK, nExperts) },
  };
}

export function withTopK(model: RoutedModel, edits: RoutingEdits, topK: number): RoutingEdits {
  const same = Object.keys(model.trained_routing.layers).length === 0 && topKOf(model.trained_routing.default) === topK;
  return { ...edits, topK: same ? undefined : topK };
}

export function withTemperature(model: RoutedModel, edits: RoutingEdits, temperature: number): RoutingEdits {
  const same = Math.abs(temperature - model.trained_routing.default.adjust.temperature) < 1e-6;
  return { ...edits, temperature: same ? undefined : temperature };
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

/** Few words for what differs, such as "top-1, T 0.5, −3". */
export function describeEdits(edits: RoutingEdits): string {
  const parts = [
    edits.topK === undefined ? '' : `top-${edits.topK}`,
    edits.temperature === undefined ? '' : `T ${short(edits.temperature)}`,
    ...edits.banned.map((expert) => `−${expert}`),
    ...Object.entries(edits.bannedAt).flatMap(([layer, experts]) => experts.map((expert) => `−${expert} at layer ${layer}`)),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Few words for what a routing changes against the one before it. */
export function describeChange(before: ModelRouting, after: ModelRouting): string {
  const [a, b] = [before.default, after.default];
  const layers = [...new Set([...Object.keys(before.layers), ...Object.keys(after.layers)])];
  const parts = [
    topKOf(a) === topKOf(b) ? '' : `top-${topKOf(b) ?? '?'}`,
    a.adjust.temperature === b.adjust.temperature ? '' : `T ${short(b.adjust.temperature)}`,
    ...banChange(a, b, ''),
    ...layers.flatMap((layer) => banChange(before.layers[layer] ?? a, after.layers[layer] ?? b, ` at L${layer}`))
      .filter((part) => !banChange(a, b, '').some((common) => part.startsWith(`${common} `))),
  ];
  const said = parts.filter((part) => part !== '');
  return said.length > 0 ? said.join(' ') : '≠';
}

function banChange(before: RouterSpec, after: RouterSpec, where: string): string[] {
  const [old, now] = [before.restrict.disabled, after.restrict.disabled];
  return [
    ...now.filter((expert) => !old.includes(expert)).map((expert) => `−${expert}${where}`),
    ...old.filter((expert) => !now.includes(expert)).map((expert) => `+${expert}${where}`),
  ];
}

/** Whether two routings decide alike; order of bans does not matter because edits keep them ascending. */
export function sameRouting(a: ModelRouting, b: ModelRouting): boolean {
  return a === b || canonical(a) === canonical(b);
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

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
