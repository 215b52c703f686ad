// A stand-in for the engine in unit tests and in the preview page: same interface, no weights.
// Its text is a fixed word list and its gate is a hash of token, layer and expert; see fake-router for its routing.

import { MoescopeError } from 'moescope';
import type {
  AnalyseRequest, Analysis, Backend, ContrastReport, ExpertAnswer, ExpertQuestion, ExternalRouter, GenerateRequest, GenerateStep, LoadOptions, ModelInfo, ModelRouting, Rerouted, RerouteRequest,
  RouterSpec, Token, Trace,
} from 'moescope';
import { DEFAULT_SPEC, specFor } from 'moescope/views';

import type { Scope } from '../src/engine.js';
import type { Keeping } from '../src/shelf.js';
import { settingsOf, topKOf } from '../src/spec.js';
import { fakeLayer, hash, noise } from './fake-router.js';

export const SPEC: RouterSpec = DEFAULT_SPEC;
export const TRAINED: ModelRouting = { default: SPEC, layers: {} };

export function fakeInfo(nExperts = 8, nLayers = 6): ModelInfo {
  return {
    name: 'first', architecture: 'olmoe', n_layers: nLayers, moe_layers: Array.from({ length: nLayers }, (_, l) => l),
    n_experts: nExperts, n_shared_experts: 0, top_k: 2, d_model: 128, vocab_size: 1024, max_positions: 512, n_parameters: 4_210_000,
    n_active_parameters: 1_380_000, trained_routing: TRAINED,
  };
}

const STORY = ` little fox who lived at the edge of the great forest. Every morning the fox went down to the river, and there she
 met an old heron. "Where do you go?" asked the heron. "I go where the water goes," said the fox, "for it knows the way."\n
So they went on together, past the mill and the meadow, until the evening came and the stars stood over the hills.`.replaceAll('\n ', ' ');

export function fakeTokens(text: string): Token[] {
  const parts = text.match(/\s?[\p{L}]{1,4}|[\p{L}]+|\s?\d|\n|\s?[^\s\p{L}\d]|\s/gu) ?? [];
  return parts.map((part) => ({ id: hash(part) % 1024, text: part, special: false }));
}

export function fakeTrace(tokens: readonly Token[], info: ModelInfo, routing: ModelRouting, first = 0): Trace {
  return { tokens: [...tokens], routing, layers: info.moe_layers.map((layer) => fakeLayer(tokens, layer, info.n_experts, specFor(routing, layer), first)) };
}

/** A browser that keeps no weights. */
export const NOTHING_KEPT: Keeping = { kept: () => Promise.resolve(undefined), forget: () => Promise.resolve(false) };

export interface FakeOptions {
  readonly info?: ModelInfo;
  readonly backend?: Backend;
  readonly paceMs?: number;
}

export class FakeScope implements Scope {
  readonly model: ModelInfo;
  readonly backend: Backend;
  routing: ModelRouting = TRAINED;
  /** Asked by nobody here; tests ask it themselves. */
  router: ExternalRouter | undefined;
  freed = false;
  analyses = 0;
  /** Questions to experts, in order. */
  readonly questions: { readonly ids: readonly number[]; readonly question: ExpertQuestion; readonly routing: AnalyseRequest['routing'] }[] = [];
  /** What the last generation was asked for, and from which prompt. */
  request: GenerateRequest | undefined;
  prompt: string | undefined;
  readonly #paceMs: number;

  constructor({ info = fakeInfo(), backend = { kind: 'cpu', reason: 'This browser offers no WebGPU, so the engine runs on the CPU.', weights: 'f32' }, paceMs = 0 }: FakeOptions = {}) {
    this.model = info;
    this.backend = backend;
    this.#paceMs = paceMs;
  }

  async *generate(prompt: string, request: GenerateRequest = {}): AsyncGenerator<GenerateStep, void, undefined> {
    [this.request, this.prompt] = [request, prompt];
    const { maxTokens = 128, signal, contrast } = request;
    if (prompt === '') throw new MoescopeError('prompt_empty', 'the prompt has no tokens; at least one is needed');
    const tokens = fakeTokens(prompt);
    if (tokens.length > this.model.max_positions) {
      throw new MoescopeError('prompt_too_long', `the text is ${tokens.length} tokens long, but first reads at most ${this.model.max_positions}; shorten it by about ${Math.ceil(100 - (100 * this.model.max_positions) / tokens.length)} %`);
    }
    yield { kind: 'prompt', text: '', trace: fakeTrace(tokens, this.model, this.routing) };
    const story = fakeTokens(STORY);
    for (let i = 0; i < Math.min(maxTokens, story.length); i += 1) {
      await new Promise((resolve) => setTimeout(resolve, this.#paceMs));
      signal?.throwIfAborted();
      const token = story[i] ?? { id: 0, text: '', special: true };
      yield { kind: 'token', text: token.text, token, logProb: -0.2 - 3 * noise(token.id, i, 3), trace: fakeTrace([token], this.model, this.routing, i),
        contrast: contrast === undefined ? undefined : fakeReport(token, i) };
    }
  }

  setRouting(routing: RouterSpec | ModelRouting): Promise<void> {
    const next = 'default' in routing ? routing : { default: routing, layers: {} };
    if (next.default.restrict.disabled.length >= this.model.n_experts) {
      return Promise.reject(new MoescopeError('all_disabled', 'every expert is disabled; at least one must stay'));
    }
    const { min_experts: least = 0, max_experts: most = 0 } = settingsOf(next.default.select);
    if (most !== 0 && least > most) {
      return Promise.reject(new MoescopeError('min_above_max', `min_experts is ${least}; it must be at most max_experts, ${most}`));
    }
    this.routing = next;
    return Promise.resolve();
  }

  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    this.router = router;
    return Promise.resolve();
  }

  async analyse(text: string, { routing = this.routing, signal }: { routing?: RouterSpec | ModelRouting; signal?: AbortSignal } = {}): Promise<Analysis> {
    this.analyses += 1;
    await new Promise((resolve) => setTimeout(resolve, this.#paceMs));
    signal?.throwIfAborted();
    const spec = 'default' in routing ? routing.default : routing;
    const loss = 2.31 + 0.35 * Math.abs((topKOf(spec) ?? 2) - 2) ** 0.7 + 0.12 * spec.restrict.disabled.length + 0.3 * Math.abs(Math.log(spec.adjust.temperature));
    const tokens = fakeTokens(text);
    return {
      trace: fakeTrace(tokens, this.model, 'default' in routing ? routing : { default: routing, layers: {} }),
      losses: new Float32Array(tokens.length).fill(loss), loss, bits_per_byte: (loss / Math.LN2) * (tokens.length / Math.max(1, text.length)),
    };
  }

  /** Each step finds a little less loss by moving the first expert of every layer up. */
  async reroute(_: string, { routing = this.routing, steps = 5, method = 'gradient', onLoss, signal }: RerouteRequest = {}): Promise<Rerouted> {
    const base = 'default' in routing ? (routing as ModelRouting) : TRAINED;
    const losses: number[] = [];
    for (let step = 0; step <= steps; step += 1) {
      await new Promise((resolve) => setTimeout(resolve, this.#paceMs));
      signal?.throwIfAborted();
      losses.push(2.31 - step / 100);
      onLoss?.(2.31 - step / 100);
    }
    const offsets = Array.from({ length: this.model.n_experts }, (__, expert) => (expert === 0 ? steps / 20 : -0.01234));
    const layers = this.model.moe_layers.map((layer) => ({ layer, confidence: 1, chosen: layer > 0, offsets: layer > 0 ? offsets : [], changed: 0.1 }));
    return { method, routing: base, losses, kept: steps, layers, changed: 0.25 };
  }

  async askExpert(text: string | readonly number[], question: ExpertQuestion, { routing, signal }: AnalyseRequest = {}): Promise<ExpertAnswer> {
    const ids = typeof text === 'string' ? fakeTokens(text).map(({ id }) => id) : text;
    this.questions.push({ ids, question, routing });
    await new Promise((resolve) => setTimeout(resolve, this.#paceMs));
    signal?.throwIfAborted();
    if (this.backend.kind === 'webgpu') throw new MoescopeError('plan_cannot_tell', 'a recorded plan does not tell; ask on the backend cpu');
    return fakeAnswer(ids[question.position] ?? 0, question);
  }

  free(): void {
    this.freed = true;
  }
}

/** Even experts are chosen; what they say follows from their number and the token. */
export function fakeAnswer(id: number, { expert, position }: ExpertQuestion): ExpertAnswer {
  const word = (n: number): Token => ({ id: n, text: ` w${n}`, special: false });
  const text = [...fakeTokens(`Once upon a time${STORY}`)].find((token) => token.id === id)?.text ?? '';
  return {
    token: { id, text, special: false }, weight: expert % 2 === 0 ? 0.625 : null, total_weight: 1, shared: expert === 7,
    cosine: 0.8, relative_norm: 1.5, divergence: Math.LN2 / 4, n_units: 512,
    predictions: [{ token: word(position), mixture: 0.5, alone: 0.125 }, { token: word(position + 1), mixture: 0.25, alone: 0.75 }],
    units: [
      { unit: 17, activation: -0.5, strength: 2, up: [word(1)], down: [word(2)] },
      { unit: 3, activation: 0.25, strength: 1, up: [word(3)], down: [word(4)] },
    ],
  };
}

/** On every third token contrast has its way. */
function fakeReport(token: Token, i: number): ContrastReport {
  const rival = { id: token.id + 1, text: ' rival', special: false };
  const candidates = [
    { token: i % 3 === 0 ? rival : token, strong: 3, weak: 3.2, score: 2.9, valid: true },
    { token: i % 3 === 0 ? token : rival, strong: 2.6, weak: 1.5, score: 3.15, valid: true },
    { token: { id: token.id + 2, text: ' odd', special: false }, strong: 0.4, weak: -2, score: 1.6, valid: false },
  ];
  return { divergence: noise(token.id, i, 9), strong_token: i % 3 === 0 ? rival : token, candidates };
}

/** Answers nothing until it is freed, and then refuses everything, as a worker that ended. */
export class FreedScope extends FakeScope {
  #end = (_: MoescopeError): void => undefined;
  readonly #ended = new Promise<never>((_, reject) => {
    this.#end = reject;
  });

  constructor() {
    super();
    this.#ended.catch(() => undefined);
  }

  override async *generate(): AsyncGenerator<GenerateStep, void, undefined> {
    yield { kind: 'prompt', text: '', trace: fakeTrace(fakeTokens('Once upon'), this.model, this.routing) };
    await this.#ended;
  }

  override setRouting(): Promise<void> {
    return this.#ended;
  }

  override free(): void {
    super.free();
    this.#end(new MoescopeError('freed', 'This model was freed; load it again.'));
  }
}

/** Loads at once; with a pace it reports progress as a download would. */
export async function fakeLoad(_: unknown, options: LoadOptions = {}, fake: FakeOptions = {}): Promise<FakeScope> {
  const paceMs = fake.paceMs ?? 0;
  const total = 7_400_000;
  for (let loaded = 0; paceMs > 0 && loaded <= total; loaded += total / 8) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase: 'wasm', loaded: 3_000_000, total: 3_000_000, message: '' });
    options.onProgress?.({ phase: 'weights', loaded, total, message: '' });
    await new Promise((resolve) => setTimeout(resolve, paceMs));
  }
  return new FakeScope(fake);
}
