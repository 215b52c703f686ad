// The wasm modules as the worker sees them: both files export the same.
// A module is loaded once for each worker; two calls into an engine never overlap, because the engine
// is borrowed mutably across awaits and a second call would panic.

import type { Analysis, ModelInfo, Rerouted, RerouteOptions, Step, Token, Trace } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import type { WirePlan } from '../internal/plan.js';
import type { ExternalQuestion } from '../internal/protocol.js';
import type { EngineOptions } from '../internal/requests.js';
import type { ModelRoutingInput } from '../public/types.js';

/** Decides for layers that ask outside the engine. */
export type DecideFunction = (input: ExternalQuestion) => Promise<WirePlan>;

export interface Engine {
  info(): ModelInfo;
  /** Throws, and keeps the former routing, when the new one does not fit the model. */
  set_routing(routing: ModelRoutingInput): void;
  routing(): ModelRouting;
  set_external_router(decide: DecideFunction | undefined): void;
  /** Reads the prompt and returns its trace. */
  begin(prompt: string, options: EngineOptions): Promise<Trace>;
  /** Draws one token; nothing at the end. */
  next(): Promise<Step | undefined>;
  /** Leaves a generation in progress alone. */
  analyse(text: string, routing?: ModelRoutingInput): Promise<Analysis>;
  /** Ends early, with what there is by then, when `report` says false. */
  reroute(
    text: string,
    options: Partial<RerouteOptions>,
    routing: ModelRoutingInput | undefined,
    report: (loss: number) => Promise<boolean>,
  ): Promise<Rerouted>;
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
