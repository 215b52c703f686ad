// Names while a script is compiled, and their values while it runs: a name is so many frames up, in such a slot.

import { ScriptError } from './problem.js';
import type { Place } from './problem.js';
import type { Statement } from './tree.js';
import type { Effort, Value } from './values.js';

/** Values of the names of one block or call, and the frame around it. */
export interface Frame {
  readonly slots: Value[];
  readonly up: Frame | undefined;
}

export type Code = (frame: Frame) => Value;

/** What all code of one script shares. */
export interface Running {
  readonly effort: Effort;
  /** Calls inside calls, now. */
  depth: number;
  /** What `return` gave last, and where a function gave its result last. */
  result: Value;
  answeredAt: Place | undefined;
  /** Compiles the body of a function; handed in, because statements know of functions and the other way round. */
  readonly block: (body: readonly Statement[], names: Names, running: Running) => (frame: Frame) => string;
}

/** In the slot of a name whose line has not been reached; no script can hold this value. */
export const UNSET: Value = new Map();

interface Slot {
  readonly slot: number;
  readonly constant: boolean;
}

export class Names {
  readonly #outer: Names | undefined;
  readonly #slots = new Map<string, Slot>();
  /** A copy is quicker than a new one; made once all names are known, when the first frame is. */
  #empty: readonly Value[] | undefined;

  constructor(outer: Names | undefined) {
    this.#outer = outer;
  }

  add(name: string, constant: boolean, at: Place): void {
    if (this.#slots.has(name)) throw new ScriptError({ kind: 'twice', name }, at);
    this.#slots.set(name, { slot: this.#slots.size, constant });
  }

  /** Room for the values of these names. */
  frame(up: Frame | undefined): Frame {
    this.#empty ??= new Array<Value>(this.#slots.size).fill(UNSET);
    return { slots: this.#empty.slice(), up };
  }

  own(name: string): number | undefined {
    return this.#slots.get(name)?.slot;
  }

  find(name: string, at: Place): Slot & { readonly up: number } {
    let [names, up]: [Names | undefined, number] = [this, 0];
    while (names !== undefined) {
      const found: Slot | undefined = names.#slots.get(name);
      if (found !== undefined) return { up, ...found };
      [names, up] = [names.#outer, up + 1];
    }
    throw new ScriptError({ kind: 'unknown', name, known: this.#all() }, at);
  }

  #all(): string[] {
    const outer = this.#outer === undefined ? [] : this.#outer.#all();
    return [...new Set([...this.#slots.keys(), ...outer])];
  }
}

/** The frame so many steps up. */
export function frameAt(frame: Frame, up: number): Frame {
  let found = frame;
  for (let n = 0; n < up; n += 1) {
    if (found.up === undefined) throw new TypeError(`a frame has no ${up} frames around it`);
    found = found.up;
  }
  return found;
}
