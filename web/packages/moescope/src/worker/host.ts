// The worker's side of the protocol: owns the engine, answers every call once, and says when the engine is lost.
// It knows nothing of wasm, files or backends; `start` brings the engine.

import type { AskExpertCall, BeginCall, Call, ClassifyCall, EngineCall, FromPage, FromWorker, LoadCall, Loaded, LoadSource, LoadVisionCall, NextCall, Reply, RerouteCall, SharedCall } from '../internal/protocol.js';
import { buffersOf, messageOf, toWireError } from '../internal/protocol.js';
import { MoescopeError } from '../public/error.js';
import type { Backend, Classification, ExpertAnswer, ModelRouting, ModelRoutingInput, Progress } from '../public/types.js';
import { Asker } from './asker.js';
import type { AnyEngine, Engine, VisionEngine } from './engine.js';
import type { Failure } from './failure.js';
import { endsEngine } from './failure.js';
import { EngineQueue, turn } from './queue.js';

export interface Started<E> {
  readonly engine: E;
  readonly backend: Backend;
}

export interface HostOptions {
  readonly post: (message: FromWorker, transfer: ArrayBuffer[]) => void;
  /** Brings an engine up; rejects when `failure` is raised meanwhile. */
  readonly start: (call: LoadCall, report: (progress: Progress) => void) => Promise<Started<Engine>>;
  /** The same for images. */
  readonly startVision: (call: LoadVisionCall, report: (progress: Progress) => void) => Promise<Started<VisionEngine>>;
  readonly failure: Failure;
}

/** What goes before other work. */
const URGENT: ReadonlySet<Call['name']> = new Set(['set_routing', 'set_external']);

export class Host {
  readonly #options: HostOptions;
  readonly #queue = new EngineQueue();
  readonly #asker: Asker;
  /** One of the two, by what was loaded. */
  #engine: Engine | undefined;
  #vision: VisionEngine | undefined;
  #generation: number | undefined;
  /** The call that is being served, until it is cancelled. */
  #wanted: number | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#asker = new Asker(options.post);
    const { failure, post } = options;
    failure.promise.catch(() => {
      this.#queue.close();
      // While an engine starts, its call rejects and says more.
      if (this.#started) {
        post({ type: 'lost', cause: failure.cause ?? 'for no known reason' }, []);
      }
    });
  }

  get #started(): boolean {
    return this.#engine !== undefined || this.#vision !== undefined;
  }

  receive(message: FromPage): void {
    if (message.type === 'answer') {
      this.#asker.settle(message.question, message.answer);
    } else if (message.type === 'cancel') {
      this.#cancel(message.id);
    } else {
      const { id, call } = message;
      this.#queue.add({ id, run: () => this.#answer(id, call) }, URGENT.has(call.name));
    }
  }

  /** Drops a call that has not begun, and ends early what waits for the page or goes step by step. */
  #cancel(id: number): void {
    this.#queue.cancel(id);
    if (this.#wanted === id) {
      this.#wanted = undefined;
      this.#asker.giveUp('the call was cancelled');
    }
  }

  async #answer(id: number, call: Call): Promise<void> {
    const { post, failure } = this.#options;
    this.#wanted = id;
    try {
      const reply = await Promise.race([this.#serve(id, call), failure.promise]);
      post({ type: 'reply', id, reply }, buffersOf(reply));
    } catch (error) {
      if (endsEngine(error)) {
        failure.raise(messageOf(error));
      }
      // A loss is told once, for all calls; only the call that starts an engine answers for itself.
      if (failure.cause === undefined || !this.#started) {
        post({ type: 'error', id, error: toWireError(error) }, []);
      }
    }
  }

  async #serve(id: number, call: Call): Promise<Reply> {
    switch (call.name) {
      case 'load':
        return this.#load(id, call);
      case 'load_vision':
        return this.#loadVision(id, call);
      case 'classify':
        return { name: 'classify', value: await classify(loaded(this.#vision, call), call) };
      case 'set_routing':
        return { name: 'set_routing', value: setRouting(loaded(this.#engine ?? this.#vision, call), call.routing) };
      case 'set_external':
        this.#setExternal(loaded(this.#engine ?? this.#vision, call), call.external);
        return { name: 'set_external', value: undefined };
      default:
        return this.#serveEngine(loaded(this.#engine, call), id, call);
    }
  }

  async #load(id: number, call: LoadCall): Promise<Reply> {
    const { engine, backend } = await this.#options.start(call, this.#reporter(id));
    this.#setExternal(engine, call.external);
    const value = ready(engine, backend, call);
    this.#engine = engine;
    return { name: 'load', value };
  }

  async #loadVision(id: number, call: LoadVisionCall): Promise<Reply> {
    const { engine, backend } = await this.#options.startVision(call, this.#reporter(id));
    this.#setExternal(engine, call.external);
    const value = ready(engine, backend, call);
    this.#vision = engine;
    return { name: 'load_vision', value };
  }

  #reporter(id: number): (progress: Progress) => void {
    return (progress) => this.#options.post({ type: 'progress', id, progress }, []);
  }

  async #serveEngine(engine: Engine, id: number, call: Exclude<EngineCall, SharedCall>): Promise<Reply> {
    switch (call.name) {
      case 'begin':
        return this.#begin(engine, call);
      case 'next':
        return this.#next(engine, call);
      case 'analyse':
        return { name: 'analyse', value: await engine.analyse(call.text, call.routing) };
      case 'ask_expert':
        return { name: 'ask_expert', value: await askExpert(engine, call) };
      case 'reroute':
        return this.#reroute(engine, id, call);
    }
  }

  #setExternal(engine: AnyEngine<unknown>, external: boolean): void {
    engine.set_external_router(external ? this.#asker.decide : undefined);
  }

  async #reroute(engine: Engine, id: number, { text, options, routing }: RerouteCall): Promise<Reply> {
    const report = async (loss: number): Promise<boolean> => {
      this.#options.post({ type: 'loss', id, loss }, []);
      await turn(); // So that a cancel is heard.
      return this.#wanted === id;
    };
    return { name: 'reroute', value: await engine.reroute(text, options, routing, report) };
  }

  async #begin(engine: Engine, { generation, prompt, options }: BeginCall): Promise<Reply> {
    const value = await engine.begin(prompt, options);
    // A prompt that is refused leaves the running generation alone.
    this.#generation = generation;
    return { name: 'begin', value };
  }

  async #next(engine: Engine, { generation }: NextCall): Promise<Reply> {
    if (generation !== this.#generation) {
      throw new MoescopeError(
        'superseded',
        'Another generation was started on this model, which ended this one. Load the model twice to run two at a time.',
      );
    }
    return { name: 'next', value: await engine.next() };
  }
}

function loaded<E>(engine: E | undefined, call: Call): E {
  if (engine === undefined) {
    throw new MoescopeError('internal', `The call ${call.name} came before a model that serves it was loaded.`);
  }
  return engine;
}

/** What a page is told of an engine that just started, under the routing it is to start with. */
function ready<Info>(engine: AnyEngine<Info>, backend: Backend, { routing }: LoadSource): Loaded<Info> {
  if (routing !== undefined) {
    engine.set_routing(routing);
  }
  return { model: engine.info(), backend, routing: engine.routing() };
}

function setRouting(engine: AnyEngine<unknown>, routing: ModelRoutingInput): ModelRouting {
  engine.set_routing(routing);
  return engine.routing();
}

function askExpert(engine: Engine, { text, question, routing }: AskExpertCall): Promise<ExpertAnswer> {
  const ids = typeof text === 'string' ? engine.tokenize(text).map(({ id }) => id) : text;
  return engine.ask_expert(Uint32Array.from(ids), question, routing);
}

function classify(engine: VisionEngine, { rgba, width, height, label, routing }: ClassifyCall): Promise<Classification> {
  return engine.classify(rgba, width, height, label, routing);
}
