// Reading what nobody vouches for: each function gives a value of the wanted kind or says what stands there instead.

import { MoescopeError } from '../../public/error.js';

export type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a file: what came, and what is allowed. */
export function invalid(message: string): MoescopeError {
  return new MoescopeError('trace_invalid', message);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fields(value: unknown, what: string): Fields {
  if (!isFields(value)) throw invalid(`${what} is ${kind(value)}; it must be an object.`);
  return value;
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is ${kind(value)}; it must be a list.`);
  return value;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw invalid(`${what} is ${kind(value)}; it must be a text.`);
  return value;
}

/** A whole number from 0 up to, and not including, `end`. */
export function whole(value: unknown, what: string, end = 2 ** 32): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= end) {
    throw invalid(`${what} is ${kind(value)}; it must be a whole number from 0 to ${end - 1}.`);
  }
  return value;
}

export function real(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(`${what} is ${kind(value)}; it must be a number.`);
  return value;
}

/** JSON has no infinity: null, or its name, stands for it. */
export function realOrInfinite(value: unknown, what: string): number {
  if (value === null || value === '-inf' || value === '-Infinity') return -Infinity;
  if (value === 'inf' || value === 'Infinity') return Infinity;
  return real(value, what);
}

export function ids(value: unknown, what: string): Uint32Array {
  return Uint32Array.from(list(value, what), (id, at) => whole(id, `${what}[${at}]`));
}

export function strings(value: unknown, what: string): string[] {
  return list(value, what).map((part, at) => text(part, `${what}[${at}]`));
}

/** [rows, columns] numbers, row after row. */
export function matrix(value: unknown, what: string, rows: number, columns: number): Float32Array {
  const all = list(value, what);
  expectLength(all, what, rows);
  const out = new Float32Array(rows * columns);
  for (const [at, row] of all.entries()) {
    const numbers = list(row, `${what}[${at}]`);
    expectLength(numbers, `${what}[${at}]`, columns);
    for (const [column, number] of numbers.entries()) out[at * columns + column] = realOrInfinite(number, `${what}[${at}][${column}]`);
  }
  return out;
}

export function expectLength(values: ArrayLike<unknown>, what: string, length: number): void {
  if (values.length !== length) throw invalid(`${what} has ${values.length} entries; it must have ${length}.`);
}

function kind(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const said = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return said.length > 40 ? `${said.slice(0, 40)}…` : said;
}
