// Everything a link restores, as one plain object, and its form in the URL hash: `#v=1&prompt=...&k=1`.
// Only what differs from the default is written. Reading never throws: what makes no sense is left at its default.

import type { BackendWish } from 'moescope';

import { CONTRAST, CONTRAST_LIMITS } from './contrast.js';
import type { ContrastSettings } from './contrast.js';
import { EXAMPLES } from './examples.js';
import { NO_EDITS, TEMPERATURE } from './routing.js';
import type { BanScope, RoutingEdits } from './routing.js';
import { ascending } from './spec.js';
import { SETTING_NAMES, isPreset } from './strategy.js';

export type Theme = 'system' | 'light' | 'dark';

export const TAB_NAMES = ['language', 'vision', 'analyses', 'lessons'] as const;
export type Tab = (typeof TAB_NAMES)[number];

export interface State {
  /** Folder of the model, relative to the page. */
  readonly model: string;
  readonly backend: BackendWish;
  readonly prompt: string;
  /** Of sampling; 0 is greedy. */
  readonly temperature: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly routing: RoutingEdits;
  /** Self-contrast; undefined while it is off. */
  readonly contrast: ContrastSettings | undefined;
  /** The shown layer; undefined means the model's middle one. */
  readonly layer: number | undefined;
  /** The chosen token. */
  readonly token: number | undefined;
  readonly scope: BanScope;
  readonly theme: Theme;
  /** Text size in percent. */
  readonly size: number;
  /** Whether the page begins to write by itself. */
  readonly auto: boolean;
  readonly tab: Tab;
}

export const VERSION = '1';

/** The one place for limits of what a link or a control may say. */
export const LIMITS = {
  temperature: { min: 0, max: 2 },
  seed: { min: 0, max: 4294967295 },
  maxTokens: { min: 1, max: 1024 },
  size: { min: 80, max: 220, step: 20 },
  experts: 65535,
  /** Each has narrower limits of its own, which the model and the method decide. */
  setting: { min: -65535, max: 65535 },
  offset: { min: -100, max: 100 },
  layers: 1024,
  tokens: 1_000_000,
  /** A longer prompt is left out of the link. */
  promptInLink: 1500,
} as const;

export const DEFAULTS: State = {
  model: 'models/first',
  backend: 'auto',
  prompt: EXAMPLES[0].prompt,
  temperature: 0.7,
  seed: 1,
  maxTokens: 160,
  routing: NO_EDITS,
  contrast: undefined,
  layer: undefined,
  token: undefined,
  scope: 'all',
  theme: 'system',
  size: 100,
  auto: true,
  tab: 'language',
};

/** The hash, without the `#`. */
export function encode(state: State): string {
  const out = new URLSearchParams({ v: VERSION });
  const put = (name: string, value: string | number | undefined, standard: string | number | undefined): void => {
    if (value !== undefined && value !== standard) out.set(name, String(value));
  };
  put('model', state.model, DEFAULTS.model);
  put('backend', state.backend, DEFAULTS.backend);
  if (state.prompt.length <= LIMITS.promptInLink) put('prompt', state.prompt, DEFAULTS.prompt);
  put('temp', state.temperature, DEFAULTS.temperature);
  put('seed', state.seed, DEFAULTS.seed);
  put('max', state.maxTokens, DEFAULTS.maxTokens);
  put('s', state.routing.strategy, undefined);
  put('k', state.routing.topK, undefined);
  for (const [name, value] of Object.entries(state.routing.settings)) put(name, value, undefined);
  put('rt', state.routing.temperature, undefined);
  put('ban', state.routing.banned.join(','), '');
  for (const [layer, experts] of Object.entries(state.routing.bannedAt)) put(`ban.${layer}`, experts.join(','), '');
  for (const [layer, offsets] of Object.entries(state.routing.offsets)) put(`off.${layer}`, offsets.join(','), '');
  put('c', state.contrast?.rank, undefined);
  put('ca', state.contrast?.alpha, CONTRAST.alpha);
  put('cb', state.contrast?.beta, CONTRAST.beta);
  put('layer', state.layer, undefined);
  put('token', state.token, undefined);
  put('scope', state.scope, DEFAULTS.scope);
  put('theme', state.theme, DEFAULTS.theme);
  put('size', state.size, DEFAULTS.size);
  put('auto', state.auto ? 1 : 0, 1);
  put('tab', state.tab, DEFAULTS.tab);
  return out.toString();
}

/** Reads a hash, with or without the `#`. */
export function decode(hash: string): State {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  if ((params.get('v') ?? VERSION) !== VERSION) return DEFAULTS;
  return {
    model: modelFolder(params.get('model')) ?? DEFAULTS.model,
    backend: oneOf(params.get('backend'), ['auto', 'webgpu', 'cpu']) ?? DEFAULTS.backend,
    prompt: params.get('prompt') ?? DEFAULTS.prompt,
    temperature: number(params.get('temp'), LIMITS.temperature) ?? DEFAULTS.temperature,
    seed: integer(params.get('seed'), LIMITS.seed) ?? DEFAULTS.seed,
    maxTokens: integer(params.get('max'), LIMITS.maxTokens) ?? DEFAULTS.maxTokens,
    routing: {
      strategy: [params.get('s') ?? ''].find(isPreset),
      topK: integer(params.get('k'), { min: 1, max: LIMITS.experts }),
      temperature: number(params.get('rt'), TEMPERATURE),
      settings: settings(params),
      banned: experts(params.get('ban')),
      bannedAt: byLayer(params, 'ban', experts),
      offsets: byLayer(params, 'off', offsets),
    },
    contrast: contrast(params),
    layer: integer(params.get('layer'), { min: 0, max: LIMITS.layers }),
    token: integer(params.get('token'), { min: 0, max: LIMITS.tokens }),
    scope: oneOf(params.get('scope'), ['all', 'layer']) ?? DEFAULTS.scope,
    theme: oneOf(params.get('theme'), ['system', 'light', 'dark']) ?? DEFAULTS.theme,
    size: integer(params.get('size'), LIMITS.size) ?? DEFAULTS.size,
    auto: params.get('auto') !== '0',
    tab: oneOf(params.get('tab'), TAB_NAMES) ?? DEFAULTS.tab,
  };
}

/** A model folder as the page uses it: without slashes at the end; nothing where there is none. */
export function modelFolder(text: string | null): string | undefined {
  const folder = (text ?? '').trim().replace(/\/+$/, '');
  return folder === '' ? undefined : folder;
}

/** A number within limits, nothing where the text is none. */
export function number(text: string | null, { min, max }: { min: number; max: number }): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : undefined;
}

export function integer(text: string | null, limits: { min: number; max: number }): number | undefined {
  const value = number(text, limits);
  return value === undefined ? undefined : Math.round(value);
}

/** Numbers of a method go by the names of their fields, such as `top_p=0.6`. */
function settings(params: URLSearchParams): Record<string, number> {
  return Object.fromEntries(SETTING_NAMES.flatMap((name) => {
    const value = number(params.get(name), LIMITS.setting);
    return value === undefined ? [] : [[name, value]];
  }));
}

function experts(text: string | null): number[] {
  const wanted = (text ?? '').split(',', 4096).flatMap((part) => (/^\d{1,5}$/.test(part) ? [Number(part)] : []));
  return ascending(wanted).filter((expert) => expert <= LIMITS.experts);
}

/** Offsets are said for every expert or not at all. */
function offsets(text: string): number[] {
  const parts = text.split(',', LIMITS.experts).map((part) => number(part, LIMITS.offset));
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? known : [];
}

/** Lists that go by the name of a layer, such as `ban.2=1,4`. */
function byLayer(params: URLSearchParams, kind: 'ban' | 'off', read: (text: string) => number[]): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const [name, value] of params) {
    const [said, layer = '', ...rest] = name.split('.');
    if (said !== kind || rest.length > 0 || !/^(0|[1-9]\d{0,3})$/.test(layer) || Number(layer) > LIMITS.layers) continue;
    const list = read(value);
    if (list.length > 0) found[layer] = list;
  }
  return found;
}

/** On where its rank is said. */
function contrast(params: URLSearchParams): ContrastSettings | undefined {
  const rank = integer(params.get('c'), CONTRAST_LIMITS.rank);
  return rank === undefined ? undefined : {
    rank,
    alpha: number(params.get('ca'), CONTRAST_LIMITS.alpha) ?? CONTRAST.alpha,
    beta: number(params.get('cb'), CONTRAST_LIMITS.beta) ?? CONTRAST.beta,
  };
}

function oneOf<T extends string>(text: string | null, allowed: readonly T[]): T | undefined {
  return allowed.find((candidate) => candidate === text);
}
