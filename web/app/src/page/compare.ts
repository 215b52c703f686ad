// Two routings side by side on the shown text: A is held, B is what the knobs say. Tokens whose experts changed carry a bar
// above; below stands how far the two are apart at each layer.

import { changedTokens, fixed, h, layerDifferences, recordsOf, signed, tokenView } from 'moescope/views';
import type { Handler, LayerDifference, Table, TokenRecord, ViewElement } from 'moescope/views';
import type { Analysis } from 'moescope';

import { describeEdits } from '../changes.js';
import { messages } from '../messages.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';
import { pinnedIndex } from './stage.js';

const records = new WeakMap<Analysis, TokenRecord[]>();

/** The same records for the same analysis, so that drawing can skip them. */
function recordsFor(analysis: Analysis): TokenRecord[] {
  const found = records.get(analysis) ?? recordsOf(analysis.trace, 'prompt');
  records.set(analysis, found);
  return found;
}

export function compare(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement | undefined {
  const { state, comparer, analyses, layers, actions } = shown;
  if (state.rival === undefined) return undefined;
  const a = comparer.analysis;
  const b = analyses?.now;
  const both = a !== undefined && b !== undefined && a.trace.tokens.length === b.trace.tokens.length ? { a, b } : undefined;
  const differences = both === undefined ? [] : layerDifferences(recordsFor(both.a), recordsFor(both.b), layers);
  return h('section.compare', { key: 'compare', attrs: { 'aria-label': messages.compare.heading } },
    h('div.head', {},
      h('h2', {}, messages.compare.heading),
      h('div.buttons', {},
        h('button.pill', { on: { click: actions.swap }, attrs: { type: 'button' } }, messages.compare.swap),
        h('button.pill', { on: { click: () => actions.set({ rival: undefined }) }, attrs: { type: 'button' } }, messages.compare.end),
        keepMenu('compare', messages.compare.heading, () => differenceTable(differences)))),
    h('p.note', { attrs: { role: 'status' } }, comparer.failed ?? (both === undefined ? messages.compare.waiting : messages.compare.help)),
    both !== undefined && h('div', { key: 'compared', attrs: { id: 'compare' } },
      h('div.sides', {}, sideOf(shown, 'a', both, tokenEvents), sideOf(shown, 'b', both, tokenEvents)),
      layerTable(shown, differences)));
}

function sideOf(shown: Shown, name: 'a' | 'b', both: { a: Analysis; b: Analysis }, on: Readonly<Record<string, Handler>>): ViewElement {
  const { state, layer } = shown;
  const [mine, other] = name === 'a' ? [both.a, both.b] : [both.b, both.a];
  const edits = describeEdits(name === 'a' ? state.rival ?? state.routing : state.routing);
  const difference = mine.loss - other.loss;
  return h('div.side', { attrs: { 'data-side': name, 'data-loss': mine.loss.toFixed(4) } },
    h('p', {}, h('strong', {}, messages.compare[name]), ` ${edits === '' ? messages.routing.asTrained : edits}`),
    h('p', {}, h('span.num', {}, fixed(mine.loss)), ` ${messages.views.gauge.nats} `, h('span.note', {}, messages.compare.against(signed(difference)))),
    h('div.text', { attrs: { role: 'group', 'aria-label': messages.compare[name] } }, tokenView({
      records: recordsFor(mine), layer, pinned: pinnedIndex(shown), focusable: 0, changes: NO_CHANGES, on,
      marked: changedTokens(recordsFor(both.a), recordsFor(both.b), layer),
    }, messages.views)));
}

const NO_CHANGES: ReadonlyMap<number, string> = new Map();

function layerTable({ layer, actions }: Shown, differences: readonly LayerDifference[]): ViewElement {
  const words = messages.compare;
  return h('table.divergence', {},
    h('thead', {}, h('tr', {}, [words.layer, words.divergence, words.changed].map((name) => h('th', { attrs: { scope: 'col' } }, name)))),
    h('tbody', {}, differences.map((row) => h('tr', { key: row.layer, attrs: { class: row.layer === layer ? 'here' : undefined, 'data-layer': row.layer } },
      h('th', { attrs: { scope: 'row' } }, h('button.link', { on: { click: () => actions.set({ layer: row.layer }) }, attrs: { type: 'button' } }, `L${row.layer}`)),
      h('td', {}, bar(row.divergence), h('span.num', {}, words.bits(fixed(row.divergence, 3)))),
      h('td', {}, bar(row.changed), h('span.num', {}, `${Math.round(row.changed * 100)} %`))))));
}

function bar(share: number): ViewElement {
  return h('span.meter', { attrs: { 'aria-hidden': 'true' } }, h('i', { style: { width: `${(100 * Math.min(1, share)).toFixed(1)}%` } }));
}

function differenceTable(differences: readonly LayerDifference[]): Table {
  return {
    columns: ['layer', 'jensen_shannon_bits', 'share_of_tokens_changed'],
    rows: differences.map(({ layer, divergence, changed }) => [layer, Number(divergence.toPrecision(7)), Number(changed.toPrecision(7))]),
  };
}
