// Threads of the CPU engine: how many there may be, and how they start.

import type { ThreadedModule } from './engine.js';

/** A bound that nobody measured: models as small as these have little work to share out. */
const MOST = 8;

/** How many threads the engine may have here; memory is shared only on a page that is cross-origin isolated. */
export function threadsHere({ crossOriginIsolated, navigator }: Surroundings): number {
  return crossOriginIsolated ? Math.max(1, Math.min(navigator.hardwareConcurrency, MOST)) : 1;
}

interface Surroundings {
  readonly crossOriginIsolated: boolean;
  readonly navigator: { readonly hardwareConcurrency: number };
}

/** Makes a pool of so many threads: this one and others, which it starts. */
export async function startThreads(module: ThreadedModule, count: number): Promise<void> {
  const parts = module.shared_parts();
  const start = async (): Promise<void> => {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener('message', () => resolve(), { once: true });
      worker.addEventListener('error', ({ message }) => reject(new Error(`a thread did not start: ${message}`)), { once: true });
      worker.postMessage(parts);
    });
    kept.push(worker);
  };
  await Promise.all(Array.from({ length: count - 1 }, start));
  module.make_pool(count);
}

/** A browser may collect a worker that nobody holds, although it shares memory (bugzilla.mozilla.org/show_bug.cgi?id=1702191). */
const kept: Worker[] = [];
