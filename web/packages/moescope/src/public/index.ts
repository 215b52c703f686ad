// The public face of the package; nothing else in it is meant to be imported.
// Importing it touches no browser global: everything happens in Moescope.load.

export { Moescope } from './moescope.js';
export type { VisionScope } from './vision.js';
export { MoescopeError } from './error.js';
export type { ErrorDetails, PackageErrorCode } from './error.js';
export { DEFAULT_SPEC, PRESETS, VERDICTS } from '../generated/routing.js';
export type * from './types.js';
