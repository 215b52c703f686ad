// The tree of a script: what the parser makes and the compiler reads.

import type { Place } from './problem.js';

export type Binary = '+' | '-' | '*' | '/' | '%' | '**' | '===' | '!==' | '<' | '<=' | '>' | '>=';
export type Logical = '&&' | '||' | '??';

export type Expression = Place & (
  | { readonly type: 'constant'; readonly value: number | string | boolean | null | undefined }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'list'; readonly items: readonly Item[] }
  | { readonly type: 'record'; readonly fields: readonly { readonly key: string; readonly value: Expression }[] }
  | { readonly type: 'function'; readonly made: Made }
  | { readonly type: 'unary'; readonly mark: '-' | '+' | '!'; readonly of: Expression }
  | { readonly type: 'binary'; readonly mark: Binary; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'logical'; readonly mark: Logical; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'choice'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly type: 'field'; readonly of: Expression; readonly name: string }
  | { readonly type: 'index'; readonly of: Expression; readonly index: Expression }
  | { readonly type: 'call'; readonly of: Expression; readonly args: readonly Item[] }
  /** With an operation `target = target op value`; `after` gives the former value, as `i++` does. */
  | { readonly type: 'assign'; readonly target: Target; readonly mark: Binary | undefined; readonly value: Expression; readonly after: boolean }
);

export type Target = Extract<Expression, { type: 'name' | 'field' | 'index' }>;

/** An entry of a list or an argument; spread ones stand for many. */
export interface Item {
  readonly spread: boolean;
  readonly value: Expression;
}

export type Pattern = Place & { readonly standard: Expression | undefined } & (
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'record'; readonly fields: readonly { readonly key: string; readonly pattern: Pattern }[] }
  | { readonly type: 'list'; readonly items: readonly Pattern[] }
);

/** A function as it is written. */
export interface Made {
  readonly name: string;
  readonly params: readonly Pattern[];
  readonly body: Expression | readonly Statement[];
}

export type Statement = Place & (
  | { readonly type: 'declare'; readonly constant: boolean; readonly pattern: Pattern; readonly value: Expression | undefined }
  | { readonly type: 'function'; readonly made: Made }
  | { readonly type: 'do'; readonly value: Expression }
  | { readonly type: 'block'; readonly body: readonly Statement[] }
  | { readonly type: 'if'; readonly test: Expression; readonly yes: Statement; readonly no: Statement | undefined }
  | { readonly type: 'while'; readonly test: Expression; readonly body: Statement }
  | { readonly type: 'for'; readonly start: readonly Statement[]; readonly test: Expression | undefined; readonly step: Expression | undefined; readonly body: Statement }
  | { readonly type: 'each'; readonly constant: boolean; readonly pattern: Pattern; readonly of: Expression; readonly body: Statement }
  | { readonly type: 'return'; readonly value: Expression | undefined }
  | { readonly type: 'break' | 'continue' }
);

export function isStatements(body: Made['body']): body is readonly Statement[] {
  return Array.isArray(body);
}
