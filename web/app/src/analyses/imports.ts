// Traces from files: the one that is analysed, and a second one to compare it with. The bytes stay at hand, because the
// visitor may say afterwards how many experts a layer has.

import type { Analyser, RoutingTrace } from 'moescope';

import { explain } from '../errors.js';
import type { Problem } from '../errors.js';

export interface Imported {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly trace: RoutingTrace;
}

/** A larger file would not leave the browser room to work in. */
export const MAX_MEGABYTES = 256;

export class Imports {
  first: Imported | undefined;
  second: Imported | undefined;
  /** As the visitor said. */
  nExperts: number | undefined;
  reading = false;
  failure: Problem | undefined;
  /** Grows with every change. */
  version = 0;
  readonly #analyser: Pick<Analyser, 'read'>;
  readonly #changed: () => void;

  constructor(analyser: Pick<Analyser, 'read'>, changed: () => void) {
    [this.#analyser, this.#changed] = [analyser, changed];
  }

  /** Opens a file; where it cannot be read, the former one stays. */
  async open(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>, place: 'first' | 'second'): Promise<void> {
    await this.#work(async () => {
      if (file.size > MAX_MEGABYTES * 1e6) throw new RangeError(`${file.name} has ${Math.round(file.size / 1e6)} MB; at most ${MAX_MEGABYTES} MB can be opened`);
      const imported = await this.#read(file.name, new Uint8Array(await file.arrayBuffer()));
      if (place === 'first') [this.first, this.second] = [imported, undefined];
      else this.second = imported;
    });
  }

  /** Reads again what is open, with so many experts to a layer. */
  async withExperts(nExperts: number | undefined): Promise<void> {
    const before = this.nExperts;
    this.nExperts = nExperts;
    await this.#work(async () => {
      try {
        const [first, second] = [this.first, this.second];
        if (first !== undefined) this.first = await this.#read(first.name, first.bytes);
        if (second !== undefined) this.second = await this.#read(second.name, second.bytes);
      } catch (error) {
        this.nExperts = before;
        throw error;
      }
    });
  }

  async #read(name: string, bytes: Uint8Array): Promise<Imported> {
    return { name, bytes, trace: await this.#analyser.read(bytes, name, { nExperts: this.nExperts }) };
  }

  async #work(work: () => Promise<void>): Promise<void> {
    [this.reading, this.failure] = [true, undefined];
    this.#changed();
    try {
      await work();
    } catch (error) {
      this.failure = explain(error);
    } finally {
      this.reading = false;
      this.version += 1;
      this.#changed();
    }
  }
}
