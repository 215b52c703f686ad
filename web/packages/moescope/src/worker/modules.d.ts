// The wasm-bindgen output is made by the Rust build; the package also compiles before that has run.

declare module '*/moescope_cpu.js' {
  const init: import('./engine.js').EngineModule['default'];
  export default init;
  export const Engine: import('./engine.js').EngineModule['Engine'];
  export const VisionEngine: import('./engine.js').EngineModule['VisionEngine'];
  export const panic_message: NonNullable<import('./engine.js').EngineModule['panic_message']>;
}

declare module '*/moescope_threads.js' {
  const init: import('./engine.js').EngineModule['default'];
  export default init;
  export const Engine: import('./engine.js').EngineModule['Engine'];
  export const VisionEngine: import('./engine.js').EngineModule['VisionEngine'];
  export const panic_message: NonNullable<import('./engine.js').EngineModule['panic_message']>;
  export const shared_parts: import('./engine.js').ThreadedModule['shared_parts'];
  export const make_pool: import('./engine.js').ThreadedModule['make_pool'];
  /** Makes another instance on the memory of the first. */
  export const initSync: (parts: { module: WebAssembly.Module; memory: WebAssembly.Memory }) => unknown;
  /** Works for the pool for ever. */
  export const enter_pool: () => void;
}

declare module '*/moescope_gpu.js' {
  const init: import('./engine.js').EngineModule['default'];
  export default init;
  export const Engine: import('./engine.js').EngineModule['Engine'];
  export const VisionEngine: import('./engine.js').EngineModule['VisionEngine'];
  export const panic_message: NonNullable<import('./engine.js').EngineModule['panic_message']>;
}
