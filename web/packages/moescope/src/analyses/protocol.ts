// What the page and the worker of the analyses say to each other: every call has an id and exactly one reply.

import type { Answer, Question } from '../generated/routing.js';
import { toWireError } from '../internal/protocol.js';
import type { WireError } from '../internal/protocol.js';
import { readTrace } from './formats/index.js';
import type { ReadOptions } from './formats/index.js';
import type { RoutingTrace } from './trace.js';

export type AnalysesCall =
  | { readonly name: 'answer'; readonly question: Question }
  | { readonly name: 'read'; readonly bytes: Uint8Array; readonly file: string; readonly options: ReadOptions };

export type AnalysesReply =
  | { readonly name: 'answer'; readonly value: Answer }
  | { readonly name: 'read'; readonly value: RoutingTrace };

export interface ToAnalyses {
  readonly id: number;
  readonly call: AnalysesCall;
}

export type FromAnalyses =
  | { readonly id: number; readonly reply: AnalysesReply }
  | { readonly id: number; readonly error: WireError };

/** The wasm file of the analyses. */
export interface AnalysesModule {
  default(init: { module_or_path: Response | Promise<Response> }): Promise<unknown>;
  answer(question: Question): Answer;
}

/** Serves one call; `load` brings the wasm file, which reading a trace does without. */
export async function serve({ id, call }: ToAnalyses, load: () => Promise<Pick<AnalysesModule, 'answer'>>): Promise<FromAnalyses> {
  try {
    if (call.name === 'read') return { id, reply: { name: 'read', value: readTrace(call.bytes, call.file, call.options) } };
    const module = await load();
    return { id, reply: { name: 'answer', value: module.answer(call.question) } };
  } catch (error) {
    return { id, error: toWireError(error) };
  }
}
