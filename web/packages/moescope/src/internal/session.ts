// A model of text: its calls, on whichever worker serves it now.

import type { Analysis, ExpertAnswer, ExpertQuestion, ModelInfo, Rerouted } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import type {
  AnalyseRequest,
  Backend,
  ExternalRouter,
  GenerateRequest,
  GenerateStep,
  LoadOptions,
  ModelFolder,
  RerouteRequest,
  RoutingInput,
} from '../public/types.js';
import { LiveModel } from './live.js';
import { engineOptions, rerouteOptions } from './requests.js';
import { toModelRouting } from './routing.js';
import type { WorkerPort } from './spawn.js';
import type { LoadInto } from './starter.js';
import { Starter } from './starter.js';

/** The external router, where workers to come find it too. */
interface Outside {
  router: ExternalRouter | undefined;
}

export class Session {
  readonly #live: LiveModel<ModelInfo>;
  readonly #outside: Outside;
  #generations = 0;

  private constructor(live: LiveModel<ModelInfo>, outside: Outside) {
    this.#live = live;
    this.#outside = outside;
  }

  static async open(url: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort): Promise<Session> {
    const outside: Outside = { router: undefined };
    const load: LoadInto<ModelInfo> = (link, source, how) => {
      link.answerBy(outside.router);
      return link.load({ ...source, external: outside.router !== undefined }, how);
    };
    return new Session(await LiveModel.open(new Starter(url, options, spawn, load), options.signal), outside);
  }

  get model(): ModelInfo {
    return this.#live.model;
  }

  get backend(): Backend {
    return this.#live.backend;
  }

  get routing(): ModelRouting {
    return this.#live.routing;
  }

  async *generate(prompt: string, request: GenerateRequest): AsyncGenerator<GenerateStep, void, undefined> {
    const { signal } = request;
    const options = engineOptions(request);
    const link = await this.#live.link(signal);
    const generation = ++this.#generations;
    yield { kind: 'prompt', text: '', trace: await link.begin({ generation, prompt, options }, { signal }) };
    for (;;) {
      const step = await link.next({ generation }, { signal });
      if (step === undefined) {
        return;
      }
      const { token, log_prob: logProb, trace, contrast } = step;
      yield { kind: 'token', text: token.text, token, logProb, trace, contrast: contrast ?? undefined };
    }
  }

  setRouting(routing: RoutingInput): Promise<void> {
    return this.#live.setRouting(routing);
  }

  async setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    this.#outside.router = router;
    // A new worker is told as it starts; one in use may be waiting for the former router, which now will not answer.
    this.#live.present?.answerBy(router);
    const link = await this.#live.link();
    await link.setExternal(router !== undefined);
  }

  async analyse(text: string, { routing, signal }: AnalyseRequest): Promise<Analysis> {
    const link = await this.#live.link(signal);
    return link.analyse({ text, routing: routing && toModelRouting(routing) }, { signal });
  }

  async askExpert(text: string | readonly number[], question: ExpertQuestion, { routing, signal }: AnalyseRequest): Promise<ExpertAnswer> {
    const link = await this.#live.link(signal);
    return link.askExpert({ text, question, routing: routing && toModelRouting(routing) }, { signal });
  }

  async reroute(text: string, request: RerouteRequest): Promise<Rerouted> {
    const { routing, signal, onLoss } = request;
    const link = await this.#live.link(signal);
    // The recorded plan has no gradient; the other engines know what they can do.
    const method = request.method ?? (this.backend.kind === 'webgpu' ? 'search' : undefined);
    const call = { text, options: rerouteOptions({ ...request, method }), routing: routing && toModelRouting(routing) };
    return link.reroute(call, { signal, onLoss });
  }

  free(): void {
    this.#live.free('Moescope.load');
  }
}
