// Loads one of the wasm modules; the others are never fetched. One holds the CPU engine and the recorded plan for WebGPU,
// one the same with threads, which need a page that is cross-origin isolated, and one Burn's stock GPU backend.
// The specifiers and addresses are literal, because that is how bundlers find the files.

import type { FetchOptions } from '../internal/fetch.js';
import { fetchCounted } from '../internal/fetch.js';
import type { BackendKind } from '../public/types.js';
import type { EngineModule } from './engine.js';
import { startThreads, threadsHere } from './threads.js';

type Options = Pick<FetchOptions, 'signal' | 'onBytes'>;

/** A module that has started, and how many threads it has. */
export interface LoadedModule {
  readonly module: EngineModule;
  readonly threads: number;
}

/** The CPU engine has as many threads as it may here, unless fewer are asked for. */
export async function loadModule(kind: BackendKind, options: Options, most = threadsHere(globalThis)): Promise<LoadedModule> {
  if (kind === 'cpu' && most > 1) {
    try {
      return await loadThreaded(most, options);
    } catch (error) {
      // Shared memory is claimed up to its limit at once, and some devices refuse that; one thread needs none.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  const module = kind === 'webgpu-burn'
    ? started(import('../../wasm/moescope_gpu.js'), new URL('../../wasm/moescope_gpu_bg.wasm', import.meta.url), kind, options)
    : started(import('../../wasm/moescope_cpu.js'), new URL('../../wasm/moescope_cpu_bg.wasm', import.meta.url), kind, options);
  return { module: await module, threads: 1 };
}

async function loadThreaded(threads: number, options: Options): Promise<LoadedModule> {
  const url = new URL('../../wasm/moescope_threads_bg.wasm', import.meta.url);
  const module = await started(import('../../wasm/moescope_threads.js'), url, 'cpu', options);
  await startThreads(module, threads);
  return { module, threads };
}

async function started<Module extends EngineModule>(glue: Promise<Module>, url: URL, kind: BackendKind, options: Options): Promise<Module> {
  const [module, response] = await Promise.all([
    glue,
    fetchCounted(url.href, { ...options, what: `The ${kind === 'cpu' ? 'CPU' : 'GPU'} engine` }),
  ]);
  // Streams compile only under this type, and some servers do not know it.
  const headers = { 'content-type': 'application/wasm' };
  await module.default({ module_or_path: new Response(response.body, { headers }) });
  return module;
}
