// Turns the tree of a script into functions that run it, so that no code is made from text: the policy of the page forbids
// that, and a script reaches nothing but its arguments and the library. Names become places in frames before it runs.

import { compileExpression, makeFunction } from './compile-expression.js';
import { bind, declared } from './compile-pattern.js';
import { Names } from './frames.js';
import type { Code, Frame, Running } from './frames.js';
import { globals } from './library.js';
import type { Place } from './problem.js';
import { listIn, truthOf } from './values.js';
import type { Effort, Value } from './values.js';
import type { Statement } from './tree.js';

/** How a statement ended: as usual, or by one of the words that leave a block. */
export type Ending = 'next' | 'break' | 'continue' | 'return';
export type Step = (frame: Frame) => Ending;

const BEGINNING: Place = { line: 1, column: 1 };

export interface Compiled {
  /** Runs what stands outside of functions; once. */
  readonly start: () => void;
  /** What the script named, once it has started. */
  readonly get: (name: string) => Value;
  readonly running: Running;
}

/** Compiles a script and runs nothing of it. */
export function compileScript(statements: readonly Statement[], effort: Effort): Compiled {
  const running: Running = { effort, depth: 0, result: undefined, answeredAt: undefined, block };
  const given = globals(effort);
  const outside = new Names(undefined);
  for (const name of given.keys()) outside.add(name, true, BEGINNING);
  const names = new Names(outside);
  const step = sequence(statements, names, running);
  const frame = names.frame({ slots: [...given.values()], up: undefined });
  return { start: () => void step(frame), get: (name) => frame.slots[names.own(name) ?? -1], running };
}

/** A block of its own names. */
function block(body: readonly Statement[], names: Names, running: Running): Step {
  const own = new Names(names);
  const step = sequence(body, own, running);
  return (frame) => step(own.frame(frame));
}

/** Statements one after another in the frame that they are given; functions are there from the beginning. */
function sequence(body: readonly Statement[], names: Names, running: Running): Step {
  for (const statement of body) {
    if (statement.type === 'declare') for (const name of declared(statement.pattern)) names.add(name, statement.constant, statement);
    if (statement.type === 'function') names.add(statement.made.name, true, statement);
  }
  const functions = body.flatMap((statement) => (statement.type === 'function'
    ? [{ slot: names.own(statement.made.name) ?? 0, make: makeFunction(statement.made, names, running) }] : []));
  const steps = body.filter(({ type }) => type !== 'function').map((statement) => compile(statement, names, running));
  return (frame) => {
    for (const { slot, make } of functions) frame.slots[slot] = make(frame);
    for (const step of steps) {
      const ending = step(frame);
      if (ending !== 'next') return ending;
    }
    return 'next';
  };
}

function compile(statement: Statement, names: Names, running: Running): Step {
  const expression = (of: Parameters<typeof compileExpression>[0]): Code => compileExpression(of, names, running);
  switch (statement.type) {
    case 'block': return block(statement.body, names, running);
    case 'declare': {
      const value = statement.value === undefined ? (): undefined => undefined : expression(statement.value);
      const set = bind(statement.pattern, names, running);
      return (frame) => {
        set(frame, value(frame));
        return 'next';
      };
    }
    case 'do': {
      const value = expression(statement.value);
      return (frame) => {
        value(frame);
        return 'next';
      };
    }
    case 'if': {
      const [test, yes, no] = [expression(statement.test), block([statement.yes], names, running), statement.no && block([statement.no], names, running)];
      return (frame) => (truthOf(test(frame)) ? yes(frame) : no?.(frame) ?? 'next');
    }
    case 'return': {
      const value = statement.value === undefined ? (): undefined => undefined : expression(statement.value);
      return (frame) => {
        running.result = value(frame);
        running.answeredAt = statement;
        return 'return';
      };
    }
    case 'break':
    case 'continue': return () => statement.type;
    case 'function': return () => 'next';
    default: return loop(statement, names, running);
  }
}

type Loop = Extract<Statement, { type: 'while' | 'for' | 'each' }>;

function loop(statement: Loop, outer: Names, running: Running): Step {
  if (statement.type === 'while') return counted({ ...statement, type: 'for', start: [], step: undefined }, outer, running);
  return statement.type === 'for' ? counted(statement, outer, running) : each(statement, outer, running);
}

function counted(statement: Extract<Loop, { type: 'for' }>, outer: Names, running: Running): Step {
  const names = new Names(outer);
  const start = sequence(statement.start, names, running);
  const test = statement.test === undefined ? (): boolean => true : compileExpression(statement.test, names, running);
  const step = statement.step === undefined ? undefined : compileExpression(statement.step, names, running);
  const body = block([statement.body], names, running);
  return (up) => {
    let frame = names.frame(up);
    start(frame);
    while (truthOf(test(frame))) {
      running.effort.spend(1, statement);
      const ending = body(frame);
      if (ending === 'return') return ending;
      if (ending === 'break') break;
      // Functions made in a round keep the names of that round, as in JavaScript.
      frame = { slots: [...frame.slots], up };
      step?.(frame);
    }
    return 'next';
  };
}

function each(statement: Extract<Loop, { type: 'each' }>, outer: Names, running: Running): Step {
  const of = compileExpression(statement.of, outer, running);
  const names = new Names(outer);
  for (const name of declared(statement.pattern)) names.add(name, statement.constant, statement);
  const set = bind(statement.pattern, names, running);
  const body = block([statement.body], names, running);
  return (up) => {
    for (const value of listIn('for … of', of(up), statement)) {
      running.effort.spend(1, statement);
      const frame = names.frame(up);
      set(frame, value);
      const ending = body(frame);
      if (ending === 'return') return ending;
      if (ending === 'break') break;
    }
    return 'next';
  };
}
