// A model that outlives its workers: calls go to the worker in use, and a lost engine is started anew.
// A loss rejects what was running; the next call rebuilds the engine with the last routing, files from the HTTP cache.

import type { Analysis, ModelInfo, Rerouted } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type {
  AnalyseRequest,
  Backend,
  ExternalRouter,
  GenerateRequest,
  GenerateStep,
  LoadOptions,
  ModelFolder,
  RerouteRequest,
  RoutingInput,
} from '../public/types.js';
import type { Link } from './link.js';
import type { Loaded } from './protocol.js';
import { engineOptions, rerouteOptions } from './requests.js';
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
  #external: ExternalRouter | undefined;

  private constructor(starter: Starter, { link, loaded }: Started) {
    this.#starter = starter;
    this.#link = link;
    this.#loaded = loaded;
  }

  static async open(url: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort): Promise<Session> {
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
      const { token, log_prob: logProb, trace, contrast } = step;
      yield { kind: 'token', text: token.text, token, logProb, trace, contrast: contrast ?? undefined };
    }
  }

  async setRouting(routing: RoutingInput): Promise<void> {
    const link = await this.#live();
    const accepted = await link.setRouting(toModelRouting(routing));
    this.#loaded = { ...this.#loaded, routing: accepted };
  }

  async setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    this.#external = router;
    // A new worker is told as it starts; one in use may be waiting for the former router, which now will not answer.
    this.#link?.answerBy(router);
    const link = await this.#live();
    await link.setExternal(router !== undefined);
  }

  async analyse(text: string, { routing, signal }: AnalyseRequest): Promise<Analysis> {
    const link = await this.#live(signal);
    return link.analyse({ text, routing: routing && toModelRouting(routing) }, { signal });
  }

  async reroute(text: string, request: RerouteRequest): Promise<Rerouted> {
    const { routing, signal, onLoss } = request;
    const link = await this.#live(signal);
    const call = { text, options: rerouteOptions(request), routing: routing && toModelRouting(routing) };
    return link.reroute(call, { signal, onLoss });
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
      external: this.#external,
      signal: this.#freed.signal,
      onLost: (lost) => this.forget(lost),
    });
    this.#link = link;
    this.#loaded = loaded;
    return link;
  }
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
