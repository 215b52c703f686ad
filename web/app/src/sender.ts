// Keeps the engine's routing equal to the one that is set: every change is sent, and one that the engine refuses is
// taken back, so that page, link and engine always say the same. Why it was refused stays with the engine to be read.

import type { Engine } from './engine.js';
import { NO_EDITS, applyEdits } from './routing.js';
import type { RoutingEdits } from './routing.js';
import type { Store } from './store.js';

export class RoutingSender {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #sent: () => void;
  /** What the engine accepted last. */
  #accepted: RoutingEdits = NO_EDITS;
  #takingBack = false;

  /** `sent` is called after every routing that was sent, whether it was taken or not. */
  constructor(engine: Engine, store: Store, sent: () => void) {
    [this.#engine, this.#store, this.#sent] = [engine, store, sent];
    store.subscribe((state, before) => {
      if (state.routing !== before.routing && !this.#takingBack) void this.send();
    });
  }

  /** A model that was just opened routes as it was trained. */
  modelOpened(): Promise<void> {
    this.#accepted = NO_EDITS;
    return this.send();
  }

  async send(): Promise<void> {
    const { opened } = this.#engine;
    if (opened === undefined) return;
    const edits = this.#store.state.routing;
    const routing = applyEdits(opened.info, edits);
    await this.#engine.route(routing);
    if (this.#engine.accepted === routing) this.#accepted = edits;
    if (this.#engine.refused === routing && this.#store.state.routing === edits) this.#takeBack();
    this.#sent();
  }

  #takeBack(): void {
    this.#takingBack = true;
    this.#store.takeBack(this.#accepted);
    this.#takingBack = false;
  }
}
