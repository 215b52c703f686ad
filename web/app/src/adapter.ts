// Adapts the routing to a text, one run at a time: keeps how far it is and what came of it, and puts a better routing in
// force as an edit, which the link keeps and undo takes back.

import type { RerouteMethod, RerouteRequest, Rerouted } from 'moescope';

import { explain } from './errors.js';
import type { Problem } from './errors.js';
import type { Engine, Scope } from './engine.js';
import { NO_EDITS, applyEdits, withOffsets } from './routing.js';
import type { Store } from './store.js';

/** How to look for offsets. */
interface Way {
  readonly method: RerouteMethod;
  readonly steps: number;
  readonly rate: number;
}

/**
 * The engine's default of five steps is meant for every few tokens; a person who presses a button can wait a little.
 * The engine for WebGPU has no gradient, and some strategies have none either: there steps are random and cheaper.
 */
export const WAYS = {
  gradient: { method: 'gradient', steps: 20, rate: 0.05 },
  search: { method: 'search', steps: 60, rate: 0.1 },
} as const satisfies Record<RerouteMethod, Way>;

export type AdaptState =
  | { readonly status: 'idle' }
  | { readonly status: 'running'; readonly losses: readonly number[]; readonly steps: number }
  | { readonly status: 'done'; readonly method: RerouteMethod; readonly before: number; readonly after: number; readonly changed: number }
  | { readonly status: 'failed'; readonly problem: Problem };

export class Adapter {
  state: AdaptState = { status: 'idle' };
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #changed: () => void;
  readonly #clock: () => number;
  #abort: AbortController | undefined;

  constructor(engine: Engine, store: Store, changed: () => void, now: () => number) {
    [this.#engine, this.#store, this.#changed, this.#clock] = [engine, store, changed, now];
  }

  /** Looks for offsets that predict `text` better than the routing as it is set, and puts them in force. */
  async adapt(text: string): Promise<void> {
    const { opened } = this.#engine;
    if (opened === undefined || text === '') return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const routing = applyEdits(opened.info, this.#store.state.routing);
      const rerouted = await this.#reroute(opened.scope, text, { routing, signal: abort.signal });
      if (this.#abort !== abort) return;
      const { method, losses, kept, changed } = rerouted;
      const [before = Number.NaN] = losses;
      this.#become({ status: 'done', method, before, after: losses[kept] ?? before, changed });
      // On top of what may have been changed meanwhile.
      if (kept > 0) this.#store.edit(withOffsets(this.#store.state.routing, rerouted), 'adapt', this.#clock());
    } catch (error) {
      if (this.#abort === abort) this.#become({ status: 'failed', problem: explain(error) });
    }
  }

  /** Takes all offsets away. */
  remove(): void {
    this.clear();
    this.#store.edit({ ...this.#store.state.routing, offsets: NO_EDITS.offsets }, 'offsets', this.#clock());
  }

  /** Ends a run that goes on, because something else is wanted now, and forgets what came of the last one. */
  clear(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    if (this.state.status !== 'idle') this.#become({ status: 'idle' });
  }

  async #reroute(scope: Scope, text: string, request: RerouteRequest): Promise<Rerouted> {
    const take = (way: Way): Promise<Rerouted> => {
      const losses: number[] = [];
      const onLoss = (loss: number): void => {
        losses.push(loss);
        if (request.signal?.aborted !== true) this.#become({ status: 'running', losses, steps: way.steps });
      };
      this.#become({ status: 'running', losses, steps: way.steps });
      return scope.reroute(text, { ...request, ...way, onLoss });
    };
    try {
      return await take(scope.backend.kind === 'cpu' ? WAYS.gradient : WAYS.search);
    } catch (error) {
      if (explain(error).code !== 'not_differentiable') throw error;
      return await take(WAYS.search);
    }
  }

  #become(state: AdaptState): void {
    this.state = state;
    this.#changed();
  }
}
