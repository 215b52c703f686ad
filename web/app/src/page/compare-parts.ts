// What comparisons of texts and of pictures have in common: the head, the choice of A's model, what is being waited for,
// what to keep in mind, and the table of layers.

import { expertVar, fixed, h, worthOf } from 'moescope/views';
import type { LayerComparison, Table, ViewElement } from 'moescope/views';

import { MODELS, shortName } from '../catalogue.js';
import type { ModelCard } from '../catalogue.js';
import type { Engine } from '../engine.js';
import type { Problem } from '../errors.js';
import { messages } from '../messages.js';
import { keepMenu } from './keep.js';
import { fieldText } from './shown.js';

/** What is compared: the words differ. */
export type Kind = 'text' | 'picture';

export interface Head {
  readonly swap: () => void;
  /** Why the sides cannot be swapped. */
  readonly noSwap: string | undefined;
  readonly end: () => void;
  readonly layers: readonly LayerComparison[];
}

export function compareHead({ swap, noSwap, end, layers }: Head): ViewElement {
  const words = messages.compare;
  return h('div.head', {},
    h('h2', {}, words.heading),
    h('div.buttons', {},
      h('button.pill', { on: { click: swap }, attrs: { type: 'button', disabled: noSwap !== undefined, title: noSwap } }, words.swap),
      h('button.pill', { on: { click: end }, attrs: { type: 'button' } }, words.end),
      keepMenu('compare', words.heading, () => differenceTable(layers))));
}

export interface ModelChoice {
  readonly kind: ModelCard['kind'];
  /** Folder of the page's model. */
  readonly page: string;
  readonly chosen: string | undefined;
  readonly choose: (folder: string | undefined) => void;
}

/** Models of this site, and the one that a link names. */
export function modelOfA({ kind, page, chosen, choose }: ModelChoice): ViewElement {
  const here = MODELS.filter((card) => card.kind === kind).map(({ folder }) => folder);
  const folders = chosen === undefined || here.includes(chosen) ? here : [...here, chosen];
  return h('div.model', {},
    h('label', { attrs: { for: 'rival-model' } }, messages.compare.model),
    h('select.theme', {
      value: chosen ?? '',
      on: { change: (event) => choose(fieldText(event) || undefined) },
      attrs: { id: 'rival-model' },
    },
    h('option', { key: '', attrs: { value: '' } }, messages.compare.asB(shortName(page))),
    folders.map((folder) => h('option', { key: folder, attrs: { value: folder } }, shortName(folder)))));
}

interface Waited {
  readonly engine: Pick<Engine, 'loading' | 'failure'>;
  readonly comparer: { readonly failed: Problem | undefined };
}

/** Why there is nothing to see yet. */
export function waitingFor({ engine: { loading, failure }, comparer }: Waited, kind: Kind, ready: boolean): string | undefined {
  const words = messages.compare;
  if (failure !== undefined) return words.notOpened(failure.problem.message);
  if (loading !== undefined) {
    const { wish, loaded, total } = loading;
    return words.opening(shortName(wish.model), total === undefined ? undefined : Math.floor((100 * loaded) / Math.max(1, total)));
  }
  return comparer.failed?.message ?? (ready ? undefined : words.waiting[kind]);
}

export function noteList(notes: readonly string[]): ViewElement | false {
  return notes.length > 0 && h('ul.care', { key: 'care', attrs: { 'aria-label': messages.compare.notes.label } }, notes.map((note) => h('li', { key: note }, note)));
}

export interface LayerTableOptions {
  readonly kind: Kind;
  /** The shown layer. */
  readonly layer: number;
  readonly choose: (layer: number) => void;
}

/** Only the columns of which anything is known. */
export function layerTable(layers: readonly LayerComparison[], { kind, layer, choose }: LayerTableOptions): ViewElement | false {
  const words = messages.compare;
  const columns = COLUMNS.filter(({ of }) => layers.some((row) => of(row) !== undefined));
  return layers.length > 0 && h('div.scroller', { key: 'layers' }, h('table.divergence', {},
    h('caption.note', {}, words.measure),
    h('thead', {}, h('tr', {}, [words.layer, words.loadOf(words.a), words.loadOf(words.b), ...columns.map(({ name }) => name(kind))].map((name) =>
      h('th', { key: name, attrs: { scope: 'col' } }, name)))),
    h('tbody', {}, layers.map((row) => h('tr', { key: row.layer, attrs: { class: row.layer === layer ? 'here' : undefined, 'data-layer': row.layer } },
      h('th', { attrs: { scope: 'row' } }, h('button.link', { on: { click: () => choose(row.layer) }, attrs: { type: 'button' } }, `L${row.layer}`)),
      h('td', {}, loadOf(row.loads.a)),
      h('td', {}, loadOf(row.loads.b)),
      columns.map(({ id, of, text }) => cell(id, of(row), text)))))));
}

interface Column {
  readonly id: string;
  readonly name: (kind: Kind) => string;
  readonly of: (row: LayerComparison) => number | undefined;
  readonly text: (value: number) => string;
}

const bits = (value: number): string => messages.compare.bits(fixed(value, 3));
const COLUMNS: readonly Column[] = [
  { id: 'load', name: () => messages.compare.load, of: ({ load }) => load, text: bits },
  { id: 'routers', name: () => messages.compare.divergence, of: ({ routers }) => routers, text: bits },
  { id: 'changed', name: (kind) => messages.compare.changed[kind], of: ({ changed }) => changed, text: (value) => `${Math.round(value * 100)} %` },
];

function cell(id: string, value: number | undefined, text: (value: number) => string): ViewElement {
  if (value === undefined) return h('td', { key: id }, '–');
  return h('td', { key: id, attrs: { 'data-column': id, 'data-value': value.toFixed(4) } },
    h('span.num', {}, text(value)),
    h('span.meter', { attrs: { 'aria-hidden': 'true' } }, h('i', { style: { width: `${(100 * Math.min(1, value)).toFixed(1)}%` } })));
}

/** How many experts a load is worth, and every expert's share of the choices, the largest as high as there is room. */
function loadOf(load: readonly number[] | undefined): ViewElement[] | string {
  if (load === undefined) return '–';
  const most = Math.max(...load);
  const name = messages.compare.busiest(load.indexOf(most), `${(100 * most).toFixed(0)} %`);
  return [h('span.num', { attrs: { 'data-worth': worthOf(load).toFixed(3) } }, messages.compare.worth(fixed(worthOf(load), 1), load.length)), h('span.loadbars', { attrs: { role: 'img', 'aria-label': name, title: name } }, load.map((share, expert) => h('i', {
    key: expert, style: { '--c': expertVar(expert), height: `${((100 * share) / Math.max(most, Number.EPSILON)).toFixed(1)}%` },
  })))];
}

function differenceTable(layers: readonly LayerComparison[]): Table {
  const digits = (value: number | undefined): number | null => (value === undefined ? null : Number(value.toPrecision(7)));
  const nExperts = Math.max(0, ...layers.flatMap(({ loads }) => [loads.a?.length ?? 0, loads.b?.length ?? 0]));
  const experts = Array.from({ length: nExperts }, (_, expert) => expert);
  return {
    columns: ['layer', 'effective_experts_a', 'effective_experts_b', 'jensen_shannon_bits_of_loads', 'jensen_shannon_bits_of_routers', 'share_changed',
      ...(['a', 'b'] as const).flatMap((side) => experts.map((expert) => `load_${side}_${expert}`))],
    rows: layers.map(({ layer, load, routers, changed, loads }) => [layer, ...[loads.a, loads.b].map((side) => digits(side && worthOf(side))), digits(load), digits(routers), digits(changed),
      ...([loads.a, loads.b] as const).flatMap((side) => experts.map((expert) => digits(side?.[expert])))]),
  };
}
