// What an external router answers, in the form in which it travels to the engine.
// Only what typed arrays would hide is checked here (5.5 or -1 as an index, a missing list); the engine validates the rest.

import type { RouterAnswer } from '../public/types.js';

/** A plan as the engine reads it: token t owns the entries from offsets[t] to offsets[t + 1]. */
export interface WirePlan {
  readonly offsets: Uint32Array;
  readonly experts: Uint16Array;
  readonly weights: Float32Array;
}

/** The plan that an answer stands for; throws an Error that names what is wrong with it. */
export function toWirePlan(answer: RouterAnswer): WirePlan {
  return isPerToken(answer) ? fromLists(answer) : fromArrays(answer);
}

type PerToken = Extract<RouterAnswer, readonly unknown[]>;

function isPerToken(answer: RouterAnswer): answer is PerToken {
  return Array.isArray(answer);
}

function fromLists(lists: PerToken): WirePlan {
  const bad = lists.findIndex((list) => !Array.isArray(list));
  if (bad >= 0) {
    throw new Error(`it answered ${kind(lists[bad])} for token ${bad}; it must be a list of { expert, weight }`);
  }
  let end = 0;
  const offsets = [0, ...lists.map((list) => (end += list.length))];
  const choices = lists.flat();
  return fromArrays({ offsets, experts: choices.map(({ expert }) => expert), weights: choices.map(({ weight }) => weight) });
}

function fromArrays(answer: Exclude<RouterAnswer, PerToken>): WirePlan {
  if (typeof answer !== 'object' || answer === null) {
    throw new Error(`it answered ${kind(answer)}; it must be { offsets, experts, weights } or a list for each token`);
  }
  const { offsets, experts, weights } = answer;
  return {
    offsets: Uint32Array.from(integers('offsets', offsets, 2 ** 32 - 1)),
    experts: Uint16Array.from(integers('experts', experts, 2 ** 16 - 1)),
    weights: Float32Array.from(numbers('weights', weights)),
  };
}

function integers(name: string, values: ArrayLike<number>, max: number): number[] {
  const list = numbers(name, values);
  const bad = list.findIndex((value) => !Number.isInteger(value) || value < 0 || value > max);
  if (bad >= 0) {
    throw new Error(`${name}[${bad}] is ${list[bad]}; it must be a whole number from 0 to ${max}`);
  }
  return list;
}

function numbers(name: string, values: ArrayLike<number>): number[] {
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number') {
    throw new Error(`${name} is ${kind(values)}; it must be an array of numbers`);
  }
  const list = Array.from(values);
  const bad = list.findIndex((value) => typeof value !== 'number');
  if (bad >= 0) {
    throw new Error(`${name}[${bad}] is ${kind(list[bad])}; it must be a number`);
  }
  return list;
}

function kind(value: unknown): string {
  return value === null ? 'null' : typeof value === 'undefined' ? 'nothing' : `of type ${typeof value}`;
}
