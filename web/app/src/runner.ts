// The shown text and how it comes about: generation by the live model, or a recorded run played back.
// One at a time; the former text stays until the first step of the next one is there.

import type { GenerateStep, ModelInfo } from 'moescope';
import { recordsOf } from 'moescope/views';
import type { TokenRecord } from 'moescope/views';

import { contrastRequest } from './contrast.js';
import type { ContrastSettings } from './contrast.js';
import { explain } from './errors.js';
import type { Problem } from './errors.js';
import type { Scope } from './engine.js';

export type RunSource = 'recorded' | 'live';
export type RunStatus = 'idle' | 'waiting' | 'running' | 'done' | 'stopped' | 'failed';

/** What to write. */
export interface Request {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly samplerTopK?: number | undefined;
  readonly samplerTopP?: number | undefined;
  readonly seed: number;
  readonly contrast?: ContrastSettings | undefined;
  /** Which of the visitor's own routers decides where the routing asks for one. */
  readonly router?: number | undefined;
}

interface Run {
  readonly request: Request;
  /** The name of the model that writes, or wrote. */
  readonly model: string;
  readonly source: RunSource;
  /** Whether the steps go on where the shown text ends. */
  readonly onward: boolean;
}

/** Between two tokens of a recorded run. */
const RECORDED_PACE_MS = 55;

export class Runner {
  status: RunStatus = 'idle';
  source: RunSource = 'live';
  /** Tokens of the shown text; a new text is a new list. */
  records: TokenRecord[] = [];
  /** What the shown text was generated from. */
  request: Request | undefined;
  /** The name of the model that wrote it, or the last of it. */
  model = '';
  failure: Problem | undefined;
  tokensPerSecond: number | undefined;
  readonly #changed: () => void;
  readonly #clock: () => number;
  #abort: AbortController | undefined;
  /** Whether the live model writes, or is to; `source` tells of the shown text, which may still be the former one. */
  #live = false;

  constructor(changed: () => void, now: () => number) {
    this.#changed = changed;
    this.#clock = now;
  }

  get active(): boolean {
    return this.status === 'running' || this.status === 'waiting';
  }

  /** Whether there is something to stop; a recorded run does not count, one may start over it. */
  get stoppable(): boolean {
    return this.active && this.#live;
  }

  /** What can be read and analysed: the engine adds special tokens itself wherever it is given a text. */
  get text(): string {
    return this.records.map(({ token }) => (token.special ? '' : token.text)).join('');
  }

  /** Generates with the live model, once `ready` gives it; where that throws, its reason is shown. */
  generate(request: Request, ready: () => Promise<Scope>): Promise<void> {
    return this.#write({ ...request, onward: false }, ready);
  }

  /** Writes on where the shown text ends: the model reads it as it stands, under the routing as it is now. */
  continue(request: Request, ready: () => Promise<Scope>): Promise<void> {
    return this.#write({ ...request, prompt: this.text, onward: true }, ready);
  }

  async #write({ onward, ...request }: Request & { readonly onward: boolean }, ready: () => Promise<Scope>): Promise<void> {
    const signal = this.#begin('waiting', true);
    try {
      const scope = await ready();
      if (signal.aborted) return;
      this.#become('running');
      const { prompt, contrast: settings, maxTokens, temperature, samplerTopK, samplerTopP, seed } = request;
      const contrast = settings && contrastRequest(settings, scope.model.n_experts);
      const steps = scope.generate(prompt, { maxTokens, temperature, samplerTopK, samplerTopP, seed, contrast, signal });
      await this.#take(steps, { request, model: scope.model.name, source: 'live', onward }, signal);
      if (!signal.aborted) this.#become('done');
    } catch (error) {
      if (signal.aborted) return;
      this.failure = explain(error);
      this.#become('failed');
    }
  }

  /** Plays a recorded run, all at once where nothing is to move. */
  async play(steps: readonly GenerateStep[], model: string, request: Request, still: boolean): Promise<void> {
    const signal = this.#begin('running', false);
    await this.#take(paced(steps, still ? 0 : RECORDED_PACE_MS, signal), { request, model, source: 'recorded', onward: false }, signal);
    if (!signal.aborted) this.#become('done');
  }

  stop(): void {
    if (!this.active) return;
    this.#abort?.abort();
    this.#become('stopped');
  }

  /** Says why nothing was started; the shown text stays. */
  refuse(failure: Problem): void {
    this.#abort?.abort();
    this.failure = failure;
    this.#become('failed');
  }

  #begin(status: RunStatus, live: boolean): AbortSignal {
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.#live = live;
    this.failure = undefined;
    this.#become(status);
    return this.#abort.signal;
  }

  async #take(steps: AsyncIterable<GenerateStep>, { request, model, source, onward }: Run, signal: AbortSignal): Promise<void> {
    let start = this.#clock();
    let generated = 0;
    for await (const step of steps) {
      if (signal.aborted) return;
      if (step.kind === 'prompt') {
        // What is written on keeps the tokens as they were routed when they were written.
        if (!onward) this.records = recordsOf(step.trace, 'prompt');
        [this.request, this.model] = [request, model];
        this.source = source;
        this.tokensPerSecond = undefined;
        start = this.#clock();
      } else {
        this.records.push(...recordsOf(step.trace, 'generated', this.records.length, step));
        generated += 1;
        const seconds = (this.#clock() - start) / 1000;
        if (source === 'live' && seconds > 0.2) this.tokensPerSecond = generated / seconds;
      }
      this.#changed();
    }
  }

  #become(status: RunStatus): void {
    this.status = status;
    this.#changed();
  }
}

/** The steps one after another; a pace of 0 means all at once. */
async function* paced(steps: readonly GenerateStep[], paceMs: number, signal: AbortSignal): AsyncGenerator<GenerateStep> {
  for (const step of steps) {
    if (signal.aborted) return;
    yield step;
    if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
  }
}

/** Layers and experts of the shown text, from the trace itself or from the model while there is no text. */
export function shapeOf(records: readonly TokenRecord[], info: ModelInfo | undefined): { layers: number[]; nExperts: number } {
  const [first] = records;
  const layers = first?.trace.layers.map((layer) => layer.layer) ?? info?.moe_layers ?? [];
  return { layers, nExperts: first?.trace.layers[0]?.n_experts ?? info?.n_experts ?? 0 };
}
