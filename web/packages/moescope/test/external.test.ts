// Routers of the page: questions cross to the page and plans come back, and nothing that a router does stops the model.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ExternalRouter, RouterQuestion } from '../src/public/index.js';
import { Moescope } from '../src/public/index.js';
import type { FakeWorker } from './support/fake-worker.js';
import { stubWorker } from './support/fake-worker.js';
import { all, codeIs, nth, URL_OF_MODEL } from './support/scope.js';

let workers: FakeWorker[];
const worker = (index?: number): FakeWorker => nth(workers, index);
const plans = (): string[] => worker().engine.calls.filter((call) => call.startsWith('plan'));
const EXTERNAL = { select: { method: 'external' } } as const;
const first: ExternalRouter = () => [[{ expert: 1, weight: 0.5 }]];

async function withRouter(router: ExternalRouter): Promise<Moescope> {
  const scope = await Moescope.load(URL_OF_MODEL);
  await scope.setExternalRouter(router);
  await scope.setRouting(EXTERNAL);
  return scope;
}

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('an external router', () => {
  test('is asked on the page with what the layer knows', async () => {
    const asked: RouterQuestion[] = [];
    const scope = await withRouter((question) => {
      asked.push(question);
      return first(question);
    });
    await scope.analyse('a');
    expect(asked).toEqual([{ layer: 0, nTokens: 1, nExperts: 4, logits: new Float32Array([3, 1, 2, 0]), tokenIds: new Uint32Array([7]) }]);
  });

  test('may answer in lists, in arrays of any kind, and later', async () => {
    const answers: ExternalRouter[] = [
      () => [[{ expert: 2, weight: 0.75 }, { expert: 0, weight: 0.25 }]],
      () => ({ offsets: [0, 1], experts: [3], weights: [1] }),
      () => ({ offsets: new Uint32Array([0, 1]), experts: new Uint16Array([3]), weights: new Float32Array([0.5]) }),
      () => new Promise((resolve) => setTimeout(() => resolve([[]]), 5)),
    ];
    const scope = await withRouter(first);
    for (const answer of answers) {
      await scope.setExternalRouter(answer);
      await scope.analyse('a');
    }
    expect(plans()).toEqual(['plan 0,2 2,0 0.75,0.25', 'plan 0,1 3 1', 'plan 0,1 3 0.5', 'plan 0,0  ']);
  });

  const bad: [string, () => unknown, string, string][] = [
    ['throws', () => { throw new Error('no opinion'); }, 'external_failed', 'the external router failed: no opinion'],
    ['rejects', () => Promise.reject(new Error('later no opinion')), 'external_failed', 'later no opinion'],
    ['answers nothing', () => undefined, 'external_failed', 'it answered nothing; it must be { offsets, experts, weights }'],
    ['names half an expert', () => [[{ expert: 1.5, weight: 1 }]], 'external_failed', 'experts[0] is 1.5; it must be a whole number from 0'],
    ['names expert -1', () => ({ offsets: [0, 1], experts: [-1], weights: [1] }), 'external_failed', 'experts[0] is -1'],
    ['leaves out the weights', () => ({ offsets: [0, 1], experts: [1] }), 'external_failed', 'weights is nothing; it must be an array'],
    ['leaves out one weight', () => [[{ expert: 1 }]], 'external_failed', 'weights[0] is nothing; it must be a number'],
    ['mixes up lists', () => [{ expert: 1, weight: 1 }], 'external_failed', 'of type object for token 0; it must be a list'],
    ['names an expert that is not there', () => [[{ expert: 4, weight: 1 }]], 'plan_invalid', 'not valid'],
  ];
  test.each(bad)('that %s rejects the call, and another routing goes on', async (_, router, code, message) => {
    const scope = await withRouter(first);
    const steps = scope.generate('a', { maxTokens: 2 });
    await steps.next();
    await scope.setExternalRouter(router as ExternalRouter);
    const failed = await steps.next().catch((error: unknown) => error);
    expect(failed).toSatisfy(codeIs(code));
    expect(String(failed)).toContain(message);
    await scope.setRouting({});
    expect(await all(scope.generate('a', { maxTokens: 1 }))).toHaveLength(2);
    expect(workers).toHaveLength(1);
  });

  test('that never answers is left behind by a cancel', async () => {
    const scope = await withRouter(() => new Promise(() => undefined));
    const abort = new AbortController();
    const hanging = scope.analyse('a', { signal: abort.signal });
    await vi.waitFor(() => expect(worker().engine.calls).toContain('analyse'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort();
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
    await scope.setRouting({});
    expect((await scope.analyse('ab')).losses).toHaveLength(2);
  });

  test('that never answers is left behind by another, and its late answer is ignored', async () => {
    let answer: (plan: ReturnType<ExternalRouter>) => void = () => undefined;
    const scope = await withRouter(() => new Promise((resolve) => (answer = resolve)));
    const hanging = scope.analyse('a').catch((error: unknown) => error);
    await vi.waitFor(() => expect(worker().engine.calls).toContain('analyse'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    await scope.setExternalRouter(first);
    expect(String(await hanging)).toContain('it was replaced while it decided');
    answer([[{ expert: 3, weight: 1 }]]);
    await scope.analyse('b');
    expect(plans()).toEqual(['plan 0,1 1 0.5']);
  });

  test('is needed for the method external, and can be taken away', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await expect(scope.setRouting(EXTERNAL)).rejects.toSatisfy(codeIs('no_external_router'));
    await scope.setExternalRouter(first);
    await scope.setRouting(EXTERNAL);
    await scope.setExternalRouter(undefined);
    await expect(scope.analyse('a')).rejects.toSatisfy(codeIs('no_external_router'));
  });

  test('goes on after the engine was lost', async () => {
    const scope = await withRouter(first);
    worker().failure.raise('unreachable');
    await vi.waitFor(() => expect(worker(0).terminated).toBe(true));
    await scope.analyse('a');
    expect(workers).toHaveLength(2);
    expect(worker().loads[0]?.external).toBe(true);
    expect(plans()).toEqual(['plan 0,1 1 0.5']);
  });
});
