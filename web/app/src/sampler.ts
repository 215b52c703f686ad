// Reads the fixed sample under the trained routing, once for each model, and under the routing as it is, after every change
// that has settled. It waits while a text is written and gives way as soon as something changes.

import type { Analysis, ModelRouting } from 'moescope';
import { recordsOf } from 'moescope/views';
import type { Domain, Losses } from 'moescope/views';

import { explain } from './errors.js';
import type { Problem } from './errors.js';
import type { Scope } from './engine.js';
import type { ExampleId } from './examples.js';
import { SAMPLES } from './samples.js';
import { sameRouting } from './spec.js';

export interface SampleSubject {
  readonly scope: Scope;
  readonly routing: ModelRouting;
  readonly domains: readonly ExampleId[];
}

/** One domain of the sample, read under both routings. */
export interface SampleReading {
  readonly name: ExampleId;
  readonly now: Analysis;
  readonly trained: Analysis;
}

export interface SampleState {
  readonly readings: readonly SampleReading[];
  /** Texts still to be read. */
  readonly left: number;
  readonly failed: Problem | undefined;
}

const NOTHING: SampleState = { readings: [], left: 0, failed: undefined };
const SETTLE_MS = 700;

export class Sampler {
  state: SampleState = NOTHING;
  readonly #changed: () => void;
  #trained: { readonly scope: Scope; readonly readings: Map<ExampleId, Analysis> } | undefined;
  #subject: SampleSubject | undefined;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Measures soon, or nothing for now. */
  measure(subject: SampleSubject | undefined): void {
    const last = this.#subject;
    if (subject !== undefined && last?.scope === subject.scope && sameRouting(last.routing, subject.routing)) return;
    this.#stop();
    if (subject === undefined) {
      // What was read stays true of what it was read under; only a reading that was cut off has to begin again.
      if (this.state.left > 0) this.#subject = undefined;
      return;
    }
    if (last?.scope !== subject.scope) this.state = NOTHING;
    this.#subject = subject;
    this.state = { ...this.state, left: subject.domains.length, failed: undefined };
    this.#timer = setTimeout(() => void this.#run(subject), SETTLE_MS);
  }

  /** What was read holds no longer, although the routing is the same. */
  renew(): void {
    this.#stop();
    this.#subject = undefined;
  }

  /** The model is gone. */
  clear(): void {
    this.#stop();
    [this.#subject, this.#trained, this.state] = [undefined, undefined, NOTHING];
  }

  async #run({ scope, routing, domains }: SampleSubject): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    if (this.#trained?.scope !== scope) this.#trained = { scope, readings: new Map() };
    const { readings: trainedReadings } = this.#trained;
    const asTrained = scope.model.trained_routing;
    const readings: SampleReading[] = [];
    try {
      for (const name of domains) {
        const trained = trainedReadings.get(name) ?? await scope.analyse(SAMPLES[name], { routing: asTrained, signal });
        trainedReadings.set(name, trained);
        const now = sameRouting(routing, asTrained) ? trained : await scope.analyse(SAMPLES[name], { routing, signal });
        if (signal.aborted) return;
        readings.push({ name, now, trained });
        this.#become({ readings: readings.length === domains.length ? readings : this.state.readings, left: domains.length - readings.length, failed: undefined });
      }
    } catch (error) {
      if (this.#abort === abort && !signal.aborted) this.#become({ readings: [], left: 0, failed: explain(error) });
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  #become(state: SampleState): void {
    this.state = state;
    this.#changed();
  }
}

/** Means over all predicted tokens of all domains. */
export function sampleLosses(readings: readonly SampleReading[]): { now: Losses; trained: Losses } | undefined {
  if (readings.length === 0) return undefined;
  const mean = (of: (reading: SampleReading) => Analysis): Losses => {
    const tokens = readings.map((reading) => of(reading).losses.length - 1);
    const total = tokens.reduce((sum, count) => sum + count, 0);
    const weighed = (value: (analysis: Analysis) => number): number =>
      readings.reduce((sum, reading, n) => sum + value(of(reading)) * (tokens[n] ?? 0), 0) / Math.max(1, total);
    return { loss: weighed(({ loss }) => loss), bitsPerByte: weighed(({ bits_per_byte: bits }) => bits) };
  };
  return { now: mean(({ now }) => now), trained: mean(({ trained }) => trained) };
}

/** The sample as domains of tokens, under the routing as it is. */
export function sampleDomains(readings: readonly SampleReading[]): Domain[] {
  return readings.map(({ name, now }) => ({ name, records: recordsOf(now.trace, 'prompt') }));
}
