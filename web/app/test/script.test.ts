// Scripts of visitors: each test program is run by JavaScript itself too, and both have to give the same.

import { describe, expect, test } from 'vitest';

import { EXAMPLE_ROUTERS } from '../src/router-examples.js';
import { ScriptError } from '../src/script/problem.js';
import type { Problem } from '../src/script/problem.js';
import { STEPS, problemOf, routerFrom } from '../src/script/router.js';
import type { Choice, TokenQuestion } from '../src/script/router.js';
import { LONGEST } from '../src/script/values.js';

const QUESTION: TokenQuestion = { layer: 2, nExperts: 4, tokenId: 17, logits: [0.5, 2, -1, 1.25] };

/** What JavaScript makes of the same text. */
function asJavaScript(source: string): (question: TokenQuestion) => Choice[] {
  const make = new Function(`'use strict'; ${source}\nreturn route;`) as () => (question: TokenQuestion) => Choice[];
  return make();
}

function same(source: string, question = QUESTION): Choice[] {
  const answer = routerFrom(source)(question);
  expect(answer).toEqual(asJavaScript(source)({ ...question, logits: [...question.logits] }));
  return answer;
}

/** A program that gives one number, as the weight of expert 0. */
function value(body: string): number | undefined {
  return same(`function route({ logits, layer, nExperts, tokenId }) { ${body} }`.replace(/give (.*?);/g, 'return [{ expert: 0, weight: $1 }];'))[0]?.weight;
}

function problem(source: string, question = QUESTION): Problem & { line: number | undefined } {
  try {
    routerFrom(source)(question);
  } catch (error) {
    if (error instanceof ScriptError) return { ...error.problem, line: error.at?.line };
    throw error;
  }
  throw new Error('nothing was wrong');
}

const inRoute = (body: string): string => `function route({ logits }) {\n${body}\n}`;

describe('a script runs as JavaScript does', () => {
  for (const [name, source] of Object.entries(EXAMPLE_ROUTERS)) {
    test(`the example ${name}`, () => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const logits = Array.from({ length: 8 }, (_, expert) => 3 * Math.sin(seed * 12.9898 + expert * 78.233));
        expect(same(source, { layer: seed % 5, nExperts: 8, tokenId: seed * 7, logits }).length).toBeGreaterThan(0);
      }
    });
  }

  test.each([
    ['precedence', 'give 2 + 3 * 4 ** 2 ** 0.5 - 10 % 4 / 2;', undefined],
    ['conditions', 'give layer > 1 && !(nExperts === 5) ? tokenId : -1;', 17],
    ['what is missing', 'const { a = 3, b: [c, d = 5] = [1] } = { b: [7] }; give a * 100 + c * 10 + d;', 375],
    ['loops', 'let sum = 0; for (let i = 0; i < 10; i++) { if (i === 3) continue; if (i === 8) break; sum += i; } give sum;', 25],
    ['loops over pairs', 'let sum = 0; for (const [i, x] of logits.entries()) sum += i * x; give sum;', 3.75],
    ['while', 'let n = 1; while (n < 100) n *= 3; give n;', 243],
    ['closures of rounds', 'const all = []; for (let i = 0; i < 3; i++) all.push(() => i); give all.map((f) => f()).reduce((a, b) => a * 10 + b, 0);', 12],
    ['recursion', 'const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)); give fib(10);', 55],
    ['functions before their line', 'give twice(4); function twice(x) { return 2 * x; }', 8],
    ['marks after', 'let i = 1; const xs = [0, 0, 0]; xs[i++] += 5; give i * 10 + xs[1];', 25],
    ['fields', 'const best = { score: 1 }; best.score = 4; best["n"] = 2; give best.score ** best.n;', 16],
    ['spread', 'give Math.max(...logits, 1.5) + [...logits, 1].length;', 7],
    ['lists', 'give [3, 1, 2].toSorted((a, b) => b - a).concat([9]).slice(1).indexOf(9) + logits.findIndex((x) => x < 0);', 4],
    ['names inside names', 'const x = 1; { const x = 2; } if (x === 1) { const x = 5; } give x;', 1],
    ['text', "const name = 'a' + 'b'; give name === 'ab' ? 1 : 0;", 1],
    ['else', 'if (layer === 0) give 1; else if (layer === 2) give 2; else give 3;', 2],
    ['values in place of nothing', 'const record = {}; give (record.none ?? 4) + (0 || 2) + (1 && 3);', 9],
  ])('%s', (_, body, expected) => {
    const result = value(body);
    if (expected !== undefined) expect(result).toBe(expected);
  });

  test('a script has a memory, as a function in a page has', () => {
    const route = routerFrom('let turn = 0;\nfunction route({ nExperts }) { turn += 1; return [{ expert: turn % nExperts, weight: 1 }]; }');
    expect([1, 2, 3].map(() => route(QUESTION)[0]?.expert)).toEqual([1, 2, 3]);
  });

  test('what a script does to its logits stays in it', () => {
    routerFrom(inRoute('logits[0] = 99; return [];'))(QUESTION);
    expect(QUESTION.logits[0]).toBe(0.5);
  });
});

describe('nothing of the page can be reached', () => {
  test.each([
    ['globalThis', 'unknown'], ['window', 'unknown'], ['Function', 'unknown'], ['constructor', 'unknown'], ['__proto__', 'unknown'],
    ['logits.constructor', 'no_field'], ['logits.__proto__', 'no_field'], ['logits.map.constructor', 'no_field'], ["'x'.constructor", 'no_field'],
    ['(1).constructor', 'no_field'], ['Math.random()', 'operand'], ['Math.constructor()', 'operand'], ['logits["map"]', 'operand'],
    ['new Function()', 'left_out'], ['this', 'left_out'], ['import("x")', 'left_out'], ['eval("1")', 'left_out'], ['`x`', 'left_out'],
  ])('%s', (expression, kind) => {
    expect(problem(inRoute(`return ${expression};`))).toMatchObject({ kind, line: 2 });
  });
});

describe('what is wrong is said with its line', () => {
  test.each([
    ['a mark is missing', 'const a = (1 + 2;\nreturn [];', { kind: 'unexpected', got: ';', allowed: [')'], line: 2 }],
    ['a statement goes on', 'const a = 1 2;\nreturn [];', { kind: 'unexpected', got: '2', line: 2 }],
    ['the end comes early', 'return [1, 2', { kind: 'unexpected', got: '}', line: 3 }],
    ['a name is unknown', 'const a = 1;\nreturn b;', { kind: 'unknown', name: 'b', line: 3 }],
    ['two equal signs', 'if (1 == 1) return [];', { kind: 'left_out', what: '==', instead: '===', line: 2 }],
    ['var', 'var a = 1;', { kind: 'left_out', what: 'var', instead: 'let', line: 2 }],
    ['a constant is changed', 'const a = 1;\na = 2;\nreturn [];', { kind: 'constant', name: 'a', line: 3 }],
    ['a name is made twice', 'const a = 1;\nconst a = 2;', { kind: 'twice', name: 'a', line: 3 }],
    ['a name is used before its line', 'const b = a;\nconst a = 1;\nreturn [];', { kind: 'too_early', name: 'a', line: 2 }],
    ['a sum of a list', 'return logits + 1;', { kind: 'operand', of: '+', got: 'list', allowed: ['number'], line: 2 }],
    ['no function', 'return logits.length();', { kind: 'operand', of: 'length()', got: 'number', allowed: ['function'], line: 2 }],
    ['sorting without saying how', 'return logits.sort();', { kind: 'sort_by', line: 2 }],
    ['a method that lists do not have', 'return logits.average();', { kind: 'no_field', name: 'average', of: 'list', line: 2 }],
    ['a loop without end', 'while (true) {\n}', { kind: 'too_many_steps', limit: STEPS, line: 2 }],
    ['a call without end', 'const f = () => f();\nreturn f();', { kind: 'too_deep', line: 2 }],
    ['a list without end', 'let all = [1];\nwhile (true) all = [...all, ...all];', { kind: 'too_long', line: 3 }],
    ['a list of a billion', 'return Array.from({ length: 1e9 });', { kind: 'too_long', line: 2 }],
    ['no list is answered', 'return 5;', { kind: 'answer', got: 'number', line: 2 }],
    ['nothing is answered', 'logits.length;', { kind: 'answer', got: 'nothing' }],
    ['an entry is no record', 'const a = 1;\nreturn [a];', { kind: 'entry', index: 0, got: 'number', line: 3 }],
    ['an expert is not there', 'return [{ expert: 4, weight: 1 }];', { kind: 'expert', index: 0, got: '4', nExperts: 4, line: 2 }],
    ['an expert is no whole number', 'return [{ expert: 0.5, weight: 1 }];', { kind: 'expert', got: '0.5', line: 2 }],
    ['a weight is missing', 'return [{ expert: 0 }];', { kind: 'weight', index: 0, got: 'undefined', line: 2 }],
    ['a weight is not finite', 'return [{ expert: 0, weight: 1 / 0 }];', { kind: 'weight', got: 'Infinity', line: 2 }],
    ['an expert comes twice', 'return [{ expert: 1, weight: 1 }, { expert: 1, weight: 0 }];', { kind: 'same_expert', expert: 1, line: 2 }],
  ])('%s', (_, body, expected) => {
    expect(problem(inRoute(body))).toMatchObject(expected);
  });

  test.each(['(', '!', '1+', '{', 'a=>', '[', 'f(', 'if (1) ', 'const ['])('%s again and again is refused or runs, and breaks nothing', (part) => {
    expect(() => problemOf(part.repeat(Math.floor(LONGEST / part.length)))).not.toThrow();
  });

  test('what is nested too deep and what is too long says so', () => {
    expect(problemOf('('.repeat(LONGEST))?.problem.kind).toBe('too_nested');
    expect(problemOf(' '.repeat(LONGEST + 1))?.problem).toEqual({ kind: 'too_long', limit: LONGEST });
  });

  test('a script without the function route says so', () => {
    expect(problem('const a = 1;')).toEqual({ kind: 'no_route', line: undefined });
  });

  test('any text is refused or runs, and never throws anything else', () => {
    const source = Object.values(EXAMPLE_ROUTERS).join('\n');
    let state = 7;
    const random = (below: number): number => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    for (let n = 0; n < 400; n += 1) {
      const cut = random(source.length);
      const mangled = source.slice(random(source.length), cut) + source.charAt(random(source.length)) + source.slice(cut + random(6), cut + random(300));
      try {
        routerFrom(mangled)(QUESTION);
      } catch (error) {
        expect(error, mangled).toBeInstanceOf(ScriptError);
      }
    }
  });
});

test('the limit of steps leaves room to sort 256 experts', () => {
  const logits = Array.from({ length: 256 }, (_, expert) => Math.sin(expert * 3));
  expect(routerFrom(EXAMPLE_ROUTERS.topTwo)({ layer: 0, nExperts: 256, tokenId: 0, logits })).toHaveLength(2);
});

test('looking for mistakes runs nothing', () => {
  expect(problemOf('while (true) {}')).toBeUndefined();
  expect(problemOf('const a = b;')).toMatchObject({ problem: { kind: 'unknown', name: 'b' } });
});
