// What the charts of the analyses share: a frame with a title above and a legend below, text, colours, round numbers.
// Presentation stands in attributes rather than in a style sheet, so that a saved picture looks like the one on the page.

import { h } from './element.js';
import type { Content, ViewElement } from './element.js';

/** A figure with its interval of 95 % and what chance gives, as far as it has them. */
export interface ChartFigure {
  readonly value: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly chance?: number | undefined;
}

/** What every chart is told. */
export interface ChartFrame {
  /** What the picture shows; also its name for those who cannot see it. */
  readonly title: string;
  /** How to read its marks. */
  readonly legend: string;
  /** In CSS pixels. */
  readonly width: number;
  /** Writes a figure. */
  readonly format: (value: number) => string;
}

export const INK = 'var(--ink)';
export const QUIET = 'var(--quiet)';
export const HAIRLINE = 'var(--hairline)';
/** More than chance, or much; less than chance. */
export const MORE = 'var(--more)';
export const LESS = 'var(--less)';
/** Lines beyond these begin again, with other dashes. */
export const LINE_COLOURS = [MORE, LESS, INK, 'var(--better)', QUIET] as const;

const TITLE = 24;
const TITLE_LINE = 17;
const LEGEND_LINE = 15;

/** The frame around a drawing of `height`, which begins below the title; a long title has several lines. */
export function frame({ title, legend, width }: ChartFrame, kind: string, height: number, ...content: readonly Content[]): ViewElement {
  const lines = wrap(legend, Math.floor(width / 6));
  const heading = wrap(title, Math.floor(width / 7.2));
  const top = TITLE + (heading.length - 1) * TITLE_LINE;
  const whole = top + height + 8 + lines.length * LEGEND_LINE;
  return h('svg', {
    attrs: {
      class: `analysis-chart ${kind}`, viewBox: `0 0 ${width} ${round(whole)}`, width, height: round(whole), role: 'img', 'aria-label': title,
      'font-family': 'system-ui, sans-serif', 'font-size': 11, fill: INK,
    },
  },
  heading.map((line, at) => h('text', { attrs: { x: 0, y: 13 + at * TITLE_LINE, 'font-size': 13, 'font-weight': 600 } }, line)),
  h('g', { attrs: { transform: `translate(0 ${top})` } }, content),
  lines.map((line, at) => h('text', { attrs: { x: 0, y: round(top + height + 16 + at * LEGEND_LINE), fill: QUIET } }, line)));
}

type Anchor = 'start' | 'middle' | 'end';

export function label(x: number, y: number, text: string, anchor: Anchor = 'start', fill: string = QUIET, size?: number): ViewElement {
  return h('text', { attrs: { x: round(x), y: round(y), 'text-anchor': anchor, fill, 'font-size': size } }, text);
}

export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1, dashes?: string): ViewElement {
  return h('line', { attrs: { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), stroke, 'stroke-width': width, 'stroke-dasharray': dashes } });
}

/** A share of a colour over the page. */
export function mixed(colour: string, share: number): string {
  return `color-mix(in oklab, ${colour} ${Math.round(100 * Math.min(1, Math.max(0, share)))}%, var(--paper))`;
}

/** Where a figure stands to chance, by its interval; nothing where one of them is not known. */
export function standing({ low, high, chance }: ChartFigure): 'above' | 'below' | 'same' | undefined {
  if (low === undefined || high === undefined || chance === undefined) return undefined;
  if (low > chance) return 'above';
  return high < chance ? 'below' : 'same';
}

/** The next round number from a value on. */
export function roundUp(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * 0.9999) ?? 10) * power;
}

/** A figure at an axis: without zeros behind the point. */
export function tick(text: string): string {
  return text.replace(/\.0+(?=\D|$)/, '');
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** What all values of figures reach to; what is not finite does not count. */
export function highest(figures: readonly ChartFigure[]): number {
  const values = figures.flatMap(({ value, high, chance }) => [value, high ?? value, chance ?? value]);
  return values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0);
}

/** Chinese letters and what goes with them; a line may break after each. */
const WIDE = '\\u2e80-\\u9fff\\uff00-\\uffef';
const WIDE_LETTERS = new RegExp(`[${WIDE}]`, 'g');
const PARTS = new RegExp(` ?(?:[（“]*[${WIDE}][，。：；、）”]*|[^\\s${WIDE}]+)`, 'g');

/** Room that a text takes, in Latin letters: a Chinese one has almost two. */
export function lettersIn(text: string): number {
  return text.length + 0.8 * (text.match(WIDE_LETTERS)?.length ?? 0);
}

/** Words in lines of about so many letters. */
function wrap(text: string, letters: number): string[] {
  const lines: string[] = [];
  for (const part of text.match(PARTS) ?? []) {
    const [last, word] = [lines.at(-1), part.trimStart()];
    if (last === undefined || lettersIn(last) + lettersIn(word) >= letters) lines.push(word);
    else lines[lines.length - 1] = last + part;
  }
  return lines;
}

/** Text with room for so many letters, and for one at least. */
export function cut(text: string, letters: number): string {
  if (lettersIn(text) <= letters) return text;
  const [first = '', ...rest] = text;
  let kept = first;
  for (const letter of rest) {
    if (lettersIn(kept + letter) > letters - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** Names that are cut; where they would read the same, without what all of them begin with. */
export function tellApart(names: readonly string[], letters: number): string[] {
  const short = names.map((name) => cut(name, letters));
  const [first = '', ...rest] = new Set(names);
  if (new Set(short).size > rest.length) return short;
  const common = rest.reduce(beginning, first).length;
  return names.map((name) => cut(`…${name.slice(common)}`, letters));
}

/** What two texts both begin with. */
function beginning(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return one.slice(0, at);
}
