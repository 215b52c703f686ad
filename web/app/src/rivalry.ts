// Side A of a comparison while one goes on: its model, which is that of the page or another one in a worker of its own that is
// closed when nobody compares with it any more, and what it reads.

import type { BackendWish } from 'moescope';

import { Comparer } from './comparer.js';
import type { Read } from './comparer.js';
import { Engine } from './engine.js';
import type { AnyScope, Load, Opened, Wish } from './engine.js';
import { applyEdits } from './routing.js';
import type { Rival } from './sides.js';
import type { RoutedModel } from './spec.js';

/** A model whose routing can be changed, of texts or of images. */
export type RoutedScope = AnyScope & { readonly model: RoutedModel };

/** What the page shows, as far as A may be the same. */
export interface Page<S extends RoutedScope, Input> {
  readonly opened: Opened<S> | undefined;
  readonly backend: BackendWish;
  /** What A is to read: its own or that of the page; undefined while there is nothing. */
  readonly input: Input | undefined;
}

export interface RivalryParts<S, Input, Reading> {
  readonly load: Load<S>;
  readonly read: Read<S, Input, Reading>;
  readonly changed: () => void;
  readonly now: () => number;
}

export class Rivalry<S extends RoutedScope, Input, Reading> {
  /** The second model; open only while A needs it. */
  readonly engine: Engine<S>;
  readonly comparer: Comparer<S, Input, Reading>;
  #wish: Wish | undefined;

  constructor({ load, read, changed, now }: RivalryParts<S, Input, Reading>) {
    this.comparer = new Comparer(read, changed);
    this.engine = new Engine(load, changed, now, () => this.comparer.measure(undefined));
  }

  /** The model that A runs on, once it does. */
  side(page: Opened<S> | undefined): Opened<S> | undefined {
    return this.#wish === undefined ? page : this.engine.opened;
  }

  /** A, the page or what the page reads is another. */
  look(rival: Rival<unknown> | undefined, { opened, backend, input }: Page<S, Input>): void {
    const another = rival?.model !== undefined && opened !== undefined && rival.model !== opened.model;
    this.#hold(another ? { model: rival.model, backend } : undefined);
    const side = this.side(opened);
    this.comparer.measure(rival === undefined || side === undefined || input === undefined
      ? undefined : { scope: side.scope, input, routing: applyEdits(side.info, rival.routing) });
  }

  /** Opens what is wished once, whether that succeeds or not, and closes what is not. */
  #hold(wish: Wish | undefined): void {
    if (wish?.model === this.#wish?.model && wish?.backend === this.#wish?.backend) return;
    this.#wish = wish;
    this.engine.close();
    if (wish !== undefined) void this.engine.open(wish);
  }
}
