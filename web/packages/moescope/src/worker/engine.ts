// The wasm modules as the worker sees them: both files export the same.
// A module is loaded once for each worker; two calls into an engine never overlap, because the engine
// is borrowed mutably across awaits and a second call would panic.

import type { Analysis, Classification, ExpertAnswer, ExpertQuestion, ModelInfo, Rerouted, RerouteOptions, Step, Token, Trace, VisionInfo } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import type { WirePlan } from '../internal/plan.js';
import type { ExternalQuestion } from '../internal/protocol.js';
import type { EngineOptions } from '../internal/requests.js';
import type { ModelRoutingInput, WeightFormat } from '../public/types.js';

/** Decides for layers that ask outside the engine. */
export type DecideFunction = (input: ExternalQuestion) => Promise<WirePlan>;

/** What engines for text and for images have in common. */
export interface AnyEngine<Info> {
  info(): Info;
  /** Throws, and keeps the former routing, when the new one does not fit the model. */
  set_routing(routing: ModelRoutingInput): void;
  routing(): ModelRouting;
  set_external_router(decide: DecideFunction | undefined): void;
  free(): void;
}

export interface Engine extends AnyEngine<ModelInfo> {
  /** Reads the prompt and returns its trace. */
  begin(prompt: string, options: EngineOptions): Promise<Trace>;
  /** Draws one token; nothing at the end. */
  next(): Promise<Step | undefined>;
  /** Leaves a generation in progress alone. */
  analyse(text: string, routing?: ModelRoutingInput): Promise<Analysis>;
  ask_expert(ids: Uint32Array, question: ExpertQuestion, routing?: ModelRoutingInput): Promise<ExpertAnswer>;
  /** Ends early, with what there is by then, when `report` says false. */
  reroute(
    text: string,
    options: Partial<RerouteOptions>,
    routing: ModelRoutingInput | undefined,
    report: (loss: number) => Promise<boolean>,
  ): Promise<Rerouted>;
  tokenize(text: string): Token[];
}

export interface VisionEngine extends AnyEngine<VisionInfo> {
  /** The square in the middle of an image of any size, [height, width, 4], at the model's size. */
  classify(rgba: Uint8Array, width: number, height: number, label?: number, routing?: ModelRoutingInput): Promise<Classification>;
}

/** A recorded plan that waits for the weights of its model; used up by `load`. */
export interface PreparedPlan {
  load(config: string, tokenizer: string, weights: Uint8Array, name: string): Engine | Promise<Engine>;
}

/** The same for a vision model. */
export interface PreparedVisionPlan {
  load(config: string, weights: Uint8Array, name: string): VisionEngine | Promise<VisionEngine>;
}

/** Records and compiles the plan of a config.json; `report` hears how many kernels are compiled, of how many. */
export interface Prepares<Plan> {
  prepare(config: string, format: WeightFormat | undefined, report: (done: number, total: number) => void): Promise<Plan>;
}

export interface EngineModule {
  /** Compiles and starts the module; the start function runs the static constructors, once. */
  default(init: { module_or_path: Response | Promise<Response> }): Promise<unknown>;
  readonly Engine: {
    /** `name` is what to call the model. */
    load(config: string, tokenizer: string, weights: Uint8Array, name: string, format?: WeightFormat): Promise<Engine>;
  };
  /** In the file that has the recorded plan, as its sister below. */
  readonly PreparedPlan?: Prepares<PreparedPlan>;
  readonly PreparedVisionPlan?: Prepares<PreparedVisionPlan>;
  readonly VisionEngine: {
    load(config: string, weights: Uint8Array, name: string, format?: WeightFormat): Promise<VisionEngine>;
  };
  /** What the last panic said, where the module keeps it. */
  panic_message?(): string | undefined;
}

/** The module with threads. */
export interface ThreadedModule extends EngineModule {
  /** Of which a thread makes its instance. */
  shared_parts(): readonly unknown[];
  /** Puts the caller and threads that have started to work, so many in all; waits for them. */
  make_pool(count: number): void;
}
