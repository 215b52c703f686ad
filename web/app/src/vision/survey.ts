// Goes through the sample images, one after another, for what one image cannot tell: accuracy under the routing as it is
// beside the trained one, maps of classes and experts, and the curve of accuracy by capacity.
// What was measured so far is shown at once, can be stopped at any image and stays.

import { VERDICTS } from 'moescope';
import type { Classification, ModelRouting, VisionInfo } from 'moescope';

import { explain } from '../engine.js';
import { CAPACITY } from '../routing.js';
import type { LimitEdit } from '../routing.js';
import { sameRouting } from '../spec.js';
import { allSamples, classOf } from './samples.js';
import type { Samples } from './samples.js';
import { outcomeOf } from './tally.js';
import type { Outcome } from './tally.js';

export interface Looker {
  readonly model: VisionInfo;
  classify(image: ImageData, request: { routing: ModelRouting; signal: AbortSignal }): Promise<Classification>;
}

/** What a survey is about. */
export interface Subject {
  readonly scope: Looker;
  readonly samples: Samples;
  readonly routing: ModelRouting;
}

export interface SurveyState {
  readonly running: boolean;
  readonly done: number;
  readonly total: number;
  /** By image, under the routing measured and under the trained one. */
  readonly now: readonly Outcome[];
  readonly trained: readonly Outcome[];
  readonly routing: ModelRouting | undefined;
  readonly error: string | undefined;
}

export interface CurvePoint extends LimitEdit {
  readonly outcomes: readonly Outcome[];
}

export interface CurveState {
  readonly running: boolean;
  readonly done: number;
  readonly total: number;
  readonly points: readonly CurvePoint[];
  /** Under the trained routing without a limit. */
  readonly free: readonly Outcome[];
  readonly error: string | undefined;
}

const NOTHING: SurveyState = { running: false, done: 0, total: 0, now: [], trained: [], routing: undefined, error: undefined };
const NO_CURVE: CurveState = { running: false, done: 0, total: 0, points: [], free: [], error: undefined };

/** Of the even share; below one half much is lost, above one and a half next to nothing. */
export const FACTORS = [CAPACITY.min, 0.25, 0.5, 0.75, 1, 1.25, 1.5] as const;
export const PRIORITIES = ['order', 'batch_priority'] as const;

const OVER_CAPACITY = VERDICTS.indexOf('over_capacity');

export class Survey {
  state: SurveyState = NOTHING;
  curve: CurveState = NO_CURVE;
  readonly #changed: () => void;
  #abort: AbortController | undefined;
  /** Results under the trained routing, which every pass needs. */
  #known: { readonly scope: Looker; readonly outcomes: Map<number, Outcome> } | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Every sample under the routing and under the trained one. */
  async measure(subject: Subject): Promise<void> {
    const { scope, samples, routing } = subject;
    const trainedRouting = scope.model.trained_routing;
    const [now, trained]: [Outcome[], Outcome[]] = [[], []];
    const show = (change: Partial<SurveyState>): void => {
      this.state = { ...this.state, now: [...now], trained: [...trained], routing, ...change };
      this.#changed();
    };
    await this.#through(subject, 1, async (image, label, index, signal) => {
      const under = async (wanted: ModelRouting): Promise<Outcome> =>
        outcomeOf(await scope.classify(image, { routing: wanted, signal }), label, OVER_CAPACITY);
      const before = await this.#trained(scope, index, () => under(trainedRouting));
      const after = sameRouting(routing, trainedRouting) ? before : await under(routing);
      if (signal.aborted) return;
      now.push(after);
      trained.push(before);
    }, ({ running, done, total, error }) => show({ running, done, total, error }), samples);
  }

  /** Every sample at every capacity, with either order of patches. */
  async sweep({ scope, samples, routing }: Subject): Promise<void> {
    const points = PRIORITIES.flatMap((priority) => FACTORS.map((factor) => ({ factor, priority, outcomes: [] as Outcome[] })));
    const free: Outcome[] = [];
    await this.#through({ scope, samples, routing }, points.length + 1, async (image, label, index, signal, step) => {
      const under = async (wanted: ModelRouting): Promise<Outcome> =>
        outcomeOf(await scope.classify(image, { routing: wanted, signal }), label, OVER_CAPACITY);
      const round: Outcome[] = [await this.#trained(scope, index, () => under(scope.model.trained_routing))];
      step();
      for (const point of points) {
        round.push(await under(limited(routing, point)));
        step();
      }
      if (signal.aborted) return;
      round.forEach((outcome, i) => (points[i - 1]?.outcomes ?? free).push(outcome));
    }, ({ running, done, total, error }) => {
      this.curve = { running, done, total, error, points: points.map((point) => ({ ...point, outcomes: [...point.outcomes] })), free: [...free] };
      this.#changed();
    }, samples);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    [this.state, this.curve] = [{ ...this.state, running: false }, { ...this.curve, running: false }];
    this.#changed();
  }

  /** Another model: nothing measured holds any more. */
  clear(): void {
    this.stop();
    [this.state, this.curve, this.#known] = [NOTHING, NO_CURVE, undefined];
  }

  async #trained(scope: Looker, index: number, measure: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#known?.scope !== scope) this.#known = { scope, outcomes: new Map() };
    const { outcomes } = this.#known;
    const outcome = outcomes.get(index) ?? await measure();
    outcomes.set(index, outcome);
    return outcome;
  }

  /** One image after another; only one survey runs at a time. */
  async #through(
    { scope }: Subject, steps: number,
    look: (image: ImageData, label: number, index: number, signal: AbortSignal, step: () => void) => Promise<void>,
    show: (progress: Pick<SurveyState, 'running' | 'done' | 'total' | 'error'>) => void, samples: Samples,
  ): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    const known = allSamples(samples).flatMap((sample) => {
      const label = classOf(scope.model, samples, sample);
      return label === undefined ? [] : [{ sample, label }];
    });
    const total = known.length * steps;
    let done = 0;
    const progress = (running: boolean, error?: string): void => {
      if (this.#abort === abort) show({ running, done, total, error });
    };
    progress(true);
    try {
      for (const [index, { sample, label }] of known.entries()) {
        const image = samples.image(sample);
        if (image !== undefined) await look(image, label, index, abort.signal, () => { done += 1; });
        if (abort.signal.aborted) return;
        done = (index + 1) * steps;
        progress(true);
      }
      progress(false);
    } catch (error) {
      if (!abort.signal.aborted) progress(false, explain(error).message);
    }
  }
}

function limited(routing: ModelRouting, { factor, priority }: LimitEdit): ModelRouting {
  const limit = { ...routing.default.limit, capacity: null, capacity_factor: factor, priority };
  return {
    default: { ...routing.default, limit },
    layers: Object.fromEntries(Object.entries(routing.layers).map(([layer, spec]) => [layer, { ...spec, limit }])),
  };
}
