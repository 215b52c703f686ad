// Everything that is measured about the shown text and the routing, in order: the loss of the text first, then the other side of
// a comparison, then the fixed sample; and what a lesson makes of it.

import type { Analysis } from 'moescope';

import { Comparer } from './comparer.js';
import type { Read } from './comparer.js';
import type { Engine, Load, Scope } from './engine.js';
import { examplesFor } from './examples.js';
import { Gauge } from './gauge.js';
import { messages } from './messages.js';
import { Rivalry } from './rivalry.js';
import { applyEdits } from './routing.js';
import type { Runner } from './runner.js';
import { Sampler } from './sampler.js';
import type { Store } from './store.js';
import { Tutor } from './tutor.js';

export interface MeasuringParts {
  readonly load: Load;
  readonly engine: Engine;
  readonly store: Store;
  readonly runner: Runner;
  readonly changed: () => void;
  readonly now: () => number;
}

export class Measuring {
  readonly gauge: Gauge;
  readonly sampler: Sampler;
  readonly rivalry: Rivalry<Scope, string, Analysis>;
  readonly tutor: Tutor;
  readonly #parts: MeasuringParts;

  constructor(parts: MeasuringParts) {
    const { load, engine, store, changed, now } = parts;
    this.#parts = parts;
    this.gauge = new Gauge(() => this.#others(), now);
    this.sampler = new Sampler(changed);
    this.rivalry = new Rivalry({ load, read: readText, changed: () => this.#others(), now });
    this.tutor = new Tutor({ engine, gauge: this.gauge, sampler: this.sampler, control: new Comparer(readText, changed) });
    store.subscribe((state, before) => {
      if (state.routing !== before.routing && engine.opened !== undefined) this.gauge.expect();
      if (state.rival !== before.rival || state.routing !== before.routing) this.#others();
    });
  }

  /** The text or the routing is another one, or the model is. */
  look(): void {
    const { engine: { opened }, store, runner } = this.#parts;
    if (opened === undefined) this.gauge.clear(() => messages.gauge.noModel);
    else if (runner.text === '') this.gauge.clear(() => messages.gauge.noText);
    else this.gauge.measure({ scope: opened.scope, text: runner.text, routing: applyEdits(opened.info, store.state.routing) }, runner.active);
    this.#others();
  }

  /** Another router decides under the same routing. */
  renew(): void {
    for (const part of [this.gauge, this.sampler, this.rivalry.comparer]) part.renew();
    this.look();
  }

  /** Before a model is freed: nothing may still ask it. */
  clear(): void {
    this.gauge.clear(() => messages.gauge.computing);
    this.sampler.clear();
    this.rivalry.comparer.measure(undefined);
  }

  /** Once the gauge knows, or knows nothing yet. */
  #others(): void {
    const { engine: { opened }, store, runner: { text, active }, changed } = this.#parts;
    const { rival, routing, model, backend } = store.state;
    const idle = opened !== undefined && !active;
    this.rivalry.look(rival, { opened, backend, input: idle ? rival?.input ?? (text || undefined) : undefined });
    const settled = idle && this.gauge.data.note === undefined;
    this.sampler.measure(settled ? { scope: opened.scope, routing: applyEdits(opened.info, routing), domains: examplesFor(model).map(({ id }) => id) } : undefined);
    changed();
  }
}

/** How a text is read, by either side and by the control of a lesson. */
export const readText: Read<Scope, string, Analysis> = ({ scope, input, routing }, signal) => scope.analyse(input, { routing, signal });
