// Reading single fields of a link: what makes no sense is nothing, what goes too far is brought back within its limits.

import { ascending } from './spec.js';

export interface Limits {
  readonly min: number;
  readonly max: number;
}

/** A model folder as the page uses it: without slashes at the end; nothing where there is none. */
export function modelFolder(text: string | null): string | undefined {
  const folder = (text ?? '').trim().replace(/\/+$/, '');
  return folder === '' ? undefined : folder;
}

/** A number within limits, nothing where the text is none. */
export function number(text: string | null, { min, max }: Limits): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : undefined;
}

export function integer(text: string | null, limits: Limits): number | undefined {
  const value = number(text, limits);
  return value === undefined ? undefined : Math.round(value);
}

export function oneOf<T extends string>(text: string | null, allowed: readonly T[]): T | undefined {
  return allowed.find((candidate) => candidate === text);
}

/** Names, each once, such as `hide=strategy,experts`. */
export function names<T extends string>(text: string | null, allowed: readonly T[]): readonly T[] {
  const said = new Set((text ?? '').split(','));
  return allowed.filter((name) => said.has(name));
}

/** Numbers of experts, ascending. */
export function experts(text: string | null, max: number): number[] {
  const wanted = (text ?? '').split(',', 4096).flatMap((part) => (/^\d{1,5}$/.test(part) ? [Number(part)] : []));
  return ascending(wanted).filter((expert) => expert <= max);
}
