// Gives values to the names of a pattern: `x`, `{ logits, layer }`, `[first, second]`, each with a standard value or without.

import { compileExpression } from './compile-expression.js';
import type { Frame, Names, Running } from './frames.js';
import type { Pattern } from './tree.js';
import { fail, kindOf, listIn } from './values.js';
import type { Value } from './values.js';

/** The names that a pattern makes. */
export function declared(pattern: Pattern): string[] {
  if (pattern.type === 'name') return [pattern.name];
  return pattern.type === 'list' ? pattern.items.flatMap(declared) : pattern.fields.flatMap((field) => declared(field.pattern));
}

/** Sets the names of a pattern, which are in the frame itself. */
export function bind(pattern: Pattern, names: Names, running: Running): (frame: Frame, value: Value) => void {
  const part = bindPart(pattern, names, running);
  const standard = pattern.standard && compileExpression(pattern.standard, names, running);
  return standard === undefined ? part : (frame, value) => part(frame, value === undefined ? standard(frame) : value);
}

function bindPart(pattern: Pattern, names: Names, running: Running): (frame: Frame, value: Value) => void {
  if (pattern.type === 'name') {
    const slot = names.own(pattern.name) ?? 0;
    return (frame, value) => {
      frame.slots[slot] = value;
    };
  }
  if (pattern.type === 'list') {
    const parts = pattern.items.map((item) => bind(item, names, running));
    return (frame, value) => {
      const list = listIn('[ ] =', value, pattern);
      parts.forEach((set, index) => set(frame, list[index]));
    };
  }
  const parts = pattern.fields.map(({ key, pattern: inner }) => ({ key, set: bind(inner, names, running) }));
  return (frame, value) => {
    const record = value instanceof Map ? value : fail({ kind: 'operand', of: '{ } =', got: kindOf(value), allowed: ['record'] }, pattern);
    for (const { key, set } of parts) set(frame, record.get(key));
  };
}
