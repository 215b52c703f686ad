// Reads the statements of a script. The language is the part of JavaScript that a small function needs: names, functions,
// lists, records, conditions and loops. What it leaves out is refused by name, with what to write instead.

import { Expressions } from './parse-expression.js';
import type { Expression, Made, Pattern, Statement } from './tree.js';
import { tokensOf } from './tokens.js';

export function parse(source: string): readonly Statement[] {
  const parser = new Parser(tokensOf(source));
  const statements: Statement[] = [];
  while (!parser.atEnd) statements.push(parser.statement());
  return statements;
}

class Parser extends Expressions {
  statement(): Statement {
    const { line, column, text, kind } = this.now;
    const at = { line, column };
    if (kind === 'mark' && text === '{') return { ...at, type: 'block', body: this.block() };
    if (this.took(';')) return { ...at, type: 'block', body: [] };
    if (kind === 'name') {
      switch (text) {
        case 'const':
        case 'let': return this.#declaration();
        case 'function': return { ...at, type: 'function', made: this.#function() };
        case 'if': return this.#condition();
        case 'while': return this.#while();
        case 'for': return this.#loop();
        case 'return': return this.#return();
        case 'break':
        case 'continue':
          this.next();
          return this.#ended({ ...at, type: text });
        default: break;
      }
    }
    return this.#ended({ ...at, type: 'do', value: this.expression() });
  }

  override block(): Statement[] {
    this.expect('{');
    const body: Statement[] = [];
    while (!this.took('}')) {
      if (this.atEnd) this.expect('}');
      body.push(this.statement());
    }
    return body;
  }

  /** A semicolon, or what stands for it: the end of a line, a block or the script. */
  #ended<T extends Statement>(statement: T): T {
    if (!this.took(';') && !this.now.fresh && !this.atEnd && !this.sees('}')) throw this.unexpected([';']);
    return statement;
  }

  #declaration(): Statement {
    const { line, column, text } = this.next();
    const pattern = this.pattern(false);
    const value = this.took('=') ? this.expression() : undefined;
    if (value === undefined && text === 'const') throw this.unexpected(['=']);
    if (this.sees(',')) throw this.leftOut(text === 'const' ? 'const a = …, b = …' : 'let a = …, b = …', 'const a = …; const b = …');
    return this.#ended({ line, column, type: 'declare', constant: text === 'const', pattern, value });
  }

  #function(): Made {
    this.next();
    if (this.sees('*')) throw this.leftOut('function*', undefined);
    const name = this.name();
    return { name, params: this.params(), body: this.block() };
  }

  #condition(): Statement {
    const { line, column } = this.next();
    const test = this.#inParentheses();
    const yes = this.statement();
    const no = this.tookName('else') ? this.statement() : undefined;
    return { line, column, type: 'if', test, yes, no };
  }

  #while(): Statement {
    const { line, column } = this.next();
    return { line, column, type: 'while', test: this.#inParentheses(), body: this.statement() };
  }

  #inParentheses(): Expression {
    this.expect('(');
    const value = this.expression();
    this.expect(')');
    return value;
  }

  #loop(): Statement {
    const at = this.next();
    this.expect('(');
    const { text, line, column } = this.now;
    const declares = text === 'const' || text === 'let';
    if (!declares) return this.#counted(at, this.sees(';') ? [] : [{ line, column, type: 'do', value: this.expression() }]);
    this.next();
    const pattern = this.pattern(false);
    if (this.tookName('of')) return this.#each(at, text === 'const', pattern);
    if (this.now.text === 'in') throw this.leftOut('for … in', 'for … of');
    this.expect('=');
    return this.#counted(at, [{ line, column, type: 'declare', constant: text === 'const', pattern, value: this.expression() }]);
  }

  #each({ line, column }: { line: number; column: number }, constant: boolean, pattern: Pattern): Statement {
    const of = this.expression();
    this.expect(')');
    return { line, column, type: 'each', constant, pattern, of, body: this.statement() };
  }

  #counted({ line, column }: { line: number; column: number }, start: readonly Statement[]): Statement {
    this.expect(';');
    const test = this.sees(';') ? undefined : this.expression();
    this.expect(';');
    const step = this.sees(')') ? undefined : this.expression();
    this.expect(')');
    return { line, column, type: 'for', start, test, step, body: this.statement() };
  }

  #return(): Statement {
    const { line, column } = this.next();
    const bare = this.sees(';') || this.sees('}') || this.now.fresh || this.atEnd;
    return this.#ended({ line, column, type: 'return', value: bare ? undefined : this.expression() });
  }
}
