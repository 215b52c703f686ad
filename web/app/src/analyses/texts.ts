// Texts and the traces they become: the shown text, examples of every domain, the visitor's own, each run through the
// model in pieces that it can read. A piece begins like a document; neighbouring pieces of one text share a label.

import { joinTraces, traceOf } from 'moescope';
import type { ModelRouting, RoutingTrace, Trace } from 'moescope';
import type { TokenRecord } from 'moescope/views';

import { explain } from '../errors.js';
import type { Scope } from '../engine.js';

/** A text and what it is an example of. */
export interface LabelledText {
  readonly label: string;
  readonly text: string;
}

/** Letters that a piece has at most to begin with; a model with a short memory makes it shorter. */
const PIECE = 1200;
/** Longer texts are cut off, and the page says so. */
export const MAX_LETTERS = 60_000;

/** The trace of the shown text, recorded or live. */
export function traceOfRecords(records: readonly TokenRecord[], model: string): RoutingTrace | undefined {
  const traces: Trace[] = [];
  for (const { trace } of records) if (traces.at(-1) !== trace) traces.push(trace);
  const parts = traces.filter(({ tokens }) => tokens.length > 0).map((trace) => traceOf(trace, model));
  return parts.length === 0 ? undefined : { ...joinTraces(parts), texts: [{ start: 0, label: '' }] };
}

export interface ReadOptions {
  readonly routing: ModelRouting;
  readonly signal: AbortSignal;
  /** Hears how many letters are read. */
  readonly onLetters: (done: number) => void;
}

/** What a model says of one piece. */
export interface Piece {
  readonly label: string;
  readonly text: string;
  readonly trace: Trace;
  readonly losses: Float32Array;
}

/** Runs texts through the model. */
export async function readPieces(scope: Scope, texts: readonly LabelledText[], options: ReadOptions): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let done = 0;
  for (const { label, text } of texts) {
    for (const part of piecesOf(text, PIECE)) {
      for (const piece of await readPiece(scope, part, options)) pieces.push({ ...piece, label });
      done += part.length;
      options.onLetters(done);
    }
  }
  return pieces;
}

/** One piece, or two halves where it is too long for the model. */
async function readPiece(scope: Scope, text: string, options: ReadOptions): Promise<Omit<Piece, 'label'>[]> {
  const { routing, signal } = options;
  try {
    const { trace, losses } = await scope.analyse(text, { routing, signal });
    return [{ text, trace, losses }];
  } catch (error) {
    if (explain(error).code !== 'prompt_too_long' || text.length < 2) throw error;
    const halves = piecesOf(text, Math.ceil(text.length / 2));
    return (await Promise.all(halves.map((half) => readPiece(scope, half, options)))).flat();
  }
}

/** A text in pieces of at most so many letters, cut at the end of a line or a word where there is one. */
export function piecesOf(text: string, most: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > most) {
    const head = rest.slice(0, most);
    const end = [head.lastIndexOf('\n'), head.lastIndexOf(' ')].find((place) => place > most / 2) ?? wholeLetter(head);
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return rest.trim() === '' ? pieces : [...pieces, rest];
}

/** The end of the last letter that is not cut through. */
function wholeLetter(head: string): number {
  const last = head.charCodeAt(head.length - 1);
  return last >= 0xd800 && last < 0xdc00 && head.length > 1 ? head.length - 1 : head.length;
}

export function joinPieces(pieces: readonly Piece[], model: string): RoutingTrace {
  return joinTraces(pieces.map(({ trace, label }) => traceOf(trace, model, label)));
}

/** Examples of every domain, in a file of their own, because few visits need them. */
export async function loadExamples(): Promise<readonly LabelledText[]> {
  return (await import('./example-texts.js')).EXAMPLE_TEXTS;
}
