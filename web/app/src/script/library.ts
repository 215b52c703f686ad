// What scripts may call: functions of Math, methods of lists and of texts, as in JavaScript. Math.random is left out, so that
// the same link gives the same text.

import { fail, functionIn, FunctionValue, kindOf, listIn, numberIn, truthOf, within } from './values.js';
import type { Effort, Value } from './values.js';
import type { Place } from './problem.js';

/** A method of a list: the list, the arguments, where it is called and what it costs. */
type Method = (list: Value[], args: readonly Value[], at: Place, effort: Effort) => Value;

const FUNCTIONS: Readonly<Record<string, (...numbers: number[]) => number>> = {
  abs: Math.abs, min: Math.min, max: Math.max, exp: Math.exp, log: Math.log, log2: Math.log2, log10: Math.log10, log1p: Math.log1p,
  expm1: Math.expm1, sqrt: Math.sqrt, cbrt: Math.cbrt, pow: Math.pow, floor: Math.floor, ceil: Math.ceil, round: Math.round, trunc: Math.trunc,
  sign: Math.sign, tanh: Math.tanh, sin: Math.sin, cos: Math.cos, hypot: Math.hypot,
};

/** The names that every script finds. */
export function globals(effort: Effort): ReadonlyMap<string, Value> {
  const math = new Map<string, Value>([['PI', Math.PI], ['E', Math.E], ['LN2', Math.LN2], ...Object.entries(FUNCTIONS).map(([name, of]): [string, Value] =>
    [name, new FunctionValue((args, at) => {
      effort.spend(args.length, at);
      return of(...args.map((value) => numberIn(`Math.${name}`, value, at)));
    })])]);
  const array = new Map<string, Value>([
    ['from', new FunctionValue((args, at) => arrayFrom(args, at, effort))],
    ['isArray', new FunctionValue(([value]) => Array.isArray(value))],
  ]);
  const number = new Map<string, Value>([
    ['isFinite', new FunctionValue(([value]) => Number.isFinite(value))],
    ['isInteger', new FunctionValue(([value]) => Number.isInteger(value))],
  ]);
  return new Map<string, Value>([['Math', math], ['Array', array], ['Number', number], ['Infinity', Infinity], ['NaN', Number.NaN]]);
}

/** `Array.from({ length: n }, (_, i) => …)`, or a copy of a list. */
function arrayFrom([source, each]: readonly Value[], at: Place, effort: Effort): Value {
  const length = source instanceof Map ? numberIn('Array.from({ length })', source.get('length'), at) : undefined;
  const list = length === undefined ? [...listIn('Array.from', source, at)] : new Array<Value>(within({ length: Math.max(0, Math.trunc(length) || 0) }, at).length).fill(undefined);
  effort.spend(list.length, at);
  return each === undefined ? list : mapped(list, [each], at);
}

function calling(name: string, args: readonly Value[], at: Place): (value: Value, index: number, list: Value[]) => Value {
  const each = functionIn(name, args[0], at);
  return (value, index, list) => each.call([value, index, list], at);
}

function mapped(list: Value[], args: readonly Value[], at: Place): Value[] {
  return list.map(calling('map', args, at));
}

function test(name: string, args: readonly Value[], at: Place): (value: Value, index: number, list: Value[]) => boolean {
  const each = calling(name, args, at);
  return (value, index, list) => truthOf(each(value, index, list));
}

function sorted(name: string, list: readonly Value[], [by]: readonly Value[], at: Place): Value[] {
  // Without a function JavaScript compares numbers as texts, 10 before 9, which nobody wants here.
  if (by === undefined) return fail({ kind: 'sort_by' }, at);
  const compare = functionIn(name, by, at);
  return list.toSorted((a, b) => numberIn(name, compare.call([a, b], at), at));
}

function place(name: string, value: Value, standard: number, at: Place): number {
  return value === undefined ? standard : numberIn(name, value, at);
}

const METHODS: Readonly<Record<string, Method>> = {
  map: mapped,
  filter: (list, args, at) => list.filter(test('filter', args, at)),
  forEach: (list, args, at) => {
    list.forEach(calling('forEach', args, at));
    return undefined;
  },
  some: (list, args, at) => list.some(test('some', args, at)),
  every: (list, args, at) => list.every(test('every', args, at)),
  find: (list, args, at) => list.find(test('find', args, at)),
  findIndex: (list, args, at) => list.findIndex(test('findIndex', args, at)),
  flatMap: (list, args, at) => within(list.flatMap(calling('flatMap', args, at)), at),
  reduce: (list, [by, ...start], at) => {
    const step = functionIn('reduce', by, at);
    if (start.length === 0 && list.length === 0) return fail({ kind: 'operand', of: 'reduce', got: 'nothing', allowed: ['number'] }, at);
    const [first, rest, from] = start.length > 0 ? [start[0], list, 0] : [list[0], list.slice(1), 1];
    return rest.reduce((sum: Value, value, index) => step.call([sum, value, index + from, list], at), first);
  },
  sort: (list, args, at) => {
    const result = sorted('sort', list, args, at);
    list.splice(0, list.length, ...result);
    return list;
  },
  toSorted: (list, args, at) => sorted('toSorted', list, args, at),
  reverse: (list) => list.reverse(),
  toReversed: (list) => list.toReversed(),
  slice: (list, [from, to], at) => list.slice(place('slice', from, 0, at), place('slice', to, list.length, at)),
  concat: (list, args, at, effort) => {
    const joined = within([...list, ...args.flatMap((part) => (Array.isArray(part) ? part : [part]))], at);
    effort.spend(joined.length, at);
    return joined;
  },
  push: (list, args, at) => {
    list.push(...args);
    return within(list, at).length;
  },
  pop: (list) => list.pop(),
  shift: (list) => list.shift(),
  fill: (list, [value]) => list.fill(value),
  at: (list, [index], at) => list.at(numberIn('at', index, at)),
  indexOf: (list, [value]) => list.indexOf(value),
  includes: (list, [value]) => list.includes(value),
  entries: (list) => list.map((value, index) => [index, value]),
};

/** A field of a value, or a method bound to it. */
export function fieldOf(value: Value, name: string, at: Place, effort: Effort): Value {
  if (value instanceof Map) return value.get(name);
  if (Array.isArray(value)) {
    if (name === 'length') return value.length;
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    if (method !== undefined) {
      return new FunctionValue((args, where) => {
        effort.spend(value.length, where);
        return method(value, args, where, effort);
      });
    }
    return fail({ kind: 'no_field', name, of: 'list', known: ['length', ...Object.keys(METHODS)] }, at);
  }
  if (typeof value === 'string' && name === 'length') return value.length;
  return fail({ kind: 'no_field', name, of: kindOf(value), known: typeof value === 'string' ? ['length'] : [] }, at);
}

/** An entry of a list, by its number; of a record, by its name. */
export function entryOf(value: Value, index: Value, at: Place): Value {
  if (Array.isArray(value)) return value[numberIn('[ ]', index, at)];
  if (value instanceof Map && typeof index === 'string') return value.get(index);
  return fail({ kind: 'operand', of: '[ ]', got: kindOf(value instanceof Map ? index : value), allowed: value instanceof Map ? ['text'] : ['list', 'record'] }, at);
}
