// Everything a link restores, as one plain object, and its form in the URL hash: `#v=3&prompt=...&k=1`.
// Only what differs from the default is written, which for a link to a lesson is what that presets. Reading never throws:
// what makes no sense is left at its default.
// Links of former versions go on meaning what they meant: in version 1 the model, where they name none, is models/first,
// and before 3 a lesson presets nothing and the vision model is models/trio-small.

import type { BackendWish } from 'moescope';

import { ANALYSES_DEFAULTS, analysesOf, putAnalyses } from './analyses/link.js';
import type { AnalysesState } from './analyses/link.js';
import { CONTRAST, CONTRAST_LIMITS } from './contrast.js';
import type { ContrastSettings } from './contrast.js';
import { EXAMPLES } from './examples.js';
import { lessonOf, missingFor } from './lessons.js';
import { NO_EDITS } from './routing.js';
import type { BanScope, RoutingEdits } from './routing.js';
import type { Rival } from './sides.js';
import { integer, modelFolder, names, number, oneOf } from './state-fields.js';
import { readRival, rivalFields } from './state-rival.js';
import type { RivalForm } from './state-rival.js';
import { ROUTING_LIMITS, readRouting, routingFields } from './state-routing.js';
import { VISION_DEFAULTS, visionFields, visionOf } from './vision/state.js';
import type { VisionState } from './vision/state.js';

export type Theme = 'system' | 'light' | 'dark';

export const TAB_NAMES = ['language', 'vision', 'analyses', 'lessons'] as const;
export type Tab = (typeof TAB_NAMES)[number];

/** What tokens are tinted by. */
export const TINTS = ['expert', 'entropy', 'count', 'loss', 'margin', 'difference'] as const;
export type TintName = (typeof TINTS)[number];

/** What stands beside the text. */
export const SIDES = ['yard', 'load'] as const;
export type Side = (typeof SIDES)[number];

/** Controls that a link may hide. */
export const HIDEABLE = [
  'prompt', 'examples', 'sampling', 'topk', 'cost', 'strategy', 'own', 'temperature', 'experts', 'adapt', 'contrast', 'compare', 'yard', 'layers', 'router',
  'start', 'tint', 'layer', 'scope', 'undo', 'copies', 'tabs', 'tools', 'picture', 'answer', 'patches', 'capacity', 'survey', 'curve',
  'texts', 'analyses', 'about', 'variant', 'run', 'figures', 'trace',
] as const;
export type Hideable = (typeof HIDEABLE)[number];

/** The one view that a presenter shows. */
export const STAGES = ['text', 'layers', 'yard', 'router', 'compare'] as const;
export type PresentedView = (typeof STAGES)[number];

export const LANGUAGES = ['auto', 'en', 'zh'] as const;
export type LanguageWish = (typeof LANGUAGES)[number];

export interface State {
  /** Folder of the model, relative to the page. */
  readonly model: string;
  readonly backend: BackendWish;
  readonly prompt: string;
  /** Of sampling; 0 is greedy. */
  readonly temperature: number;
  /** Likeliest tokens that the sampler draws from; 0 is all. The router's are in `routing`. */
  readonly samplerTopK: number;
  /** Share of the probability that the sampler draws from; 1 is all. */
  readonly samplerTopP: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly routing: RoutingEdits;
  /** Source of the visitor's own router, which a link brings and does not run; undefined while nothing was written. */
  readonly code: string | undefined;
  /** Side A of a comparison, whose input is a text; undefined while nothing is compared. */
  readonly rival: Rival<string> | undefined;
  /** Self-contrast; undefined while it is off. */
  readonly contrast: ContrastSettings | undefined;
  /** The shown layer; undefined means the model's middle one. */
  readonly layer: number | undefined;
  /** The chosen token. */
  readonly token: number | undefined;
  /** The expert whose page is open. */
  readonly expert: number | undefined;
  readonly tint: TintName;
  readonly side: Side;
  readonly scope: BanScope;
  readonly theme: Theme;
  readonly language: LanguageWish;
  /** Text size in percent. */
  readonly size: number;
  /** Whether the page begins to write by itself. */
  readonly auto: boolean;
  readonly tab: Tab;
  readonly analyses: AnalysesState;
  /** The open lesson by its name, and its step from 0. */
  readonly lesson: string | undefined;
  readonly step: number;
  readonly hide: readonly Hideable[];
  readonly present: PresentedView | undefined;
  readonly vision: VisionState;
}

export const VERSION = '3';

/** The one place for limits of what a link or a control may say. */
export const LIMITS = {
  temperature: { min: 0, max: 2 },
  samplerTopK: { min: 0, max: 100 },
  samplerTopP: { min: 0.01, max: 1 },
  seed: { min: 0, max: 4294967295 },
  maxTokens: { min: 1, max: 1024 },
  size: { min: 80, max: 220, step: 20 },
  tokens: 1_000_000,
  steps: 20,
  /** A longer prompt is left out of the link. */
  promptInLink: 1500,
  /** So is a longer router. */
  codeInLink: 1200,
  /** And a longer text of side A. */
  rivalInLink: 600,
} as const;

export const DEFAULTS: State = {
  model: 'models/nine',
  backend: 'auto',
  prompt: EXAMPLES[0].prompt,
  temperature: 0.7,
  samplerTopK: 0,
  samplerTopP: 1,
  seed: 1,
  maxTokens: 160,
  routing: NO_EDITS,
  code: undefined,
  rival: undefined,
  contrast: undefined,
  layer: undefined,
  token: undefined,
  expert: undefined,
  tint: 'expert',
  side: 'yard',
  scope: 'all',
  theme: 'system',
  language: 'auto',
  size: 100,
  auto: true,
  tab: 'language',
  analyses: ANALYSES_DEFAULTS,
  lesson: undefined,
  step: 0,
  hide: [],
  present: undefined,
  vision: VISION_DEFAULTS,
};

const RIVAL: RivalForm<string> = {
  prefix: 'a', input: 'text',
  write: (text) => (text.length <= LIMITS.rivalInLink ? text : undefined),
  read: (text) => text.slice(0, LIMITS.rivalInLink) || undefined,
};

/** What links of former versions mean where they say nothing. */
const SECOND: State = { ...DEFAULTS, vision: { ...VISION_DEFAULTS, model: 'models/trio-small' } };
const FORMER: ReadonlyMap<string, State> = new Map([['1', { ...SECOND, model: 'models/first' }], ['2', SECOND]]);

/** What a link means where it says nothing: a lesson that can be taken here is opened with what it presets. */
function standardFor(name: string | undefined): State {
  const lesson = lessonOf(name);
  return lesson === undefined ? DEFAULTS : { ...DEFAULTS, tab: 'lessons', ...(missingFor(lesson).length === 0 ? lesson.preset : {}) };
}

/** The hash, without the `#`. */
export function encode(state: State): string {
  const out = new URLSearchParams({ v: VERSION });
  const put = (name: string, value: string | number | undefined, standard?: string | number): void => {
    if (value !== undefined && value !== standard) out.set(name, String(value));
  };
  const standard = standardFor(state.lesson);
  put('model', state.model, standard.model);
  put('backend', state.backend, DEFAULTS.backend);
  if (state.prompt.length <= LIMITS.promptInLink) put('prompt', state.prompt, DEFAULTS.prompt);
  put('temp', state.temperature, DEFAULTS.temperature);
  put('tk', state.samplerTopK, DEFAULTS.samplerTopK);
  put('tp', state.samplerTopP, DEFAULTS.samplerTopP);
  put('seed', state.seed, DEFAULTS.seed);
  put('max', state.maxTokens, DEFAULTS.maxTokens);
  for (const [name, value] of [...routingFields(state.routing), ...rivalFields(state.rival, RIVAL)]) put(name, value);
  if ((state.code?.length ?? 0) <= LIMITS.codeInLink) put('code', state.code);
  put('c', state.contrast?.rank);
  put('ca', state.contrast?.alpha, CONTRAST.alpha);
  put('cb', state.contrast?.beta, CONTRAST.beta);
  put('layer', state.layer);
  put('token', state.token);
  put('expert', state.expert);
  put('tint', state.tint, standard.tint);
  put('side', state.side, standard.side);
  put('scope', state.scope, standard.scope);
  put('theme', state.theme, DEFAULTS.theme);
  put('lang', state.language, DEFAULTS.language);
  put('size', state.size, DEFAULTS.size);
  put('auto', state.auto ? 1 : 0, 1);
  put('tab', state.tab, standard.tab);
  putAnalyses(put, state.analyses);
  put('lesson', state.lesson);
  put('step', state.step, DEFAULTS.step);
  put('hide', state.hide.join(','), '');
  put('present', state.present);
  for (const [name, value] of visionFields(state.vision)) put(name, value);
  return out.toString();
}

/** Reads a hash, with or without the `#`. */
export function decode(hash: string): State {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const version = params.get('v') ?? VERSION;
  const lesson = [params.get('lesson') ?? ''].find((name) => /^[a-z]{1,20}$/.test(name));
  const standard = version === VERSION ? standardFor(lesson) : FORMER.get(version);
  if (standard === undefined) return DEFAULTS;
  return {
    model: modelFolder(params.get('model')) ?? standard.model,
    backend: oneOf(params.get('backend'), ['auto', 'webgpu', 'cpu', 'webgpu-burn']) ?? standard.backend,
    prompt: params.get('prompt') ?? standard.prompt,
    temperature: number(params.get('temp'), LIMITS.temperature) ?? standard.temperature,
    samplerTopK: integer(params.get('tk'), LIMITS.samplerTopK) ?? standard.samplerTopK,
    samplerTopP: number(params.get('tp'), LIMITS.samplerTopP) ?? standard.samplerTopP,
    seed: integer(params.get('seed'), LIMITS.seed) ?? standard.seed,
    maxTokens: integer(params.get('max'), LIMITS.maxTokens) ?? standard.maxTokens,
    routing: readRouting(params),
    code: params.get('code')?.slice(0, LIMITS.codeInLink) ?? undefined,
    rival: readRival(params, RIVAL),
    contrast: contrast(params),
    layer: integer(params.get('layer'), { min: 0, max: ROUTING_LIMITS.layers }),
    token: integer(params.get('token'), { min: 0, max: LIMITS.tokens }),
    expert: integer(params.get('expert'), { min: 0, max: ROUTING_LIMITS.experts }),
    tint: oneOf(params.get('tint'), TINTS) ?? standard.tint,
    side: oneOf(params.get('side'), SIDES) ?? standard.side,
    scope: oneOf(params.get('scope'), ['all', 'layer']) ?? standard.scope,
    theme: oneOf(params.get('theme'), ['system', 'light', 'dark']) ?? standard.theme,
    language: oneOf(params.get('lang'), LANGUAGES) ?? standard.language,
    size: integer(params.get('size'), LIMITS.size) ?? standard.size,
    auto: params.get('auto') !== '0',
    tab: oneOf(params.get('tab'), TAB_NAMES) ?? standard.tab,
    analyses: analysesOf(params),
    lesson,
    step: integer(params.get('step'), { min: 0, max: LIMITS.steps }) ?? standard.step,
    hide: names(params.get('hide'), HIDEABLE),
    present: oneOf(params.get('present'), STAGES),
    vision: visionOf(params, standard.vision),
  };
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
