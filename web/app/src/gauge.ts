// Keeps the two losses of the shown text: under the routing as it is, and under the trained one.
// Analyses are debounced, cancelled when they would be stale, and spaced out while the model writes.

import type { Analysis, ModelRouting } from 'moescope';
import type { GaugeData, Losses } from 'moescope/views';

import { explain } from './errors.js';
import type { Said } from './errors.js';
import type { Scope } from './engine.js';
import type { Analyses } from './measured.js';
import { messages } from './messages.js';
import { sameRouting } from './spec.js';

/** What is to be measured. */
export interface Subject {
  readonly scope: Scope;
  readonly text: string;
  readonly routing: ModelRouting;
}

const SETTLE_MS = 250;
/** While the model writes, an analysis may take this share of the time at most. */
const SPACING = 5;

export class Gauge {
  readonly #changed: () => void;
  readonly #clock: () => number;
  /** Of the text measured last; both are of one text. */
  analyses: Analyses | undefined;
  /** The last text measured under the trained routing, and by which model. */
  #trainedFor: { scope: Scope; text: string } | undefined;
  #note: Said | undefined = () => messages.gauge.noModel;
  /** Measured, being measured or about to be; none after a failure, so that the same one can be asked for again. */
  #subject: Subject | undefined;
  #writing = false;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tookMs = 0;

  constructor(changed: () => void, now: () => number) {
    this.#changed = changed;
    this.#clock = now;
  }

  get data(): GaugeData {
    const { now, trained } = this.analyses ?? {};
    return { now: now && losses(now), trained: trained && losses(trained), note: this.#note?.() };
  }

  /** Nothing to measure, and why. */
  clear(note: Said): void {
    this.#cancel();
    this.#subject = undefined;
    [this.analyses, this.#note] = [undefined, note];
  }

  /** The routing is another one, but the engine has not taken it yet: what was measured is no longer what is set. */
  expect(): void {
    if (this.#subject !== undefined) this.#note = () => messages.gauge.computing;
  }

  /** What was measured holds no longer, although routing and text are the same. */
  renew(): void {
    this.#subject = undefined;
  }

  /** Measures soon; a subject equal to the one measured last is left alone. */
  measure(subject: Subject, writing: boolean): void {
    const last = this.#subject;
    const ended = this.#writing && !writing;
    this.#writing = writing;
    const same = last !== undefined && last.scope === subject.scope && last.text === subject.text;
    if (same && sameRouting(last.routing, subject.routing)) {
      // The text is complete: what was spaced out need not wait any longer.
      if (ended && this.#timer !== undefined) this.#start();
      // The engine did not take another routing, so that what was measured holds.
      if (this.#timer === undefined && this.#abort === undefined) this.#note = undefined;
      return;
    }
    const onlyGrew = writing && last !== undefined && last.scope === subject.scope
      && sameRouting(last.routing, subject.routing) && subject.text.startsWith(last.text);
    this.#subject = subject;
    this.#note = () => messages.gauge.computing;
    if (onlyGrew && (this.#timer !== undefined || this.#abort !== undefined)) return;
    this.#start();
  }

  #start(): void {
    this.#cancel();
    this.#timer = setTimeout(() => void this.#run(), this.#writing ? Math.max(SETTLE_MS, this.#tookMs * SPACING) : SETTLE_MS);
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    const subject = this.#subject;
    if (subject === undefined) return;
    const abort = new AbortController();
    this.#abort = abort;
    const start = this.#clock();
    try {
      await this.#both(subject, abort.signal);
      this.#tookMs = this.#clock() - start;
      if (this.#abort === abort) this.#finish(subject);
    } catch (error) {
      const problem = explain(error);
      if (this.#abort === abort) this.#finish(subject, () => messages.gauge.failed(problem.message));
    }
  }

  /** Both losses appear together, so that their difference is always of one text. */
  async #both({ scope, text, routing }: Subject, signal: AbortSignal): Promise<void> {
    const known = this.#trainedFor?.scope === scope && this.#trainedFor.text === text ? this.analyses?.trained : undefined;
    const trainedRouting = scope.model.trained_routing;
    const trained = known ?? await scope.analyse(text, { routing: trainedRouting, signal });
    const now = sameRouting(routing, trainedRouting) ? trained : await scope.analyse(text, { routing, signal });
    if (signal.aborted) return;
    [this.analyses, this.#trainedFor] = [{ now, trained }, { scope, text }];
  }

  /** Goes on with what came meanwhile; `failed` says why there are no numbers for what was to be measured. */
  #finish(measured: Subject, failed?: Said): void {
    this.#abort = undefined;
    this.#note = failed;
    const latest = this.#subject;
    if (failed !== undefined) this.#subject = undefined;
    if (latest !== undefined && latest !== measured) {
      this.#subject = undefined;
      this.measure(latest, this.#writing);
    }
    this.#changed();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#abort?.abort();
    this.#abort = undefined;
  }
}

function losses(analysis: Analysis): Losses {
  return { loss: analysis.loss, bitsPerByte: analysis.bits_per_byte };
}
