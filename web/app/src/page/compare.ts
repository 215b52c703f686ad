// Two sides next to each other: A is held, B is what the page shows. They differ in model, text or routing. Tokens whose
// experts changed carry a bar above, where tokens have partners; below stands how far both are apart at each layer.

import { changedTokens, fixed, h, recordsOf, signed, tokenView } from 'moescope/views';
import type { Handler, TokenRecord, ViewElement } from 'moescope/views';
import type { Analysis } from 'moescope';

import { describeEdits } from '../changes.js';
import { messages } from '../messages.js';
import { hasOwn } from '../routing.js';
import { comparisonOf, marksChanges } from '../sides.js';
import type { Comparison } from '../sides.js';
import { LIMITS } from '../state.js';
import { compareHead, layerTable, modelOfA, noteList, waitingFor } from './compare-parts.js';
import { fieldText } from './shown.js';
import type { Shown } from './shown.js';
import { pinnedIndex } from './stage.js';

const records = new WeakMap<Analysis, TokenRecord[]>();

/** The same records for the same analysis, so that drawing can skip them. */
function recordsFor(analysis: Analysis): TokenRecord[] {
  const found = records.get(analysis) ?? recordsOf(analysis.trace, 'prompt');
  records.set(analysis, found);
  return found;
}

/** Both sides as they were read. */
interface Both {
  readonly a: Analysis;
  readonly b: Analysis;
  readonly names: Readonly<Record<'a' | 'b', string>>;
  readonly comparison: Comparison;
}

export function compare(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement | undefined {
  const { state, actions, layer } = shown;
  if (state.rival === undefined) return undefined;
  const both = bothOf(shown);
  const words = messages.compare;
  const help = both?.comparison.paired === false ? words.help.apart : words.help.text;
  return h('section.compare', { key: 'compare', attrs: { 'aria-label': words.heading } },
    compareHead({
      swap: actions.swap, noSwap: state.rival.input === undefined ? undefined : words.noSwap,
      end: () => actions.set({ rival: undefined }), layers: both?.comparison.layers ?? [],
    }),
    sideA(shown),
    h('p.note', { attrs: { role: 'status' } }, waitingFor(shown.rivalry, 'text', both !== undefined) ?? help),
    both !== undefined && h('div', { key: 'compared', attrs: { id: 'compare' } },
      h('div.sides', {}, sideOf(shown, 'a', both, tokenEvents), sideOf(shown, 'b', both, tokenEvents)),
      noteList(both.comparison.notes),
      layerTable(both.comparison.layers, { kind: 'text', layer, choose: (chosen) => actions.set({ layer: chosen }) })));
}

/** While a text grows one side may be ahead of the other. */
function bothOf({ state: { rival }, rivalry, analyses, engine: { opened } }: Shown): Both | undefined {
  const [a, b, side] = [rivalry.comparer.reading, analyses?.now, rivalry.side(opened)];
  if (a === undefined || b === undefined || side === undefined || opened === undefined) return undefined;
  const same = rival?.input === undefined;
  if (same && side === opened && a.trace.tokens.length !== b.trace.tokens.length) return undefined;
  const names = { a: side.info.name, b: opened.info.name };
  const comparison = comparisonOf({ model: names.a, records: recordsFor(a) }, { model: names.b, records: recordsFor(b) }, { kind: 'text', same });
  const astray = side !== opened && rival !== undefined && hasOwn(rival.routing);
  return { a, b, names, comparison: astray ? { ...comparison, notes: [...comparison.notes, messages.compare.notes.own] } : comparison };
}

/** What A is, where that is another than B. */
function sideA(shown: Shown): ViewElement {
  const { state: { rival, model }, actions, runner } = shown;
  const words = messages.compare.input.text;
  const own = rival?.input;
  return h('div.makes', {},
    modelOfA({ kind: 'language', page: model, chosen: rival?.model, choose: (chosen) => actions.rival({ model: chosen }) }),
    h('div.input', {},
      h('label', { attrs: { for: 'rival-text' } }, words.label),
      h('textarea', {
        value: own ?? '',
        on: { input: (event) => actions.rival({ input: fieldText(event) || undefined }) },
        attrs: { id: 'rival-text', rows: 2, placeholder: words.as, 'aria-describedby': 'rival-help' },
      }),
      h('div.buttons', {},
        h('button.pill', { on: { click: () => actions.rival({ input: runner.text }) }, attrs: { type: 'button', disabled: runner.text === '' || runner.active } }, words.hold),
        h('button.pill', { on: { click: () => actions.rival({ input: undefined }) }, attrs: { type: 'button', disabled: own === undefined } }, words.same),
        h('span.note', { attrs: { id: 'rival-help' } }, own !== undefined && own.length > LIMITS.rivalInLink
          ? messages.compare.notInLink(LIMITS.rivalInLink) : messages.compare.inputHelp.text))));
}

function sideOf(shown: Shown, name: 'a' | 'b', both: Both, on: Readonly<Record<string, Handler>>): ViewElement {
  const { state, layer } = shown;
  const words = messages.compare;
  const { comparison: { paired }, names } = both;
  const mine = both[name];
  const edits = describeEdits(name === 'a' ? state.rival?.routing ?? state.routing : state.routing);
  const [a, b] = [recordsFor(both.a), recordsFor(both.b)];
  return h('div.side', { attrs: { 'data-side': name, 'data-model': names[name], 'data-loss': mine.loss.toFixed(4) } },
    h('p', {}, h('strong', {}, words[name]), names.a === names.b ? '' : ` ${names[name]},`, ` ${edits === '' ? messages.routing.asTrained : edits}`),
    h('p', {}, h('span.num', {}, fixed(mine.loss)), ` ${messages.views.gauge.nats} `, h('span.note', {},
      paired ? words.against(signed(mine.loss - both[name === 'a' ? 'b' : 'a'].loss)) : words.bytes(fixed(mine.bits_per_byte)))),
    // Without partners a place on one side says nothing of the other, and what is chosen on the page is B's.
    h('div.text', { attrs: { role: 'group', 'aria-label': words[name] } }, tokenView({
      records: recordsFor(mine), layer, changes: NO_CHANGES, focusable: 0,
      pinned: paired || name === 'b' ? pinnedIndex(shown) : undefined, on: paired || name === 'b' ? on : NO_EVENTS,
      pieces: name === 'b' || names.a === names.b ? shown.pieces : undefined,
      marked: marksChanges(both.comparison, layer) ? changedTokens(a, b, layer) : undefined,
    }, messages.views)));
}

const NO_CHANGES: ReadonlyMap<number, string> = new Map();
const NO_EVENTS: Readonly<Record<string, Handler>> = {};
