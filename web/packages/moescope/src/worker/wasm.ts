// Loads one of the two wasm modules; the other one is never fetched. One holds the CPU engine and the recorded plan
// for WebGPU, the other Burn's stock GPU backend.
// The specifiers and addresses are literal, because that is how bundlers find the files.

import type { FetchOptions } from '../internal/fetch.js';
import { fetchCounted } from '../internal/fetch.js';
import type { Backend } from '../public/types.js';
import type { EngineModule } from './engine.js';

export async function loadModule(
  kind: Backend['kind'],
  options: Pick<FetchOptions, 'signal' | 'onBytes'>,
): Promise<EngineModule> {
  const { glue, url } = source(kind);
  const [module, response] = await Promise.all([
    glue,
    fetchCounted(url.href, { ...options, what: `The ${kind === 'cpu' ? 'CPU' : 'GPU'} engine` }),
  ]);
  // Streams compile only under this type, and some servers do not know it.
  const headers = { 'content-type': 'application/wasm' };
  await module.default({ module_or_path: new Response(response.body, { headers }) });
  return module;
}

function source(kind: Backend['kind']): { glue: Promise<EngineModule>; url: URL } {
  return kind === 'webgpu-burn'
    ? {
        glue: import('../../wasm/moescope_gpu.js'),
        url: new URL('../../wasm/moescope_gpu_bg.wasm', import.meta.url),
      }
    : {
        glue: import('../../wasm/moescope_cpu.js'),
        url: new URL('../../wasm/moescope_cpu_bg.wasm', import.meta.url),
      };
}
