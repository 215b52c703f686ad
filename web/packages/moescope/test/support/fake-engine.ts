// An engine without a model: token n has id n, and its router takes the first experts that are not disabled.
// Under the method external it asks the router it was given; weak routings and offsets are kept for tests to look at.
// It fails, as the wasm engine would, when two calls overlap, and it can be told to trap or to hang.

import type { Analysis, ContrastReport, ExpertAnswer, ExpertQuestion, ModelInfo, Rerouted, RerouteOptions, Step, Token, Trace } from '../../src/generated/engine.js';
import { DEFAULT_SPEC, type ModelRouting, type RouterSpec } from '../../src/generated/routing.js';
import type { EngineOptions } from '../../src/internal/requests.js';
import type { ModelRoutingInput, RouterSpecInput } from '../../src/public/types.js';
import type { DecideFunction, Engine } from '../../src/worker/engine.js';

export const N_EXPERTS = 4;

export class FakeEngine implements Engine {
  /** Names of the calls in the order in which they began. */
  readonly calls: string[] = [];
  /** Options of the last generation and of the last rerouting, as they arrived. */
  options: EngineOptions | undefined;
  rerouteOptions: Partial<RerouteOptions> | undefined;
  /** The last question to an expert. */
  asked: { readonly ids: number[]; readonly question: ExpertQuestion; readonly routing: ModelRoutingInput | undefined } | undefined;
  /** Runs inside each asynchronous call, while the engine is busy. */
  during: (call: string) => Promise<void> = () => new Promise((resolve) => setImmediate(resolve));
  #routing: ModelRouting = complete({});
  #external: DecideFunction | undefined;
  #busy = false;
  #left = 0;
  #position = 0;

  info(): ModelInfo {
    this.#check('info');
    return {
      name: 'fake',
      architecture: 'fake',
      n_layers: 1,
      moe_layers: [0],
      n_experts: N_EXPERTS,
      n_shared_experts: 0,
      top_k: 2,
      d_model: 1,
      vocab_size: 1000,
      max_positions: 100,
      n_parameters: 1,
      n_active_parameters: 1,
      trained_routing: complete({}),
    };
  }

  set_routing(routing: ModelRoutingInput): void {
    this.#check('set_routing');
    const completed = complete(routing);
    const { select } = completed.default;
    if (select.method === 'top_k' && select.top_k > N_EXPERTS) {
      throw Object.assign(new Error('top_k is 5, allowed: 1 to 4'), { code: 'top_k_too_large' });
    }
    if (select.method === 'external' && this.#external === undefined) {
      throw Object.assign(new Error('this strategy asks an external router, and none is set'), { code: 'no_external_router' });
    }
    this.#routing = completed;
  }

  set_external_router(decide: DecideFunction | undefined): void {
    this.#check('set_external_router');
    this.#external = decide;
  }

  routing(): ModelRouting {
    this.#check('routing');
    return this.#routing;
  }

  async begin(prompt: string, options: EngineOptions): Promise<Trace> {
    return this.#alone('begin', () => {
      this.options = options;
      this.#left = options.max_tokens ?? 64;
      this.#position = prompt.length;
      return this.#trace(Array.from(prompt, (text, id) => ({ id, text, special: false })), this.#routing);
    });
  }

  async next(): Promise<Step | undefined> {
    return this.#alone('next', () => {
      if (this.#left === 0) {
        return undefined;
      }
      this.#left -= 1;
      const token = { id: this.#position, text: ` t${this.#position}`, special: false };
      this.#position += 1;
      const contrast = this.options?.contrast === undefined ? null : report(token);
      return { token, log_prob: -1, trace: this.#trace([token], this.#routing), contrast };
    });
  }

  async reroute(
    _text: string,
    options: Partial<RerouteOptions>,
    routing: ModelRoutingInput | undefined,
    report: (loss: number) => Promise<boolean>,
  ): Promise<Rerouted> {
    return this.#alone('reroute', async () => {
      this.rerouteOptions = options;
      const base = routing === undefined ? this.#routing : complete(routing);
      const losses: number[] = [];
      for (let step = 0; step <= (options.steps ?? 5); step += 1) {
        this.calls.push(`step ${step}`);
        losses.push(2 - step / 8);
        if (!(await report(2 - step / 8))) {
          break;
        }
      }
      const offsets = [0.5, 0, 0, -0.5];
      const spec = { ...base.default, adjust: { ...base.default.adjust, offsets } };
      const layers = [{ layer: 0, confidence: 1, chosen: true, offsets, changed: 0.5 }];
      const method = options.method ?? 'gradient';
      return { method, routing: { ...base, layers: { '0': spec } }, losses, kept: losses.length - 1, layers, changed: 0.5 };
    });
  }

  async ask_expert(ids: Uint32Array, question: ExpertQuestion, routing?: ModelRoutingInput): Promise<ExpertAnswer> {
    return this.#alone('ask_expert', () => {
      this.asked = { ids: [...ids], question, routing };
      const token = { id: ids[question.position] ?? 0, text: 'x', special: false };
      return {
        token, weight: null, total_weight: 1, shared: false, cosine: 0.5, relative_norm: 2, divergence: 0.25, n_units: 8,
        predictions: [{ token, mixture: 0.5, alone: 0.25 }], units: [{ unit: 3, activation: -1, strength: 2, up: [token], down: [] }],
      };
    });
  }

  async analyse(text: string, routing?: ModelRoutingInput): Promise<Analysis> {
    return this.#alone('analyse', () => {
      const tokens = Array.from(text, (character, id) => ({ id, text: character, special: false }));
      const trace = this.#trace(tokens, routing === undefined ? this.#routing : complete(routing));
      return { trace, losses: new Float32Array(tokens.length).fill(1), loss: 1, bits_per_byte: 1.44 };
    });
  }

  /** A token for each character. */
  tokenize(text: string): Token[] {
    return Array.from(text, (character) => ({ id: character.charCodeAt(0), text: character, special: false }));
  }

  free(): void {
    this.#check('free');
  }

  #check(call: string): void {
    this.calls.push(call);
    if (this.#busy) {
      throw new Error('recursive use of an object detected which would lead to unsafe aliasing in rust');
    }
  }

  async #alone<T>(call: string, work: () => T | Promise<T>): Promise<T> {
    this.#check(call);
    this.#busy = true;
    try {
      await this.during(call);
      if (this.#routing.default.select.method === 'external') {
        await this.#ask();
      }
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  /** A question about one token, whose plan is checked as far as tests need it. */
  async #ask(): Promise<void> {
    if (this.#external === undefined) {
      throw Object.assign(new Error('none is set'), { code: 'no_external_router' });
    }
    const input = { layer: 0, n_tokens: 1, n_experts: N_EXPERTS, logits: new Float32Array([3, 1, 2, 0]), token_ids: new Uint32Array([7]) };
    const plan = await this.#external(input).catch((error: Error) => {
      throw Object.assign(new Error(`the external router failed: ${error.message}`), { code: 'external_failed' });
    });
    if (plan.experts.some((expert) => expert >= N_EXPERTS)) {
      throw Object.assign(new Error('the plan is not valid'), { code: 'plan_invalid' });
    }
    this.calls.push(`plan ${[...plan.offsets]} ${[...plan.experts]} ${[...plan.weights]}`);
  }

  #trace(tokens: Token[], routing: ModelRouting): Trace {
    const { restrict, select } = routing.default;
    const allowed = Array.from({ length: N_EXPERTS }, (_, expert) => expert);
    const chosen = allowed.filter((e) => !restrict.disabled.includes(e)).slice(0, select.method === 'top_k' ? select.top_k : 0);
    const cells = tokens.length * N_EXPERTS;
    const layer = {
      layer: 0,
      n_experts: N_EXPERTS,
      logits: new Float32Array(cells),
      scores: new Float32Array(cells),
      selection_scores: new Float32Array(cells),
      verdicts: new Uint8Array(cells),
      offsets: Uint32Array.from({ length: tokens.length + 1 }, (_, t) => t * chosen.length),
      experts: Uint16Array.from(tokens.flatMap(() => chosen)),
      weights: new Float32Array(tokens.length * chosen.length),
    };
    return { tokens, layers: [layer], routing };
  }
}

function report(token: Token): ContrastReport {
  const candidate = { token, strong: 1, weak: 0.5, score: 1.25, valid: true };
  return { divergence: 0.25, strong_token: token, candidates: [candidate] };
}

export function complete({ default: spec = {}, layers = {} }: ModelRoutingInput): ModelRouting {
  const entries = Object.entries(layers).map(([layer, own]) => [layer, completeSpec(own)] as const);
  return { default: completeSpec(spec), layers: Object.fromEntries(entries) };
}

function completeSpec(spec: RouterSpecInput): RouterSpec {
  return {
    adjust: { ...DEFAULT_SPEC.adjust, ...spec.adjust },
    score: { ...DEFAULT_SPEC.score, ...spec.score },
    restrict: { ...DEFAULT_SPEC.restrict, ...spec.restrict },
    select: spec.select ?? DEFAULT_SPEC.select,
    prune: { ...DEFAULT_SPEC.prune, ...spec.prune },
    limit: { ...DEFAULT_SPEC.limit, ...spec.limit },
    weigh: { ...DEFAULT_SPEC.weigh, ...spec.weigh },
    seed: spec.seed ?? DEFAULT_SPEC.seed,
  };
}
