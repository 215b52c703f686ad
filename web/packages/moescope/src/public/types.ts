// What callers of the package hand in and get back; types only.
// Shapes of strategies and traces are generated from Rust and passed on from here unchanged.

import type { Token, Trace } from '../generated/engine.js';
import type { RouterSpec } from '../generated/routing.js';

export type * from '../generated/engine.js';
export type * from '../generated/routing.js';

/** A spec with any part left out that should have its default value; {} is the default strategy. */
export type RouterSpecInput = {
  readonly [K in keyof RouterSpec]?: RouterSpec[K] extends { method: string } ? RouterSpec[K] : Partial<RouterSpec[K]>;
};

/** The routing of a whole model with defaults left out. */
export interface ModelRoutingInput {
  readonly default?: RouterSpecInput;
  readonly layers?: Readonly<Record<string, RouterSpecInput>>;
}

/** One spec for every layer, or the routing of a whole model. */
export type RoutingInput = RouterSpecInput | ModelRoutingInput;

/** Where the engine may run; 'auto' prefers WebGPU and falls back to the CPU with the reason. */
export type BackendWish = 'auto' | 'webgpu' | 'cpu';

/** Where the engine runs, and why there. */
export interface Backend {
  readonly kind: 'webgpu' | 'cpu';
  readonly reason: string;
  /** The graphics adapter by name; on WebGPU only. */
  readonly adapter?: string;
}

/** How far loading is. The phases 'wasm' and 'weights' run at the same time. */
export interface Progress {
  readonly phase: 'backend' | 'wasm' | 'weights' | 'load';
  /** Bytes so far; 0 in phases that are not downloads. */
  readonly loaded: number;
  /** Bytes in all, where the server tells. */
  readonly total: number | undefined;
  readonly message: string;
}

export interface LoadOptions {
  /** 'auto' unless given. */
  readonly backend?: BackendWish | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How to write on; what is left out has the engine's default. */
export interface GenerateRequest {
  readonly maxTokens?: number | undefined;
  /** 0 always takes the most probable token. */
  readonly temperature?: number | undefined;
  /** The same seed gives the same text on the same backend. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** First the prompt with its routing, once; then every token with its own. */
export type GenerateStep =
  | { readonly kind: 'prompt'; readonly text: ''; readonly trace: Trace }
  | {
      readonly kind: 'token';
      readonly text: string;
      readonly token: Token;
      readonly logProb: number;
      readonly trace: Trace;
    };

export interface AnalyseRequest {
  /** The model's present routing unless given. */
  readonly routing?: RoutingInput | undefined;
  readonly signal?: AbortSignal | undefined;
}
