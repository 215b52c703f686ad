// What can be wrong with a script, as data: the words for it are in the messages, in the language of the page.

/** Where in the source, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Kinds of values, as errors name them. */
export type Kind = 'number' | 'text' | 'truth' | 'null' | 'nothing' | 'list' | 'record' | 'function';

export type Problem =
  /** What was found where something else is allowed; `allowed` holds marks as they are written, or `value` and `name`. */
  | { readonly kind: 'unexpected'; readonly got: string; readonly allowed: readonly string[] }
  /** A part of JavaScript that scripts do without, and what to write instead where there is something. */
  | { readonly kind: 'left_out'; readonly what: string; readonly instead: string | undefined }
  | { readonly kind: 'unknown'; readonly name: string; readonly known: readonly string[] }
  | { readonly kind: 'twice'; readonly name: string }
  | { readonly kind: 'constant'; readonly name: string }
  | { readonly kind: 'too_early'; readonly name: string }
  /** An operation that got a value of the wrong kind. */
  | { readonly kind: 'operand'; readonly of: string; readonly got: Kind; readonly allowed: readonly Kind[] }
  | { readonly kind: 'no_field'; readonly name: string; readonly of: Kind; readonly known: readonly string[] }
  | { readonly kind: 'sort_by' }
  | { readonly kind: 'too_many_steps'; readonly limit: number }
  | { readonly kind: 'too_deep'; readonly limit: number }
  /** Parts inside of parts, more than the browser can follow. */
  | { readonly kind: 'too_nested' }
  | { readonly kind: 'too_long'; readonly limit: number }
  | { readonly kind: 'no_route' }
  /** The answer as a whole, one of its entries, or a part of an entry. */
  | { readonly kind: 'answer'; readonly got: Kind }
  | { readonly kind: 'entry'; readonly index: number; readonly got: Kind }
  | { readonly kind: 'expert'; readonly index: number; readonly got: string; readonly nExperts: number }
  | { readonly kind: 'weight'; readonly index: number; readonly got: string }
  | { readonly kind: 'same_expert'; readonly expert: number };

export class ScriptError extends Error {
  readonly problem: Problem;
  readonly at: Place | undefined;

  constructor(problem: Problem, at: Place | undefined) {
    super(`${at === undefined ? '' : `line ${at.line}: `}${problem.kind}`);
    this.name = 'ScriptError';
    [this.problem, this.at] = [problem, at];
  }
}
