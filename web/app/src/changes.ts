// Few words for what a person changed, and for what one routing changes against another: pure functions.
// A trace says a spec and not the name of a preset; the name is the one whose spec it is.

import { PRESETS } from 'moescope';
import type { ModelRouting, RouterSpec } from 'moescope';

import { messages } from './messages.js';
import type { RoutingEdits } from './routing.js';
import { sameStrategy, settingsIn, short, topKOf } from './spec.js';

/** Few words for what differs, such as "strategy top_p, top p 0.6, T 0.5, −3". */
export function describeEdits(edits: RoutingEdits): string {
  const parts = [
    edits.strategy === undefined ? '' : messages.strategy.change(edits.strategy),
    edits.topK === undefined ? '' : `top-${edits.topK}`,
    ...Object.entries(edits.settings).map(([name, value]) => setting(name, value)),
    edits.temperature === undefined ? '' : `T ${short(edits.temperature)}`,
    edits.limit === undefined ? '' : messages.vision.capacity.edit(short(edits.limit.factor), edits.limit.priority),
    ...edits.banned.map((expert) => `−${expert}`),
    ...edits.forced.map(messages.routing.forced),
    ...layersOf(edits).map((layer) => messages.routing.atLayer(Number(layer), atLayer(edits, layer).join(' '))),
    Object.keys(edits.offsets).length === 0 ? '' : messages.decoding.adapt.edit,
  ];
  return messages.routing.list(parts.filter((part) => part !== ''));
}

function layersOf({ at, bannedAt, forcedAt }: RoutingEdits): string[] {
  return [...new Set([at, bannedAt, forcedAt].flatMap((byLayer) => Object.keys(byLayer)))].toSorted((a, b) => Number(a) - Number(b));
}

function atLayer({ at, bannedAt, forcedAt }: RoutingEdits, layer: string): string[] {
  const { strategy, topK, temperature, settings = {} } = at[layer] ?? {};
  return [
    ...(strategy === undefined ? [] : [strategy === '' ? messages.routing.asTrained : strategy]),
    ...(topK === undefined ? [] : [`top-${topK}`]),
    ...Object.entries(settings).map(([name, value]) => setting(name, value)),
    ...(temperature === undefined ? [] : [`T ${short(temperature)}`]),
    ...(bannedAt[layer] ?? []).map((expert) => `−${expert}`),
    ...(forcedAt[layer] ?? []).map(messages.routing.forced),
  ];
}

/** Few words for what a routing changes against the one before it; the trained one is called so. */
export function describeChange(before: ModelRouting, after: ModelRouting, trained?: ModelRouting): string {
  const [a, b] = [before.default, after.default];
  const layers = [...new Set([...Object.keys(before.layers), ...Object.keys(after.layers)])];
  const common = specChange(a, b, trained?.default);
  const single = layers.flatMap((layer) => specChange(before.layers[layer] ?? a, after.layers[layer] ?? b, trained?.default)
    .filter((part) => !common.includes(part)).map((part) => messages.routing.atLayer(Number(layer), part)));
  const said = [...common, ...single, offsetChange(layers.map((layer) => [before.layers[layer] ?? a, after.layers[layer] ?? b]))]
    .filter((part) => part !== '');
  return said.length > 0 ? said.join(' ') : '≠';
}

function specChange(before: RouterSpec, after: RouterSpec, trained: RouterSpec | undefined): string[] {
  return [
    ...(sameStrategy(before, after) ? numbersChange(before, after) : strategyChange(after, trained)),
    before.adjust.temperature === after.adjust.temperature ? '' : `T ${short(after.adjust.temperature)}`,
    ...banChange(before, after),
    ...forceChange(before, after),
  ].filter((part) => part !== '');
}

/** Numbers come from the engine in single precision. */
function numbersChange(before: RouterSpec, after: RouterSpec): string[] {
  const [topK, old] = [topKOf(after), settingsIn(before)];
  return [
    topK === topKOf(before) ? '' : `top-${topK ?? '?'}`,
    ...Object.entries(settingsIn(after)).filter(([name, value]) => Math.fround(old[name] ?? Number.NaN) !== Math.fround(value))
      .map(([name, value]) => setting(name, value)),
  ];
}

/** The name of the strategy, and the numbers in which it differs from what has that name. */
function strategyChange(now: RouterSpec, trained: RouterSpec | undefined): string[] {
  if (trained !== undefined && sameStrategy(trained, now)) return [messages.routing.asTrained, ...numbersChange(trained, now)];
  const alike = PRESETS.filter(({ spec }) => sameStrategy(spec, now));
  const preset = alike.find(({ spec }) => topKOf(spec) === topKOf(now)) ?? alike[0];
  if (preset === undefined) return [messages.strategy.change(now.select.method)];
  return [messages.strategy.change(preset.name), ...numbersChange(preset.spec, now)];
}

function banChange(before: RouterSpec, after: RouterSpec): string[] {
  const [old, now] = [before.restrict.disabled, after.restrict.disabled];
  return [
    ...now.filter((expert) => !old.includes(expert)).map((expert) => `−${expert}`),
    ...old.filter((expert) => !now.includes(expert)).map((expert) => `+${expert}`),
  ];
}

function forceChange(before: RouterSpec, after: RouterSpec): string[] {
  const [old, now] = [before.restrict.forced, after.restrict.forced];
  return [
    ...now.filter((expert) => !old.includes(expert)).map((expert) => messages.routing.forced(expert)),
    ...old.filter((expert) => !now.includes(expert)).map((expert) => messages.routing.freed(expert)),
  ];
}

/** That the routing was adapted to a text, or is no longer. */
function offsetChange(layers: readonly (readonly [RouterSpec, RouterSpec])[]): string {
  const offsets = layers.map((specs) => specs.map((spec) => spec.adjust.offsets ?? []));
  if (offsets.every(([old, now]) => String(old) === String(now))) return '';
  return offsets.some(([, now]) => (now ?? []).some((offset) => offset !== 0)) ? messages.decoding.adapt.edit : messages.decoding.adapt.removed;
}

function setting(name: string, value: number): string {
  return `${name.slice(name.indexOf('.') + 1).replaceAll('_', ' ')} ${short(value)}`;
}
