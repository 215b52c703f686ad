// Turns expressions into functions of a frame.

import { bind, declared } from './compile-pattern.js';
import { Names, UNSET, frameAt } from './frames.js';
import type { Code, Frame, Running } from './frames.js';
import { entryOf, fieldOf } from './library.js';
import type { Place } from './problem.js';
import { isStatements } from './tree.js';
import type { Binary, Expression, Item, Made, Target } from './tree.js';
import { FunctionValue, fail, kindOf, listIn, numberIn, truthOf, within } from './values.js';
import type { Value } from './values.js';

const DEEPEST = 200;

/** One case for each kind of expression, which is why it is long. */
export function compileExpression(expression: Expression, names: Names, running: Running): Code {
  const inner = (of: Expression): Code => compileExpression(of, names, running);
  switch (expression.type) {
    case 'constant': return () => expression.value;
    case 'name': return read(expression, names);
    case 'function': return makeFunction(expression.made, names, running);
    case 'list': return items(expression.items, names, running, expression);
    case 'record': {
      const fields = expression.fields.map(({ key, value }) => ({ key, value: inner(value) }));
      return (frame) => new Map(fields.map(({ key, value }) => [key, value(frame)]));
    }
    case 'unary': {
      const [of, { mark }] = [inner(expression.of), expression];
      if (mark === '!') return (frame) => !truthOf(of(frame));
      return mark === '-' ? (frame) => -numberIn('-', of(frame), expression) : (frame) => numberIn('+', of(frame), expression);
    }
    case 'binary': {
      const [left, right, operate] = [inner(expression.left), inner(expression.right), operation(expression.mark, expression)];
      return (frame) => operate(left(frame), right(frame));
    }
    case 'logical': {
      const [left, right, { mark }] = [inner(expression.left), inner(expression.right), expression];
      return (frame) => {
        const value = left(frame);
        const decided = mark === '&&' ? !truthOf(value) : mark === '||' ? truthOf(value) : value !== undefined && value !== null;
        return decided ? value : right(frame);
      };
    }
    case 'choice': {
      const [test, yes, no] = [inner(expression.test), inner(expression.yes), inner(expression.no)];
      return (frame) => (truthOf(test(frame)) ? yes(frame) : no(frame));
    }
    case 'field': {
      const of = inner(expression.of);
      return (frame) => fieldOf(of(frame), expression.name, expression, running.effort);
    }
    case 'index': {
      const [of, index] = [inner(expression.of), inner(expression.index)];
      return (frame) => entryOf(of(frame), index(frame), expression);
    }
    case 'call': return call(expression, names, running);
    case 'assign': return assign(expression, names, running);
  }
}

function read({ name, line, column }: Extract<Expression, { type: 'name' }>, names: Names): Code {
  const { up, slot } = names.find(name, { line, column });
  return (frame) => {
    const value = frameAt(frame, up).slots[slot];
    return value === UNSET ? fail({ kind: 'too_early', name }, { line, column }) : value;
  };
}

/** Values one after another, spread ones in between. */
function items(list: readonly Item[], names: Names, running: Running, at: Place): (frame: Frame) => Value[] {
  const parts = list.map(({ spread, value }) => ({ spread, code: compileExpression(value, names, running) }));
  if (!list.some(({ spread }) => spread)) return (frame) => parts.map(({ code }) => code(frame));
  return (frame) => {
    const all = within(parts.flatMap(({ spread, code }) => (spread ? listIn('...', code(frame), at) : [code(frame)])), at);
    running.effort.spend(all.length, at);
    return all;
  };
}

function call({ of, args, line, column }: Extract<Expression, { type: 'call' }>, names: Names, running: Running): Code {
  const at = { line, column };
  const [callee, given] = [compileExpression(of, names, running), items(args, names, running, at)];
  const name = of.type === 'name' || of.type === 'field' ? of.name : '( )';
  return (frame) => {
    const found = callee(frame);
    if (!(found instanceof FunctionValue)) return fail({ kind: 'operand', of: `${name}()`, got: kindOf(found), allowed: ['function'] }, at);
    return found.call(given(frame), at);
  };
}

/** A function keeps the frame in which it was made. */
export function makeFunction({ params, body }: Made, outer: Names, running: Running): (frame: Frame) => FunctionValue {
  const names = new Names(outer);
  for (const param of params) for (const name of declared(param)) names.add(name, false, param);
  const set = params.map((param) => bind(param, names, running));
  const result = isStatements(body) ? resultOf(running.block(body, names, running), running) : valueOf(body, names, running);
  return (up) => new FunctionValue((args, at) => {
    running.effort.spend(1, at);
    if (running.depth >= DEEPEST) fail({ kind: 'too_deep', limit: DEEPEST }, at);
    running.depth += 1;
    try {
      const frame = names.frame(up);
      for (let n = 0; n < set.length; n += 1) set[n]?.(frame, args[n]);
      return result(frame);
    } finally {
      running.depth -= 1;
    }
  });
}

function resultOf(step: (frame: Frame) => string, running: Running): Code {
  return (frame) => (step(frame) === 'return' ? running.result : undefined);
}

function valueOf(body: Expression, names: Names, running: Running): Code {
  const value = compileExpression(body, names, running);
  return (frame) => {
    const result = value(frame);
    running.answeredAt = body;
    return result;
  };
}

function assign(expression: Extract<Expression, { type: 'assign' }>, names: Names, running: Running): Code {
  const { target, mark, value, after } = expression;
  const given = compileExpression(value, names, running);
  const operate = mark === undefined ? undefined : operation(mark, expression);
  const place = target.type === 'name' ? named(target, names) : entry(target, names, running);
  return (frame) => {
    const { read: former, write } = place(frame);
    const old = operate === undefined ? undefined : former();
    const now = operate === undefined ? given(frame) : operate(old, given(frame));
    write(now);
    return after ? old : now;
  };
}

/** What an assignment reads and writes; found once, so that `list[i++] += 1` moves on by one. */
type Located = (frame: Frame) => { readonly read: () => Value; readonly write: (value: Value) => void };

function named(target: Extract<Target, { type: 'name' }>, names: Names): Located {
  const { up, slot, constant } = names.find(target.name, target);
  if (constant) return fail({ kind: 'constant', name: target.name }, target);
  const code = read(target, names);
  return (frame) => ({
    read: () => code(frame),
    write: (value) => {
      frameAt(frame, up).slots[slot] = value;
    },
  });
}

function entry(target: Exclude<Target, { type: 'name' }>, names: Names, running: Running): Located {
  const of = compileExpression(target.of, names, running);
  const index: Code = target.type === 'field' ? () => target.name : compileExpression(target.index, names, running);
  return (frame) => {
    const [holder, key] = [of(frame), index(frame)];
    return { read: () => entryOf(holder, key, target), write: (value) => store(holder, key, value, target) };
  };
}

function store(holder: Value, key: Value, value: Value, at: Place): void {
  if (holder instanceof Map && typeof key === 'string') holder.set(key, value);
  else if (Array.isArray(holder) && typeof key === 'number' && Number.isInteger(key) && key >= 0) {
    within({ length: key + 1 }, at);
    // No holes: what lies between is undefined, as it would read.
    while (holder.length < key) holder.push(undefined);
    holder[key] = value;
  } else fail({ kind: 'operand', of: '[ ] =', got: kindOf(Array.isArray(holder) ? key : holder), allowed: Array.isArray(holder) ? ['number'] : ['list', 'record'] }, at);
}

const ARITHMETIC: Readonly<Record<Exclude<Binary, '===' | '!==' | '+'>, (a: number, b: number) => number | boolean>> = {
  '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b, '**': (a, b) => a ** b,
  '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b,
};

function operation(mark: Binary, at: Place): (a: Value, b: Value) => Value {
  if (mark === '===') return (a, b) => a === b;
  if (mark === '!==') return (a, b) => a !== b;
  if (mark === '+') {
    return (a, b) => (typeof a === 'string' && typeof b === 'string' ? within(a + b, at) : numberIn('+', a, at) + numberIn('+', b, at));
  }
  const operate = ARITHMETIC[mark];
  return (a, b) => operate(numberIn(mark, a, at), numberIn(mark, b, at));
}
