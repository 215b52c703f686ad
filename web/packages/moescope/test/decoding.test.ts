// Decoding methods above the model: what is asked reaches the engine in its words, what it says comes back.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RouterSpecInput } from '../src/public/index.js';
import { Moescope } from '../src/public/index.js';
import type { FakeWorker } from './support/fake-worker.js';
import { stubWorker } from './support/fake-worker.js';
import { all, nth, URL_OF_MODEL } from './support/scope.js';

let workers: FakeWorker[];
const worker = (index?: number): FakeWorker => nth(workers, index);

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('sampling', () => {
  test('reaches the engine in its words, apart from the routing, with the rest left to its defaults', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await all(scope.generate('a', { temperature: 0.5, samplerTopK: 40, samplerTopP: 0.9, seed: 7 }));
    expect(worker().engine.options).toEqual({ temperature: 0.5, sampler_top_k: 40, sampler_top_p: 0.9, seed: 7 });
    await all(scope.generate('a', { samplerTopK: 0 }));
    expect(worker().engine.options).toEqual({ sampler_top_k: 0 });
  });
});

describe('contrast', () => {
  test('reaches the engine as given, with the rest left to its defaults', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await all(scope.generate('a', { maxTokens: 1, contrast: {} }));
    expect(worker().engine.options).toEqual({ max_tokens: 1, contrast: {} });
    const weak: RouterSpecInput = { select: { method: 'rank', ranks: [1] } };
    await all(scope.generate('a', { maxTokens: 1, contrast: { weak, alpha: 0.2, beta: 1, strongTemperature: 2, weakTemperature: 3 } }));
    expect(worker().engine.options?.contrast).toEqual({
      weak: { default: weak }, alpha: 0.2, beta: 1, strong_temperature: 2, weak_temperature: 3,
    });
  });

  test('comes back with every token, and not without it', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const [, contrasted] = await all(scope.generate('a', { maxTokens: 1, contrast: {} }));
    expect(contrasted).toMatchObject({ kind: 'token', contrast: { divergence: 0.25, candidates: [{ score: 1.25 }] } });
    const [, plain] = await all(scope.generate('a', { maxTokens: 1 }));
    expect(plain).toMatchObject({ kind: 'token', contrast: undefined });
  });
});

describe('reroute', () => {
  test('says the loss of each step and gives a routing that can be set', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const heard: number[] = [];
    const request = { steps: 2, rate: 0.1, clamp: 1, layersShare: 0.5, order: 'lowest', method: 'search', seed: 3 } as const;
    const rerouted = await scope.reroute('abc', { ...request, onLoss: (loss) => heard.push(loss) });
    expect(worker().engine.rerouteOptions).toEqual({ steps: 2, rate: 0.1, clamp: 1, layers_share: 0.5, order: 'lowest', method: 'search', seed: 3 });
    expect(heard).toEqual([2, 1.875, 1.75]);
    expect(rerouted.losses).toEqual(heard);
    expect(scope.routing.layers).toEqual({});
    await scope.setRouting(rerouted.routing);
    expect(scope.routing.layers['0']?.adjust.offsets).toEqual([0.5, 0, 0, -0.5]);
  });

  test('starts from the routing that is given', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const { routing } = await scope.reroute('abc', { steps: 0, routing: { select: { method: 'top_k', top_k: 1 } } });
    expect(routing.default.select).toEqual({ method: 'top_k', top_k: 1 });
    expect(worker().engine.rerouteOptions).toEqual({ steps: 0 });
  });

  test('searches on WebGPU unless told otherwise, because the plan there has no gradient', async () => {
    workers = stubWorker((_, { engine }) => Promise.resolve({ engine, backend: { kind: 'webgpu', reason: 'test', weights: 'f32' } }));
    const scope = await Moescope.load(URL_OF_MODEL);
    await scope.reroute('abc', { steps: 0 });
    expect(worker().engine.rerouteOptions).toEqual({ steps: 0, method: 'search' });
    await scope.reroute('abc', { steps: 0, method: 'gradient' });
    expect(worker().engine.rerouteOptions).toEqual({ steps: 0, method: 'gradient' });
  });

  test('stops soon after a cancel, so that the next call need not wait for its end', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const abort = new AbortController();
    const onLoss = (loss: number): void => {
      if (loss < 2) abort.abort();
    };
    await expect(scope.reroute('abc', { steps: 10_000, signal: abort.signal, onLoss })).rejects.toMatchObject({ name: 'AbortError' });
    await scope.analyse('a');
    const steps = worker().engine.calls.filter((call) => call.startsWith('step')).length;
    expect(steps).toBeGreaterThan(1);
    expect(steps).toBeLessThan(100);
  });
});
