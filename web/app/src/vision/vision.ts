// The tab Vision: its model, the picture, what the model says of it under the routing as it is and as trained.
// It decides when; how is in the files beside it. Nothing is loaded before the tab, or a lesson about pictures, is shown.

import type { Classification, ModelRouting, VisionInfo, VisionScope } from 'moescope';

import { Engine } from '../engine.js';
import type { Load, Opened, Wish } from '../engine.js';
import { PageError, explain } from '../errors.js';
import type { Problem } from '../errors.js';
import { showsPictures } from '../lessons.js';
import { messages } from '../messages.js';
import type { Look } from '../outline.js';
import { Rivalry } from '../rivalry.js';
import { NO_EDITS, applyEdits } from '../routing.js';
import type { RoutingEdits } from '../routing.js';
import { sameRouting } from '../spec.js';
import type { Store } from '../store.js';
import { Camera } from './camera.js';
import { collectionOf } from './collection.js';
import type { Found } from './collection.js';
import type { Samples } from './samples.js';
import { Sights } from './sights.js';
import type { Picture, Sight } from './sights.js';
import type { Source, VisionState } from './state.js';
import { Survey } from './survey.js';

export type Eyes = Pick<VisionScope, 'model' | 'backend' | 'routing' | 'setRouting' | 'setExternalRouter' | 'classify' | 'free'>;
export type LoadEyes = Load<Eyes>;

/** What it says. */
export interface Seen {
  readonly now: Classification;
  readonly trained: Classification;
  readonly label: number | undefined;
}

export interface VisionOptions {
  readonly load: LoadEyes;
  readonly look?: Look;
  readonly store: Store;
  readonly changed: () => void;
  readonly now: () => number;
  readonly samples: (signal: AbortSignal) => Promise<Samples>;
}

/** The rejection of a picture whose router, the visitor's own, has failed; that is told where it is written. */
const ROUTER_FAILED = 'external_failed';

export class Vision {
  readonly engine: Engine<Eyes>;
  readonly survey: Survey;
  readonly camera: Camera;
  /** Side A of a comparison. */
  readonly rivalry: Rivalry<Eyes, Picture, Classification>;
  seen: Seen | undefined;
  /** Why the last picture, camera or routing was not taken. */
  pictureError: Problem | undefined;
  routingError: Problem | undefined;
  /** How long the last look took. */
  tookMs: number | undefined;
  readonly #options: VisionOptions;
  readonly #opened: () => Promise<void>;
  readonly #sights = new Sights(() => this.info);
  /** What `seen` is about. */
  #seenOf: Sight | undefined;
  #begun = false;
  #looking = false;
  #again = false;
  /** What the model took last. */
  #accepted: RoutingEdits = NO_EDITS;
  #takingBack = false;

  /** `opened` is called before a model that was just opened looks at anything. */
  constructor(options: VisionOptions, opened: () => Promise<void> = () => Promise.resolve()) {
    this.#opened = opened;
    const { load, store, changed, now, look } = options;
    this.#options = options;
    this.engine = new Engine(load, changed, now, () => this.#closing(), look);
    this.survey = new Survey(changed);
    this.camera = new Camera(changed);
    this.rivalry = new Rivalry({
      load, now, read: ({ scope, input, routing }, signal) => scope.classify(input, { routing, signal }),
      changed: () => this.#compare(),
    });
    store.subscribe((state, before) => {
      if (!showsPictures(state)) this.camera.stop();
      else void this.begin();
      if (state.vision.source !== before.vision.source) this.#turnTo(state.vision.source);
      if (state.vision.routing !== before.vision.routing && !this.#takingBack) void this.look();
      if (state.vision.rival !== before.vision.rival) this.#compare();
      if ((state.vision.model !== before.vision.model || state.backend !== before.backend) && this.#begun) void this.open();
    });
  }

  /** Loads what the tab needs, once. */
  async begin(): Promise<void> {
    const { store, samples } = this.#options;
    if (this.#begun || !showsPictures(store.state)) return;
    this.#begun = true;
    const opening = this.open();
    try {
      this.#sights.samples = await samples(AbortSignal.timeout(60_000));
    } catch (error) {
      this.pictureError = explain(error);
    }
    this.#turnTo(store.state.vision.source);
    await opening;
  }

  async open(backend = this.#backend()): Promise<void> {
    const { model } = this.#options.store.state.vision;
    const wish: Wish = { model, backend };
    const before = this.engine.opened;
    if (await this.engine.open(wish)) {
      this.seen = undefined;
      this.#accepted = NO_EDITS;
      await this.#opened();
      this.#turnTo(this.#options.store.state.vision.source);
      void this.look();
    } else if (before !== undefined && this.engine.loading === undefined) {
      this.#set({ model: before.model });
    }
  }

  get samples(): Samples | undefined {
    return this.#sights.samples;
  }

  get info(): VisionInfo | undefined {
    return this.engine.opened?.info;
  }

  get routing(): ModelRouting | undefined {
    return this.info === undefined ? undefined : applyEdits(this.info, this.#options.store.state.vision.routing);
  }

  /** A picture of the visitor's own. */
  async take(picture: Picture): Promise<void> {
    const { store } = this.#options;
    if (store.state.vision.source.kind !== 'own') {
      this.#set({ source: { kind: 'own' }, patch: undefined });
    }
    this.pictureError = undefined;
    this.#sights.now = { picture, label: undefined };
    await this.look();
  }

  async startCamera(): Promise<void> {
    this.pictureError = undefined;
    try {
      // Only pages from https or from this machine have it.
      if (!('mediaDevices' in navigator)) throw new PageError('no_camera', () => messages.vision.camera.missing);
      await this.camera.run((frame) => this.take(frame));
    } catch (error) {
      const other = explain(error);
      this.pictureError = error instanceof DOMException ? explain(new PageError('no_camera', () => messages.vision.camera.problem(error.name) ?? other.message)) : other;
      this.#options.changed();
    }
  }

  /** Holds the shown picture for side A. */
  hold(): void {
    const { store } = this.#options;
    const { rival, source } = store.state.vision;
    if (rival !== undefined && this.#sights.hold(source)) this.#set({ rival: { ...rival, input: source } });
  }

  /** A becomes what the page shows, and the page what A was. */
  swap(): void {
    const { store, now } = this.#options;
    const { rival, source, routing, model } = store.state.vision;
    if (rival === undefined) return;
    if (rival.input !== undefined) this.#sights.swap(source, rival.input);
    store.edit(rival.routing, 'swap', now(), 'vision');
    const other = rival.model ?? model;
    this.#set({
      model: other, source: rival.input ?? source, patch: undefined,
      rival: { model: other === model ? undefined : model, input: rival.input && source, routing },
    });
    void this.look();
  }

  measure(how: 'measure' | 'sweep' | 'gather'): void {
    const { opened } = this.engine;
    const { routing, samples } = this;
    if (opened === undefined || routing === undefined) return;
    const { scope } = opened;
    if (how === 'gather') void this.survey.gather({ scope, routing });
    else if (samples !== undefined) void this.survey[how]({ scope, samples, routing });
  }

  /** Says why what was to be looked at could not be read. */
  refuse(error: unknown): void {
    this.pictureError = explain(error);
    this.#options.changed();
  }

  /** Several pictures of the visitor's own. */
  collect(found: readonly Found[]): void {
    this.survey.choose(collectionOf(found));
    this.measure('gather');
  }

  /** The model looks at the picture again; while it does, only the latest wish waits. */
  async look(): Promise<void> {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    while (this.#again) {
      this.#again = false;
      await this.#lookOnce();
    }
    this.#looking = false;
  }

  async #lookOnce(): Promise<void> {
    const [opened, sight] = [this.engine.opened, this.#sights.now];
    if (opened === undefined || sight === undefined) return;
    const edits = this.#options.store.state.vision.routing;
    try {
      const known = this.#seenOf === sight ? this.seen?.trained : undefined;
      const trained = known ?? await this.#timed(() => opened.scope.classify(sight.picture, { routing: opened.info.trained_routing }));
      const now = await this.#under(opened, edits, trained, sight);
      if (this.engine.opened !== opened) return;
      this.seen = { now, trained, label: sight.label };
      this.#seenOf = sight;
    } catch (error) {
      const problem = explain(error);
      if (this.engine.opened?.scope === opened.scope && problem.code !== ROUTER_FAILED) this.pictureError = problem;
    }
    this.#compare();
  }

  /** Has side A looked at, where there is one. */
  #compare(): void {
    const { store, changed } = this.#options;
    const { rival } = store.state.vision;
    const input = rival && this.#sights.ofA(rival.input)?.picture;
    this.rivalry.look(rival, { opened: this.engine.opened, backend: this.#backend(), input });
    changed();
  }

  async #under({ scope, info }: Opened<Eyes>, edits: RoutingEdits, trained: Classification, { picture }: Sight): Promise<Classification> {
    const routing = applyEdits(info, edits);
    try {
      await scope.setRouting(routing);
      [this.routingError, this.#accepted] = [undefined, edits];
    } catch (error) {
      this.routingError = explain(error);
      this.#takeBack(edits);
    }
    // After a refusal this is the routing before, which the model kept.
    return sameRouting(scope.routing, trained.routing) ? trained : this.#timed(() => scope.classify(picture));
  }

  /** Before the model is freed: nothing may still ask it. */
  #closing(): void {
    this.survey.clear();
    this.rivalry.comparer.measure(undefined);
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const start = this.#options.now();
    const result = await work();
    this.tookMs = this.#options.now() - start;
    return result;
  }

  /** What the model refuses is taken back, so that page, link and picture always say the same. */
  #takeBack(refused: RoutingEdits): void {
    const { store } = this.#options;
    if (store.state.vision.routing !== refused) return;
    this.#takingBack = true;
    store.takeBack(this.#accepted, 'vision');
    this.#takingBack = false;
  }

  #turnTo(source: Source): void {
    if (source.kind !== 'own') this.camera.stop();
    const sight = this.#sights.of(source);
    const missing = sight === undefined && source.kind === 'sample' && this.samples !== undefined;
    this.pictureError = missing ? explain(new PageError('no_sample', () => messages.vision.picture.noSample)) : undefined;
    if (sight === undefined) return;
    this.#sights.now = sight;
    void this.look();
  }

  #set(change: Partial<VisionState>): void {
    const { store } = this.#options;
    store.set({ vision: { ...store.state.vision, ...change } });
  }

  /** Unless another is chosen, the CPU: it starts without shaders to compile, and leaves the GPU to the text. */
  #backend(): Wish['backend'] {
    const { backend } = this.#options.store.state;
    return backend === 'auto' ? 'cpu' : backend;
  }
}
