// Holds the state, keeps the URL hash equal to it, and remembers former routings for undo.
// It decides nothing: controllers and the page read it and hand in changes.

import { NO_EDITS } from './routing.js';
import type { RoutingEdits } from './routing.js';
import { encode } from './state.js';
import type { State } from './state.js';

/** Changes of one control within this time are one step for undo: a slider is dragged, not stepped. */
const ONE_GESTURE_MS = 600;
const MAX_UNDO = 100;

/** Whose routing is meant: text and images are routed apart. */
export type Routed = 'language' | 'vision';

class History {
  readonly former: RoutingEdits[] = [];
  last = { at: -Infinity, control: '' };
}

export class Store {
  #state: State;
  readonly #history: Readonly<Record<Routed, History>> = { language: new History(), vision: new History() };
  readonly #listeners = new Set<(state: State, before: State) => void>();

  constructor(state: State) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  routing(of: Routed): RoutingEdits {
    return of === 'vision' ? this.#state.vision.routing : this.#state.routing;
  }

  canUndo(of: Routed = 'language'): boolean {
    return this.#history[of].former.length > 0;
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
  edit(routing: RoutingEdits, control: string, now: number, of: Routed = 'language'): void {
    const { former, last } = this.#history[of];
    if (last.control !== control || now - last.at > ONE_GESTURE_MS) former.push(this.routing(of));
    if (former.length > MAX_UNDO) former.shift();
    this.#history[of].last = { at: now, control };
    this.#route(of, routing);
  }

  undo(of: Routed = 'language'): void {
    const routing = this.#history[of].former.pop();
    this.#history[of].last = { at: -Infinity, control: '' };
    if (routing !== undefined) this.#route(of, routing);
  }

  /** Goes back to the routing before an edit that turned out impossible, as if it had not been made. */
  takeBack(routing: RoutingEdits, of: Routed = 'language'): void {
    const { former } = this.#history[of];
    if (former[former.length - 1] === routing) former.pop();
    this.#history[of].last = { at: -Infinity, control: '' };
    this.#route(of, routing);
  }

  resetRouting(now: number, of: Routed = 'language'): void {
    if (this.routing(of) !== NO_EDITS) this.edit(NO_EDITS, 'reset', now, of);
  }

  #route(of: Routed, routing: RoutingEdits): void {
    this.set(of === 'vision' ? { vision: { ...this.#state.vision, routing } } : { routing });
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
