// Load: for each layer a row of bars, one per expert, as tall as the share of tokens on which the expert acts,
// against a line at the even share. All rows have one scale, that of the tallest bar, so that they compare.

import { expertVar } from './colour.js';
import { choicesAt, loadAt } from './data.js';
import type { TokenRecord } from './data.js';
import { h } from './element.js';
import type { Handler, ViewElement } from './element.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

export interface LoadData {
  readonly records: readonly TokenRecord[];
  readonly layers: readonly number[];
  readonly nExperts: number;
  readonly layer: number;
  /** Called on a bar, which carries `data-layer` and `data-expert`. */
  readonly onBar: Handler;
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

export function loadView(data: LoadData, words: ViewWords = ENGLISH): ViewElement {
  const height = ROW * Math.max(1, data.layers.length) + 8;
  const loads = data.layers.map((layer) => loadAt(data.records, layer, data.nExperts));
  const top = Math.max(0.01, ...loads.flat());
  return h('svg.loads', {
    attrs: { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': words.load(data.layers.length, data.nExperts) },
  }, data.layers.map((layer, row) => layerRow(data, { layer, row, loads: loads[row] ?? [], top }, words)));
}

interface Row {
  readonly layer: number;
  readonly row: number;
  readonly loads: readonly number[];
  /** The load that fills the height. */
  readonly top: number;
}

function layerRow(data: LoadData, { layer, row, loads, top }: Row, words: ViewWords): ViewElement {
  const even = evenShare(data.records, layer, data.nExperts);
  const base = row * ROW + ROW;
  const width = (WIDTH - LEFT) / Math.max(1, data.nExperts);
  const line = base - BAR * Math.min(1, even / top);
  return h('g', { key: layer, attrs: { 'data-layer': layer } },
    h('text', { attrs: { x: 2, y: base - 2, class: layer === data.layer ? 'row here' : 'row' } }, `L${layer}`),
    h('line', { attrs: { x1: LEFT, x2: WIDTH, y1: base, y2: base, class: 'base' } }),
    loads.map((load, expert) => h('g.slot', {
      key: expert,
      on: { click: data.onBar },
      attrs: { 'data-layer': layer, 'data-expert': expert },
    },
    h('title', {}, words.loadOf(expert, layer, percent(load), percent(even))),
    h('rect', { attrs: { x: round(LEFT + expert * width), y: base - ROW + 6, width: round(width), height: ROW - 6, fill: 'transparent' } }),
    h('rect', {
      attrs: {
        x: round(LEFT + expert * width + width * 0.1), width: round(width * 0.8), y: round(base - (BAR * load) / top),
        height: round((BAR * load) / top), fill: expertVar(expert),
      },
    }))),
    data.records.length > 0 && h('line', { attrs: { x1: LEFT, x2: WIDTH, y1: round(line), y2: round(line), class: 'even' } }));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
