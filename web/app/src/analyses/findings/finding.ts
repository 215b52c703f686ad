// What an analysis comes to: a sentence, a picture, and rows of figures, each with its interval and what chance gives.

import type { Answer, Estimate, LayerAnswer, RoutingTrace } from 'moescope';
import { standing } from 'moescope/views';
import type { Cell, ChartFigure, Table, ViewElement } from 'moescope/views';

import { words } from '../words.js';

export interface Row {
  /** Which figure it is, beside the columns of the finding. */
  readonly where: readonly (string | number)[];
  readonly figure: ChartFigure;
  /** Writes it, where rows have different units. */
  readonly format?: (value: number) => string;
}

export interface Finding {
  /** What was found, with numbers. */
  readonly headline: string;
  readonly picture: (width: number) => ViewElement;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly format: (value: number) => string;
}

/** What findings are made from. */
export interface Context {
  readonly trace: RoutingTrace;
  readonly answers: readonly LayerAnswer[];
  /** The shown layer; one that has an answer. */
  readonly layer: number;
  readonly variant: string;
  /** Where labels are names, theirs. */
  readonly labels: readonly string[];
}

export const percent = (value: number): string => (Number.isFinite(value) ? `${(value * 100).toFixed(1)} %` : '–');
export const shortPercent = (value: number): string => (Number.isFinite(value) ? String(Math.round(value * 100)) : '–');
export const plain = (value: number): string => (Number.isFinite(value) ? value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2) : '–');
export const precise = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : '–');

export function figureOf({ value, low, high, chance }: Estimate): ChartFigure {
  return { value, low, high, chance };
}

/** A layer's short name. */
export const at = (layer: number): string => `L${layer}`;

/** The answers of one kind with their layers. */
export function answersOf<T>(answers: readonly LayerAnswer[], pick: (answer: Answer) => T | undefined): { layer: number; next: number | undefined; answer: T }[] {
  return answers.flatMap(({ layer, next, answer }) => {
    const picked = pick(answer);
    return picked === undefined ? [] : [{ layer, next, answer: picked }];
  });
}

/** The answer about the shown layer, or the first. */
export function shownOf<T extends { readonly layer: number }>(answers: readonly T[], layer: number): T {
  const found = answers.find((answer) => answer.layer === layer) ?? answers[0];
  if (found === undefined) throw new RangeError('an analysis without layers has no finding');
  return found;
}

/** All rows for copying, unrounded. */
export function tableOf({ columns, rows }: Finding): Table {
  const real = (value: number | undefined): Cell => (value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(7)));
  const { figure, low, high, chance, standing: against } = words().columns;
  return {
    columns: [...columns, figure, low, high, chance, against],
    rows: rows.map((row) => [
      ...row.where, real(row.figure.value), real(row.figure.low), real(row.figure.high), real(row.figure.chance), standingOf(row.figure) ?? null,
    ]),
  };
}

export function standingOf(figure: ChartFigure): string | undefined {
  const found = standing(figure);
  return found && words().standing[found];
}

/** How many of the figures leave chance out. */
export function beyondChance(rows: readonly { readonly figure: ChartFigure }[]): number {
  return rows.filter(({ figure }) => ['above', 'below'].includes(standing(figure) ?? '')).length;
}
