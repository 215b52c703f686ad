// Values of scripts. Lists are arrays, records are maps and functions a class of their own, so that no property of a
// JavaScript object can be reached from a script: there is nothing in it but what the library puts there.

import { ScriptError } from './problem.js';
import type { Kind, Place, Problem } from './problem.js';

export type Value = number | string | boolean | null | undefined | Value[] | RecordValue | FunctionValue;
export type RecordValue = Map<string, Value>;

export class FunctionValue {
  /** `at` is where it is called. */
  readonly call: (args: readonly Value[], at: Place) => Value;

  constructor(call: FunctionValue['call']) {
    this.call = call;
  }
}

/** Longer lists and texts, and longer scripts, are refused, so that none fills the memory or holds the page up. */
export const LONGEST = 10_000;

/** How much a script has done since it was last asked. */
export class Effort {
  readonly #limit: number;
  #left: number;

  constructor(limit: number) {
    [this.#limit, this.#left] = [limit, limit];
  }

  renew(): void {
    this.#left = this.#limit;
  }

  spend(steps: number, at: Place): void {
    this.#left -= steps;
    if (this.#left < 0) throw new ScriptError({ kind: 'too_many_steps', limit: this.#limit }, at);
  }
}

export function kindOf(value: Value): Kind {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'record';
  if (value instanceof FunctionValue) return 'function';
  return typeof value === 'number' ? 'number' : typeof value === 'string' ? 'text' : 'truth';
}

export function fail(problem: Problem, at: Place): never {
  throw new ScriptError(problem, at);
}

export function numberIn(of: string, value: Value, at: Place): number {
  return typeof value === 'number' ? value : fail({ kind: 'operand', of, got: kindOf(value), allowed: ['number'] }, at);
}

export function listIn(of: string, value: Value, at: Place): Value[] {
  return Array.isArray(value) ? value : fail({ kind: 'operand', of, got: kindOf(value), allowed: ['list'] }, at);
}

export function functionIn(of: string, value: Value, at: Place): FunctionValue {
  return value instanceof FunctionValue ? value : fail({ kind: 'operand', of, got: kindOf(value), allowed: ['function'] }, at);
}

/** As in JavaScript; lists and records count as true. */
export function truthOf(value: Value): boolean {
  return Boolean(value);
}

export function within<T extends { readonly length: number }>(made: T, at: Place): T {
  return made.length <= LONGEST ? made : fail({ kind: 'too_long', limit: LONGEST }, at);
}
