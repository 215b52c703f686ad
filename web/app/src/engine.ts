// The engine behind the page: opens a model, replaces it only once the new one is ready, passes routings on.
// Whatever fails leaves the former model running; what failed and what to do is kept for the page to show.

import type { Backend, BackendWish, LoadOptions, ModelFolder, ModelRouting, Moescope, Progress } from 'moescope';

import { isOwn, ownName, shortName } from './catalogue.js';
import { PageError, explain } from './errors.js';
import type { Problem } from './errors.js';
import { messages } from './messages.js';
import { unseen } from './outline.js';
import type { Look, Outline } from './outline.js';
import { addressOf } from './shelf.js';
import type { Outside } from './spec.js';

/** The part of a loaded model that the page uses. */
export type Scope = Pick<Moescope, 'model' | 'backend' | 'routing' | 'generate' | 'setRouting' | 'setExternalRouter' | 'analyse' | 'askExpert' | 'reroute' | 'free'>;
export type Load<S = Scope> = (model: string | URL | ModelFolder, options: LoadOptions) => Promise<S>;

/** What models of text and of images have in common. */
export type AnyScope = Pick<Scope, 'backend' | 'setRouting' | 'free'> & { readonly model: object };

/** What to open. */
export interface Wish {
  readonly model: string;
  readonly backend: BackendWish;
}

export interface LoadFailure {
  readonly wish: Wish;
  readonly problem: Problem;
}

/** How far loading is, over all phases. */
export interface LoadingState {
  readonly wish: Wish;
  readonly phase: Progress['phase'];
  readonly message: string;
  readonly loaded: number;
  readonly total: number | undefined;
  /** Seconds, once there is enough to tell. */
  readonly secondsLeft: number | undefined;
}

export interface Opened<S extends AnyScope = Scope> extends Wish, Outline {
  readonly scope: S;
  readonly info: S['model'] & Outside;
}

export class Engine<S extends AnyScope = Scope> {
  opened: Opened<S> | undefined;
  loading: LoadingState | undefined;
  failure: LoadFailure | undefined;
  routingError: Problem | undefined;
  /** The routing that acts, and the last one that was refused; undefined until one was sent. */
  accepted: ModelRouting | undefined;
  refused: ModelRouting | undefined;
  readonly #load: Load<S>;
  readonly #changed: () => void;
  readonly #now: () => number;
  readonly #closing: () => void;
  readonly #look: Look;
  /** Folders of the visitor's own, by the name under which they are opened. */
  readonly #lent = new Map<string, ModelFolder>();
  #abort: AbortController | undefined;
  #wanted: ModelRouting | undefined;
  #sending: Promise<void> | undefined;

  /** `closing` is called before a model is freed because another takes its place: whatever runs on it has to end. */
  constructor(
    load: Load<S>, changed: () => void, now: () => number, closing: () => void = () => undefined, look: Look = unseen,
  ) {
    this.#load = load;
    this.#changed = changed;
    this.#now = now;
    this.#closing = closing;
    this.#look = look;
  }

  get backend(): Backend | undefined {
    return this.opened?.scope.backend;
  }

  /** Opens a model; true when it is the one in use afterwards. */
  async open(wish: Wish): Promise<boolean> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.failure = undefined;
    const meter = new Meter(wish, this.#now);
    this.#show(meter.state);
    try {
      const onProgress = (progress: Progress): void => {
        if (this.#abort === abort) this.#show(meter.take(progress));
      };
      const source = this.#source(wish.model);
      const scope = await this.#load(source, { backend: wish.backend, signal: abort.signal, onProgress });
      return this.#adopt(abort, { ...wish, scope, info: scope.model, ...await this.#look(source) });
    } catch (error) {
      if (this.#abort === abort && !abort.signal.aborted) this.failure = { wish, problem: explain(error) };
      return false;
    } finally {
      if (this.#abort === abort) this.#show(undefined);
    }
  }

  /** Takes a folder of the visitor's own; returns the name under which it is opened from now on. */
  lend(folder: ModelFolder): string {
    const name = ownName(folder.name);
    this.#lent.set(name, folder);
    return name;
  }

  #source(model: string): URL | ModelFolder {
    if (!isOwn(model)) return addressOf(model);
    const lent = this.#lent.get(model);
    if (lent === undefined) throw new PageError('folder_elsewhere', () => messages.model.elsewhere(shortName(model)));
    return lent;
  }

  /** Says which router decides where a spec selects by `external`; with none such specs are impossible. */
  decidedBy(external: number | undefined): void {
    if (this.opened !== undefined) this.opened = { ...this.opened, info: { ...this.opened.info, external } };
  }

  /** Stops loading; what is open stays. */
  cancel(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#show(undefined);
  }

  /** Stops loading and frees what is open. */
  close(): void {
    this.#abort?.abort();
    [this.#abort, this.loading, this.failure] = [undefined, undefined, undefined];
    if (this.opened !== undefined) this.#closing();
    this.opened?.scope.free();
    this.opened = undefined;
  }

  dismiss(): void {
    this.failure = undefined;
    this.routingError = undefined;
    this.#changed();
  }

  /** Sends a routing; while one is on its way only the latest waits behind it. */
  async route(routing: ModelRouting): Promise<boolean> {
    this.#wanted = routing;
    do {
      this.#sending ??= this.#send().finally(() => {
        this.#sending = undefined;
      });
      await this.#sending;
    } while (this.#wanted === routing && this.opened !== undefined);
    return this.routingError === undefined;
  }

  async #send(): Promise<void> {
    while (this.#wanted !== undefined && this.opened !== undefined) {
      const routing = this.#wanted;
      const { scope } = this.opened;
      this.#wanted = undefined;
      const problem = await refusal(scope, routing);
      // A model that was replaced meanwhile says nothing of the one in use.
      if (this.opened.scope !== scope) continue;
      if (problem === undefined) this.accepted = routing;
      [this.refused, this.routingError] = [problem === undefined ? undefined : routing, problem];
    }
    this.#changed();
  }

  #adopt(abort: AbortController, opened: Opened<S>): boolean {
    if (this.#abort !== abort) {
      opened.scope.free();
      return false;
    }
    if (this.opened !== undefined) {
      this.#closing();
      this.opened.scope.free();
    }
    this.opened = opened;
    this.#wanted = undefined;
    [this.accepted, this.refused, this.routingError] = [undefined, undefined, undefined];
    return true;
  }

  #show(loading: LoadingState | undefined): void {
    this.loading = loading;
    this.#changed();
  }
}

/** Why a model does not take a routing; nothing where it does. */
async function refusal(scope: AnyScope, routing: ModelRouting): Promise<Problem | undefined> {
  try {
    await scope.setRouting(routing);
    return undefined;
  } catch (error) {
    return explain(error);
  }
}

/** Adds up what the phases report and reckons the time left. */
class Meter {
  state: LoadingState;
  readonly #phases = new Map<Progress['phase'], Progress>();
  readonly #now: () => number;
  readonly #start: number;

  constructor(wish: Wish, now: () => number) {
    this.#now = now;
    this.#start = now();
    this.state = { wish, phase: 'backend', message: '', loaded: 0, total: undefined, secondsLeft: undefined };
  }

  take(progress: Progress): LoadingState {
    this.#phases.set(progress.phase, progress);
    const downloads = [...this.#phases.values()].filter(({ phase }) => phase === 'wasm' || phase === 'weights');
    const loaded = downloads.reduce((sum, phase) => sum + phase.loaded, 0);
    const known = downloads.length === 2 && downloads.every((phase) => phase.total !== undefined);
    const total = known ? downloads.reduce((sum, phase) => sum + (phase.total ?? 0), 0) : undefined;
    this.state = {
      wish: this.state.wish, phase: progress.phase, message: progress.message, loaded, total,
      secondsLeft: total === undefined ? undefined : this.#secondsLeft(loaded / Math.max(1, total)),
    };
    return this.state;
  }

  #secondsLeft(share: number): number | undefined {
    const elapsed = (this.#now() - this.#start) / 1000;
    return share < 0.03 || share >= 1 || elapsed < 0.5 ? undefined : (elapsed * (1 - share)) / share;
  }
}
