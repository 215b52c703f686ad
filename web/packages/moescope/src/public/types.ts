// What callers of the package hand in and get back; types only.
// Shapes of strategies and traces are generated from Rust and passed on from here unchanged.

import type { ContrastReport, LayerOrder, RerouteMethod, Token, Trace } from '../generated/engine.js';
import type { RouterSpec } from '../generated/routing.js';
import type { BACKENDS } from './backends.js';

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

/** What an engine runs on; see `BACKENDS`. */
export type BackendKind = (typeof BACKENDS)[number];

/** Where the engine may run; 'auto' prefers 'webgpu' and falls back to the CPU with the reason. */
export type BackendWish = 'auto' | BackendKind;

/** Where the engine runs, and why there. */
export interface Backend {
  readonly kind: BackendKind;
  readonly reason: string;
  /** The graphics adapter by name; on WebGPU only. */
  readonly adapter?: string;
  /** How many threads the CPU engine has, where it has more than one: on a page that is cross-origin isolated. */
  readonly threads?: number;
  /** How matrices are kept, gates excepted, which are always 'f32'. */
  readonly weights: WeightFormat;
}

/** How far loading is. The phases 'wasm' and 'weights', then 'kernels' and 'weights', run at the same time. */
export interface Progress {
  readonly phase: 'backend' | 'wasm' | 'weights' | 'kernels' | 'load';
  /** Bytes so far, or kernels; 0 in the phases 'backend' and 'load'. */
  readonly loaded: number;
  /** Of how many, where that is known. */
  readonly total: number | undefined;
  readonly message: string;
}

/** A model folder whose files are at hand, such as one that a visitor chose on their own disk. */
export interface ModelFolder {
  readonly name: string;
  readonly config: Blob;
  /** Of a language model; a vision model has none. */
  readonly tokenizer?: Blob | undefined;
  readonly weights: Blob;
}

/** How matrices are kept: numbers of 32 or 16 bits, or blocks of 32 in 8 or 4 bits with a common scale. */
export type WeightFormat = 'f32' | 'f16' | 'q8' | 'q4';

export interface LoadOptions {
  /** 'auto' unless given. */
  readonly backend?: BackendWish | undefined;
  /** 'f32' unless given. The backend 'webgpu' keeps them in any format, 'cpu' in 'q8' too, and what a backend does not know in 'f32'. */
  readonly weights?: WeightFormat | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How to write on; what is left out has the engine's default. */
export interface GenerateRequest {
  readonly maxTokens?: number | undefined;
  /** 0 always takes the most probable token. */
  readonly temperature?: number | undefined;
  /** Draws from so many of the likeliest tokens; 0, as unless given, from all. The router's top-k is part of the routing. */
  readonly samplerTopK?: number | undefined;
  /** Draws from the fewest likeliest tokens with this share of the probability, above 0 to 1; 1, as unless given, from all. */
  readonly samplerTopP?: number | undefined;
  /** The same seed gives the same text on the same backend. */
  readonly seed?: number | undefined;
  /** Pushes scores away from those of a weak routing; {} does so with the defaults. */
  readonly contrast?: ContrastRequest | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Self-contrast decoding: a second, weak pass over the same weights. */
export interface ContrastRequest {
  /** The third best expert alone unless given. */
  readonly weak?: RoutingInput | undefined;
  /** Share of the best probability that a token needs under the strong routing, above 0 to 1. */
  readonly alpha?: number | undefined;
  /** How far scores move away from the weak ones, from 0. */
  readonly beta?: number | undefined;
  readonly strongTemperature?: number | undefined;
  readonly weakTemperature?: number | undefined;
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
      /** What self-contrast did to its choice, where that is on. */
      readonly contrast?: ContrastReport | undefined;
    };

export interface AnalyseRequest {
  /** The model's present routing unless given. */
  readonly routing?: RoutingInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An image of any size: pixels, something drawn, or a file that the browser can read. */
export type ImageInput = ImageData | ImageBitmap | OffscreenCanvas | HTMLCanvasElement | Blob;

export interface ClassifyRequest {
  /** Index of the right class, where it is known: the result then has a loss. */
  readonly label?: number | undefined;
  /** The model's present routing unless given. */
  readonly routing?: RoutingInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How to reroute; what is left out has the engine's default. */
export interface RerouteRequest {
  readonly steps?: number | undefined;
  /** How far a step goes, in logits. */
  readonly rate?: number | undefined;
  /** No offset goes further from 0 than this. */
  readonly clamp?: number | undefined;
  /** Share of the MoE layers that get offsets, above 0 to 1. */
  readonly layersShare?: number | undefined;
  readonly order?: LayerOrder | undefined;
  /** Along the gradient on the CPU unless given; the engine for WebGPU can only search. */
  readonly method?: RerouteMethod | undefined;
  readonly seed?: number | undefined;
  /** Where to start; the model's present routing unless given. */
  readonly routing?: RoutingInput | undefined;
  /** Hears the loss before, then after each step. */
  readonly onLoss?: ((loss: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an external router is asked to decide: T tokens at one MoE layer of E experts. */
export interface RouterQuestion {
  /** Index of the transformer layer. */
  readonly layer: number;
  readonly nTokens: number;
  readonly nExperts: number;
  /** [T, E] gating logits, row-major. */
  readonly logits: Float32Array;
  /** [T] token ids. */
  readonly tokenIds: Uint32Array;
}

/**
 * Which experts act with which weights: token t owns the entries from offsets[t] to offsets[t + 1],
 * or, more at leisure, one list for each token.
 */
export type RouterAnswer =
  | { readonly offsets: ArrayLike<number>; readonly experts: ArrayLike<number>; readonly weights: ArrayLike<number> }
  | readonly (readonly { readonly expert: number; readonly weight: number }[])[];

/** A router of the page's own. */
export type ExternalRouter = (question: RouterQuestion) => RouterAnswer | Promise<RouterAnswer>;
