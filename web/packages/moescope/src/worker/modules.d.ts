// The wasm-bindgen output is made by the Rust build; the package also compiles before that has run.

declare module '*/moescope_cpu.js' {
  const init: import('./engine.js').EngineModule['default'];
  export default init;
  export const Engine: import('./engine.js').EngineModule['Engine'];
  export const VisionEngine: import('./engine.js').EngineModule['VisionEngine'];
  export const panic_message: NonNullable<import('./engine.js').EngineModule['panic_message']>;
}

declare module '*/moescope_gpu.js' {
  const init: import('./engine.js').EngineModule['default'];
  export default init;
  export const Engine: import('./engine.js').EngineModule['Engine'];
  export const VisionEngine: import('./engine.js').EngineModule['VisionEngine'];
  export const panic_message: NonNullable<import('./engine.js').EngineModule['panic_message']>;
}
