// The life of a model: loading, losing its engine and getting it back, being freed.
// The worker is real but for its thread and its engine.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Moescope, MoescopeError } from '../src/public/index.js';
import type { FakeWorker } from './support/fake-worker.js';
import { startOnCpu, stubWorker } from './support/fake-worker.js';
import { all, codeIs, experts, nth, URL_OF_MODEL } from './support/scope.js';

let workers: FakeWorker[];
const worker = (index?: number): FakeWorker => nth(workers, index);

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a lost engine', () => {
  test('rejects what runs and is rebuilt with the last routing on the next call', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    await scope.setRouting({ select: { method: 'top_k', top_k: 1 } });
    worker().engine.during = () => Promise.reject(new WebAssembly.RuntimeError('unreachable'));
    const steps = scope.generate('a');
    await expect(steps.next()).rejects.toSatisfy(codeIs('engine_lost'));
    expect(worker(0).terminated).toBe(true);
    const again = await all(scope.generate('a', { maxTokens: 1 }));
    expect(again.map(experts)).toEqual([[0], [0]]);
    expect(workers).toHaveLength(2);
  });

  test('a device that gives nothing back is a loss too', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().engine.during = () => Promise.reject(Object.assign(new Error('could not read a result back'), { code: 'device' }));
    await expect(scope.analyse('a')).rejects.toSatisfy(codeIs('engine_lost'));
    expect((await scope.analyse('a')).losses).toHaveLength(1);
  });

  test('is noticed when its own promise stays pending, and says what the panic said', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().engine.during = () => new Promise(() => undefined);
    worker().failure.explain = () => 'index out of bounds';
    const running = scope.analyse('a');
    const waiting = scope.analyse('b');
    await vi.waitFor(() => expect(worker().engine.calls).toContain('analyse'));
    worker().failure.raise('unreachable');
    await expect(running).rejects.toThrow('unreachable (index out of bounds)');
    await expect(waiting).rejects.toSatisfy(codeIs('engine_lost'));
  });

  test('lost while idle costs the caller nothing but time', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().failure.raise('the GPU was lost');
    await vi.waitFor(() => expect(worker(0).terminated).toBe(true));
    const [one, two] = await Promise.all([scope.analyse('a'), scope.analyse('bc')]);
    expect([one.losses.length, two.losses.length]).toEqual([1, 2]);
    expect(workers).toHaveLength(2);
  });

  test('ends a stream that began before, although the model was rebuilt', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    const steps = scope.generate('a');
    await steps.next();
    worker().failure.raise('the GPU was lost');
    await vi.waitFor(() => expect(worker(0).terminated).toBe(true));
    await scope.analyse('a');
    await expect(steps.next()).rejects.toSatisfy(codeIs('engine_lost'));
  });

  test('a GPU lost twice gives way to the CPU with the reason', async () => {
    workers = stubWorker(async (call, { engine }) => ({
      engine,
      backend: call.gpuRefusal === undefined ? { kind: 'webgpu', reason: 'test', weights: 'f32' } : { kind: 'cpu', reason: call.gpuRefusal, weights: 'f32' },
    }));
    const scope = await Moescope.load(URL_OF_MODEL);
    for (const expected of ['webgpu', 'cpu']) {
      worker().failure.raise('the GPU was lost: reset');
      await vi.waitFor(() => expect(worker().terminated).toBe(true));
      await scope.analyse('a');
      expect(scope.backend.kind).toBe(expected);
    }
    expect(scope.backend.reason).toContain('lost 2 times');
    expect(scope.backend.reason).toContain('reset');
  });

  test('a rebuild that fails rejects, and the next call tries again', async () => {
    let broken = false;
    workers = stubWorker((...args) => (broken ? Promise.reject(new MoescopeError('fetch_failed', 'offline')) : startOnCpu(...args)));
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().failure.raise('unreachable');
    await vi.waitFor(() => expect(worker(0).terminated).toBe(true));
    broken = true;
    await expect(scope.analyse('a')).rejects.toSatisfy(codeIs('fetch_failed'));
    broken = false;
    expect((await scope.analyse('a')).losses).toHaveLength(1);
  });
});

describe('load and free', () => {
  test('passes progress on and resolves the address against nothing but itself', async () => {
    const report = { phase: 'weights', loaded: 1, total: 2, message: 'half' } as const;
    workers = stubWorker((call, fake, tell) => {
      tell(report);
      return startOnCpu(call, fake, tell);
    });
    const heard: unknown[] = [];
    const scope = await Moescope.load(`${URL_OF_MODEL}?v=1`, { onProgress: (progress) => heard.push(progress) });
    expect(heard).toEqual([report]);
    expect(worker().loads[0]?.modelUrl).toBe('http://models.test/first/?v=1');
    expect(scope.model.name).toBe('fake');
    expect(scope.backend).toEqual({ kind: 'cpu', reason: 'test', weights: 'f32' });
  });

  test('a GPU that fails to start is replaced by the CPU in a worker of its own', async () => {
    workers = stubWorker((call, fake, tell) =>
      call.gpuRefusal === undefined
        ? Promise.reject(new MoescopeError('gpu_start_failed', 'the GPU engine failed to start: no memory'))
        : startOnCpu(call, fake, tell),
    );
    const scope = await Moescope.load(URL_OF_MODEL);
    expect(scope.backend.kind).toBe('cpu');
    expect(workers.map((each) => each.loads[0]?.gpuRefusal)).toEqual([undefined, 'the GPU engine failed to start: no memory']);
    expect(worker(0).terminated).toBe(true);
  });

  test('a failed load ends the worker and keeps code, address and status', async () => {
    workers = stubWorker(() => Promise.reject(new MoescopeError('fetch_failed', 'gone', { url: 'u', status: 404 })));
    await expect(Moescope.load(URL_OF_MODEL)).rejects.toMatchObject({ code: 'fetch_failed', url: 'u', status: 404 });
    expect(worker().terminated).toBe(true);
  });

  test('an abort while loading ends the worker', async () => {
    workers = stubWorker(() => new Promise(() => undefined));
    const abort = new AbortController();
    const loading = Moescope.load(URL_OF_MODEL, { signal: abort.signal });
    await vi.waitFor(() => expect(worker().loads).toHaveLength(1));
    abort.abort();
    await expect(loading).rejects.toMatchObject({ name: 'AbortError' });
    expect(worker().terminated).toBe(true);
  });

  test('a signal that was aborted before makes no worker', async () => {
    await expect(Moescope.load(URL_OF_MODEL, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(workers).toHaveLength(0);
  });

  test('a worker whose script fails rejects with worker_failed', async () => {
    workers = stubWorker(() => new Promise(() => undefined));
    const loading = Moescope.load(URL_OF_MODEL);
    worker().scriptError('blocked');
    await expect(loading).rejects.toSatisfy(codeIs('worker_failed'));
  });

  test('free ends the worker; running and later calls reject with freed', async () => {
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().engine.during = () => new Promise(() => undefined);
    const running = scope.analyse('a');
    await vi.waitFor(() => expect(worker().engine.calls).toContain('analyse'));
    scope.free();
    scope.free();
    await expect(running).rejects.toSatisfy(codeIs('freed'));
    await expect(scope.analyse('a')).rejects.toSatisfy(codeIs('freed'));
    await expect(scope.setRouting({})).rejects.toSatisfy(codeIs('freed'));
    await expect(scope.generate('a').next()).rejects.toSatisfy(codeIs('freed'));
    expect(worker().terminated).toBe(true);
  });

  test('free during a rebuild ends the worker in the making', async () => {
    let hang = false;
    workers = stubWorker((...args) => (hang ? new Promise(() => undefined) : startOnCpu(...args)));
    const scope = await Moescope.load(URL_OF_MODEL);
    worker().failure.raise('unreachable');
    await vi.waitFor(() => expect(worker(0).terminated).toBe(true));
    hang = true;
    const waiting = scope.analyse('a');
    await vi.waitFor(() => expect(workers).toHaveLength(2));
    scope.free();
    await expect(waiting).rejects.toSatisfy(codeIs('freed'));
    expect(worker(1).terminated).toBe(true);
  });
});
