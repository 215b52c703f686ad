// A loaded model: generate, change its routing, analyse text, free it.
// It holds no logic; the session behind it owns the worker and survives the loss of an engine.

import { forget, keptBytes } from '../internal/kept-weights.js';
import { weightsUrl } from '../internal/model-url.js';
import { Session } from '../internal/session.js';
import { spawnWorker } from '../internal/spawn.js';
import { VisionSession } from '../internal/vision-session.js';
import type {
  AnalyseRequest,
  Analysis,
  Backend,
  ExpertAnswer,
  ExpertQuestion,
  ExternalRouter,
  GenerateRequest,
  GenerateStep,
  LoadOptions,
  ModelFolder,
  ModelInfo,
  ModelRouting,
  Rerouted,
  RerouteRequest,
  RoutingInput,
} from './types.js';
import { VisionScope } from './vision.js';

export class Moescope {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Loads a model folder (config.json, tokenizer.json, model.safetensors) into a worker of its own.
   *
   * The weights of a folder at an address stay in the browser, where it has room, until `forget` removes them.
   * Rejects with a MoescopeError, or with the signal's reason when that aborts.
   */
  static async load(model: string | URL | ModelFolder, options: LoadOptions = {}): Promise<Moescope> {
    return new Moescope(await Session.open(model, options, spawnWorker));
  }

  /** Bytes of weights that the browser keeps of a model folder; undefined where it keeps none. */
  static kept(url: string | URL): Promise<number | undefined> {
    return keptBytes(weightsUrl(url));
  }

  /** Removes the kept weights of a model folder; a loaded model goes on. */
  static forget(url: string | URL): Promise<boolean> {
    return forget(weightsUrl(url));
  }

  /**
   * Loads a folder of a vision model (config.json, model.safetensors), or its files, into a worker of its own.
   *
   * Rejects as `load` does.
   */
  static async loadVision(model: string | URL | ModelFolder, options: LoadOptions = {}): Promise<VisionScope> {
    return new VisionScope(await VisionSession.open(model, options, spawnWorker));
  }

  get model(): ModelInfo {
    return this.#session.model;
  }

  /** Where the engine runs; may change when a lost engine was rebuilt. */
  get backend(): Backend {
    return this.#session.backend;
  }

  /** The routing that the engine acknowledged last. */
  get routing(): ModelRouting {
    return this.#session.routing;
  }

  /**
   * Writes on from a prompt, one token for each step that is asked for.
   *
   * A model runs one generation at a time: starting another ends the earlier one with the code 'superseded'.
   * Leaving the loop early stops the work.
   */
  generate(prompt: string, request: GenerateRequest = {}): AsyncGenerator<GenerateStep, void, undefined> {
    return this.#session.generate(prompt, request);
  }

  /** Changes the routing from the next token on, of a running generation too. The former routing stays on error. */
  setRouting(routing: RoutingInput): Promise<void> {
    return this.#session.setRouting(routing);
  }

  /**
   * Sets the function that decides where a spec's select.method is 'external', or removes it.
   *
   * It is called on this page for each such layer and pass, and may take its time; it must not wait for another call of
   * this model, which runs only after it. A plan that is not valid rejects the call that asked, and other routings go on.
   */
  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    return this.#session.setExternalRouter(router);
  }

  /**
   * Looks for offsets of the gating logits under which a text is predicted better (test-time rerouting).
   *
   * Nothing changes by it: hand the routing of the result to setRouting to put it in force.
   */
  reroute(text: string, request: RerouteRequest = {}): Promise<Rerouted> {
    return this.#session.reroute(text, request);
  }

  /** Reads a text and reports the loss and the routing of its tokens; a running generation goes on. */
  analyse(text: string, request: AnalyseRequest = {}): Promise<Analysis> {
    return this.#session.analyse(text, request);
  }

  /**
   * Asks one expert what it does to one token of a text, or of token ids: what would come next if it acted alone,
   * how its output lies to the mixture's, and its strongest hidden units. A running generation goes on.
   *
   * The backend 'webgpu' keeps nothing of what happens inside an expert and rejects with the code 'plan_cannot_tell'; 'cpu' can tell.
   */
  askExpert(text: string | readonly number[], question: ExpertQuestion, request: AnalyseRequest = {}): Promise<ExpertAnswer> {
    return this.#session.askExpert(text, question, request);
  }

  /** Ends the worker and everything that runs in it; later calls reject with the code 'freed'. */
  free(): void {
    this.#session.free();
  }
}
