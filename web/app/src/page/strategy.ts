// The menu of strategies with what the chosen one does, where it comes from and what it can be set to.
// Entries, reasons and sliders are made from the presets and specs that the package brings.

import { h, specFor } from 'moescope/views';
import type { Content, ViewElement } from 'moescope/views';

import { explainSpec } from '../explain.js';
import { messages } from '../messages.js';
import { editsAt } from '../routing.js';
import { sameRouting, settingOf, settingsIn, short, topKOf } from '../spec.js';
import { baseSpec, rangeOf, strategiesFor, strategyFor } from '../strategy.js';
import type { Strategy } from '../strategy.js';
import { fieldNumber, fieldText } from './shown.js';
import type { Knobs } from './shown.js';

const NOTE_ID = 'strategy-note';
/** Has a control of its own where a limit is set. */
const CAPACITY_NAME = 'limit.capacity_factor';

export function strategyMenu(shown: Knobs): ViewElement {
  const { model, state, engine, actions } = shown;
  const strategies = model === undefined ? [] : strategiesFor(model);
  const error = engine.routingError;
  return h('div.strategy', {},
    h('label', { attrs: { for: 'strategy' } }, messages.strategy.label),
    h('select', {
      value: model === undefined ? '' : state.routing.strategy ?? '',
      on: { change: (event) => actions.strategy(fieldText(event) || undefined) },
      attrs: { id: 'strategy', disabled: model === undefined, 'aria-describedby': NOTE_ID },
    },
    h('option', { key: '', attrs: { value: '' } }, messages.routing.asTrained), strategies.map(option)),
    h('p.error', { key: 'error', attrs: { role: 'alert', hidden: error === undefined } }, error === undefined ? '' : messages.strategy.refused(error.message)),
    about(shown),
    settings(shown));
}

function option({ name, problem, adapted, wholeBatch }: Strategy): ViewElement {
  const remark = problem ?? (adapted ? messages.strategy.yourTopK : undefined);
  return h('option', {
    key: name,
    attrs: { value: name, disabled: problem !== undefined, title: problem ?? (wholeBatch ? messages.strategy.whole : undefined) },
  }, remark === undefined ? name : messages.strategy.option(name, remark));
}

/** The sentence says the routing as it acts now, knobs included. */
function about({ model, state, routing, layer }: Knobs): ViewElement {
  const strategy = model === undefined ? undefined : strategyFor(model, state.routing.strategy);
  const spec = routing === undefined ? undefined : specFor(routing, layer);
  const problem = strategy?.problem;
  return h('div.about', { key: 'about', attrs: { id: NOTE_ID } },
    strategy !== undefined && problem !== undefined && h('p.error', { key: 'problem' }, messages.strategy.notHere(strategy.name, problem)),
    h('p', { key: 'sentence' }, spec === undefined || model === undefined ? '' : explainSpec(spec, model.n_experts)),
    problem === undefined && strategy?.wholeBatch === true && h('p.whole', { key: 'whole' }, messages.strategy.wholeNote),
    h('p.note', { key: 'source' }, source(strategy === undefined || problem !== undefined ? trainedSource(model, routing) : strategy.source),
      problem === undefined && strategy !== undefined && usesYourTopK(strategy, spec && topKOf(spec)) && messages.clauses(['', messages.strategy.yourTopK])));
}

function trainedSource(model: Knobs['model'], routing: Knobs['routing']): string {
  const changed = model !== undefined && routing !== undefined && !sameRouting(routing, model.trained_routing);
  return changed ? messages.strategy.trainedChanged : messages.strategy.trainedSource;
}

function usesYourTopK({ adapted, spec }: Strategy, topK: number | undefined): boolean {
  return adapted || topK !== topKOf(spec);
}

/** Papers are one click away. */
function source(text: string): Content {
  return text.split(/(arXiv:\d{4}\.\d{4,5})/).map((part) => (part.startsWith('arXiv:')
    ? h('a', { attrs: { href: `https://arxiv.org/abs/${part.slice('arXiv:'.length)}`, target: '_blank', rel: 'noreferrer' } }, part)
    : part));
}

/** A slider for each number that matters to the strategy but top-k, which has its own knob. */
function settings(shown: Knobs): ViewElement[] {
  const { routing, layer, model, state } = shown;
  if (routing === undefined || model === undefined) return [];
  // What matters is what the strategy turns on; a slider that is put to nothing stays.
  const base = baseSpec(model, editsAt(state.routing, layer).strategy, specFor(model.trained_routing, layer));
  const spec = specFor(routing, layer);
  const own = Object.entries(settingsIn(base)).filter(([name]) => name !== CAPACITY_NAME || state.routing.limit === undefined);
  return own.map(([name, usual]) => setting(shown, name, settingOf(spec, name) ?? usual));
}

function setting({ routing, layer, model, actions }: Knobs, name: string, value: number): ViewElement {
  const { label, help } = messages.strategy.setting(name);
  const id = `setting-${name}`;
  const spec = routing === undefined ? undefined : specFor(routing, layer);
  const range = spec === undefined || model === undefined ? { min: 0, max: 1, step: 0.01 } : rangeOf(name, value, spec, model.n_experts);
  return h('div.control', { key: id },
    h('label', { attrs: { for: id } }, label),
    h('output.num', { attrs: { for: id } }, short(value)),
    h('input', {
      value: String(value),
      on: { input: (event) => actions.setting(name, fieldNumber(event) ?? value) },
      attrs: { id, type: 'range', ...range, 'aria-valuetext': short(value), title: help },
    }),
    h('p.note', {}, help));
}
