// The presets on one model: which can run, what is adapted, and why the others cannot.
// The list comes from the package; nothing here knows a preset by its name.

import { DEFAULT_SPEC, PRESETS } from 'moescope';
import type { Preset, RouterSpec } from 'moescope';

import { messages } from './messages.js';
import { settingsOf, topKOf, withNumbers } from './spec.js';
import type { RoutedModel } from './spec.js';

/** A preset as it stands to one model. */
export interface Strategy {
  readonly name: string;
  readonly source: string;
  /** Why this model cannot run it. */
  readonly problem: string | undefined;
  /** Its top-k does not fit the model, so that the trained one or the visitor's stands in. */
  readonly adapted: boolean;
  /** Decides over all tokens at once, so that a prompt and one token at a time differ. */
  readonly wholeBatch: boolean;
  /** The spec that the edits are made on; the preset's own but for an adapted top-k. */
  readonly spec: RouterSpec;
}

export type Fitted = Pick<RoutedModel, 'n_experts' | 'trained_routing' | 'external'>;

/** The visitor's own router, by its name among the strategies. */
export const OWN = 'external';

/** The presets of the package, and the visitor's own router. */
function presets(): readonly Preset[] {
  return [...PRESETS, { name: OWN, source: messages.router.source, needs: ['external_router'], spec: { ...DEFAULT_SPEC, select: { method: 'external' } } }];
}

export function isPreset(name: string): boolean {
  return presets().some((preset) => preset.name === name);
}

/** All of them, for the menu. */
export function strategiesFor(model: Fitted): Strategy[] {
  return presets().map((preset) => fit(preset, model));
}

export function strategyFor(model: Fitted, name: string | undefined): Strategy | undefined {
  const preset = presets().find((candidate) => candidate.name === name);
  return preset === undefined ? undefined : fit(preset, model);
}

/** What edits of a layer start from: the strategy where one is chosen and possible, else the trained spec. */
export function baseSpec(model: RoutedModel, name: string | undefined, trained: RouterSpec): RouterSpec {
  const strategy = strategyFor(model, name);
  return strategy === undefined || strategy.problem !== undefined ? trained : strategy.spec;
}

/** Whether every layer starts from the same spec, so that one number tells what a knob stands at by default. */
export function isUniform(model: RoutedModel, name: string | undefined): boolean {
  const strategy = strategyFor(model, name);
  const replaced = strategy !== undefined && strategy.problem === undefined;
  return replaced || Object.keys(model.trained_routing.layers).length === 0;
}

function fit({ name, source, needs, spec }: Preset, model: Fitted): Strategy {
  const wanted = topKOf(spec);
  const adapted = wanted !== undefined && wanted > model.n_experts;
  const standIn = Math.min(topKOf(model.trained_routing.default) ?? model.n_experts, model.n_experts);
  return {
    name,
    source,
    problem: unmet({ needs, spec }, model) ?? misfit(spec, model.n_experts),
    adapted,
    wholeBatch: needs.includes('whole_batch'),
    spec: adapted ? withNumbers(spec, { top_k: standIn }) : spec,
  };
}

/** What the strategy needs and this model has not. */
function unmet({ needs, spec }: Pick<Preset, 'needs' | 'spec'>, { external }: Fitted): string | undefined {
  const { cannot } = messages.strategy;
  if (spec.select.method === 'soft') return cannot.soft;
  if (spec.limit.overflow === 'shared') return cannot.shared;
  const open = needs.filter((need) => need !== 'external_router' || external === undefined);
  return open.map((need) => cannot.needs[need]).find((reason) => reason !== undefined);
}

/** Numbers of groups mean a layout of experts that the model has or has not; nothing honest can replace them. */
function misfit({ restrict }: RouterSpec, nExperts: number): string | undefined {
  const { n_groups: groups, topk_groups: open } = restrict;
  if (groups < 1 || nExperts % groups !== 0) return messages.strategy.cannot.groups(groups, nExperts);
  return open > groups ? messages.strategy.cannot.openGroups(open, groups) : undefined;
}

/** Limits and step of a slider. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

const SHARE: Range = { min: 0, max: 1, step: 0.01 };

/** What the numbers of methods may be; one that is not listed may be up to twice what it is. */
const RANGES: Readonly<Record<string, (spec: RouterSpec, nExperts: number) => Range>> = {
  top_p: () => SHARE,
  min_p: () => SHARE,
  margin: () => SHARE,
  threshold: ({ score }) => {
    if (score.function === 'identity') return { min: -10, max: 10, step: 0.1 };
    return score.function === 'relu' ? { min: 0, max: 10, step: 0.1 } : SHARE;
  },
  'adjust.null_experts': (_, nExperts) => ({ min: 1, max: 2 * nExperts, step: 1 }),
  'adjust.null_logit': () => ({ min: -10, max: 10, step: 0.1 }),
  'restrict.topk_groups': ({ restrict }) => ({ min: 1, max: restrict.n_groups, step: 1 }),
  'prune.ratio': () => SHARE,
  'limit.capacity_factor': () => ({ min: 0.125, max: 4, step: 0.125 }),
  'weigh.scale': () => ({ min: 0, max: 32, step: 0.1 }),
  min_experts: (_, nExperts) => ({ min: 0, max: nExperts, step: 1 }),
  max_experts: (_, nExperts) => ({ min: 0, max: nExperts, step: 1 }),
};

export function rangeOf(name: string, value: number, spec: RouterSpec, nExperts: number): Range {
  const reach = Math.max(1, 2 * Math.abs(value));
  return RANGES[name]?.(spec, nExperts) ?? { min: value < 0 ? -reach : 0, max: reach, step: reach / 100 };
}

/** Names of numbers that a link may set. */
export const SETTING_NAMES: readonly string[] =
  [...new Set([...Object.keys(RANGES), ...PRESETS.flatMap(({ spec }) => Object.keys(settingsOf(spec.select)))])];
