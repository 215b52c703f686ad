// Ten lessons: what each presets, which model it needs, and how its question is answered by what the engine measures.
// An answer is never written down: `find` reads the routing that is set and the analyses of the text, and says which of the
// lesson's options came true, or nothing while the knob has not been turned or the measurement is not there yet.

import { cacheHits, choicesAt, effectiveExperts, expertsPerToken, fixed, loadAt, recordsOf, signed, specFor } from 'moescope/views';
import type { TokenRecord } from 'moescope/views';
import type { Analysis, Classification, ModelRouting } from 'moescope';

import { MODELS, folderOf, isHere } from './catalogue.js';
import { NO_EDITS, applyEdits, bannedAt, withBan } from './routing.js';
import type { RoutingEdits } from './routing.js';
import { topKOf } from './spec.js';
import type { RoutedModel } from './spec.js';
import type { State } from './state.js';
import { answerOf, lossOf, patchRecords } from './vision/records.js';

export type LessonId = 'expert' | 'topk' | 'balance' | 'shared' | 'hard' | 'patches' | 'ablation' | 'nulls' | 'cache' | 'dense';

/** Parts of the page that a step speaks of. */
export type Lit = 'knob' | 'experts' | 'strategy' | 'model' | 'side';

/** What is known when a lesson looks for its answer; everything is of one text and settled. */
export interface Evidence {
  readonly state: State;
  readonly folder: string;
  readonly model: RoutedModel;
  readonly layer: number;
  readonly routing: ModelRouting;
  readonly now: Analysis;
  readonly trained: Analysis;
  /** The text under the lesson's control, where it has one. */
  readonly control: Analysis | undefined;
  /** Loss on the fixed sample as trained, by folder, of every model that was open since the page was. */
  readonly sampleLosses: ReadonlyMap<string, number>;
}

/** The same for a lesson about pictures. */
export interface PictureEvidence {
  readonly routing: RoutingEdits;
  readonly model: RoutedModel;
  readonly layer: number;
  readonly now: Classification;
  readonly trained: Classification;
  /** The right class, where it is known. */
  readonly label: number | undefined;
}

export interface Finding {
  /** Which of the options came true. */
  readonly answer: number;
  /** Figures for the sentence, already written. */
  readonly figures: readonly string[];
}

export interface Lesson {
  readonly id: LessonId;
  /** Models that have to be on this site, by name; `vision` is any vision model. */
  readonly needs: readonly string[];
  readonly preset: Partial<State>;
  readonly lit: Lit;
  /** A routing to compare with that is not the trained one. */
  readonly control?: (evidence: Omit<Evidence, 'control' | 'now' | 'sampleLosses'>) => ModelRouting | undefined;
  readonly find?: (evidence: Evidence) => Finding | undefined;
  /** In place of that, for a lesson about pictures. */
  readonly findInPicture?: (evidence: PictureEvidence) => Finding | undefined;
}

export const LESSONS: readonly Lesson[] = [
  { id: 'expert', needs: [], preset: { side: 'load', tint: 'expert', scope: 'layer' }, lit: 'experts', find: expertLesson },
  { id: 'topk', needs: [], preset: { tint: 'expert' }, lit: 'knob', find: costOfOne },
  { id: 'balance', needs: ['nine', 'nine-collapsed'], preset: { side: 'load' }, lit: 'model', find: balanceLesson },
  { id: 'shared', needs: ['nine-shared'], preset: { model: folderOf('nine-shared') }, lit: 'knob', find: costOfOne },
  { id: 'hard', needs: [], preset: { tint: 'count' }, lit: 'strategy', find: hardLesson },
  { id: 'patches', needs: ['vision'], preset: { scope: 'layer' }, lit: 'experts', findInPicture: patchLesson },
  { id: 'ablation', needs: [], preset: { side: 'load', scope: 'layer' }, lit: 'experts', control: ablationControl, find: ablationLesson },
  { id: 'nulls', needs: [], preset: { tint: 'count' }, lit: 'strategy', find: nullLesson },
  { id: 'cache', needs: [], preset: {}, lit: 'knob', find: cacheLesson },
  { id: 'dense', needs: ['nine', 'nine-dense'], preset: {}, lit: 'model', find: denseLesson },
];

export function lessonOf(id: string | undefined): Lesson | undefined {
  return LESSONS.find((lesson) => lesson.id === id);
}

/** Whether what is shown speaks of pictures: the tab Vision does, and a lesson about them that has its model. */
export function showsPictures({ tab, lesson: id }: Pick<State, 'tab' | 'lesson'>): boolean {
  const lesson = tab === 'lessons' ? lessonOf(id) : undefined;
  return tab === 'vision' || (lesson?.findInPicture !== undefined && missingFor(lesson).length === 0);
}

/** Names of models that the lesson cannot do without and that this site does not have. */
export function missingFor({ needs }: Lesson): string[] {
  return needs.filter((name) => (name === 'vision' ? !MODELS.some(({ kind }) => kind === 'vision') : !isHere(name)));
}

/** Which of the ranges between rising bounds a value falls in. */
function rangeOf(value: number, ...bounds: readonly number[]): number {
  return bounds.filter((bound) => value >= bound).length;
}

function read({ trace }: Analysis): TokenRecord[] {
  return recordsOf(trace, 'prompt');
}

function busiest({ trained, layer, model }: Pick<Evidence, 'trained' | 'layer' | 'model'>): { expert: number; load: number; loads: number[] } {
  const loads = loadAt(read(trained), layer, model.n_experts);
  const load = Math.max(...loads);
  return { expert: loads.indexOf(load), load, loads };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** How large a part of the text one expert works on. */
function expertLesson(evidence: Evidence): Finding | undefined {
  const { expert, load } = busiest(evidence);
  if (!bannedAt(evidence.state.routing, evidence.layer).includes(expert)) return undefined;
  const { now, trained } = evidence;
  return { answer: rangeOf(load, 0.25, 0.5), figures: [String(expert), percent(load), signed(now.loss - trained.loss)] };
}

/** What is lost with one expert for each token. */
function costOfOne({ routing, layer, now, trained }: Evidence): Finding | undefined {
  if (topKOf(specFor(routing, layer)) !== 1) return undefined;
  const cost = now.loss - trained.loss;
  return { answer: rangeOf(cost, 0.1, 0.5), figures: [fixed(trained.loss), fixed(now.loss), signed(cost)] };
}

function balanceLesson({ folder, model, trained }: Evidence): Finding | undefined {
  if (folder !== folderOf('nine-collapsed')) return undefined;
  const records = read(trained);
  const used = model.moe_layers.map((layer) => effectiveExperts(records, layer, model.n_experts));
  const mean = used.reduce((sum, count) => sum + count, 0) / Math.max(1, used.length);
  return { answer: rangeOf(mean / model.n_experts, 0.3, 0.6), figures: [fixed(mean, 1), String(model.n_experts)] };
}

/** Experts on the quarter of tokens with the highest loss against the quarter with the lowest. */
function hardLesson({ model, routing, layer, now }: Evidence): Finding | undefined {
  if (specFor(routing, layer).select.method !== 'top_p') return undefined;
  const order = read(now).filter(({ index }) => Number.isFinite(now.losses[index])).toSorted((a, b) => (now.losses[a.index] ?? 0) - (now.losses[b.index] ?? 0));
  const quarter = Math.max(1, Math.floor(order.length / 4));
  const [easy, hard] = [order.slice(0, quarter), order.slice(-quarter)].map((records) => expertsPerToken(records, model.moe_layers));
  const difference = (hard ?? 0) - (easy ?? 0);
  return { answer: rangeOf(difference, -0.1, 0.1), figures: [fixed(hard ?? 0), fixed(easy ?? 0), signed(difference)] };
}

/** Of the patches of the busiest expert, which part one other expert takes over once it is switched off. */
function patchLesson({ routing, model, layer, now, trained, label }: PictureEvidence): Finding | undefined {
  const [before, after] = [patchRecords(trained), patchRecords(now)];
  const loads = loadAt(before, layer, model.n_experts);
  const expert = loads.indexOf(Math.max(...loads));
  if (!bannedAt(routing, layer).includes(expert)) return undefined;
  const experts = (record: TokenRecord): number[] => choicesAt(record, layer).map(({ expert: chosen }) => chosen);
  const heirs = new Array<number>(model.n_experts).fill(0);
  const orphans = before.filter((record) => experts(record).includes(expert));
  for (const record of orphans) {
    const others = experts(record);
    for (const heir of after.filter(({ index }) => index === record.index).flatMap(experts)) if (!others.includes(heir)) heirs[heir] = (heirs[heir] ?? 0) + 1;
  }
  const most = Math.max(...heirs);
  const share = most / Math.max(1, orphans.length);
  const cost = lossOf(now, label ?? answerOf(trained)) - lossOf(trained, label ?? answerOf(trained));
  return { answer: rangeOf(share, 1 / 3, 2 / 3), figures: [String(expert), String(orphans.length), String(heirs.indexOf(most)), percent(share), signed(cost)] };
}

/** The expert whose load comes closest to the busiest one's is banned instead of it. */
function ablationControl({ state, model, layer, trained }: Omit<Evidence, 'control' | 'now' | 'sampleLosses'>): ModelRouting | undefined {
  const { expert, load, loads } = busiest({ trained, layer, model });
  if (!bannedAt(state.routing, layer).includes(expert)) return undefined;
  const others = loads.map((other, n) => ({ n, distance: Math.abs(other - load) })).filter(({ n }) => n !== expert);
  const nearest = others.toSorted((a, b) => a.distance - b.distance)[0]?.n;
  const edits = nearest === undefined ? undefined : withBan(model, NO_EDITS, nearest, { ban: true, layer, scope: state.routing.banned.includes(expert) ? 'all' : 'layer' });
  return edits && applyEdits(model, edits);
}

function ablationLesson(evidence: Evidence): Finding | undefined {
  const { control, now, trained, state, layer } = evidence;
  const { expert } = busiest(evidence);
  if (control === undefined || !bannedAt(state.routing, layer).includes(expert)) return undefined;
  const [cost, usual] = [now.loss - trained.loss, control.loss - trained.loss];
  return { answer: rangeOf(cost - usual, -0.02, 0.02), figures: [String(expert), signed(cost), signed(usual)] };
}

function nullLesson({ model, routing, layer, now, trained }: Evidence): Finding | undefined {
  if (specFor(routing, layer).adjust.null_rule === 'none') return undefined;
  const [before, after] = [trained, now].map((analysis) => expertsPerToken(read(analysis), model.moe_layers));
  const saved = 1 - (after ?? 0) / Math.max(1e-9, before ?? 0);
  return { answer: rangeOf(saved, 0.2, 0.5), figures: [fixed(before ?? 0), fixed(after ?? 0), percent(saved), signed(now.loss - trained.loss)] };
}

/** A cache with room for a quarter of the experts. */
function cacheLesson({ model, routing, layer, now, trained }: Evidence): Finding | undefined {
  if (topKOf(specFor(routing, layer)) !== 1) return undefined;
  const size = Math.max(1, Math.round(model.n_experts / 4));
  const [before, after] = [trained, now].map((analysis) => cacheHits(read(analysis), model.moe_layers, size));
  const gain = (after ?? 0) - (before ?? 0);
  return { answer: rangeOf(gain, -0.03, 0.03), figures: [String(size), percent(before ?? 0), percent(after ?? 0)] };
}

function denseLesson({ sampleLosses }: Evidence): Finding | undefined {
  const [sparse, dense] = [sampleLosses.get(folderOf('nine')), sampleLosses.get(folderOf('nine-dense'))];
  if (sparse === undefined || dense === undefined) return undefined;
  return { answer: rangeOf(dense - sparse, -0.02, 0.02), figures: [fixed(sparse), fixed(dense), signed(dense - sparse)] };
}
