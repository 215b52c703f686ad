// A Worker that runs the real host in the same thread, over structured clones, with whatever engine a test gives.
// It stands where the browser's Worker stands, so that tests go through the public interface.

import { vi } from 'vitest';
import type { FromWorker, LoadCall, FromPage } from '../../src/internal/protocol.js';
import { Failure } from '../../src/worker/failure.js';
import type { HostOptions, Started } from '../../src/worker/host.js';
import { Host } from '../../src/worker/host.js';
import type { Engine } from '../../src/worker/engine.js';
import { FakeEngine } from './fake-engine.js';
import { FakeVisionEngine } from './fake-vision-engine.js';

export interface FakeWorker {
  readonly engine: FakeEngine;
  readonly vision: FakeVisionEngine;
  readonly failure: Failure;
  readonly loads: LoadCall[];
  readonly terminated: boolean;
  /** What a browser does when the worker's script cannot be had. */
  scriptError(message: string): void;
}

export type Start = (call: LoadCall, worker: FakeWorker, report: Parameters<HostOptions['start']>[1]) => Promise<Started<Engine>>;

export const startOnCpu: Start = async (_call, worker) => ({
  engine: worker.engine,
  backend: { kind: 'cpu', reason: 'test', weights: 'f32' },
});

/** Puts a fake in the place of the global Worker; the list grows as workers are made. */
export function stubWorker(start: Start = startOnCpu): FakeWorker[] {
  const workers: FakeWorker[] = [];
  vi.stubGlobal(
    'Worker',
    class extends InProcessWorker {
      constructor() {
        super(start);
        workers.push(this);
      }
    },
  );
  return workers;
}

class InProcessWorker implements FakeWorker {
  readonly engine = new FakeEngine();
  readonly vision = new FakeVisionEngine();
  readonly failure = new Failure();
  readonly loads: LoadCall[] = [];
  terminated = false;
  readonly #events = new EventTarget();
  readonly #host: Host;

  constructor(start: Start) {
    this.#host = new Host({
      failure: this.failure,
      post: (message, transfer) => this.#toPage(structuredClone(message, { transfer })),
      start: (call, report) => {
        this.loads.push(call);
        return start(call, this, report);
      },
      startVision: async () => ({ engine: this.vision, backend: { kind: 'cpu', reason: 'test', weights: 'f32' } }),
    });
  }

  postMessage(message: FromPage): void {
    const copy = structuredClone(message);
    setImmediate(() => {
      if (!this.terminated) {
        this.#host.receive(copy);
      }
    });
  }

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.#events.addEventListener(type, listener);
  }

  terminate(): void {
    this.terminated = true;
  }

  scriptError(message: string): void {
    this.#events.dispatchEvent(Object.assign(new Event('error'), { message }));
  }

  #toPage(data: FromWorker): void {
    setImmediate(() => {
      if (!this.terminated) {
        this.#events.dispatchEvent(Object.assign(new Event('message'), { data }));
      }
    });
  }
}
