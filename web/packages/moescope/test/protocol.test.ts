// Messages: what moves instead of being copied, what errors keep, and what the host answers.

import { describe, expect, test } from 'vitest';
import type { FromWorker } from '../src/internal/protocol.js';
import { buffersOf, fromWireError, toWireError } from '../src/internal/protocol.js';
import { MoescopeError } from '../src/public/error.js';
import { Failure } from '../src/worker/failure.js';
import { Host } from '../src/worker/host.js';
import { FakeEngine } from './support/fake-engine.js';
import { FakeVisionEngine } from './support/fake-vision-engine.js';

describe('errors on their way', () => {
  test('keep code, message, address and status', () => {
    const error = new MoescopeError('fetch_failed', 'gone', { url: 'u', status: 404 });
    const arrived = fromWireError(structuredClone(toWireError(error)));
    expect(arrived).toBeInstanceOf(MoescopeError);
    expect({ ...arrived, message: arrived.message }).toEqual({ ...error, message: error.message });
  });

  test('keep the code of the engine, and have the code internal without one', () => {
    expect(toWireError(Object.assign(new Error('m'), { code: 'top_k_too_large' }))).toMatchObject({ code: 'top_k_too_large', message: 'm' });
    expect(toWireError(new TypeError('m'))).toMatchObject({ code: 'internal', message: 'm' });
    expect(toWireError('text')).toMatchObject({ code: 'internal', message: 'text' });
    expect(toWireError(new DOMException('m', 'AbortError'))).toMatchObject({ code: 'internal' });
  });
});

describe('buffers', () => {
  test('every bulk array of a reply moves, each buffer once', async () => {
    const analysis = await new FakeEngine().analyse('abc');
    const buffers = buffersOf({ name: 'analyse', value: analysis });
    expect(buffers).toHaveLength(8);
    expect(new Set(buffers).size).toBe(8);
    structuredClone(analysis, { transfer: buffers });
    expect(analysis.losses.buffer.byteLength).toBe(0);
    expect(analysis.trace.layers[0]?.logits.buffer.byteLength).toBe(0);
  });

  test('arrays that share a buffer are no obstacle', async () => {
    const shared = new Float32Array(8);
    const trace = await new FakeEngine().begin('ab', { max_tokens: 1, temperature: 0, seed: 0 });
    const layers = trace.layers.map((layer) => ({ ...layer, logits: shared, scores: shared }));
    expect(buffersOf({ name: 'begin', value: { ...trace, layers } })).toHaveLength(6);
  });

  test('the end of a generation moves nothing', () => {
    expect(buffersOf({ name: 'next', value: undefined })).toEqual([]);
  });
});

describe('the host', () => {
  function host(): { host: Host; said: FromWorker[]; failure: Failure; until: (count: number) => Promise<void> } {
    const said: FromWorker[] = [];
    const failure = new Failure();
    const start = async () => ({ engine: new FakeEngine(), backend: { kind: 'cpu', reason: 'test', weights: 'f32' } as const });
    const startVision = async () => ({ engine: new FakeVisionEngine(), backend: { kind: 'cpu', reason: 'test', weights: 'f32' } as const });
    const made = new Host({ failure, start, startVision, post: (message) => said.push(message) });
    const until = async (count: number): Promise<void> => {
      while (said.length < count) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { host: made, said, failure, until };
  }

  const LOAD = { name: 'load', modelUrl: 'u', backend: 'cpu', weights: undefined, gpuRefusal: undefined, external: false } as const;

  test('starts a rebuilt engine with the routing that it is given', async () => {
    const { host: made, said, until } = host();
    const routing = { default: { select: { method: 'top_k', top_k: 4 } } } as const;
    made.receive({ type: 'call', id: 1, call: { ...LOAD, routing } });
    await until(1);
    expect(said[0]).toMatchObject({ type: 'reply', id: 1, reply: { value: { routing: routing } } });
  });

  test('answers a call that comes before the model with an error', async () => {
    const { host: made, said, until } = host();
    made.receive({ type: 'call', id: 7, call: { name: 'analyse', text: 'a', routing: undefined } });
    await until(1);
    expect(said).toMatchObject([{ type: 'error', id: 7, error: { code: 'internal' } }]);
  });

  test('says once that the engine is lost, and nothing after it', async () => {
    const { host: made, said, failure, until } = host();
    made.receive({ type: 'call', id: 1, call: { ...LOAD, routing: undefined } });
    await until(1);
    failure.raise('unreachable');
    failure.raise('again');
    made.receive({ type: 'call', id: 2, call: { name: 'analyse', text: 'a', routing: undefined } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said.slice(1)).toMatchObject([{ type: 'lost', cause: 'unreachable' }]);
  });
});
