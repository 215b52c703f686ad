// Bars in panels: one panel for each layer, one bar for each expert or measure, with its interval as a whisker and what
// chance gives as a dashed line. All panels have one scale, so that they compare.

import { HAIRLINE, INK, MORE, QUIET, frame, highest, label, line, round, roundUp, tellApart, tick } from './chart.js';
import type { ChartFigure, ChartFrame } from './chart.js';
import { expertVar } from './colour.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';

export interface Bar extends ChartFigure {
  readonly name: string;
  /** Whose colour the bar has. */
  readonly expert?: number | undefined;
}

export interface BarsData extends ChartFrame {
  readonly panels: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
}

const GUTTER = 44;
const GAP = 16;
const BAR = { least: 7, most: 44 };
const HEIGHT = 72;
const LETTER = 6;
const HEAD = 16;
const FOOT = 16;

export function barsChart(data: BarsData): ViewElement {
  const most = Math.max(1, ...data.panels.map(({ bars }) => bars.length));
  const bar = Math.min(BAR.most, Math.max(BAR.least, (data.width - GUTTER) / most));
  const panel = { bar, width: bar * most };
  const columns = Math.max(1, Math.floor((data.width - GUTTER + GAP) / (panel.width + GAP)));
  const rows = Math.ceil(data.panels.length / columns);
  const all = data.panels.flatMap(({ bars }) => bars);
  const [top, bottom] = [roundUp(highest(all)), Math.min(0, ...all.map(({ value, low }) => Math.min(value, low ?? value)).filter(Number.isFinite))];
  const scale = { top, bottom, format: data.format };
  return frame(data, 'bars', rows * (HEAD + HEIGHT + FOOT), data.panels.map(({ name, bars }, place) => {
    const [column, row] = [place % columns, Math.floor(place / columns)];
    const [x, y] = [GUTTER + column * (panel.width + GAP), row * (HEAD + HEIGHT + FOOT) + HEAD];
    return h('g', { key: name, attrs: { transform: `translate(${round(x)} ${round(y)})` } },
      column === 0 && axis(scale),
      label(0, -4, name, 'start', INK),
      drawBars(bars, panel.bar, scale));
  }));
}

interface Scale {
  readonly top: number;
  readonly bottom: number;
  readonly format: (value: number) => string;
}

/** From the top of a panel to a value. */
function yOf({ top, bottom }: Scale, value: number): number {
  return HEIGHT * (1 - (Math.min(top, Math.max(bottom, value)) - bottom) / (top - bottom));
}

function axis(scale: Scale): ViewElement[] {
  return [label(-6, 8, tick(scale.format(scale.top)), 'end'), label(-6, yOf(scale, 0) + 3, tick(scale.format(0)), 'end')];
}

function drawBars(bars: readonly Bar[], width: number, scale: Scale): ViewElement[] {
  const zero = yOf(scale, 0);
  const names = tellApart(bars.map(({ name }) => name), Math.floor(width / LETTER));
  return [
    line(0, zero, bars.length * width, zero, HAIRLINE),
    ...bars.map((bar, place) => drawBar(bar, names[place] ?? bar.name, { x: place * width, width }, scale)),
    ...chanceLines(bars, width, scale),
  ];
}

/** `short` is its name as far as there is room. */
function drawBar(bar: Bar, short: string, { x, width }: { readonly x: number; readonly width: number }, scale: Scale): ViewElement {
  const { name, value, low, high, chance, expert } = bar;
  const [zero, y] = [yOf(scale, 0), yOf(scale, value)];
  const inner = width * 0.72;
  const middle = x + width / 2;
  const known = Number.isFinite(value);
  const interval = low === undefined || high === undefined ? '' : ` (${scale.format(low)}–${scale.format(high)})`;
  return h('g', { key: name },
    h('title', {}, `${name}: ${scale.format(value)}${interval}${chance === undefined ? '' : ` / ${scale.format(chance)}`}`),
    h('rect', { attrs: { x: round(x), y: 0, width: round(width), height: HEIGHT, fill: 'transparent' } }),
    known && h('rect', {
      attrs: {
        x: round(middle - inner / 2), y: round(Math.min(zero, y)), width: round(inner), height: round(Math.max(0.5, Math.abs(zero - y))),
        fill: expert === undefined ? MORE : expertVar(expert), 'fill-opacity': 0.78,
      },
    }),
    known && low !== undefined && high !== undefined && line(middle, yOf(scale, low), middle, yOf(scale, high), INK, 1.25),
    width >= 13 && label(middle, HEIGHT + 11, short, 'middle', QUIET, width < 18 ? 9 : 10));
}

/** One line where chance is the same for all, else one for each bar. */
function chanceLines(bars: readonly Bar[], width: number, scale: Scale): ViewElement[] {
  const chances = bars.map(({ chance }) => chance);
  const draw = (chance: number, from: number, to: number): ViewElement => {
    const y = yOf(scale, chance);
    return line(from, y, to, y, INK, 1.25, '4 3');
  };
  const [first] = chances;
  if (first !== undefined && chances.every((chance) => chance === first)) return [draw(first, 0, bars.length * width)];
  return chances.flatMap((chance, place) => (chance === undefined ? [] : [draw(chance, place * width + 1, (place + 1) * width - 1)]));
}
