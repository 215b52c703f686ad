// Changes of routing in a link: `k=1&ban=2,5&ban.3=1&off.0=0.5,0,...`, behind a prefix where they are not those of the text.
// What names a layer has it behind a dot. Reading never throws.

import { CAPACITY, TEMPERATURE } from './routing.js';
import type { LayerEdits, LimitEdit, RoutingEdits } from './routing.js';
import { experts, integer, number, oneOf } from './state-fields.js';
import { SETTING_NAMES, isPreset } from './strategy.js';

/** Limits of what a link may say of a routing; the model and the method have narrower ones. */
export const ROUTING_LIMITS = {
  experts: 65535,
  setting: { min: -65535, max: 65535 },
  offset: { min: -100, max: 100 },
  layers: 1024,
} as const;

/** At a layer: as trained, whatever the other layers do. */
const TRAINED = 'trained';

/** Fields and their values, in order. */
export function routingFields(edits: RoutingEdits, prefix = ''): [string, string][] {
  const fields: [string, string | number | undefined][] = [
    ['s', edits.strategy],
    ['k', edits.topK],
    ...Object.entries(edits.settings),
    ['rt', edits.temperature],
    ['cf', edits.limit?.factor],
    ['cp', edits.limit?.priority === 'order' ? undefined : edits.limit?.priority],
    ['ban', edits.banned.join(',') || undefined],
    ['force', edits.forced.join(',') || undefined],
    ...lists('ban', edits.bannedAt),
    ...lists('force', edits.forcedAt),
    ...Object.entries(edits.at).flatMap(([layer, at]): [string, string | number | undefined][] => [
      [`s.${layer}`, at.strategy === '' ? TRAINED : at.strategy], [`k.${layer}`, at.topK], [`rt.${layer}`, at.temperature],
      ...Object.entries(at.settings ?? {}).map(([name, value]): [string, number] => [`${name}.${layer}`, value]),
    ]),
    ...lists('off', edits.offsets),
  ];
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [[`${prefix}${name}`, String(value)] as [string, string]]));
}

function lists(kind: string, byLayer: Readonly<Record<string, readonly number[]>>): [string, string][] {
  return Object.entries(byLayer).flatMap(([layer, list]) => (list.length === 0 ? [] : [[`${kind}.${layer}`, list.join(',')] as [string, string]]));
}

export function readRouting(params: URLSearchParams, prefix = ''): RoutingEdits {
  const get = (name: string): string | null => params.get(`${prefix}${name}`);
  const list = (text: string): number[] => experts(text, ROUTING_LIMITS.experts);
  return {
    strategy: [get('s') ?? ''].find(isPreset),
    topK: integer(get('k'), { min: 1, max: ROUTING_LIMITS.experts }),
    temperature: number(get('rt'), TEMPERATURE),
    settings: Object.fromEntries(SETTING_NAMES.flatMap((name) => {
      const value = number(get(name), ROUTING_LIMITS.setting);
      return value === undefined ? [] : [[name, value]];
    })),
    limit: limit(get('cf'), get('cp')),
    banned: list(get('ban') ?? ''),
    bannedAt: byLayer(params, `${prefix}ban`, list),
    forced: list(get('force') ?? ''),
    forcedAt: byLayer(params, `${prefix}force`, list),
    at: layerEdits(params, prefix),
    offsets: byLayer(params, `${prefix}off`, offsets),
  };
}

/** A capacity is there where its factor is. */
function limit(factorText: string | null, priority: string | null): LimitEdit | undefined {
  const factor = number(factorText, CAPACITY);
  return factor === undefined ? undefined : { factor, priority: oneOf(priority, ['order', 'batch_priority']) ?? 'order' };
}

/** Offsets are said for every expert or not at all. */
function offsets(text: string): number[] {
  const parts = text.split(',', ROUTING_LIMITS.experts).map((part) => number(part, ROUTING_LIMITS.offset));
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? known : [];
}

function layerEdits(params: URLSearchParams, prefix: string): Record<string, LayerEdits> {
  const found: Record<string, LayerEdits> = {};
  const add = (edits: Readonly<Record<string, LayerEdits>>): void => {
    for (const [layer, edit] of Object.entries(edits)) found[layer] = { ...found[layer], ...edit };
  };
  for (const name of SETTING_NAMES) {
    for (const [layer, value] of Object.entries(atLayers(params, `${prefix}${name}`, (text) => number(text, ROUTING_LIMITS.setting)))) {
      add({ [layer]: { settings: { ...found[layer]?.settings, [name]: value } } });
    }
  }
  add(atLayers(params, `${prefix}s`, (text) => {
    const strategy = text === TRAINED ? '' : [text].find(isPreset);
    return strategy === undefined ? undefined : { strategy };
  }));
  add(atLayers(params, `${prefix}k`, (text) => {
    const topK = integer(text, { min: 1, max: ROUTING_LIMITS.experts });
    return topK === undefined ? undefined : { topK };
  }));
  add(atLayers(params, `${prefix}rt`, (text) => {
    const temperature = number(text, TEMPERATURE);
    return temperature === undefined ? undefined : { temperature };
  }));
  return found;
}

/** Lists that go by the name of a layer, such as `ban.2=1,4`. */
function byLayer(params: URLSearchParams, kind: string, read: (text: string) => number[]): Record<string, number[]> {
  return atLayers(params, kind, (text) => {
    const list = read(text);
    return list.length > 0 ? list : undefined;
  });
}

function atLayers<T>(params: URLSearchParams, kind: string, read: (text: string) => T | undefined): Record<string, T> {
  const found: Record<string, T> = {};
  for (const [name, text] of params) {
    if (!name.startsWith(`${kind}.`)) continue;
    const layer = name.slice(kind.length + 1);
    if (!/^(0|[1-9]\d{0,3})$/.test(layer) || Number(layer) > ROUTING_LIMITS.layers) continue;
    const value = read(text);
    if (value !== undefined) found[layer] = value;
  }
  return found;
}
