// Holds the state, keeps the URL hash equal to it, and remembers former routings for undo.
// It decides nothing: controllers and the page read it and hand in changes.

import { NO_EDITS } from './routing.js';
import type { RoutingEdits } from './routing.js';
import { encode } from './state.js';
import type { State } from './state.js';

/** Changes of one control within this time are one step for undo: a slider is dragged, not stepped. */
const ONE_GESTURE_MS = 600;
const MAX_UNDO = 100;

export class Store {
  #state: State;
  readonly #undo: RoutingEdits[] = [];
  #lastRoutingChange = { at: -Infinity, control: '' };
  readonly #listeners = new Set<(state: State, before: State) => void>();

  constructor(state: State) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  /** Called after every change. */
  subscribe(listener: (state: State, before: State) => void): void {
    this.#listeners.add(listener);
  }

  set(change: Partial<State>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /** Changes the routing so that it can be undone; `control` names what was moved. */
  edit(routing: RoutingEdits, control: string, now: number): void {
    const last = this.#lastRoutingChange;
    if (last.control !== control || now - last.at > ONE_GESTURE_MS) this.#undo.push(this.#state.routing);
    if (this.#undo.length > MAX_UNDO) this.#undo.shift();
    this.#lastRoutingChange = { at: now, control };
    this.set({ routing });
  }

  undo(): void {
    const routing = this.#undo.pop();
    this.#lastRoutingChange = { at: -Infinity, control: '' };
    if (routing !== undefined) this.set({ routing });
  }

  /** Goes back to the routing before an edit that turned out impossible, as if it had not been made. */
  takeBack(routing: RoutingEdits): void {
    if (this.#undo[this.#undo.length - 1] === routing) this.#undo.pop();
    this.#lastRoutingChange = { at: -Infinity, control: '' };
    this.set({ routing });
  }

  resetRouting(now: number): void {
    if (this.#state.routing !== NO_EDITS) this.edit(NO_EDITS, 'reset', now);
  }
}

/** Writes the state into the address bar, a moment later and only once for many changes. */
export function mirrorInHash(store: Store, delayMs = 150): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  store.subscribe((state) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const hash = `#${encode(state)}`;
      if (hash !== location.hash) history.replaceState(history.state, '', hash);
    }, delayMs);
  });
}
