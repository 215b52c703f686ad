// The wasm-bindgen output is made by the Rust build; the package also compiles before that has run.

declare module '*/moescope_analyses.js' {
  const init: import('./protocol.js').AnalysesModule['default'];
  export default init;
  export const answer: import('./protocol.js').AnalysesModule['answer'];
}
