// Load: for each layer a row of bars, one per expert, as tall as the share of tokens on which the expert acts,
// against a line at the even share. All rows have one scale, that of the tallest bar, so that they compare.

import { expertVar } from './colour.js';
import { choicesAt, loadAt } from './data.js';
import type { TokenRecord } from './data.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';
import { kept } from './kept.js';
import { areMany, onDrawing } from './places.js';
import type { OnPlace, Places } from './places.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

export interface LoadData extends Places {
  readonly records: readonly TokenRecord[];
  readonly layer: number;
  readonly onBar: OnPlace;
}

const ROW = 46;
const BAR = 34;
const LEFT = 34;
const WIDTH = 360;

/** The share that every expert would have if all had the same. */
export function evenShare(records: readonly TokenRecord[], layer: number, nExperts: number): number {
  const picks = records.reduce((sum, record) => sum + choicesAt(record, layer).length, 0);
  return picks / Math.max(1, records.length * nExperts);
}

const keptBars = kept<ViewElement>();

export function loadView(data: LoadData, words: ViewWords = ENGLISH): ViewElement {
  const { records, layers, nExperts, onBar } = data;
  const height = ROW * Math.max(1, layers.length) + 8;
  const many = areMany(data);
  return h(many ? 'svg.loads.many' : 'svg.loads', {
    on: many ? { click: onDrawing(data, (x, y) => [Math.floor(y / ROW), Math.floor((x - LEFT) / slotWidth(data))], onBar) } : {},
    attrs: { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': words.load(layers.length, nExperts) },
  },
  layers.map((layer, row) => h('text', { attrs: { x: 2, y: row * ROW + ROW - 2, class: layer === data.layer ? 'row here' : 'row' } }, `L${layer}`)),
  keptBars([records, records.length, layers.join(), nExperts, onBar, words], () => h('g', {}, rows(data, words))));
}

/** The loads of one layer. */
interface Row {
  readonly layer: number;
  readonly row: number;
  readonly loads: readonly number[];
  readonly even: number;
  /** The load that fills the height. */
  readonly top: number;
}

function rows(data: LoadData, words: ViewWords): ViewElement[] {
  const { records, layers, nExperts } = data;
  const loads = layers.map((layer) => loadAt(records, layer, nExperts));
  const top = loads.flat().reduce((most, load) => Math.max(most, load), 0.01);
  const all = layers.map((layer, row): Row => ({ layer, row, loads: loads[row] ?? [], even: evenShare(records, layer, nExperts), top }));
  return [
    ...areMany(data) ? shapes(data, all, words) : [],
    ...all.map((row) => h('g', { key: row.layer, attrs: { 'data-layer': row.layer } },
      rule(row, 0, 'base'), areMany(data) ? [] : slots(data, row, words), records.length > 0 && rule(row, row.even, 'even'))),
  ];
}

/** A line across a row at a load. */
function rule({ row, top }: Row, load: number, name: string): ViewElement {
  const y = round(row * ROW + ROW - BAR * Math.min(1, load / top));
  return h('line', { attrs: { x1: LEFT, x2: WIDTH, y1: y, y2: y, class: name } });
}

function slotWidth({ nExperts }: LoadData): number {
  return (WIDTH - LEFT) / Math.max(1, nExperts);
}

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function bar(data: LoadData, { row, top }: Row, load: number, expert: number): Bar {
  const width = slotWidth(data);
  const height = (BAR * load) / top;
  return { x: round(LEFT + expert * width + width * 0.1), width: round(width * 0.8), y: round(row * ROW + ROW - height), height: round(height) };
}

function slots(data: LoadData, row: Row, words: ViewWords): ViewElement[] {
  const width = slotWidth(data);
  return row.loads.map((load, expert) => h('g.slot', {
    key: expert,
    on: { click: () => data.onBar(row.layer, expert) },
    attrs: { 'data-layer': row.layer, 'data-expert': expert },
  },
  h('title', {}, words.loadOf(expert, row.layer, percent(load), percent(row.even))),
  h('rect', { attrs: { x: round(LEFT + expert * width), y: row.row * ROW + 6, width: round(width), height: ROW - 6, fill: 'transparent' } }),
  h('rect', { attrs: { ...bar(data, row, load, expert), fill: expertVar(expert) } })));
}

/** All bars of an expert as one shape. */
function shapes(data: LoadData, all: readonly Row[], words: ViewWords): ViewElement[] {
  return Array.from({ length: data.nExperts }, (_, expert) => h('path', {
    key: `expert ${expert}`,
    attrs: {
      fill: expertVar(expert),
      d: all.map((row) => bar(data, row, row.loads[expert] ?? 0, expert)).map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`).join(''),
    },
  }, h('title', {}, words.expert(expert))));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
