// A model that outlives its workers: calls go to the worker in use, and a lost engine is started anew.
// A loss rejects what was running; the next call rebuilds the engine with the last routing, files from the HTTP cache.

import type { Analysis, GenerateOptions, ModelInfo } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type {
  AnalyseRequest,
  Backend,
  GenerateRequest,
  GenerateStep,
  LoadOptions,
  RoutingInput,
} from '../public/types.js';
import type { Link } from './link.js';
import type { Loaded } from './protocol.js';
import { toModelRouting } from './routing.js';
import type { WorkerPort } from './spawn.js';
import type { Started } from './starter.js';
import { Starter } from './starter.js';

export class Session {
  readonly #starter: Starter;
  readonly #freed = new AbortController();
  #loaded: Loaded;
  /** The worker in use; none after a loss. */
  #link: Link | undefined;
  #rebuilding: Promise<Link> | undefined;
  #generations = 0;

  private constructor(starter: Starter, { link, loaded }: Started) {
    this.#starter = starter;
    this.#link = link;
    this.#loaded = loaded;
  }

  static async open(url: string | URL, options: LoadOptions, spawn: () => WorkerPort): Promise<Session> {
    const starter = new Starter(url, options, spawn);
    let session: Session | undefined;
    const onLost = (link: Link): void => session?.forget(link);
    session = new Session(starter, await starter.start({ signal: options.signal, onLost }));
    return session;
  }

  get model(): ModelInfo {
    return this.#loaded.model;
  }

  get backend(): Backend {
    return this.#loaded.backend;
  }

  get routing(): ModelRouting {
    return this.#loaded.routing;
  }

  async *generate(prompt: string, request: GenerateRequest): AsyncGenerator<GenerateStep, void, undefined> {
    const { signal } = request;
    const options = engineOptions(request);
    const link = await this.#live(signal);
    const generation = ++this.#generations;
    yield { kind: 'prompt', text: '', trace: await link.begin({ generation, prompt, options }, { signal }) };
    for (;;) {
      const step = await link.next({ generation }, { signal });
      if (step === undefined) {
        return;
      }
      const { token, log_prob: logProb, trace } = step;
      yield { kind: 'token', text: token.text, token, logProb, trace };
    }
  }

  async setRouting(routing: RoutingInput): Promise<void> {
    const link = await this.#live();
    const accepted = await link.setRouting(toModelRouting(routing));
    this.#loaded = { ...this.#loaded, routing: accepted };
  }

  async analyse(text: string, { routing, signal }: AnalyseRequest): Promise<Analysis> {
    const link = await this.#live(signal);
    return link.analyse({ text, routing: routing && toModelRouting(routing) }, { signal });
  }

  free(): void {
    if (!this.#freed.signal.aborted) {
      const reason = new MoescopeError('freed', 'This model was freed. Load it again with Moescope.load.');
      this.#freed.abort(reason);
      this.#link?.close(reason);
    }
  }

  /** Drops a worker that failed. */
  forget(link: Link): void {
    if (this.#link === link) {
      this.#link = undefined;
    }
  }

  /** The worker in use, started anew if the last one was lost. */
  async #live(signal?: AbortSignal): Promise<Link> {
    signal?.throwIfAborted();
    this.#freed.signal.throwIfAborted();
    if (this.#link !== undefined) {
      return this.#link;
    }
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = undefined;
    });
    return orAbort(this.#rebuilding, signal);
  }

  async #rebuild(): Promise<Link> {
    const { link, loaded } = await this.#starter.start({
      routing: this.#loaded.routing,
      signal: this.#freed.signal,
      onLost: (lost) => this.forget(lost),
    });
    this.#link = link;
    this.#loaded = loaded;
    return link;
  }
}

/** What the caller said, in the engine's words; the defaults are the engine's. */
function engineOptions({ maxTokens, temperature, seed }: GenerateRequest): Partial<GenerateOptions> {
  return {
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(seed !== undefined && { seed }),
  };
}

/** `promise`, or a rejection with the signal's reason if that comes first; the work behind it goes on. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason);
    const settled = (): void => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(settled);
  });
}
