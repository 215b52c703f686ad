// What the page and its worker say to each other.
// Every call has an id and exactly one answer (reply or error); progress may come before it, and questions to the page.
// 'lost' is the worker's last word: its engine cannot be used any more.
// Tokens are asked for one by one, so a change of routing that was acknowledged holds for the very next one
// and a slow reader never lets the engine run ahead.

import type { Analysis, Classification, ExpertAnswer, ExpertQuestion, LayerTrace, ModelInfo, Rerouted, RerouteOptions, Step, Trace, VisionInfo } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type { Backend, BackendWish, ModelFolder, ModelRoutingInput, Progress, WeightFormat } from '../public/types.js';
import type { WirePlan } from './plan.js';
import type { EngineOptions } from './requests.js';

/** What every model is loaded from. */
export interface LoadSource {
  /** Absolute address of the model folder, with a slash at its end, or its files. */
  readonly modelUrl: string | ModelFolder;
  readonly backend: BackendWish;
  readonly weights: WeightFormat | undefined;
  /** Why not to try the GPU, where an earlier attempt failed. */
  readonly gpuRefusal: string | undefined;
  /** Routing to start with; the trained one unless given. */
  readonly routing: ModelRoutingInput | undefined;
  /** Whether the page has an external router. */
  readonly external: boolean;
}

export interface LoadCall extends LoadSource {
  readonly name: 'load';
}

export interface LoadVisionCall extends LoadSource {
  readonly name: 'load_vision';
}

export interface SetExternalCall {
  readonly name: 'set_external';
  /** Whether the page has an external router from now on. */
  readonly external: boolean;
}

export interface SetRoutingCall {
  readonly name: 'set_routing';
  readonly routing: ModelRoutingInput;
}

export interface BeginCall {
  readonly name: 'begin';
  /** Tells generations apart: only the latest one may ask for tokens. */
  readonly generation: number;
  readonly prompt: string;
  readonly options: EngineOptions;
}

export interface NextCall {
  readonly name: 'next';
  readonly generation: number;
}

export interface AnalyseCall {
  readonly name: 'analyse';
  readonly text: string;
  readonly routing: ModelRoutingInput | undefined;
}

export interface AskExpertCall {
  readonly name: 'ask_expert';
  /** A text, or its token ids. */
  readonly text: string | readonly number[];
  readonly question: ExpertQuestion;
  readonly routing: ModelRoutingInput | undefined;
}

export interface RerouteCall {
  readonly name: 'reroute';
  readonly text: string;
  readonly options: Partial<RerouteOptions>;
  readonly routing: ModelRoutingInput | undefined;
}

export interface ClassifyCall {
  readonly name: 'classify';
  /** [height, width, 4] */
  readonly rgba: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly label: number | undefined;
  readonly routing: ModelRoutingInput | undefined;
}

/** The calls that every engine serves once it is loaded. */
export type SharedCall = SetRoutingCall | SetExternalCall;
/** The calls that an engine for text serves once it is loaded. */
export type EngineCall = SharedCall | BeginCall | NextCall | AnalyseCall | AskExpertCall | RerouteCall;
/** The calls that an engine for images serves once it is loaded. */
export type VisionCall = SharedCall | ClassifyCall;
export type Call = LoadCall | LoadVisionCall | EngineCall | VisionCall;

export interface Loaded<Info> {
  readonly model: Info;
  readonly backend: Backend;
  readonly routing: ModelRouting;
}

export type Reply =
  | { readonly name: 'load'; readonly value: Loaded<ModelInfo> }
  | { readonly name: 'load_vision'; readonly value: Loaded<VisionInfo> }
  | { readonly name: 'set_routing'; readonly value: ModelRouting }
  | { readonly name: 'set_external'; readonly value: undefined }
  | { readonly name: 'begin'; readonly value: Trace }
  | { readonly name: 'next'; readonly value: Step | undefined }
  | { readonly name: 'analyse'; readonly value: Analysis }
  | { readonly name: 'ask_expert'; readonly value: ExpertAnswer }
  | { readonly name: 'reroute'; readonly value: Rerouted }
  | { readonly name: 'classify'; readonly value: Classification };

/** What an external router is asked, in the engine's words: [T, E] logits and [T] token ids. */
export interface ExternalQuestion {
  readonly layer: number;
  readonly n_tokens: number;
  readonly n_experts: number;
  readonly logits: Float32Array;
  readonly token_ids: Uint32Array;
}

export type ExternalAnswer = { readonly plan: WirePlan } | { readonly error: string };

/** An error as it travels: classes do not survive structured cloning. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly url: string | undefined;
  readonly status: number | undefined;
}

export type FromPage =
  | { readonly type: 'call'; readonly id: number; readonly call: Call }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'answer'; readonly question: number; readonly answer: ExternalAnswer };

export type FromWorker =
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'loss'; readonly id: number; readonly loss: number }
  | { readonly type: 'ask'; readonly question: number; readonly input: ExternalQuestion }
  | { readonly type: 'reply'; readonly id: number; readonly reply: Reply }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'lost'; readonly cause: string };

/** The code under which a worker reports that a GPU engine did not start although the choice was free. */
export const GPU_START_FAILED = 'gpu_start_failed';

/** Anything thrown, as it travels. Errors of the engine carry a string `code`. */
export function toWireError(thrown: unknown): WireError {
  if (thrown instanceof MoescopeError) {
    const { code, message, url, status } = thrown;
    return { code, message, url, status };
  }
  return {
    code: codeOf(thrown) ?? 'internal',
    message: messageOf(thrown),
    url: undefined,
    status: undefined,
  };
}

export function fromWireError(error: WireError): MoescopeError {
  return new MoescopeError(error.code, error.message, {
    ...(error.url !== undefined && { url: error.url }),
    ...(error.status !== undefined && { status: error.status }),
  });
}

/** The error of every call that a lost engine leaves behind. */
export function engineLost(cause: string): MoescopeError {
  return new MoescopeError('engine_lost', `The engine stopped: ${cause}. Try again; it is started anew.`);
}

/** The stable code of a thrown value, where it has one. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    return thrown.code;
  }
  return undefined;
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The buffers of a reply that move to the page instead of being copied. */
export function buffersOf(reply: Reply): ArrayBuffer[] {
  switch (reply.name) {
    case 'load':
    case 'load_vision':
    case 'set_routing':
    case 'set_external':
    case 'ask_expert':
    case 'reroute':
      return [];
    case 'begin':
      return [...layerBuffers(reply.value.layers)];
    case 'next':
      return reply.value === undefined ? [] : [...layerBuffers(reply.value.trace.layers)];
    case 'analyse':
      return [...layerBuffers(reply.value.trace.layers).add(bufferOf(reply.value.losses))];
    case 'classify':
      return [...layerBuffers(reply.value.layers).add(bufferOf(reply.value.probabilities)).add(bufferOf(reply.value.pixels))];
  }
}

function layerBuffers(layers: readonly LayerTrace[]): Set<ArrayBuffer> {
  const buffers = new Set<ArrayBuffer>();
  for (const layer of layers) {
    const { logits, scores, selection_scores, verdicts, offsets, experts, weights } = layer;
    for (const array of [logits, scores, selection_scores, verdicts, offsets, experts, weights]) {
      buffers.add(bufferOf(array));
    }
  }
  return buffers;
}

function bufferOf(array: ArrayBufferView): ArrayBuffer {
  if (array.buffer instanceof ArrayBuffer) {
    return array.buffer;
  }
  throw new MoescopeError('internal', 'The engine returned an array in shared memory; it must own its buffer.');
}
