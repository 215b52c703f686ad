// Where the engine runs: every row of the decision table, and how a GPU engine that fails gives way.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chooseBackend, findGpu, NO_ADAPTER, NO_TIMESTAMP_QUERY, NO_WEBGPU } from '../src/internal/backend.js';
import type { LoadCall } from '../src/internal/protocol.js';
import type { Backend, Progress } from '../src/public/types.js';
import { threadsHere } from '../src/worker/threads.js';
import type { LoadedModule } from '../src/worker/wasm.js';
import type { EngineModule } from '../src/worker/engine.js';
import { Failure, watchDevices } from '../src/worker/failure.js';
import { startEngine, startVision } from '../src/worker/start.js';
import { FakeEngine } from './support/fake-engine.js';
import { FakeVisionEngine } from './support/fake-vision-engine.js';
import { fakeGpu, partial } from './support/fake-gpu.js';

const GOOD = fakeGpu(['timestamp-query']);
const THROWING = partial<GPU>({ requestAdapter: () => Promise.reject(new Error('blocked')) });

describe('the decision', () => {
  test.each([
    ['auto', GOOD, { kind: 'webgpu', reason: 'WebGPU gave an adapter', adapter: 'acme a1' }],
    ['auto', undefined, { kind: 'cpu', reason: NO_WEBGPU }],
    ['auto', fakeGpu(undefined), { kind: 'cpu', reason: NO_ADAPTER }],
    ['auto', THROWING, { kind: 'cpu', reason: NO_ADAPTER }],
    ['auto', fakeGpu(['subgroups']), { kind: 'webgpu', reason: 'WebGPU gave an adapter', adapter: 'acme a1' }],
    ['webgpu', GOOD, { kind: 'webgpu', reason: 'chosen by the caller', adapter: 'acme a1' }],
    ['webgpu-burn', GOOD, { kind: 'webgpu-burn', reason: 'chosen by the caller', adapter: 'acme a1' }],
    ['cpu', GOOD, { kind: 'cpu', reason: 'chosen by the caller' }],
    ['cpu', undefined, { kind: 'cpu', reason: 'chosen by the caller' }],
  ] as const)('%s, row %#', async (wish, gpu, expected) => {
    expect(await chooseBackend(wish, (kind) => findGpu(gpu, kind))).toEqual(expected);
  });

  test.each([
    ['webgpu', undefined, NO_WEBGPU],
    ['webgpu', fakeGpu(undefined), NO_ADAPTER],
    ['webgpu-burn', fakeGpu([]), NO_TIMESTAMP_QUERY],
  ] as const)('a forced GPU that is not to be had is an error with reason and remedy, row %#', async (wish, gpu, reason) => {
    const choice = chooseBackend(wish, (kind) => findGpu(gpu, kind));
    await expect(choice).rejects.toMatchObject({ code: 'no_gpu', message: expect.stringContaining(reason) });
    await expect(choice).rejects.toThrow("Choose the backend 'auto' or 'cpu'");
  });

  test('an adapter that a browser gives only when it is asked again is taken', async () => {
    const requestAdapter = vi.fn(GOOD.requestAdapter.bind(GOOD)).mockResolvedValueOnce(null);
    const gpu = partial<GPU>({ requestAdapter });
    expect(await chooseBackend('auto', (kind) => findGpu(gpu, kind))).toMatchObject({ kind: 'webgpu', adapter: 'acme a1' });
    expect(requestAdapter).toHaveBeenCalledTimes(2);
  });

  test('a forced CPU does not even look for a GPU', async () => {
    const find = vi.fn(() => findGpu(GOOD, 'webgpu'));
    await chooseBackend('cpu', find);
    expect(find).not.toHaveBeenCalled();
  });
});

describe('starting', () => {
  const fetched: string[] = [];
  beforeEach(() => {
    fetched.length = 0;
    vi.stubGlobal('fetch', async (url: string) => {
      fetched.push(url);
      return new Response(url.endsWith('.json') ? '{}' : 'weights');
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  function call(backend: LoadCall['backend'], gpuRefusal?: string): LoadCall {
    return { name: 'load', modelUrl: 'http://m.test/first/', backend, weights: undefined, gpuRefusal, routing: undefined, external: false };
  }

  /** A plan that is ready at once; what loads a model loads it into the plan. */
  function handingOver(load: EngineModule['Engine']['load']): NonNullable<EngineModule['PreparedPlan']> {
    return { prepare: async () => ({ load }) };
  }

  function start(request: LoadCall, load: EngineModule['Engine']['load'], failure = new Failure(), PreparedPlan: EngineModule['PreparedPlan'] = handingOver(load), threads = 1) {
    const kinds: Backend['kind'][] = [];
    const phases: Progress['phase'][] = [];
    const messages: string[] = [];
    const loadModule = async (kind: Backend['kind']): Promise<LoadedModule> => {
      kinds.push(kind);
      const module = { default: async () => undefined, Engine: { load }, PreparedPlan, VisionEngine: { load: async () => new FakeVisionEngine() } };
      return { module, threads: kind === 'cpu' ? threads : 1 };
    };
    const report = ({ phase, message }: Progress): void => {
      phases.push(phase);
      messages.push(message);
    };
    const started = startEngine(request, report, { gpu: GOOD, loadModule, failure });
    return { started, kinds, phases, messages };
  }

  const loads = async (): Promise<FakeEngine> => new FakeEngine();

  test('fetches the three files of the folder and only the chosen module', async () => {
    const { started, kinds, phases } = start(call('auto'), loads);
    expect((await started).backend.kind).toBe('webgpu');
    expect(kinds).toEqual(['webgpu']);
    expect(fetched.sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json'].map((file) => `http://m.test/first/${file}`));
    expect(phases[0]).toBe('backend');
    expect(phases.at(-1)).toBe('load');
  });

  test('a vision model has no tokenizer to fetch', async () => {
    const loadModule = async (): Promise<LoadedModule> =>
      ({ module: { default: async () => undefined, Engine: { load: loads }, VisionEngine: { load: async () => new FakeVisionEngine() } }, threads: 1 });
    const started = startVision({ ...call('cpu'), name: 'load_vision' }, () => undefined, { gpu: undefined, loadModule, failure: new Failure() });
    expect((await started).engine).toBeInstanceOf(FakeVisionEngine);
    expect(fetched.sort()).toEqual(['config.json', 'model.safetensors'].map((file) => `http://m.test/first/${file}`));
  });

  test('a vision model runs on the plan where there is a GPU, on stock Burn only where that is asked for', async () => {
    const stock = vi.fn(async () => new FakeVisionEngine());
    const told: string[] = [];
    const recorded = new FakeVisionEngine();
    const PreparedVisionPlan: EngineModule['PreparedVisionPlan'] = {
      prepare: async (_config, format) => {
        told.push(`prepared as ${format}`);
        return { load: (_config, _weights, name) => { told.push(`loaded ${name}`); return recorded; } };
      },
    };
    const startOn = (backend: LoadCall['backend'], plan: EngineModule['PreparedVisionPlan']) => {
      const module: EngineModule = { default: async () => undefined, Engine: { load: loads }, ...(plan && { PreparedVisionPlan: plan }), VisionEngine: { load: stock } };
      return startVision({ ...call(backend), weights: 'q8', name: 'load_vision' }, () => undefined, { gpu: GOOD, loadModule: async () => ({ module, threads: 1 }), failure: new Failure() });
    };
    const { engine, backend } = await startOn('auto', PreparedVisionPlan);
    expect([engine, backend.kind]).toEqual([recorded, 'webgpu']);
    expect(told).toEqual(['prepared as q8', 'loaded first']);
    await expect(startOn('webgpu', undefined)).rejects.toMatchObject({ code: 'no_gpu', message: expect.stringContaining('no recorded plan') });
    expect(stock).not.toHaveBeenCalled();
    expect((await startOn('webgpu-burn', undefined)).backend.kind).toBe('webgpu-burn');
    expect(stock).toHaveBeenCalledTimes(1);
  });

  test('a plan compiles while the weights are on their way, says how far it is, and the model is read into it', async () => {
    const told: string[] = [];
    const recorded = new FakeEngine();
    let weightsCome = (): void => undefined;
    vi.stubGlobal('fetch', async (url: string) => {
      if (url.endsWith('safetensors')) await new Promise<void>((resolve) => (weightsCome = resolve));
      return new Response('{}');
    });
    const plan: EngineModule['PreparedPlan'] = {
      prepare: async (_config, format, report) => {
        told.push(`prepared as ${format}`);
        report(3, 12);
        weightsCome();
        return { load: (_config, _tokenizer, _weights, name) => { told.push(`loaded ${name}`); return recorded; } };
      },
    };
    const stock = (): Promise<never> => Promise.reject(new Error('not through the plan'));
    const { started, messages } = start({ ...call('webgpu'), weights: 'q8' }, stock, new Failure(), plan);
    expect((await started).engine).toBe(recorded);
    expect(told).toEqual(['prepared as q8', 'loaded first']);
    expect(messages).toContain('Compiling kernels: 3 of 12');
  });

  test('a file without the plan is refused, and the CPU engine in it never runs under the name of WebGPU', async () => {
    const load = vi.fn(loads);
    const loadModule = async (): Promise<LoadedModule> =>
      ({ module: { default: async () => undefined, Engine: { load }, VisionEngine: { load: async () => new FakeVisionEngine() } }, threads: 1 });
    const started = startEngine(call('webgpu'), () => undefined, { gpu: GOOD, loadModule, failure: new Failure() });
    await expect(started).rejects.toMatchObject({ code: 'no_gpu', message: expect.stringContaining('no recorded plan') });
    expect(load).not.toHaveBeenCalled();
  });

  test.each([
    ['cpu', undefined, 'f32'],
    ['cpu', 'q8', 'q8'],
    ['cpu', 'q4', 'f32'],
    ['webgpu', undefined, 'f32'],
    ['webgpu', 'q4', 'q4'],
    ['webgpu-burn', 'q8', 'f32'],
  ] as const)('the backend %s, asked for weights in %s, keeps them in %s and says so', async (backend, weights, kept) => {
    const formats: unknown[] = [];
    const load: EngineModule['Engine']['load'] = async (_config, _tokenizer, _weights, _name, format) => {
      formats.push(format);
      return new FakeEngine();
    };
    const plan: EngineModule['PreparedPlan'] = {
      prepare: async (_config, format) => {
        formats.push(format ?? 'f32');
        return { load: () => new FakeEngine() };
      },
    };
    const { started } = start({ ...call(backend), weights }, load, new Failure(), plan);
    expect((await started).backend.weights).toBe(kept);
    expect(formats).toEqual([kept]);
  });

  test('the number of threads is told where there is more than one', async () => {
    const on = async (threads: number) => (await start(call('cpu'), loads, new Failure(), undefined, threads).started).backend;
    expect(await on(4)).toEqual({ kind: 'cpu', reason: 'chosen by the caller', threads: 4, weights: 'f32' });
    expect(await on(1)).toEqual({ kind: 'cpu', reason: 'chosen by the caller', weights: 'f32' });
  });

  test.each([
    [false, 8, 1],
    [true, 4, 4],
    [true, 64, 8],
    [true, 1, 1],
  ])('isolated: %s, on %s cores: %s threads', (crossOriginIsolated, hardwareConcurrency, expected) => {
    expect(threadsHere({ crossOriginIsolated, navigator: { hardwareConcurrency } })).toBe(expected);
  });

  test('an earlier failure of the GPU is the reason for the CPU', async () => {
    const { started, kinds } = start(call('auto', 'the GPU engine failed to start: x'), loads);
    expect((await started).backend).toEqual({ kind: 'cpu', reason: 'the GPU engine failed to start: x', weights: 'f32' });
    expect(kinds).toEqual(['cpu']);
  });

  test.each([
    ['an error without a code', () => Promise.reject(new Error('no device'))],
    ['a trap', () => Promise.reject(new WebAssembly.RuntimeError('no device'))],
    ["the engine's own no_gpu", () => Promise.reject(Object.assign(new Error('no device'), { code: 'no_gpu' }))],
  ])('%s puts it down to the GPU', async (_, load) => {
    await expect(start(call('auto'), load).started).rejects.toMatchObject({
      code: 'gpu_start_failed',
      message: 'the GPU engine failed to start: no device',
    });
    await expect(start(call('webgpu'), load).started).rejects.toMatchObject({ code: 'no_gpu' });
  });

  test('a failure that leaves the promise pending ends the start', async () => {
    const failure = new Failure();
    const load = (): Promise<never> => {
      setTimeout(() => failure.raise('unreachable'), 1);
      return new Promise(() => undefined);
    };
    await expect(start(call('auto'), load, failure).started).rejects.toMatchObject({ code: 'gpu_start_failed' });
  });

  test('an error that blames the model passes through on either backend', async () => {
    const load = () => Promise.reject(Object.assign(new Error('lm_head is missing'), { code: 'tensor_missing' }));
    await expect(start(call('auto'), load).started).rejects.toMatchObject({ code: 'tensor_missing' });
    await expect(start(call('cpu'), load).started).rejects.toMatchObject({ code: 'tensor_missing' });
  });

  test('a missing file of the model passes through and ends the other downloads', async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
      signals.push(init?.signal);
      return new Response('', { status: url.endsWith('config.json') ? 404 : 200 });
    });
    await expect(start(call('auto'), loads).started).rejects.toMatchObject({ code: 'fetch_failed', status: 404 });
    expect(signals).toHaveLength(3);
    expect(signals.every((signal) => signal?.aborted)).toBe(true);
  });
});

describe('watching devices', () => {
  function watched(): { adapter: GPUAdapter; device: EventTarget; lose: (info: unknown) => void; failure: Failure } {
    let lose: (info: unknown) => void = () => undefined;
    const lost = new Promise((resolve) => (lose = resolve));
    const device = Object.assign(new EventTarget(), { lost });
    class Adapter {
      async requestDevice(): Promise<unknown> {
        return device;
      }
    }
    const failure = new Failure();
    watchDevices(partial<{ prototype: GPUAdapter }>(Adapter), failure);
    return { adapter: partial<GPUAdapter>(new Adapter()), device, lose, failure };
  }

  test('a lost device is a failure', async () => {
    const { adapter, lose, failure } = watched();
    await adapter.requestDevice();
    lose({ reason: 'unknown', message: 'driver reset' });
    await expect(failure.promise).rejects.toMatchObject({ code: 'engine_lost', message: expect.stringContaining('driver reset') });
  });

  test('an error that nobody caught is a failure', async () => {
    const { adapter, device, failure } = watched();
    await adapter.requestDevice();
    device.dispatchEvent(Object.assign(new Event('uncapturederror'), { error: { message: 'out of memory' } }));
    await expect(failure.promise).rejects.toThrow('out of memory');
  });

  test('a device that was put away is none', async () => {
    const { adapter, lose, failure } = watched();
    await adapter.requestDevice();
    lose({ reason: 'destroyed', message: '' });
    await Promise.resolve();
    await Promise.resolve();
    expect(failure.cause).toBeUndefined();
  });
});
