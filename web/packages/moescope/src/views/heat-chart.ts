// A matrix of figures as tinted cells. A quantity has one ramp from the page's colour on; a difference to chance has two,
// above and below, and a dot where the interval leaves chance out, so that colour is not the only cue.

import { INK, LESS, MORE, QUIET, cut, frame, label, lettersIn, mixed, round, roundUp, standing, tellApart, tick } from './chart.js';
import type { ChartFigure, ChartFrame } from './chart.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';

export interface HeatData extends ChartFrame {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** What rows and columns are. */
  readonly axes: readonly [rows: string, columns: string];
  /** [rows][columns]; a cell without a figure stays empty. */
  readonly cells: readonly (readonly (ChartFigure | undefined)[])[];
  /** Whether cells are tinted by their difference to chance. */
  readonly difference: boolean;
  /** What a dot says, for the legend of a chart that has dots. */
  readonly dots?: string;
  /** Writes a figure into a cell, where it must be short. */
  readonly short?: (value: number) => string;
}

const CELL = { most: 46, low: 3, high: 26 };
const LETTER = 6.2;
const HEAD = 30;
const RAMP = { width: 120, height: 9, steps: 24 };
const TEXT_FROM = 27;
const DOT_FROM = 9;
const FAR_FROM_ZERO = 0.3;
/** More cells than these are drawn as one shape for each tint: single ones would be slow, and too small to point at. */
const MANY_CELLS = 4000;

export function heatChart(data: HeatData): ViewElement {
  const room = Math.min(Math.max(1, ...data.rows.map(lettersIn)), Math.floor((data.width * 0.28) / LETTER) - 1);
  const gutter = room * LETTER + 8;
  const cell = Math.min(CELL.most, (data.width - gutter) / Math.max(1, data.columns.length));
  const height = Math.min(CELL.high, Math.max(data.rows.length > 40 ? CELL.low : 14, cell));
  const range = rangeOf(data);
  const many = data.rows.length * data.columns.length > MANY_CELLS;
  const bodyHeight = data.rows.length * height;
  const dotted = data.difference && !many && cell >= DOT_FROM && height >= DOT_FROM;
  const legend = [data.legend, dotted ? data.dots : undefined].filter((part) => part !== undefined).join(' ');
  return frame({ ...data, legend }, 'heat', HEAD + bodyHeight + 28,
    label(0, 8, `${data.axes[0]} ↓  ${data.axes[1]} →`),
    h('g', { attrs: { transform: `translate(${round(gutter)} ${HEAD})` } },
      columnNames(data.columns, cell),
      tellApart(data.rows, room).map((name, row) => h('g', { key: row, attrs: { transform: `translate(0 ${round(row * height)})` } },
        (height >= 9 || row % Math.ceil(10 / height) === 0) && label(-5, height / 2 + 3.5, name, 'end', INK, height < 12 ? 8 : undefined),
        !many && data.cells[row]?.map((figure, column) => figure !== undefined && drawCell(data, figure, row, column, { cell, height, range, dotted })))),
      many && drawTints(data, { cell, height, range })),
    h('g', { attrs: { transform: `translate(${round(gutter)} ${round(HEAD + bodyHeight + 8)})` } }, ramp(data, range)));
}

/** What has no tint, and what has the full one. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Differences reach as far down as up. Quantities that are all far from zero begin where the lowest is. */
function rangeOf({ cells, difference }: HeatData): Range {
  const figures = cells.flat().filter((figure) => figure !== undefined);
  const values = figures.map(({ value, chance = 0 }) => (difference ? Math.abs(value - chance) : value)).filter(Number.isFinite);
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 0]);
  if (difference) return { from: 0, to: roundUp(most) };
  return least > FAR_FROM_ZERO * most && least < most ? { from: least, to: most } : { from: 0, to: roundUp(most) };
}

/** As many as have room beside each other; the last one ends where the matrix does. */
function columnNames(columns: readonly string[], cell: number): ViewElement[] {
  const widest = Math.max(1, ...columns.map(lettersIn)) * LETTER + 6;
  const every = Math.max(1, Math.ceil(Math.min(widest, 60) / cell));
  return columns.flatMap((whole, column) => {
    if (column % every !== 0) return [];
    const name = cut(whole, 9);
    const last = columns.length * cell - (lettersIn(name) * LETTER) / 2;
    return [label(Math.min((column + 0.5) * cell, Math.max(0, last)), -5, name, 'middle', INK, 10)];
  });
}

function tint(figure: ChartFigure, difference: boolean, { from, to }: Range): string {
  const size = difference ? figure.value - (figure.chance ?? 0) : figure.value - from;
  return mixed(size < 0 ? LESS : MORE, 0.78 * Math.sqrt(Math.min(1, Math.abs(size) / (to - from))));
}

interface Place {
  readonly dotted: boolean;
  readonly cell: number;
  readonly height: number;
  readonly range: Range;
}

function drawCell(data: HeatData, figure: ChartFigure, row: number, column: number, { cell, height, range, dotted }: Place): ViewElement {
  const { value, low, high, chance } = figure;
  const gap = cell > 6 ? 1 : 0;
  const x = column * cell;
  const sure = ['above', 'below'].includes(standing(figure) ?? '');
  const interval = low === undefined || high === undefined ? '' : ` (${data.format(low)}–${data.format(high)})`;
  return h('g', { key: column },
    h('title', {}, `${data.rows[row] ?? ''} · ${data.columns[column] ?? ''}: ${data.format(value)}${interval}${chance === undefined ? '' : ` / ${data.format(chance)}`}`),
    h('rect', {
      attrs: { x: round(x), y: 0, width: round(cell - gap), height: round(height - (height > 6 ? 1 : 0)), fill: Number.isFinite(value) ? tint(figure, data.difference, range) : 'transparent' },
    }),
    cell >= TEXT_FROM && height >= 14 && label(x + (cell - gap) / 2, height / 2 + 3.5, (data.short ?? data.format)(value), 'middle', INK, 10),
    dotted && sure && h('circle', { attrs: { cx: round(x + cell - gap - 3), cy: 3, r: 1.5, fill: INK } }));
}

/** All cells of one tint as one shape. */
function drawTints({ cells, difference }: HeatData, { cell, height, range }: Omit<Place, 'dotted'>): ViewElement[] {
  const shapes = new Map<string, string[]>();
  for (const [row, figures] of cells.entries()) {
    for (const [column, figure] of figures.entries()) {
      if (figure === undefined || !Number.isFinite(figure.value)) continue;
      const fill = tint(figure, difference, range);
      const shape = shapes.get(fill) ?? [];
      shapes.set(fill, shape);
      shape.push(`M${round(column * cell)} ${round(row * height)}h${round(cell)}v${round(height)}h${round(-cell)}z`);
    }
  }
  return [...shapes].map(([fill, shape]) => h('path', { key: fill, attrs: { d: shape.join(''), fill } }));
}

function ramp({ difference, format }: HeatData, range: Range): ViewElement[] {
  const from = difference ? -range.to : range.from;
  const step = RAMP.width / RAMP.steps;
  const sign = (value: number): string => tick(difference && value > 0 ? `+${format(value)}` : format(value).replace('-', '−'));
  return [
    ...Array.from({ length: RAMP.steps }, (_, at) => {
      const value = from + ((at + 0.5) / RAMP.steps) * (range.to - from);
      return h('rect', { attrs: { x: round(at * step), y: 0, width: round(step + 0.3), height: RAMP.height, fill: tint({ value, chance: 0 }, difference, range) } });
    }),
    label(0, RAMP.height + 10, sign(from), 'start', QUIET, 10),
    label(RAMP.width, RAMP.height + 10, sign(range.to), 'end', QUIET, 10),
    ...(difference ? [label(RAMP.width / 2, RAMP.height + 10, '0', 'middle', QUIET, 10)] : []),
  ];
}
