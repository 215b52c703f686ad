// Adapts the routing to a text, one run at a time: keeps how far it is and what came of it, and puts a better routing in
// force as an edit, which the link keeps and undo takes back.

import { explain } from './engine.js';
import type { Engine } from './engine.js';
import { NO_EDITS, applyEdits, withOffsets } from './routing.js';
import type { Store } from './store.js';

/** The engine's default of five steps is meant for every few tokens; a person who presses a button can wait a little. */
export const ADAPT_STEPS = 20;

export type AdaptState =
  | { readonly status: 'idle' }
  | { readonly status: 'running'; readonly losses: readonly number[] }
  | { readonly status: 'done'; readonly before: number; readonly after: number; readonly changed: number }
  | { readonly status: 'failed'; readonly message: string };

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
    const losses: number[] = [];
    this.#become({ status: 'running', losses });
    const onLoss = (loss: number): void => {
      losses.push(loss);
      if (this.#abort === abort) this.#changed();
    };
    try {
      const routing = applyEdits(opened.info, this.#store.state.routing);
      const rerouted = await opened.scope.reroute(text, { routing, steps: ADAPT_STEPS, onLoss, signal: abort.signal });
      if (this.#abort !== abort) return;
      const [before = Number.NaN] = rerouted.losses;
      this.#become({ status: 'done', before, after: rerouted.losses[rerouted.kept] ?? before, changed: rerouted.changed });
      // On top of what may have been changed meanwhile.
      if (rerouted.kept > 0) this.#store.edit(withOffsets(this.#store.state.routing, rerouted), 'adapt', this.#clock());
    } catch (error) {
      if (this.#abort === abort) this.#become({ status: 'failed', message: explain(error).message });
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

  #become(state: AdaptState): void {
    this.state = state;
    this.#changed();
  }
}
