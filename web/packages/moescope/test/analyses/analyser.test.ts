// Questions and the worker that answers them, with the worker in the same thread and answers made up.
import { describe, expect, it, vi } from 'vitest';

import { Analyser } from '../../src/analyses/analyser.js';
import type { AnalysesPort } from '../../src/analyses/analyser.js';
import { NO_LABEL, missingFor, questionsFor } from '../../src/analyses/ask.js';
import { writeTrace } from '../../src/analyses/formats/index.js';
import { serve } from '../../src/analyses/protocol.js';
import type { FromAnalyses } from '../../src/analyses/protocol.js';
import { joinTraces, labelsOf, traceOf } from '../../src/analyses/trace.js';
import type { Answer, Question } from '../../src/generated/routing.js';
import { engineTrace, sample } from './traces.js';

const FIRST = { value: 0.5, low: 0.25, high: 0.75, chance: 0.25 };
const made: Answer = { analysis: 'repetition', answer: { first: FIRST, any: FIRST } };

class FakePort implements AnalysesPort {
  terminated = false;
  fail: (message: string) => void = () => undefined;
  readonly questions: Question[] = [];
  #hear: (message: FromAnalyses) => void = () => undefined;
  readonly #answer: (question: Question) => Answer | Promise<never>;

  constructor(answer: (question: Question) => Answer | Promise<never> = () => made) {
    this.#answer = answer;
  }

  post(message: Parameters<AnalysesPort['post']>[0]): void {
    if (message.call.name === 'answer') this.questions.push(message.call.question);
    const load = async (): Promise<{ answer: (question: Question) => Answer }> => Promise.resolve({ answer: (question) => {
      const answer = this.#answer(question);
      if (answer instanceof Promise) throw new Error('never');
      return answer;
    } });
    void serve(message, load).then((reply) => this.terminated || this.#hear(reply));
  }

  listen(onMessage: (message: FromAnalyses) => void, onFailure: (message: string) => void): void {
    [this.#hear, this.fail] = [onMessage, onFailure];
  }

  terminate(): void {
    this.terminated = true;
  }
}

describe('questions', () => {
  it('hold what the analysis looks at and nothing else', () => {
    const trace = sample();
    const [load] = questionsFor('load', trace);
    expect(load).toMatchObject({ layer: 0, next: undefined, question: { analysis: 'load', other: null, labels: null, min_tokens: null } });
    expect(load?.question.layer).toEqual({ n_experts: 4, offsets: trace.layers[0]?.offsets, experts: trace.layers[0]?.experts, weights: null, logits: null, scores: null });
    expect(questionsFor('tokens', trace)[1]?.question.layer.scores).toBe(trace.layers[1]?.scores);
  });

  it('about flows go from each layer to the next', () => {
    const asks = questionsFor('flow', traceOf(engineTrace(['a', 'b', 'c'], 4, [0, 2, 5]), 'm'));
    expect(asks.map(({ layer, next }) => [layer, next])).toEqual([[0, 2], [2, 5]]);
  });

  it('label tokens by text, by id, and by the next token of the same text', () => {
    const two = joinTraces([sample('tales'), sample('french')]);
    const labels = (by: 'text' | 'input' | 'next'): number[] => Array.from(questionsFor('labels', two, { by, minTokens: 3 })[0]?.question.labels ?? []);
    expect(labels('text')).toEqual([...Array(9).fill(0), ...Array(9).fill(1)]);
    expect(labels('input').slice(0, 9)).toEqual([100, 101, 102, 103, 104, 105, 106, 100, 101]);
    expect(labels('next')).toEqual([101, 102, 103, 104, 105, 106, 100, 101, NO_LABEL, 101, 102, 103, 104, 105, 106, 100, 101, NO_LABEL]);
    expect(labelsOf(two).names).toEqual(['tales', 'french']);
  });

  it('are not asked where the trace lacks something, which is named', () => {
    const trace = sample();
    const bare = { ...trace, ids: undefined, layers: trace.layers.map(({ layer, nExperts, offsets, experts }) => ({ layer, nExperts, offsets, experts })) };
    const missing = (['load', 'balance', 'tokens', 'drops', 'agreement', 'labels', 'flow'] as const).map((name) => missingFor(name, bare));
    expect(missing).toEqual([undefined, 'scores', 'scores', 'logits', 'second', 'label_pairs', undefined]);
    expect(missingFor('labels', bare, { by: 'next' })).toBe('ids');
    expect(missingFor('labels', trace, { by: 'predicted' })).toBe('predicted');
    expect(missingFor('flow', { ...trace, layers: trace.layers.slice(1) })).toBe('layer_pairs');
    expect(missingFor('load', { ...trace, layers: [] })).toBe('layers');
    expect(missingFor('agreement', trace, { second: bare })).toBeUndefined();
    expect(missingFor('agreement', trace, { second: traceOf(engineTrace(['a']), 'm') })).toBe('same_tokens');
    expect(missingFor('agreement', trace, { second: { ...trace, layers: trace.layers.slice(1) } })).toBe('same_layers');
  });
});

describe('the analyser', () => {
  it('answers layer by layer and says how far it is', async () => {
    const port = new FakePort();
    const seen: [number, number][] = [];
    const answers = await new Analyser(() => port).run('repetition', sample(), { onProgress: (done, total) => seen.push([done, total]) });
    expect(answers).toEqual([{ layer: 0, next: undefined, answer: made }, { layer: 2, next: undefined, answer: made }]);
    expect(seen).toEqual([[0, 2], [1, 2], [2, 2]]);
  });

  it('rejects what the trace does not allow, and what the analysis refuses, with its code', async () => {
    const refusing = new FakePort(() => { throw Object.assign(new Error('the plan is not valid'), { code: 'plan_invalid' }); });
    await expect(new Analyser(() => refusing).run('load', sample())).rejects.toMatchObject({ code: 'plan_invalid', message: 'the plan is not valid' });
    await expect(new Analyser(() => refusing).run('agreement', sample())).rejects.toMatchObject({ code: 'trace_part_missing', message: expect.stringMatching('second') });
  });

  it('is cancelled at once, and starts a new worker for the next run', async () => {
    const ports: FakePort[] = [];
    const analyser = new Analyser(() => {
      const port = new FakePort();
      ports.push(port);
      return port;
    });
    const abort = new AbortController();
    const reason = new Error('enough');
    const running = analyser.run('load', sample(), { signal: abort.signal, onProgress: (done) => done === 1 && queueMicrotask(() => abort.abort(reason)) });
    await expect(running).rejects.toBe(reason);
    expect(ports[0]?.terminated).toBe(true);
    await expect(analyser.run('load', sample(), { signal: abort.signal })).rejects.toBe(reason);
    await expect(analyser.run('load', sample())).resolves.toHaveLength(2);
    expect(ports.length).toBe(2);
  });

  it('says when its worker fails', async () => {
    const port = new FakePort();
    vi.spyOn(port, 'post').mockImplementation(() => port.fail('its script could not be loaded'));
    await expect(new Analyser(() => port).run('load', sample())).rejects.toMatchObject({ code: 'worker_failed' });
  });

  it('reads files in the worker', async () => {
    const analyser = new Analyser(() => new FakePort());
    const bytes = new TextEncoder().encode(String(writeTrace(sample(), 'moescope', '').content));
    await expect(analyser.read(bytes, 'x.json')).resolves.toEqual(sample());
    await expect(analyser.read(bytes.subarray(1), 'x.json')).rejects.toMatchObject({ code: 'trace_invalid' });
  });
});
