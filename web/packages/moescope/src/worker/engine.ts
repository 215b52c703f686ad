// The wasm modules as the worker sees them: both files export the same.
// A module is loaded once for each worker; two calls into an engine never overlap, because the engine
// is borrowed mutably across awaits and a second call would panic.

import type { Analysis, GenerateOptions, ModelInfo, Step, Token, Trace } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import type { ModelRoutingInput } from '../public/types.js';

export interface Engine {
  info(): ModelInfo;
  /** Throws, and keeps the former routing, when the new one does not fit the model. */
  set_routing(routing: ModelRoutingInput): void;
  routing(): ModelRouting;
  /** Reads the prompt and returns its trace. */
  begin(prompt: string, options: Partial<GenerateOptions>): Promise<Trace>;
  /** Draws one token; nothing at the end. */
  next(): Promise<Step | undefined>;
  /** Leaves a generation in progress alone. */
  analyse(text: string, routing?: ModelRoutingInput): Promise<Analysis>;
  tokenize(text: string): Token[];
  free(): void;
}

export interface EngineModule {
  /** Compiles and starts the module; the start function runs the static constructors, once. */
  default(init: { module_or_path: Response | Promise<Response> }): Promise<unknown>;
  readonly Engine: {
    /** `name` is what to call the model. */
    load(config: string, tokenizer: string, weights: Uint8Array, name: string): Promise<Engine>;
  };
  /** What the last panic said, where the module keeps it. */
  panic_message?(): string | undefined;
}
