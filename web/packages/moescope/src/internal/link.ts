// The page's end of one worker: numbers the calls, settles their promises, and ends them all when the worker ends.
// A link is used once; after a loss the session makes another.

import type { Analysis, Classification, ExpertAnswer, ModelInfo, Rerouted, Step, Trace, VisionInfo } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type { ExternalRouter, ModelRoutingInput, Progress } from '../public/types.js';
import type {
  AnalyseCall, AskExpertCall, BeginCall, Call, ClassifyCall, FromWorker, LoadCall, Loaded, LoadVisionCall, NextCall, Reply, RerouteCall,
} from './protocol.js';
import { engineLost, fromWireError } from './protocol.js';
import { Questions } from './questions.js';
import type { WorkerPort } from './spawn.js';

interface Pending {
  readonly reply: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
  readonly progress: (progress: Progress) => void;
  readonly loss: (loss: number) => void;
}

/** What a reply holds for the call that waits for it, or nothing if it answers another call. */
type Pick<T> = (reply: Reply) => { readonly value: T } | undefined;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onLoss?: ((loss: number) => void) | undefined;
}

export class Link {
  readonly #port: WorkerPort;
  readonly #onLost: (cause: string) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #questions: Questions;
  #lastId = 0;
  #answered = false;
  #end: { readonly reason: unknown } | undefined;

  /** `onLost` is told once when the worker fails by itself, not when `close` ends it. */
  constructor(port: WorkerPort, onLost: (cause: string) => void) {
    this.#port = port;
    this.#onLost = onLost;
    this.#questions = new Questions((message) => port.post(message));
    port.listen(
      (message) => this.#receive(message),
      (cause) => this.#lose(cause),
    );
  }

  load(call: Omit<LoadCall, 'name'>, options: CallOptions): Promise<Loaded<ModelInfo>> {
    return this.#call({ name: 'load', ...call }, (reply) => (reply.name === 'load' ? reply : undefined), options);
  }

  loadVision(call: Omit<LoadVisionCall, 'name'>, options: CallOptions): Promise<Loaded<VisionInfo>> {
    return this.#call({ name: 'load_vision', ...call }, (reply) => (reply.name === 'load_vision' ? reply : undefined), options);
  }

  setRouting(routing: ModelRoutingInput): Promise<ModelRouting> {
    return this.#call({ name: 'set_routing', routing }, (reply) => (reply.name === 'set_routing' ? reply : undefined));
  }

  /** Who answers for layers that ask outside the engine; the worker is told by `setExternal`, or as it loads. */
  answerBy(router: ExternalRouter | undefined): void {
    this.#questions.use(router);
  }

  setExternal(external: boolean): Promise<undefined> {
    return this.#call({ name: 'set_external', external }, (reply) => (reply.name === 'set_external' ? reply : undefined));
  }

  begin(call: Omit<BeginCall, 'name'>, options: CallOptions): Promise<Trace> {
    return this.#call({ name: 'begin', ...call }, (reply) => (reply.name === 'begin' ? reply : undefined), options);
  }

  next(call: Omit<NextCall, 'name'>, options: CallOptions): Promise<Step | undefined> {
    return this.#call({ name: 'next', ...call }, (reply) => (reply.name === 'next' ? reply : undefined), options);
  }

  analyse(call: Omit<AnalyseCall, 'name'>, options: CallOptions): Promise<Analysis> {
    return this.#call({ name: 'analyse', ...call }, (reply) => (reply.name === 'analyse' ? reply : undefined), options);
  }

  askExpert(call: Omit<AskExpertCall, 'name'>, options: CallOptions): Promise<ExpertAnswer> {
    return this.#call({ name: 'ask_expert', ...call }, (reply) => (reply.name === 'ask_expert' ? reply : undefined), options);
  }

  reroute(call: Omit<RerouteCall, 'name'>, options: CallOptions): Promise<Rerouted> {
    return this.#call({ name: 'reroute', ...call }, (reply) => (reply.name === 'reroute' ? reply : undefined), options);
  }

  classify(call: Omit<ClassifyCall, 'name'>, options: CallOptions): Promise<Classification> {
    return this.#call({ name: 'classify', ...call }, (reply) => (reply.name === 'classify' ? reply : undefined), options);
  }

  /** Ends the worker; calls that wait, and later ones, reject with `reason`. */
  close(reason: unknown): void {
    if (this.#end !== undefined) {
      return;
    }
    this.#end = { reason };
    this.#port.terminate();
    for (const pending of this.#pending.values()) {
      pending.reject(reason);
    }
    this.#pending.clear();
  }

  #call<T>(call: Call, pick: Pick<T>, { signal, onProgress, onLoss }: CallOptions = {}): Promise<T> {
    if (signal?.aborted) {
      return Promise.reject(signal.reason);
    }
    if (this.#end !== undefined) {
      return Promise.reject(this.#end.reason);
    }
    const id = ++this.#lastId;
    const answer = new Promise<T>((resolve, reject) => {
      const settle = (reply: Reply): void => {
        const picked = pick(reply);
        if (picked === undefined) {
          reject(new MoescopeError('internal', `The worker answered ${reply.name} to ${call.name}.`));
        } else {
          resolve(picked.value);
        }
      };
      this.#pending.set(id, { reply: settle, reject, progress: onProgress ?? nothing, loss: onLoss ?? nothing });
    });
    this.#port.post({ type: 'call', id, call });
    return signal === undefined ? answer : this.#cancellable(id, answer, signal);
  }

  /** `answer`, rejecting at once when `signal` aborts; the worker then drops what it has not begun or can end early. */
  async #cancellable<T>(id: number, answer: Promise<T>, signal: AbortSignal): Promise<T> {
    const onAbort = (): void => {
      const pending = this.#pending.get(id);
      if (pending !== undefined && this.#end === undefined) {
        this.#pending.delete(id);
        this.#port.post({ type: 'cancel', id });
        pending.reject(signal.reason);
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await answer;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #receive(message: FromWorker): void {
    if (message.type === 'lost') {
      this.#lose(message.cause);
      return;
    }
    if (message.type === 'ask') {
      void this.#questions.ask(message.question, message.input);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) {
      return; // The caller cancelled in the meantime.
    }
    if (message.type === 'progress') {
      pending.progress(message.progress);
      return;
    }
    if (message.type === 'loss') {
      pending.loss(message.loss);
      return;
    }
    this.#pending.delete(message.id);
    this.#answered = true;
    if (message.type === 'reply') {
      pending.reply(message.reply);
    } else {
      pending.reject(fromWireError(message.error));
    }
  }

  #lose(cause: string): void {
    if (this.#end === undefined) {
      this.close(this.#answered ? engineLost(cause) : neverStarted(cause));
      this.#onLost(cause);
    }
  }
}

function nothing(): void {}

/** A worker that fails before its first answer never ran; later, it is the engine that is gone. */
function neverStarted(cause: string): MoescopeError {
  return new MoescopeError(
    'worker_failed',
    `The engine's worker did not start: ${cause}. Check that the page's content security policy allows workers from its own host, and reload.`,
  );
}
