// The data of the views as plain tables, and tables as CSV and JSON: what "copy" copies.

import { choicesAt, decisionAt, loadAt } from './data.js';
import type { TokenRecord } from './data.js';
import { evenShare } from './load-view.js';
import { flowCounts } from './paths-view.js';

export type Cell = string | number | null;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One line for each token, layer and acting expert. */
export function choiceTable(records: readonly TokenRecord[], layers: readonly number[]): Table {
  return {
    columns: ['position', 'token_id', 'text', 'origin', 'log_prob', 'layer', 'expert', 'weight'],
    rows: records.flatMap((record) => layers.flatMap((layer) => choicesAt(record, layer).map(({ expert, weight }) => [
      record.index, record.token.id, record.token.text, record.origin, real(record.logProb ?? Number.NaN), layer, expert, real(weight),
    ]))),
  };
}

/** The path of tokens: how many go from an expert at one layer to an expert at the next, by first choices. */
export function flowTable(records: readonly TokenRecord[], layers: readonly number[], nExperts: number): Table {
  const rows: Cell[][] = [];
  for (const [n, layer] of layers.entries()) {
    const next = layers[n + 1];
    if (next === undefined) break;
    flowCounts(records, layer, next, nExperts).forEach((count, pair) => {
      if (count > 0) rows.push([layer, Math.floor(pair / nExperts), next, pair % nExperts, count]);
    });
  }
  return { columns: ['layer', 'expert', 'next_layer', 'next_expert', 'tokens'], rows };
}

export function loadTable(records: readonly TokenRecord[], layers: readonly number[], nExperts: number): Table {
  return {
    columns: ['layer', 'expert', 'share_of_tokens', 'even_share'],
    rows: layers.flatMap((layer) => {
      const even = real(evenShare(records, layer, nExperts));
      return loadAt(records, layer, nExperts).map((load, expert) => [layer, expert, real(load), even]);
    }),
  };
}

/** Everything the router of one layer did with one token. */
export function decisionTable(record: TokenRecord, layer: number): Table {
  const decision = decisionAt(record, layer);
  const weights = new Map(decision?.choices.map(({ expert, weight }) => [expert, weight]));
  return {
    columns: ['expert', 'logit', 'score', 'selection_score', 'verdict', 'weight'],
    rows: (decision?.verdicts ?? []).map((verdict, expert) => [
      expert, real(decision?.logits[expert]), real(decision?.scores[expert]), real(decision?.selectionScores[expert]), verdict, real(weights.get(expert) ?? 0),
    ]),
  };
}

/** Single precision has no more digits than these; what is not finite is said in words. */
export function real(value: number | undefined): Cell {
  if (value === undefined || Number.isNaN(value)) return null;
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value);
}

/** After RFC 4180: commas, quotes within quotes, line ends of both characters. */
export function toCsv({ columns, rows }: Table): string {
  const cell = (value: Cell): string => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** A list of objects with the columns as names. */
export function toJson({ columns, rows }: Table): string {
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, n) => [name, row[n] ?? null]))), undefined, 1);
}
