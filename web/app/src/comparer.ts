// Reads one side of a comparison, or the control of a lesson, and again whenever it becomes another; the other side is what
// the page has read.

import { explain } from './errors.js';
import type { Problem } from './errors.js';
import type { Side } from './sides.js';
import { sameRouting } from './spec.js';

export type Read<Scope, Input, Reading> = (side: Side<Scope, Input>, signal: AbortSignal) => Promise<Reading>;

export class Comparer<Scope, Input, Reading> {
  /** What the side says; undefined until it is known. */
  reading: Reading | undefined;
  failed: Problem | undefined;
  readonly #read: Read<Scope, Input, Reading>;
  readonly #changed: () => void;
  #side: Side<Scope, Input> | undefined;
  #abort: AbortController | undefined;

  constructor(read: Read<Scope, Input, Reading>, changed: () => void) {
    [this.#read, this.#changed] = [read, changed];
  }

  measure(side: Side<Scope, Input> | undefined): void {
    const last = this.#side;
    const same = side !== undefined && last?.scope === side.scope && last.input === side.input && sameRouting(last.routing, side.routing);
    if (same || (side === undefined && last === undefined)) return;
    this.#abort?.abort();
    [this.#side, this.reading, this.failed] = [side, undefined, undefined];
    if (side !== undefined) void this.#run(side);
  }

  /** What was read holds no longer, although the side is the same. */
  renew(): void {
    this.measure(undefined);
  }

  async #run(side: Side<Scope, Input>): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const reading = await this.#read(side, abort.signal);
      if (this.#abort === abort) this.reading = reading;
    } catch (error) {
      if (this.#abort === abort && !abort.signal.aborted) this.failed = explain(error);
    }
    this.#changed();
  }
}
