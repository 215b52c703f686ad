// The yard: layers are rows of stations, one station per expert, and tokens run from station to station.
// Lines are counts of (first expert here, first expert at the next layer); one token's own path stands out.
// First choices only: with k experts per token the k * k pairs would say less for more ink.

import { expertVar } from './colour.js';
import { choicesAt, firstExpert } from './data.js';
import type { TokenRecord } from './data.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';
import { kept } from './kept.js';
import { areMany, onDrawing } from './places.js';
import type { OnPlace, Places } from './places.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

export interface PathsData extends Places {
  readonly records: readonly TokenRecord[];
  readonly layer: number;
  /** The token whose path stands out. */
  readonly token: TokenRecord | undefined;
  readonly onStation: OnPlace;
}

/** User units per expert; more than eight stand closer, so that text keeps its size. */
const STATION = { wide: 40, close: 20 } as const;
const MAX_WIDTH = 720;
const ROW = 46;
const LEFT = 34;
const TOP = 22;

const [keptFlows, keptStations] = [kept<ViewElement>(), kept<ViewElement>()];

/** Draws the yard as SVG. */
export function pathsView(data: PathsData, words: ViewWords = ENGLISH): ViewElement {
  const { records, layers, nExperts } = data;
  // The same list grows while a text is written.
  const text = [records, records.length, layers.join(), nExperts];
  const height = TOP * 2 + ROW * Math.max(0, data.layers.length - 1);
  const many = areMany(data);
  return h(many ? 'svg.paths.many' : 'svg.paths', {
    on: many ? { click: onDrawing(data, (left, top) => [Math.round((top - TOP) / ROW), expertAt(data, left)], data.onStation) } : {},
    attrs: {
      viewBox: `0 0 ${width(data.nExperts)} ${height}`,
      role: 'img',
      'aria-label': words.paths(data.records.length, data.layers.length, data.nExperts),
    },
  },
  keptFlows(text, () => h('g.flows', {}, flows(data))),
  h('g.trains', {}, trains(data)),
  h('g.names', {}, layers.map((layer, row) => h('text', { attrs: { x: 2, y: y(row) + 4, class: layer === data.layer ? 'row here' : 'row' } }, `L${layer}`))),
  keptStations([...text, data.onStation, words], () => h('g.stations', {}, many ? shapes(data, words) : layers.map((layer, row) => stationRow(data, layer, row, words)))),
  h('g.stops', {}, stops(data)));
}

/** How many tokens go from expert i at one layer to expert j at the next, [i * E + j]. */
export function flowCounts(records: readonly TokenRecord[], from: number, to: number, nExperts: number): Uint32Array {
  const counts = new Uint32Array(nExperts * nExperts);
  for (const record of records) {
    const [i, j] = [firstExpert(record, from), firstExpert(record, to)];
    if (i !== undefined && j !== undefined) counts[i * nExperts + j] = (counts[i * nExperts + j] ?? 0) + 1;
  }
  return counts;
}

/** More lines than these would be a grey cloud and slow; the strongest stay. */
const MAX_LINES = 1500;

function flows(data: PathsData): ViewElement[] {
  const found: { row: number; pair: number; count: number }[] = [];
  for (const [row, layer] of data.layers.entries()) {
    const next = data.layers[row + 1];
    if (next === undefined) break;
    flowCounts(data.records, layer, next, data.nExperts).forEach((count, pair) => {
      if (count > 0) found.push({ row, pair, count });
    });
  }
  const strongest = found.length <= MAX_LINES ? found : found.toSorted((a, b) => b.count - a.count).slice(0, MAX_LINES);
  return strongest.map(({ row, pair, count }) => flow(data, row, pair, count));
}

function flow(data: PathsData, row: number, pair: number, count: number): ViewElement {
  const [from, to] = [Math.floor(pair / data.nExperts), pair % data.nExperts];
  const share = count / data.records.length;
  return h('path', {
    key: `${row} ${pair}`,
    attrs: {
      d: rail(data, row, from, to),
      fill: 'none',
      stroke: expertVar(from),
      'stroke-width': (0.75 + 11 * Math.sqrt(share)).toFixed(2),
      'stroke-opacity': (0.12 + 0.5 * Math.sqrt(share)).toFixed(3),
    },
  });
}

function firstCounts({ records, nExperts }: PathsData, layer: number): number[] {
  const counts = new Array<number>(nExperts).fill(0);
  for (const record of records) {
    const first = firstExpert(record, layer);
    if (first !== undefined) counts[first] = (counts[first] ?? 0) + 1;
  }
  return counts;
}

function stationRow(data: PathsData, layer: number, row: number, words: ViewWords): ViewElement[] {
  return firstCounts(data, layer).map((count, expert) => station(data, { layer, row, expert, count }, words));
}

/** All stations of an expert as two shapes: the rings, and what fills them. */
function shapes(data: PathsData, words: ViewWords): ViewElement[] {
  const counts = data.layers.map((layer) => firstCounts(data, layer));
  const radius = stationRadius(data.nExperts);
  const share = (row: number, expert: number): number => (counts[row]?.[expert] ?? 0) / Math.max(1, data.records.length);
  return Array.from({ length: data.nExperts }, (_, expert) => {
    const discs = (size: (row: number) => number): string => data.layers.map((_layer, row) => disc(x(data, expert), y(row), size(row))).join('');
    return h('g', { key: expert },
      h('title', {}, words.expert(expert)),
      h('path', { attrs: { d: discs(() => radius), fill: 'var(--paper)', stroke: expertVar(expert), 'stroke-width': 1.5 } }),
      h('path', { attrs: { d: discs((row) => radius * Math.sqrt(share(row, expert))), fill: expertVar(expert), 'fill-opacity': 0.4 } }));
  });
}

function disc(cx: number, cy: number, radius: number): string {
  const r = Math.round(radius * 100) / 100;
  return r === 0 ? '' : `M${cx - r} ${cy}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
}

interface Station {
  readonly layer: number;
  readonly row: number;
  readonly expert: number;
  readonly count: number;
}

function station(data: PathsData, { layer, row, expert, count }: Station, words: ViewWords): ViewElement {
  const share = data.records.length === 0 ? 0 : count / data.records.length;
  const radius = stationRadius(data.nExperts);
  return h('g', {
    key: `${row} ${expert}`,
    on: { click: () => data.onStation(layer, expert) },
    attrs: { class: 'station', 'data-layer': layer, 'data-expert': expert },
  },
  h('title', {}, `${words.expert(expert)}, L${layer}: ${Math.round(share * 100)} %`),
  h('circle', { attrs: { cx: x(data, expert), cy: y(row), r: radius, fill: 'var(--paper)', stroke: expertVar(expert), 'stroke-width': 1.5 } }),
  h('circle', {
    attrs: { cx: x(data, expert), cy: y(row), r: (radius * Math.sqrt(share)).toFixed(2), fill: expertVar(expert), 'fill-opacity': 0.4 },
  }),
  data.nExperts <= 32 && h('text', { attrs: { x: x(data, expert), y: y(row) + 3.5, class: 'figure' } }, String(expert)));
}

/** The chosen token's way, by its first experts. */
function trains(data: PathsData): ViewElement[] {
  const { token } = data;
  if (token === undefined) return [];
  return data.layers.slice(0, -1).flatMap((layer, row) => {
    const [from, to] = [firstExpert(token, layer), firstExpert(token, data.layers[row + 1] ?? layer)];
    if (from === undefined || to === undefined) return [];
    return [h('path', { attrs: { d: rail(data, row, from, to), fill: 'none', class: 'train' } })];
  });
}

/** Rings around all of its experts, as strong as their weights. */
function stops(data: PathsData): ViewElement[] {
  const { token } = data;
  if (token === undefined) return [];
  return data.layers.flatMap((layer, row) => choicesAt(token, layer).map(({ expert, weight }) => h('circle', {
    attrs: {
      cx: x(data, expert), cy: y(row), r: stationRadius(data.nExperts) + 2, fill: 'none', class: 'stop',
      'stroke-opacity': (0.2 + 0.8 * Math.min(1, weight)).toFixed(2),
    },
  })));
}

function rail(data: PathsData, row: number, from: number, to: number): string {
  const [x0, x1, y0, y1] = [x(data, from), x(data, to), y(row), y(row + 1)];
  const middle = (y0 + y1) / 2;
  return `M${x0} ${y0}C${x0} ${middle} ${x1} ${middle} ${x1} ${y1}`;
}

function stationRadius(nExperts: number): number {
  return Math.min(12, ((width(nExperts) - LEFT) / nExperts) * 0.4);
}

function x({ nExperts }: PathsData, expert: number): number {
  return Math.round((LEFT + ((expert + 0.5) * (width(nExperts) - LEFT)) / nExperts) * 10) / 10;
}

function expertAt({ nExperts }: PathsData, left: number): number {
  return Math.floor(((left - LEFT) * nExperts) / (width(nExperts) - LEFT));
}

function width(nExperts: number): number {
  const each = Math.max(STATION.close, (8 * STATION.wide) / Math.max(8, nExperts));
  return Math.min(MAX_WIDTH, LEFT + each * Math.max(8, nExperts));
}

function y(row: number): number {
  return TOP + row * ROW;
}
