// Goes through the sample images, one after another, for what one image cannot tell: accuracy under the routing as it is
// beside the trained one, maps of classes and experts, and the curve of accuracy by capacity; and through pictures of the
// visitor's own, whose right classes nobody knows.
// What was measured so far is shown at once, can be stopped at any image and stays.

import { VERDICTS } from 'moescope';
import type { Classification, ModelRouting, VisionInfo } from 'moescope';

import { explain } from '../errors.js';
import type { Problem } from '../errors.js';
import { CAPACITY } from '../routing.js';
import type { LimitEdit } from '../routing.js';
import { sameRouting } from '../spec.js';
import type { Collection } from './collection.js';
import { allSamples, classOf } from './samples.js';
import type { Sample, Samples } from './samples.js';
import { actsOf, outcomeOf } from './tally.js';
import type { Acts, Outcome } from './tally.js';

export interface Looker {
  readonly model: VisionInfo;
  classify(image: ImageData | Blob, request: { routing: ModelRouting; signal: AbortSignal }): Promise<Classification>;
}

/** What a survey asks. */
export interface Asked {
  readonly scope: Looker;
  readonly routing: ModelRouting;
}

/** What a survey of the samples is about. */
export interface Subject extends Asked {
  readonly samples: Samples;
}

export interface Progress {
  readonly running: boolean;
  readonly done: number;
  readonly total: number;
  readonly error: Problem | undefined;
}

export interface SurveyState extends Progress {
  /** By image, under the routing measured and under the trained one. */
  readonly now: readonly Outcome[];
  readonly trained: readonly Outcome[];
  readonly routing: ModelRouting | undefined;
}

/** Pictures of the visitor's own. */
export interface CollectionState extends Progress {
  readonly chosen: Collection | undefined;
  readonly outcomes: readonly Acts[];
  /** Files that are no pictures. */
  readonly refused: readonly string[];
  readonly routing: ModelRouting | undefined;
}

export interface CurvePoint extends LimitEdit {
  readonly outcomes: readonly Outcome[];
}

export interface CurveState extends Progress {
  readonly points: readonly CurvePoint[];
  /** Under the trained routing without a limit. */
  readonly free: readonly Outcome[];
}

const IDLE: Progress = { running: false, done: 0, total: 0, error: undefined };
const NOTHING: SurveyState = { ...IDLE, now: [], trained: [], routing: undefined };
const NO_CURVE: CurveState = { ...IDLE, points: [], free: [] };
const NO_PICTURES: CollectionState = { ...IDLE, chosen: undefined, outcomes: [], refused: [], routing: undefined };

/** Codes of a file that is no picture; anything else ends the survey. */
const NO_PICTURE: ReadonlySet<string> = new Set(['image_unreadable', 'image_invalid']);

/** Of the even share; below one half much is lost, above one and a half next to nothing. */
export const FACTORS = [CAPACITY.min, 0.25, 0.5, 0.75, 1, 1.25, 1.5] as const;
export const PRIORITIES = ['order', 'batch_priority'] as const;

const OVER_CAPACITY = VERDICTS.indexOf('over_capacity');

export class Survey {
  state: SurveyState = NOTHING;
  curve: CurveState = NO_CURVE;
  collection: CollectionState = NO_PICTURES;
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
    await this.#through(labelled(subject), 1, async ({ sample, label }, index, signal) => {
      const image = samples.image(sample);
      if (image === undefined) return;
      const under = async (wanted: ModelRouting): Promise<Outcome> =>
        outcomeOf(await scope.classify(image, { routing: wanted, signal }), label, OVER_CAPACITY);
      const before = await this.#trained(scope, index, () => under(trainedRouting));
      const after = sameRouting(routing, trainedRouting) ? before : await under(routing);
      if (signal.aborted) return;
      now.push(after);
      trained.push(before);
    }, show);
  }

  /** Every sample at every capacity, with either order of patches. */
  async sweep(subject: Subject): Promise<void> {
    const { scope, samples, routing } = subject;
    const points = PRIORITIES.flatMap((priority) => FACTORS.map((factor) => ({ factor, priority, outcomes: [] as Outcome[] })));
    const free: Outcome[] = [];
    const trained = scope.model.trained_routing;
    const unlimited = limited(trained, undefined);
    await this.#through(labelled(subject), points.length + 1, async ({ sample, label }, index, signal, step) => {
      const image = samples.image(sample);
      if (image === undefined) return;
      const under = async (wanted: ModelRouting): Promise<Outcome> =>
        outcomeOf(await scope.classify(image, { routing: wanted, signal }), label, OVER_CAPACITY);
      const round: Outcome[] = [sameRouting(unlimited, trained) ? await this.#trained(scope, index, () => under(trained)) : await under(unlimited)];
      step();
      for (const point of points) {
        round.push(await under(limited(routing, point)));
        step();
      }
      if (signal.aborted) return;
      round.forEach((outcome, i) => (points[i - 1]?.outcomes ?? free).push(outcome));
    }, (progress) => {
      this.curve = { ...progress, points: points.map((point) => ({ ...point, outcomes: [...point.outcomes] })), free: [...free] };
      this.#changed();
    });
  }

  /** Takes other pictures of the visitor's own. */
  choose(chosen: Collection): void {
    this.stop();
    this.collection = { ...NO_PICTURES, chosen };
    this.#changed();
  }

  /** Every chosen picture under the routing; what is no picture is told and left out. */
  async gather({ scope, routing }: Asked): Promise<void> {
    const { chosen } = this.collection;
    const [outcomes, refused]: [Acts[], string[]] = [[], []];
    await this.#through(chosen?.pictures ?? [], 1, async ({ file, name, row }, _, signal) => {
      try {
        outcomes.push(actsOf(await scope.classify(file, { routing, signal }), row));
      } catch (error) {
        if (!NO_PICTURE.has(explain(error).code)) throw error;
        refused.push(name);
      }
    }, (progress) => {
      this.collection = { ...progress, chosen, routing, outcomes: [...outcomes], refused: [...refused] };
      this.#changed();
    });
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    [this.state, this.curve, this.collection] = [{ ...this.state, running: false }, { ...this.curve, running: false }, { ...this.collection, running: false }];
    this.#changed();
  }

  /** Another model: nothing measured holds any more; what was chosen stays. */
  clear(): void {
    this.stop();
    [this.state, this.curve, this.collection, this.#known] = [NOTHING, NO_CURVE, { ...NO_PICTURES, chosen: this.collection.chosen }, undefined];
  }

  async #trained(scope: Looker, index: number, measure: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#known?.scope !== scope) this.#known = { scope, outcomes: new Map() };
    const { outcomes } = this.#known;
    const outcome = outcomes.get(index) ?? await measure();
    outcomes.set(index, outcome);
    return outcome;
  }

  /** One image after another; only one survey runs at a time. */
  async #through<T>(
    images: readonly T[], steps: number, look: (image: T, index: number, signal: AbortSignal, step: () => void) => Promise<void>, show: (progress: Progress) => void,
  ): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    const total = images.length * steps;
    let done = 0;
    const progress = (running: boolean, error?: Problem): void => {
      if (this.#abort === abort) show({ running, done, total, error });
    };
    progress(true);
    try {
      for (const [index, image] of images.entries()) {
        await look(image, index, abort.signal, () => { done += 1; });
        if (abort.signal.aborted) return;
        done = (index + 1) * steps;
        progress(true);
      }
      progress(false);
    } catch (error) {
      if (!abort.signal.aborted) progress(false, explain(error));
    }
  }
}

/** Every sample whose class the model knows. */
function labelled({ scope, samples }: Subject): { readonly sample: Sample; readonly label: number }[] {
  return allSamples(samples).flatMap((sample) => {
    const label = classOf(scope.model, samples, sample);
    return label === undefined ? [] : [{ sample, label }];
  });
}

/** The routing under this limit, or under none. */
function limited(routing: ModelRouting, edit: LimitEdit | undefined): ModelRouting {
  const change = edit === undefined ? { capacity_factor: null } : { capacity_factor: edit.factor, priority: edit.priority };
  const limit = { ...routing.default.limit, capacity: null, ...change };
  return {
    default: { ...routing.default, limit },
    layers: Object.fromEntries(Object.entries(routing.layers).map(([layer, spec]) => [layer, { ...spec, limit }])),
  };
}
