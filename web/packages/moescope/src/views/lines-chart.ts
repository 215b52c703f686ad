// Lines over a few places, such as sizes or layers: each with its interval as a band, its chance dotted, its name at its
// end, and dashes of its own, so that colour is not the only cue.

import { HAIRLINE, INK, LINE_COLOURS, QUIET, cut, frame, highest, label, lettersIn, line, round, roundUp, tick } from './chart.js';
import type { ChartFigure, ChartFrame } from './chart.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';

export interface Line {
  readonly name: string;
  /** One for each place; none where there is no figure. */
  readonly figures: readonly (ChartFigure | undefined)[];
}

export interface LinesData extends ChartFrame {
  readonly places: readonly string[];
  readonly axes: readonly [places: string, figures: string];
  readonly lines: readonly Line[];
}

const DASHES = [undefined, '7 3', '2 2', '9 3 2 3', '1 4'] as const;
const HEIGHT = 210;
const LEFT = 46;
const RIGHT = { least: 70, letters: 20 };
const NAME_HEIGHT = 13;

export function linesChart(data: LinesData): ViewElement {
  const all = data.lines.flatMap(({ figures }) => figures.filter((figure) => figure !== undefined));
  const top = roundUp(highest(all));
  const bottom = Math.min(0, ...all.map(({ value, low }) => low ?? value).filter(Number.isFinite));
  const right = Math.max(RIGHT.least, Math.min(RIGHT.letters, ...[Math.max(0, ...data.lines.map(({ name }) => lettersIn(name)))]) * 6.4 + 12);
  const inner = data.width - LEFT - right;
  const x = (place: number): number => LEFT + (data.places.length < 2 ? inner / 2 : (place * inner) / (data.places.length - 1));
  const y = (value: number): number => HEIGHT * (1 - (value - bottom) / (top - bottom)) + 14;
  const every = Math.max(1, Math.ceil((data.places.length * (Math.max(0, ...data.places.map(lettersIn)) * 6.4 + 8)) / inner));
  return frame(data, 'lines', HEIGHT + 46,
    [bottom, (top + bottom) / 2, top].map((at) => [line(LEFT, y(at), LEFT + inner, y(at), HAIRLINE), label(LEFT - 6, y(at) + 3.5, tick(data.format(at)), 'end')]),
    label(0, 6, data.axes[1]),
    data.places.map((place, at) => at % every === 0 && label(x(at), HEIGHT + 30, place, 'middle', INK)),
    label(LEFT + inner / 2, HEIGHT + 44, data.axes[0], 'middle'),
    data.lines.map(({ figures, name }, at) => h('g', { key: name }, drawLine(figures, at, x, y))),
    names(data.lines, y, LEFT + inner + 12));
}

type Scale = (value: number) => number;

function drawLine(figures: Line['figures'], at: number, x: Scale, y: Scale): ViewElement[] {
  const stroke = LINE_COLOURS[at % LINE_COLOURS.length] ?? INK;
  const points = figures.flatMap((figure, place) => (figure !== undefined && Number.isFinite(figure.value) ? [{ ...figure, place }] : []));
  const path = (of: (point: ChartFigure) => number | undefined): string => points
    .flatMap((point) => [of(point)].filter((value) => value !== undefined).map((value) => `${round(x(point.place))} ${round(y(value))}`))
    .map((spot, n) => `${n === 0 ? 'M' : 'L'}${spot}`).join('');
  const upper = path(({ high }) => high);
  const band = upper + path(({ low }) => low).split(/[ML]/).filter((spot) => spot !== '').reverse().map((spot) => `L${spot}`).join('');
  const chance = path((point) => point.chance);
  return [
    ...(upper === '' ? [] : [h('path', { attrs: { d: `${band}Z`, fill: stroke, 'fill-opacity': 0.12 } })]),
    ...(chance === '' ? [] : [h('path', { attrs: { d: chance, fill: 'none', stroke, 'stroke-width': 1.25, 'stroke-dasharray': '1.5 3' } })]),
    h('path', { attrs: { d: path(({ value }) => value), fill: 'none', stroke, 'stroke-width': 2, 'stroke-dasharray': DASHES[at % DASHES.length] } }),
    ...points.map(({ value, place }) => h('circle', { attrs: { cx: round(x(place)), cy: round(y(value)), r: 2.5, fill: stroke } })),
  ];
}

/** Names at the ends of their lines, moved apart where they would cover each other. */
function names(lines: readonly Line[], y: Scale, x: number): ViewElement[] {
  const ends = lines.map(({ name, figures }, at) => {
    const last = figures.findLast((figure) => figure !== undefined && Number.isFinite(figure.value));
    return { name, at, y: y(last?.value ?? 0) };
  }).sort((a, b) => a.y - b.y);
  let lowest = -Infinity;
  return ends.map(({ name, at, y: wanted }) => {
    lowest = Math.max(wanted, lowest + NAME_HEIGHT);
    return label(x, lowest + 4, cut(name, RIGHT.letters), 'start', LINE_COLOURS[at % LINE_COLOURS.length] ?? QUIET);
  });
}
