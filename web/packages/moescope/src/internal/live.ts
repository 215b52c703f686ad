// A model that outlives its workers: calls go to the worker in use, and a lost engine is started anew.
// A loss rejects what was running; the next call rebuilds the engine with the last routing, files from the HTTP cache.
// What models of text and of images have in common; their sessions add the calls.

import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type { Backend, ExternalRouter, RoutingInput } from '../public/types.js';
import type { Link } from './link.js';
import type { Loaded } from './protocol.js';
import { toModelRouting } from './routing.js';
import type { Started, Starter } from './starter.js';

export class LiveModel<Info> {
  readonly #starter: Starter<Info>;
  readonly #freed = new AbortController();
  #loaded: Loaded<Info>;
  /** The worker in use; none after a loss. */
  #link: Link | undefined;
  #rebuilding: Promise<Link> | undefined;

  private constructor(starter: Starter<Info>, { link, loaded }: Started<Info>) {
    this.#starter = starter;
    this.#link = link;
    this.#loaded = loaded;
  }

  static async open<Info>(starter: Starter<Info>, signal: AbortSignal | undefined): Promise<LiveModel<Info>> {
    let live: LiveModel<Info> | undefined;
    const onLost = (link: Link): void => {
      if (live !== undefined) live.#forget(link);
    };
    live = new LiveModel(starter, await starter.start({ signal, onLost }));
    return live;
  }

  get model(): Info {
    return this.#loaded.model;
  }

  get backend(): Backend {
    return this.#loaded.backend;
  }

  get routing(): ModelRouting {
    return this.#loaded.routing;
  }

  /** The worker in use, started anew if the last one was lost. */
  async link(signal?: AbortSignal): Promise<Link> {
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

  async setRouting(routing: RoutingInput): Promise<void> {
    const link = await this.link();
    const accepted = await link.setRouting(toModelRouting(routing));
    this.#loaded = { ...this.#loaded, routing: accepted };
  }

  async setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    this.#starter.router = router;
    // A worker in use may be waiting for the former router, which now will not answer.
    this.#link?.answerBy(router);
    const link = await this.link();
    await link.setExternal(router !== undefined);
  }

  /** Ends the worker; `again` says how to load the model once more. */
  free(again: string): void {
    if (!this.#freed.signal.aborted) {
      const reason = new MoescopeError('freed', `This model was freed. Load it again with ${again}.`);
      this.#freed.abort(reason);
      this.#link?.close(reason);
    }
  }

  /** Drops a worker that failed. */
  #forget(link: Link): void {
    if (this.#link === link) {
      this.#link = undefined;
    }
  }

  async #rebuild(): Promise<Link> {
    const { link, loaded } = await this.#starter.start({
      routing: this.#loaded.routing,
      signal: this.#freed.signal,
      onLost: (lost) => this.#forget(lost),
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
