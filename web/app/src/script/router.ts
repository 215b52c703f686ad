// A router as a visitor writes it: a script with a function `route`, which is asked for one token at one layer and answers
// which experts act, with which weights. The same text is JavaScript and runs unchanged in a page of one's own.

import { compileScript } from './compile.js';
import type { Compiled } from './compile.js';
import { parse } from './parse.js';
import { ScriptError } from './problem.js';
import type { Place } from './problem.js';
import { Effort, FunctionValue, LONGEST, kindOf } from './values.js';
import type { RecordValue, Value } from './values.js';

export interface TokenQuestion {
  readonly layer: number;
  readonly nExperts: number;
  readonly tokenId: number;
  /** One per expert. */
  readonly logits: readonly number[];
}

export interface Choice {
  readonly expert: number;
  readonly weight: number;
}

/** What a router may do for one token at one layer: calls, rounds of loops and entries of lists that are gone through. */
export const STEPS = 50_000;

/** The beginning of every script, for errors that have no line of their own. */
const TOP: Place = { line: 1, column: 1 };

export type RouterScript = (question: TokenQuestion) => Choice[];

/** What can be seen to be wrong with a script without running it. */
export function problemOf(source: string): ScriptError | undefined {
  try {
    followed(() => compiled(source, new Effort(STEPS)));
    return undefined;
  } catch (error) {
    if (error instanceof ScriptError) return error;
    throw error;
  }
}

/** Compiles a script and runs what stands outside of its functions; throws a ScriptError where something is wrong. */
export function routerFrom(source: string): RouterScript {
  const effort = new Effort(STEPS);
  const { start, get, running } = followed(() => compiled(source, effort));
  followed(start);
  const route = get('route');
  if (!(route instanceof FunctionValue)) throw new ScriptError({ kind: 'no_route' }, undefined);
  return ({ layer, nExperts, tokenId, logits }) => {
    effort.renew();
    running.depth = 0;
    running.answeredAt = undefined;
    const question: RecordValue = new Map<string, Value>([['layer', layer], ['nExperts', nExperts], ['tokenId', tokenId], ['logits', [...logits]]]);
    const answer = followed(() => route.call([question], TOP));
    return choicesOf(answer, nExperts, running.answeredAt ?? TOP);
  };
}

function compiled(source: string, effort: Effort): Compiled {
  if (source.length > LONGEST) throw new ScriptError({ kind: 'too_long', limit: LONGEST }, undefined);
  return compileScript(parse(source), effort);
}

/** The stack of the browser is the limit of what can be nested; each browser has its own name for its end. */
function followed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && (error instanceof RangeError || error.name === 'InternalError')) throw new ScriptError({ kind: 'too_nested' }, undefined);
    throw error;
  }
}

function choicesOf(answer: Value, nExperts: number, at: Place): Choice[] {
  if (!Array.isArray(answer)) throw new ScriptError({ kind: 'answer', got: kindOf(answer) }, at);
  const seen = new Set<number>();
  return answer.map((entry, index) => {
    if (!(entry instanceof Map)) throw new ScriptError({ kind: 'entry', index, got: kindOf(entry) }, at);
    const [expert, weight] = [entry.get('expert'), entry.get('weight')];
    if (typeof expert !== 'number' || !Number.isInteger(expert) || expert < 0 || expert >= nExperts) {
      throw new ScriptError({ kind: 'expert', index, got: written(expert), nExperts }, at);
    }
    if (typeof weight !== 'number' || !Number.isFinite(Math.fround(weight))) throw new ScriptError({ kind: 'weight', index, got: written(weight) }, at);
    if (seen.has(expert)) throw new ScriptError({ kind: 'same_expert', expert }, at);
    seen.add(expert);
    return { expert, weight };
  });
}

/** A value as an error names it. */
function written(value: Value): string {
  return typeof value === 'number' || typeof value === 'boolean' || value == null ? String(value) : typeof value === 'string' ? `'${value}'` : kindOf(value);
}
