// The entry of a thread: instantiates the engine on the memory of the one that started it, and works for its pool.

import { initSync, enter_pool } from '../../wasm/moescope_threads.js';

globalThis.addEventListener('message', ({ data: [module, memory] }: MessageEvent<readonly [WebAssembly.Module, WebAssembly.Memory]>) => {
  initSync({ module, memory });
  globalThis.postMessage('ready');
  enter_pool();
}, { once: true });
