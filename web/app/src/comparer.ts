// Reads the shown text under the routing that it is compared with; the other side is what the gauge has read.

import type { Analysis, ModelRouting } from 'moescope';

import { explain } from './engine.js';
import type { Scope } from './engine.js';
import { sameRouting } from './spec.js';

export interface CompareSubject {
  readonly scope: Scope;
  readonly text: string;
  readonly routing: ModelRouting;
}

export class Comparer {
  /** The text as side A reads it; undefined until it is known. */
  analysis: Analysis | undefined;
  failed: string | undefined;
  readonly #changed: () => void;
  #subject: CompareSubject | undefined;
  #abort: AbortController | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  measure(subject: CompareSubject | undefined): void {
    const last = this.#subject;
    const same = subject !== undefined && last?.scope === subject.scope && last.text === subject.text && sameRouting(last.routing, subject.routing);
    if (same || (subject === undefined && last === undefined)) return;
    this.#abort?.abort();
    [this.#subject, this.analysis, this.failed] = [subject, undefined, undefined];
    if (subject !== undefined) void this.#run(subject);
  }

  /** What was read holds no longer, although routing and text are the same. */
  renew(): void {
    this.measure(undefined);
  }

  async #run({ scope, text, routing }: CompareSubject): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const analysis = await scope.analyse(text, { routing, signal: abort.signal });
      if (this.#abort === abort) this.analysis = analysis;
    } catch (error) {
      if (this.#abort === abort && !abort.signal.aborted) this.failed = explain(error).message;
    }
    this.#changed();
  }
}
