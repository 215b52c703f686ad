// What tests of a loaded model share.

import type { GenerateStep } from '../../src/public/index.js';
import { MoescopeError } from '../../src/public/index.js';
import type { FakeWorker } from './fake-worker.js';

export const URL_OF_MODEL = 'http://models.test/first';

/** One of the workers made so far; the last one unless told otherwise. */
export function nth(workers: readonly FakeWorker[], index = workers.length - 1): FakeWorker {
  const found = workers[index];
  if (found === undefined) {
    throw new Error(`no worker ${index}`);
  }
  return found;
}

export function experts(step: GenerateStep): number[] {
  return Array.from(step.trace.layers[0]?.experts ?? []);
}

export async function all(steps: AsyncIterable<GenerateStep>): Promise<GenerateStep[]> {
  const list: GenerateStep[] = [];
  for await (const step of steps) {
    list.push(step);
  }
  return list;
}

export function codeIs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof MoescopeError && error.code === code;
}
