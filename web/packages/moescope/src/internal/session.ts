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
import { Starter } from './starter.js';

export class Session {
  readonly #live: LiveModel<ModelInfo>;
  #generations = 0;

  private constructor(live: LiveModel<ModelInfo>) {
    this.#live = live;
  }

  static async open(url: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort): Promise<Session> {
    const starter = new Starter<ModelInfo>(url, options, spawn, (link, source, how) => link.load(source, how));
    return new Session(await LiveModel.open(starter, options.signal));
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

  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    return this.#live.setExternalRouter(router);
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
