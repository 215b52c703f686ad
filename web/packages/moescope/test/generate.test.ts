// What a caller sees of a loaded model: streams, routing, cancelling, analyses, through the public interface.
// The worker is real but for its thread and its engine.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Moescope } from '../src/public/index.js';
import type { FakeWorker } from './support/fake-worker.js';
import { stubWorker } from './support/fake-worker.js';
import { all, codeIs, experts, nth, URL_OF_MODEL } from './support/scope.js';

let workers: FakeWorker[];
const worker = (index?: number): FakeWorker => nth(workers, index);

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('generate', () => {
  test('yields the prompt once and then max_tokens tokens with their own routing', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const steps = await all(scope.generate('abc', { maxTokens: 3 }));
    expect(steps.map((step) => step.kind)).toEqual(['prompt', 'token', 'token', 'token']);
    expect(steps[0]?.trace.tokens).toHaveLength(3);
    expect(steps.map((step) => step.text)).toEqual(['', ' t3', ' t4', ' t5']);
    expect(steps.slice(1).every((step) => step.trace.tokens.length === 1)).toBe(true);
  });

  test('computes nothing before it is asked and nothing ahead of its reader', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const steps = scope.generate('abc');
    expect(worker().engine.calls).not.toContain('begin');
    await steps.next();
    await steps.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(worker().engine.calls.filter((call) => call === 'next')).toHaveLength(1);
  });

  test('leaving the loop early stops the work and frees the engine for the next call', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    for await (const step of scope.generate('abc')) {
      if (step.kind === 'token') {
        break;
      }
    }
    const calls = worker().engine.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(worker().engine.calls).toHaveLength(calls);
    expect(await all(scope.generate('x', { maxTokens: 1 }))).toHaveLength(2);
  });

  test('an abort between tokens rejects the next one with the signal\'s reason', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const abort = new AbortController();
    const steps = scope.generate('abc', { signal: abort.signal });
    await steps.next();
    abort.abort();
    await expect(steps.next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(await steps.next()).toEqual({ done: true, value: undefined });
  });

  test('an abort rejects at once while the engine is still busy', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    let finish = (): void => undefined;
    worker().engine.during = () => new Promise((resolve) => (finish = resolve));
    const abort = new AbortController();
    const first = scope.generate('abc', { signal: abort.signal }).next();
    await vi.waitFor(() => expect(worker().engine.calls).toContain('begin'));
    abort.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    finish();
    worker().engine.during = () => Promise.resolve();
    expect(await all(scope.generate('x', { maxTokens: 1 }))).toHaveLength(2);
  });

  test('a signal that was aborted before starts nothing', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await expect(scope.generate('abc', { signal: AbortSignal.abort() }).next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(worker().engine.calls).not.toContain('begin');
  });

  test('a second generation ends the first with the code superseded', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const first = scope.generate('abc');
    await first.next();
    const second = scope.generate('x', { maxTokens: 1 });
    await second.next();
    await expect(first.next()).rejects.toSatisfy(codeIs('superseded'));
    expect((await second.next()).value?.text).toBe(' t1');
  });

  test('a prompt that is refused leaves the running generation alone', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const first = scope.generate('abc');
    await first.next();
    worker().engine.during = () => Promise.reject(Object.assign(new Error('The prompt is empty.'), { code: 'prompt_empty' }));
    await expect(scope.generate('').next()).rejects.toSatisfy(codeIs('prompt_empty'));
    worker().engine.during = () => Promise.resolve();
    expect((await first.next()).value?.text).toBe(' t3');
  });

  test('an error of the engine keeps its code and the model goes on working', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().engine.during = () => Promise.reject(Object.assign(new Error('The prompt is empty.'), { code: 'prompt_empty' }));
    await expect(scope.generate('').next()).rejects.toSatisfy(codeIs('prompt_empty'));
    worker().engine.during = () => Promise.resolve();
    expect(await all(scope.generate('x', { maxTokens: 1 }))).toHaveLength(2);
    expect(workers).toHaveLength(1);
  });
});

describe('setRouting', () => {
  test('acts on the very next token of a running generation', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const seen: number[][] = [];
    for await (const step of scope.generate('a', { maxTokens: 3 })) {
      seen.push(experts(step));
      if (seen.length === 2) {
        await scope.setRouting({ restrict: { disabled: [0] }, select: { method: 'top_k', top_k: 3 } });
      }
    }
    expect(seen).toEqual([[0, 1], [0, 1], [1, 2, 3], [1, 2, 3]]);
    expect(scope.routing.default.restrict.disabled).toEqual([0]);
  });

  test('goes before work that is already waiting', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const first = scope.analyse('a');
    const second = scope.analyse('b');
    await scope.setRouting({ select: { method: 'top_k', top_k: 1 } });
    expect((await first).trace.layers[0]?.experts).toHaveLength(2);
    expect((await second).trace.layers[0]?.experts).toHaveLength(1);
  });

  test('an invalid routing is refused with its code and the former one stays', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await expect(scope.setRouting({ select: { method: 'top_k', top_k: 5 } })).rejects.toSatisfy(codeIs('top_k_too_large'));
    expect(scope.routing.default.select).toEqual({ method: 'top_k', top_k: 2 });
  });

  test('takes a routing of the whole model too', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await scope.setRouting({ layers: { '0': { restrict: { forced: [3] } } } });
    expect(scope.routing.layers['0']?.restrict.forced).toEqual([3]);
  });
});

describe('analyse', () => {
  test('runs between two tokens and never while the engine is busy', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const generated = all(scope.generate('a', { maxTokens: 5 }));
    const analyses = await Promise.all([scope.analyse('xy'), scope.analyse('z', { routing: { select: { method: 'top_k', top_k: 1 } } })]);
    expect(analyses.map((analysis) => analysis.losses.length)).toEqual([2, 1]);
    expect(analyses[1]?.trace.layers[0]?.experts).toHaveLength(1);
    expect(await generated).toHaveLength(6);
    const { calls } = worker().engine;
    expect(calls.indexOf('analyse')).toBeLessThan(calls.lastIndexOf('next'));
  });

  test('a cancelled one that has not begun never begins', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const abort = new AbortController();
    const kept = scope.analyse('a');
    const dropped = scope.analyse('b', { signal: abort.signal });
    await Promise.resolve();
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ name: 'AbortError' });
    await kept;
    await scope.analyse('c');
    expect(worker().engine.calls.filter((call) => call === 'analyse')).toHaveLength(2);
  });
});
