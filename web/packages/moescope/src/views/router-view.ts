// One token's router at one layer: from logits to scores to verdicts, stage by stage, in the order in which the
// engine took them, and a sentence for every expert that says why it acts or does not.
// Everything comes from the trace; nothing is computed again but places and the adjusted logits that are shown.

import { expertPattern, expertVar } from './colour.js';
import { ranks } from './data.js';
import type { Decision } from './data.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';
import { DEFAULT_SPEC } from '../generated/routing.js';
import type { RouterSpec, Verdict } from '../generated/routing.js';
import { fixed } from './numbers.js';
import { ENGLISH } from './words.js';
import type { Stage, VerdictFacts, ViewWords } from './words.js';

/** With more experts than this, rows are in order of score and the best come first. */
const ROWS_IN_INDEX_ORDER = 16;

/** A line of the list of stages: its name, its formula, and its numbers for this token. */
export interface StageLine {
  readonly stage: Stage;
  readonly formula: string;
  readonly note: string;
}

/** The stages that a spec goes through, with the formula of each; pruning and limits only where they are in use. */
export function stageLines(decision: Decision, { notes }: ViewWords = ENGLISH): StageLine[] {
  const { spec, choices, nExperts } = decision;
  const weights = choices.reduce((total, { weight }) => total + weight, 0);
  const lines: StageLine[] = [
    { stage: 'adjust', formula: 'z′ = z / T', note: joined([`T = ${fixed(spec.adjust.temperature)}`, ...changed(spec, 'adjust', ['temperature'])]) },
    { stage: 'score', formula: spec.score.function === 'identity' ? 'p = z′' : `p = ${spec.score.function}(z′)`, note: joined([notes.overAll(nExperts), ...changed(spec, 'score', ['function'])]) },
    { stage: 'restrict', formula: notes.allowedOnly, note: joined(restrictions(spec, notes)) || notes.allAllowed },
    { stage: 'select', formula: selectFormula(spec.select, notes), note: joined([notes.took(chosenIn(decision).join(', ')), ...bounds(spec.select)]) },
    { stage: 'prune', formula: notes.dropWeakest, note: joined(changed(spec, 'prune', [])) },
    { stage: 'limit', formula: notes.atMost, note: joined(changed(spec, 'limit', [])) },
    { stage: 'weigh', formula: weighFormula(spec, notes), note: joined([`Σ w = ${fixed(weights)}`, ...changed(spec, 'weigh', ['renormalize', 'from'])]) },
  ];
  return lines.filter(({ note }) => note !== '');
}

function restrictions(spec: RouterSpec, notes: ViewWords['notes']): string[] {
  const { disabled, forced } = spec.restrict;
  return [
    ...(disabled.length > 0 ? [notes.banned(disabled.join(', '))] : []),
    ...(forced.length > 0 ? [notes.forced(forced.join(', '))] : []),
    ...changed(spec, 'restrict', ['disabled', 'forced']),
  ];
}

/**
 * Fields of a stage that are not as by default, except those that its formula shows anyway.
 * A trace recorded by an older engine lacks the stages and fields that came later: those are as by default.
 */
function changed(spec: RouterSpec, stage: Stage, shown: readonly string[]): string[] {
  const standard = new Map<string, unknown>(Object.entries(DEFAULT_SPEC[stage]));
  return Object.entries(spec[stage] ?? {})
    .filter(([field, value]) => !shown.includes(field) && asText(value) !== asText(standard.get(field)))
    .map(([field, value]) => `${field.replaceAll('_', ' ')} ${plain(value)}`);
}

/** Few digits, whatever the precision that the engine keeps. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(', ');
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value);
}

/** The engine's numbers are of single precision, and what it leaves out arrives as undefined. */
function asText(value: unknown): string {
  return JSON.stringify(typeof value === 'number' ? Math.fround(value) : (value ?? null));
}

function joined(parts: readonly string[]): string {
  return parts.join('; ');
}

function weighFormula({ weigh }: RouterSpec, notes: ViewWords['notes']): string {
  const from = weigh.from ?? DEFAULT_SPEC.weigh.from;
  const source = from === 'scores' ? 'p' : from.replaceAll('_', ' ');
  return weigh.renormalize ? notes.sharedWeights(source) : notes.weights(source);
}

export function stageList(decision: Decision, words: ViewWords = ENGLISH): ViewElement {
  return h('ol.stages', {}, stageLines(decision, words).map(({ stage, formula, note }) =>
    h('li', {}, h('span.name', {}, words.stages[stage]), h('code', {}, formula), h('span.note', {}, note))));
}

/** What the sentence about each expert says. */
export function verdictFacts(decision: Decision): VerdictFacts[] {
  const places = ranks(decision.scores);
  const weights = new Map(decision.choices.map(({ expert, weight }) => [expert, weight]));
  const { select } = decision.spec;
  const chosen = chosenIn(decision);
  return decision.verdicts.map((verdict, expert) => {
    const weight = weights.get(expert);
    return {
      expert,
      verdict,
      score: fixed(decision.scores[expert] ?? Number.NaN),
      weight: weight === undefined ? undefined : fixed(weight),
      rank: places[expert] ?? 0,
      nExperts: decision.nExperts,
      chosen,
      method: select.method,
      topK: 'top_k' in select ? select.top_k : undefined,
    };
  });
}

/** What happens to experts after the rule has chosen them. */
const LOST: ReadonlySet<Verdict | number> = new Set<Verdict>([
  'pruned', 'below_layer_threshold', 'token_sacrificed', 'over_token_limit', 'over_capacity', 'overflow_to_shared',
]);

/** Experts that the rule chose: those that act, best first, then those that were lost after it, by score. */
function chosenIn({ choices, verdicts, scores }: Decision): number[] {
  const kept = choices.map(({ expert }) => expert).filter((expert) => verdicts[expert] !== 'took_overflow' && !LOST.has(verdicts[expert] ?? -1));
  const lost = [...verdicts.keys()].filter((expert) => LOST.has(verdicts[expert] ?? -1));
  return [...kept, ...lost.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)];
}

/** Bars and sentences, one row per expert. */
export function routerTable(decision: Decision, words: ViewWords = ENGLISH): ViewElement {
  const facts = verdictFacts(decision);
  const rows = facts.length > ROWS_IN_INDEX_ORDER ? facts.toSorted((a, b) => a.rank - b.rank) : facts;
  const reach = reachOf(decision.scores);
  const { columns } = words;
  return h('table.router', {},
    h('thead', {}, h('tr', {},
      h('th', { attrs: { scope: 'col' } }, columns.expert),
      h('th.num', { attrs: { scope: 'col' } }, columns.logit, ' ', h('var', {}, 'z')),
      h('th.wide', { attrs: { scope: 'col' } }, columns.score, ' ', h('var', {}, 'p')),
      h('th.num', { attrs: { scope: 'col' } }, columns.weight, ' ', h('var', {}, 'w')),
      h('th.why', { attrs: { scope: 'col' } }, columns.why))),
    h('tbody', {}, rows.map((row) => routerRow(row, decision, reach, words))));
}

/** What no bar and a whole bar stand for: 0 and the best score, and where scores are logits, the worst and the best. */
function reachOf(scores: Float32Array): { low: number; high: number } {
  const finite = Array.from(scores).filter(Number.isFinite);
  const low = Math.min(0, ...finite);
  return { low, high: Math.max(low, ...finite) };
}

function routerRow(facts: VerdictFacts, decision: Decision, { low, high }: { low: number; high: number }, words: ViewWords): ViewElement {
  const { expert, verdict, weight } = facts;
  const share = Math.max(0, ((decision.scores[expert] ?? 0) - low) / Math.max(high - low, Number.MIN_VALUE));
  return h('tr', {
    key: expert,
    style: { '--c': expertVar(expert) },
    attrs: { class: weight === undefined ? 'idle' : 'acts', 'data-expert': expert, 'data-verdict': verdict },
  },
  h('th', { attrs: { scope: 'row' } }, badge(expert, weight !== undefined, verdict === 'disabled')),
  h('td.num', {}, fixed(decision.logits[expert] ?? Number.NaN)),
  h('td.wide', {},
    h('span.track', { attrs: { 'aria-hidden': 'true' } },
      h('span', { style: { width: `${(share * 100).toFixed(1)}%` }, attrs: { class: `bar ${expertPattern(expert)}` } })),
    h('span.value', {}, facts.score)),
  h('td.num.weight', {}, weight ?? '–'),
  h('td.why', {}, words.verdict(facts)));
}

/** The mark of an expert: filled where it acts, hollow where not, struck through where banned. */
export function badge(expert: number, acts: boolean, banned = false): ViewElement {
  const state = banned ? ' banned' : acts ? '' : ' hollow';
  return h('span', { style: { '--c': expertVar(expert) }, attrs: { class: `badge${state}` } }, String(expert));
}

function selectFormula(select: RouterSpec['select'], notes: ViewWords['notes']): string {
  if (select.method === 'top_k') return notes.topOf(select.top_k);
  const [first] = numbers(select);
  if (first === undefined) return select.method.replaceAll('_', ' ');
  const [name, value] = [first[0].replaceAll('_', ' '), plain(first[1])];
  return first[0] === select.method ? `${name} = ${value}` : `${select.method.replaceAll('_', ' ')}, ${name} ${value}`;
}

/** Numbers that the formula leaves out, where they bind: at least one and no maximum is how every method begins. */
function bounds(select: RouterSpec['select']): string[] {
  return numbers(select).slice(1)
    .filter(([field, value]) => !(field === 'min_experts' && value <= 1) && !(field === 'max_experts' && value === 0))
    .map(([field, value]) => `${field.replaceAll('_', ' ')} ${plain(value)}`);
}

function numbers(select: RouterSpec['select']): [string, number][] {
  return Object.entries(select).filter((field): field is [string, number] => typeof field[1] === 'number');
}
