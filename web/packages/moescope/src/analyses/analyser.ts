// Runs analyses of traces in a worker of their own: no model is needed, and one that writes is not disturbed.
// The worker starts with the first call; cancelling ends it, because an answer in the making cannot be interrupted.

import type { AnalysisName } from '../generated/routing.js';
import { fromWireError } from '../internal/protocol.js';
import { MoescopeError } from '../public/error.js';
import { missingFor, questionsFor } from './ask.js';
import type { AskOptions, LayerAnswer } from './ask.js';
import type { ReadOptions } from './formats/index.js';
import type { AnalysesCall, AnalysesReply, FromAnalyses, ToAnalyses } from './protocol.js';
import type { RoutingTrace } from './trace.js';

/** The page's end of the worker. */
export interface AnalysesPort {
  post(message: ToAnalyses): void;
  listen(onMessage: (message: FromAnalyses) => void, onFailure: (message: string) => void): void;
  terminate(): void;
}

export interface RunOptions extends AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears how many of the layers are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

interface Pending {
  readonly resolve: (reply: AnalysesReply) => void;
  readonly reject: (reason: unknown) => void;
}

export class Analyser {
  readonly #spawn: () => AnalysesPort;
  readonly #pending = new Map<number, Pending>();
  #port: AnalysesPort | undefined;
  #lastId = 0;

  constructor(spawn: () => AnalysesPort = spawnAnalyses) {
    this.#spawn = spawn;
  }

  /** Reads a trace file of any of the formats; rejects with the code trace_invalid. */
  async read(bytes: Uint8Array, file: string, options: ReadOptions & { readonly signal?: AbortSignal } = {}): Promise<RoutingTrace> {
    const { signal, nExperts } = options;
    const reply = await this.#call({ name: 'read', bytes, file, options: { nExperts } }, signal);
    if (reply.name !== 'read') throw unexpected(reply);
    return reply.value;
  }

  /** The analysis of every layer, or of every two neighbours; rejects with the code trace_part_missing where the trace lacks something. */
  async run(analysis: AnalysisName, trace: RoutingTrace, { signal, onProgress, ...options }: RunOptions = {}): Promise<LayerAnswer[]> {
    const missing = missingFor(analysis, trace, options);
    if (missing !== undefined) {
      throw new MoescopeError('trace_part_missing', `The analysis ${analysis} needs what this trace does not have: ${missing.replace('_', ' ')}.`);
    }
    const asks = questionsFor(analysis, trace, options);
    const answers: LayerAnswer[] = [];
    for (const { layer, next, question } of asks) {
      onProgress?.(answers.length, asks.length);
      const reply = await this.#call({ name: 'answer', question }, signal);
      if (reply.name !== 'answer') throw unexpected(reply);
      answers.push({ layer, next, answer: reply.value });
    }
    onProgress?.(answers.length, asks.length);
    return answers;
  }

  /** Ends the worker; a later call starts another. */
  free(): void {
    this.#end(new MoescopeError('freed', 'The analyses were ended. Run them again.'));
  }

  async #call(call: AnalysesCall, signal: AbortSignal | undefined): Promise<AnalysesReply> {
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const onAbort = (): void => this.#end(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        this.#live().post({ id, call });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #live(): AnalysesPort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#spawn();
    port.listen(
      (message) => this.#receive(message),
      (cause) => this.#port === port && this.#end(new MoescopeError('worker_failed', `The worker of the analyses stopped: ${cause}. Run the analysis again.`)),
    );
    this.#port = port;
    return port;
  }

  #receive(message: FromAnalyses): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ('error' in message) pending?.reject(fromWireError(message.error));
    else pending?.resolve(message.reply);
  }

  #end(reason: unknown): void {
    this.#port?.terminate();
    this.#port = undefined;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(reason);
  }
}

function unexpected(reply: AnalysesReply): MoescopeError {
  return new MoescopeError('internal', `The worker of the analyses answered ${reply.name} to another call.`);
}

function spawnAnalyses(): AnalysesPort {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'moescope-analyses' });
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.addEventListener('message', (event: MessageEvent<FromAnalyses>) => onMessage(event.data));
      worker.addEventListener('error', (event) => onFailure(event.message || 'its script could not be loaded'));
      worker.addEventListener('messageerror', () => onFailure('a message could not be decoded'));
    },
    terminate: () => worker.terminate(),
  };
}
