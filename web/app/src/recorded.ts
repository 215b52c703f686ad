// Recorded runs: what the model once wrote, so that the page moves before the live model has arrived.
//
// Format of public/recorded/<model>/<example>.json, one run per file: the JSON of the list of GenerateStep that
// `scope.generate` gave, with plain arrays of numbers in place of typed arrays:
//   [{ "kind": "prompt", "text": "", "trace": TRACE },
//    { "kind": "token", "text": " a", "token": { "id": 5, "text": " a", "special": false }, "logProb": -1.25, "trace": TRACE }, ...]
//   TRACE: { "tokens": [...], "routing": {...}, "layers": [{ "layer": 0, "n_experts": 8, "logits": [..T*E], "scores": [..T*E],
//     "selection_scores": [..T*E], "verdicts": [..T*E codes], "offsets": [..T+1], "experts": [..N], "weights": [..N] }, ...] }
// JSON has no infinity: null in logits and selection_scores stands for minus infinity.
// What a step would repeat is left out: "routing" where it is that of the step before, "selection_scores" where they are the scores.
// The build lists the files that exist, so that none is asked for in vain.

import type { ContrastReport, GenerateStep, LayerTrace, ModelRouting, Token, Trace } from 'moescope';

import { shortName } from './catalogue.js';

/** Typed arrays become lists; everything else is as in GenerateStep. */
type Plain<T> = T extends Float32Array ? readonly (number | null)[]
  : T extends Uint8Array | Uint16Array | Uint32Array ? readonly number[]
  : T extends readonly (infer Item)[] ? readonly Plain<Item>[]
  : T extends object ? { readonly [K in keyof T]: Plain<T[K]> }
  : T;

export type RecordedLayer = Omit<Plain<LayerTrace>, 'selection_scores'> & Partial<Pick<Plain<LayerTrace>, 'selection_scores'>>;
export interface RecordedTrace {
  readonly tokens: readonly Token[];
  readonly layers: readonly RecordedLayer[];
  readonly routing?: ModelRouting | undefined;
}
export type RecordedStep =
  | { readonly kind: 'prompt'; readonly text: ''; readonly trace: RecordedTrace }
  | { readonly kind: 'token'; readonly text: string; readonly token: Token; readonly logProb: number; readonly trace: RecordedTrace;
    readonly contrast?: ContrastReport | undefined };

/** The steps of a run, as the engine would have given them. Throws where the file is not of this format. */
export function decodeRecorded(steps: readonly RecordedStep[]): GenerateStep[] {
  if (!Array.isArray(steps) || steps[0]?.kind !== 'prompt') {
    throw new TypeError('a recorded run is a list of steps that begins with the one of the prompt');
  }
  let last = steps[0].trace.routing;
  return steps.map((step) => {
    const routing = step.trace.routing ?? last;
    if (routing === undefined) throw new TypeError('a recorded run says no routing');
    last = routing;
    return { ...step, trace: decodeTrace(step.trace, routing) };
  });
}

/** What a run of this model is called; one under another top-k has that in its name. */
export function recordedName(model: string, example: string, topK: number | undefined): string {
  return `${shortName(model)}/${example}${topK === undefined ? '' : `.k${topK}`}`;
}

/** Fetches and decodes a run; undefined where the build has none for this example. */
export async function fetchRecorded(id: string, available: readonly string[], signal: AbortSignal): Promise<GenerateStep[] | undefined> {
  if (!available.includes(id)) return undefined;
  const answer = await fetch(new URL(`recorded/${id}.json`, document.baseURI), { signal });
  if (!answer.ok) return undefined;
  return decodeRecorded((await answer.json()) as RecordedStep[]);
}

function decodeTrace(trace: RecordedTrace, routing: ModelRouting): Trace {
  const nTokens = trace.tokens.length;
  return {
    tokens: [...trace.tokens],
    routing,
    layers: trace.layers.map((layer) => {
      if (layer.verdicts.length !== nTokens * layer.n_experts || layer.offsets.length !== nTokens + 1) {
        throw new TypeError(`recorded layer ${layer.layer}: its arrays do not fit ${nTokens} tokens and ${layer.n_experts} experts`);
      }
      return {
        layer: layer.layer,
        n_experts: layer.n_experts,
        logits: floats(layer.logits),
        scores: floats(layer.scores),
        selection_scores: floats(layer.selection_scores ?? layer.scores),
        verdicts: Uint8Array.from(layer.verdicts),
        offsets: Uint32Array.from(layer.offsets),
        experts: Uint16Array.from(layer.experts),
        weights: floats(layer.weights),
      };
    }),
  };
}

function floats(values: readonly (number | null)[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value) => value ?? -Infinity);
}
