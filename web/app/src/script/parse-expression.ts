// Reads the expressions of a script by the precedence of their operations; statements are read by the parser on top of it.

import { ScriptError } from './problem.js';
import type { Token } from './tokens.js';
import type { Binary, Expression, Item, Logical, Made, Pattern, Statement, Target } from './tree.js';

/** Higher binds tighter; `**` binds to the right and the others to the left. */
const PRECEDENCE: Readonly<Record<Binary | Logical, number>> = {
  '??': 1, '||': 1, '&&': 2, '===': 3, '!==': 3, '<': 4, '<=': 4, '>': 4, '>=': 4, '+': 5, '-': 5, '*': 6, '/': 6, '%': 6, '**': 7,
};
const ASSIGNMENTS: Readonly<Record<string, Binary | undefined>> = { '=': undefined, '+=': '+', '-=': '-', '*=': '*', '/=': '/', '%=': '%', '**=': '**' };

/** Words of JavaScript that scripts do without, and what to write instead. */
const LEFT_OUT: Readonly<Record<string, string | undefined>> = {
  var: 'let', new: 'Array.from({ length: n }, () => 0)', this: undefined, class: undefined, try: undefined, throw: undefined, async: undefined,
  await: undefined, switch: 'if', do: 'while', typeof: undefined, delete: undefined, in: undefined, instanceof: undefined, import: undefined,
  export: undefined, yield: undefined, void: undefined, with: undefined, eval: undefined,
};
const RESERVED = new Set(['const', 'let', 'function', 'if', 'else', 'while', 'for', 'return', 'break', 'continue', 'true', 'false', 'null', 'undefined']);

export abstract class Expressions {
  readonly #tokens: readonly Token[];
  /** For each token that opens something, the token after the one that closes it. */
  readonly #after: ReadonlyMap<number, number>;
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#after = afterPairs(tokens);
  }

  abstract block(): readonly Statement[];

  get now(): Token {
    return this.#token(0);
  }

  get atEnd(): boolean {
    return this.now.kind === 'end';
  }

  next(): Token {
    const token = this.now;
    this.#at += 1;
    return token;
  }

  sees(mark: string): boolean {
    return this.now.kind === 'mark' && this.now.text === mark;
  }

  took(mark: string): boolean {
    const found = this.sees(mark);
    if (found) this.#at += 1;
    return found;
  }

  tookName(name: string): boolean {
    const found = this.now.kind === 'name' && this.now.text === name;
    if (found) this.#at += 1;
    return found;
  }

  expect(mark: string): void {
    if (!this.took(mark)) throw this.unexpected([mark]);
  }

  unexpected(allowed: readonly string[]): ScriptError {
    const { text, kind } = this.now;
    if (kind === 'mark' && (text === '==' || text === '!=')) return this.leftOut(text, `${text}=`);
    if (kind === 'name' && Object.hasOwn(LEFT_OUT, text)) return this.leftOut(text, LEFT_OUT[text]);
    return new ScriptError({ kind: 'unexpected', got: text, allowed }, this.now);
  }

  leftOut(what: string, instead: string | undefined): ScriptError {
    return new ScriptError({ kind: 'left_out', what, instead }, this.now);
  }

  name(): string {
    const { kind, text } = this.now;
    if (kind !== 'name' || RESERVED.has(text) || Object.hasOwn(LEFT_OUT, text)) throw this.unexpected(['name']);
    return this.next().text;
  }

  params(): Pattern[] {
    this.expect('(');
    return this.#until(')', () => {
      if (this.sees('...')) throw this.leftOut('(...rest)', undefined);
      return this.pattern(true);
    });
  }

  pattern(mayHaveStandard: boolean): Pattern {
    const { line, column } = this.now;
    const part = this.#patternPart();
    return { line, column, ...part, standard: mayHaveStandard && this.took('=') ? this.expression() : undefined };
  }

  #patternPart(): Pick<Extract<Pattern, { type: 'name' }>, 'type' | 'name'> | Pick<Extract<Pattern, { type: 'record' }>, 'type' | 'fields'> | Pick<Extract<Pattern, { type: 'list' }>, 'type' | 'items'> {
    if (this.took('[')) return { type: 'list', items: this.#until(']', () => this.pattern(true)) };
    if (!this.took('{')) return { type: 'name', name: this.name() };
    return {
      type: 'record',
      fields: this.#until('}', () => {
        const { line, column } = this.now;
        const key = this.name();
        const pattern: Pattern = this.took(':') ? this.pattern(true)
          : { line, column, type: 'name', name: key, standard: this.took('=') ? this.expression() : undefined };
        return { key, pattern };
      }),
    };
  }

  /** Assignments, functions and conditions bind loosest. */
  expression(): Expression {
    const { line, column } = this.now;
    const made = this.#arrow();
    if (made !== undefined) return { line, column, type: 'function', made };
    const left = this.#operation(0);
    if (this.took('?')) {
      const yes = this.expression();
      this.expect(':');
      return { line, column, type: 'choice', test: left, yes, no: this.expression() };
    }
    const { kind, text } = this.now;
    if (kind !== 'mark' || !Object.hasOwn(ASSIGNMENTS, text)) return left;
    const target = this.#target(left);
    this.next();
    return { line, column, type: 'assign', target, mark: ASSIGNMENTS[text], value: this.expression(), after: false };
  }

  #target(expression: Expression): Target {
    if (expression.type === 'name' || expression.type === 'field' || expression.type === 'index') return expression;
    throw this.unexpected([';']);
  }

  /** `x => …` or `(a, b) => …`; looks ahead, because both begin like something else. */
  #arrow(): Made | undefined {
    const single = this.now.kind === 'name' && this.#token(1).text === '=>';
    if (!single && !(this.sees('(') && this.#tokens[this.#after.get(this.#at) ?? 0]?.text === '=>')) return undefined;
    const { line, column } = this.now;
    const params: Pattern[] = single ? [{ line, column, type: 'name', name: this.name(), standard: undefined }] : this.params();
    this.expect('=>');
    return { name: '', params, body: this.sees('{') ? this.block() : this.expression() };
  }

  #token(ahead: number): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new TypeError('a script has at least its end');
    return token;
  }

  #operation(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const { kind, text, line, column } = this.now;
      if (kind !== 'mark' || !isOperation(text) || PRECEDENCE[text] <= least) return left;
      this.next();
      const right = this.#operation(text === '**' ? PRECEDENCE[text] - 1 : PRECEDENCE[text]);
      left = isLogical(text) ? { line, column, type: 'logical', mark: text, left, right } : { line, column, type: 'binary', mark: text, left, right };
    }
  }

  #unary(): Expression {
    const { kind, text, line, column } = this.now;
    if (kind === 'mark' && (text === '++' || text === '--')) {
      this.next();
      return this.#counted(this.#postfix(), text, false);
    }
    if (kind !== 'mark' || (text !== '-' && text !== '+' && text !== '!')) return this.#postfix();
    this.next();
    const of = this.#unary();
    // As in JavaScript, where `-x ** 2` has to say what it means.
    if (this.sees('**')) throw this.unexpected([')', ';']);
    return { line, column, type: 'unary', mark: text, of };
  }

  #counted(of: Expression, text: '++' | '--', after: boolean): Expression {
    const { line, column } = of;
    const one: Expression = { line, column, type: 'constant', value: 1 };
    return { line, column, type: 'assign', target: this.#target(of), mark: text === '++' ? '+' : '-', value: one, after };
  }

  #postfix(): Expression {
    let of = this.#primary();
    for (;;) {
      const { line, column, fresh } = this.now;
      if (this.took('.')) of = { line, column, type: 'field', of, name: this.next().text };
      else if (this.took('[')) {
        of = { line, column, type: 'index', of, index: this.expression() };
        this.expect(']');
      } else if (this.took('(')) of = { line, column, type: 'call', of, args: this.#items(')') };
      else if (!fresh && this.took('++')) return this.#counted(of, '++', true);
      else if (!fresh && this.took('--')) return this.#counted(of, '--', true);
      else return of;
    }
  }

  #primary(): Expression {
    const { kind, text, line, column } = this.now;
    const at = { line, column };
    if (this.took('(')) {
      const inside = this.expression();
      this.expect(')');
      return inside;
    }
    if (this.took('[')) return { ...at, type: 'list', items: this.#items(']') };
    if (this.took('{')) return { ...at, type: 'record', fields: this.#fields() };
    if (kind === 'number') return this.#constant(Number(text));
    if (kind === 'text') return this.#constant(text);
    if (kind === 'name') {
      if (text === 'true' || text === 'false') return this.#constant(text === 'true');
      if (text === 'null') return this.#constant(null);
      if (text === 'undefined') return this.#constant(undefined);
      if (text === 'function') throw this.leftOut('function (…) { … }', '(…) => { … }');
      return { ...at, type: 'name', name: this.name() };
    }
    throw this.unexpected(['value']);
  }

  #constant(value: number | string | boolean | null | undefined): Expression {
    const { line, column } = this.next();
    return { line, column, type: 'constant', value };
  }

  #items(end: string): Item[] {
    return this.#until(end, () => ({ spread: this.took('...'), value: this.expression() }));
  }

  #fields(): { key: string; value: Expression }[] {
    return this.#until('}', () => {
      if (this.sees('...')) throw this.leftOut('{ ...record }', undefined);
      const { kind, text, line, column } = this.now;
      if (kind !== 'name' && kind !== 'text') throw this.unexpected(['name']);
      this.next();
      if (this.took(':')) return { key: text, value: this.expression() };
      if (kind !== 'name') throw this.unexpected([':']);
      return { key: text, value: { line, column, type: 'name', name: text } };
    });
  }

  /** Parts between commas, up to the closing mark. */
  #until<T>(end: string, part: () => T): T[] {
    const parts: T[] = [];
    while (!this.took(end)) {
      parts.push(part());
      if (!this.sees(end) && !this.took(',')) throw this.unexpected([',', end]);
    }
    return parts;
  }
}

function afterPairs(tokens: readonly Token[]): Map<number, number> {
  const [after, open] = [new Map<number, number>(), [] as number[]];
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind === 'mark' && '([{'.includes(text)) open.push(at);
    const opened = kind === 'mark' && ')]}'.includes(text) ? open.pop() : undefined;
    if (opened !== undefined) after.set(opened, at + 1);
  }
  return after;
}

function isOperation(text: string): text is Binary | Logical {
  return Object.hasOwn(PRECEDENCE, text);
}

function isLogical(mark: Binary | Logical): mark is Logical {
  return mark === '&&' || mark === '||' || mark === '??';
}
