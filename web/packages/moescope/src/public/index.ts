// The public face of the package; nothing else in it is meant to be imported.
// Importing it touches no browser global: everything happens in Moescope.load.

export { Moescope } from './moescope.js';
export type { VisionScope } from './vision.js';
export { BACKENDS } from './backends.js';
export { MoescopeError } from './error.js';
export type { ErrorDetails, PackageErrorCode } from './error.js';
export { DEFAULT_SPEC, PRESETS, VERDICTS } from '../generated/routing.js';
export type * from './types.js';
export { Analyser } from '../analyses/analyser.js';
export type { RunOptions } from '../analyses/analyser.js';
export { NO_LABEL, missingFor } from '../analyses/ask.js';
export type { AskOptions, LabelsBy, LayerAnswer, Missing } from '../analyses/ask.js';
export { TRACE_FORMATS, readTrace, writeTrace } from '../analyses/formats/index.js';
export type { ReadOptions, TraceFile, TraceFormat } from '../analyses/formats/index.js';
export { joinTraces, labelsOf, traceOf } from '../analyses/trace.js';
export type { RoutingTrace, TraceLayer, TraceText } from '../analyses/trace.js';
