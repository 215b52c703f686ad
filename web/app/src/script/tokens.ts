// Cuts the source of a script into tokens. The language is a part of JavaScript: whatever is a token here is one there.

import { ScriptError } from './problem.js';
import type { Place } from './problem.js';

export interface Token extends Place {
  readonly kind: 'number' | 'text' | 'name' | 'mark' | 'end';
  /** As it is written; of a text what it says. */
  readonly text: string;
  /** Whether a line ends between the token before and this one. */
  readonly fresh: boolean;
}

/** Longer marks first. */
const MARKS = [
  '===', '!==', '**=', '...', '&&', '||', '??', '=>', '<=', '>=', '+=', '-=', '*=', '/=', '%=', '**', '++', '--', '==', '!=',
  '{', '}', '(', ')', '[', ']', ';', ',', '<', '>', '+', '-', '*', '/', '%', '!', '?', ':', '=', '.',
];

const SPACE = /[ \t\r\n\uFEFF\u00A0]+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const NUMBER = /(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const TEXT = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0' };

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let [at, line, lineStart, fresh] = [0, 1, 0, true];
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const push = (kind: Token['kind'], written: string, text = written): void => {
    tokens.push({ kind, text, fresh, line, column: at - lineStart + 1 });
    [at, fresh] = [at + written.length, false];
  };
  while (at < source.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      const breaks = space.split('\n').length - 1;
      if (breaks > 0) [line, lineStart, fresh] = [line + breaks, at + space.lastIndexOf('\n') + 1, true];
      at += space.length;
      continue;
    }
    const [number, name, text] = [take(NUMBER), take(NAME), take(TEXT)];
    const mark = MARKS.find((candidate) => source.startsWith(candidate, at));
    if (number !== undefined) push('number', number, number.replaceAll('_', ''));
    else if (name !== undefined) push('name', name);
    else if (text !== undefined) push('text', text, said(text));
    else if (mark !== undefined) push('mark', mark);
    else throw strange(source.charAt(at), { line, column: at - lineStart + 1 });
  }
  push('end', '');
  return tokens;
}

function said(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

function strange(letter: string, at: Place): ScriptError {
  if (letter === '`') return new ScriptError({ kind: 'left_out', what: '`…`', instead: "'…'" }, at);
  return new ScriptError({ kind: 'unexpected', got: letter, allowed: ['value', 'name'] }, at);
}
