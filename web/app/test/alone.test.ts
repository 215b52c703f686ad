// Asking an expert on the page: what is asked and when, what is said about the answer, and what where there is none.
import type { ModelRouting } from 'moescope';
import { findAll, textOf } from 'moescope/views';
import type { TokenRecord, ViewElement } from 'moescope/views';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Alone } from '../src/alone.js';
import type { AloneState, AloneSubject } from '../src/alone.js';
import { messages } from '../src/messages.js';
import { aloneSubject } from '../src/page/alone.js';
import { NO_EDITS } from '../src/routing.js';
import type { Shown } from '../src/page/shown.js';
import { drawn } from './drawn.js';
import { FakeScope, SPEC, TRAINED, fakeAnswer } from './fake-scope.js';

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});
afterEach(() => {
  vi.useRealTimers();
});

async function records(): Promise<TokenRecord[]> {
  return (await drawn({})).shown.runner.records;
}

describe('a question', () => {
  const at = (scope: FakeScope, shown: readonly TokenRecord[], position: number): AloneSubject =>
    ({ scope, records: shown, question: { layer: 1, expert: 2, position }, routing: TRAINED, router: undefined });

  it('is asked with the tokens up to the one looked at, and answered', async () => {
    const [scope, shown] = [new FakeScope(), await records()];
    vi.useFakeTimers();
    const alone = new Alone(() => undefined);
    alone.ask(at(scope, shown, 2));
    expect(alone.state).toMatchObject({ asking: true, answer: undefined });
    await vi.runAllTimersAsync();
    expect(scope.questions).toEqual([{ ids: shown.slice(0, 3).map(({ token }) => token.id), question: { layer: 1, expert: 2, position: 2 }, routing: TRAINED }]);
    expect(alone.state).toMatchObject({ asking: false, failure: undefined, answer: { weight: 0.625 } });
  });

  it('gives way to the next one, and the former answer stays until then', async () => {
    const [scope, shown] = [new FakeScope({ paceMs: 50 }), await records()];
    vi.useFakeTimers();
    const alone = new Alone(() => undefined);
    alone.ask(at(scope, shown, 0));
    await vi.runAllTimersAsync();
    const first = alone.state.answer;
    for (const position of [1, 2, 3]) alone.ask(at(scope, shown, position));
    expect(alone.state).toMatchObject({ asking: true, question: { position: 3 } });
    expect(alone.state.answer).toBe(first);
    await vi.runAllTimersAsync();
    expect(scope.questions.map(({ question }) => question.position)).toEqual([0, 3]);
    expect(alone.state.answer).not.toBe(first);
  });

  it('is not asked twice, and nothing more once there is nothing to ask', async () => {
    const [scope, shown] = [new FakeScope(), await records()];
    vi.useFakeTimers();
    const changed = vi.fn();
    const alone = new Alone(changed);
    alone.ask(at(scope, shown, 1));
    alone.ask(at(scope, shown, 1));
    alone.ask(undefined);
    await vi.runAllTimersAsync();
    expect(scope.questions).toEqual([]);
    expect(alone.state).toEqual({ question: undefined, answer: undefined, asking: false, failure: undefined });
    const calls = changed.mock.calls.length;
    alone.ask(undefined);
    expect(changed).toHaveBeenCalledTimes(calls);
  });

  it('is asked again under another routing, and where another router decides', async () => {
    const [scope, shown] = [new FakeScope(), await records()];
    const narrow: ModelRouting = { default: { ...SPEC, select: { method: 'top_k', top_k: 1 } }, layers: {} };
    vi.useFakeTimers();
    const alone = new Alone(() => undefined);
    for (const change of [{}, { routing: narrow }, { routing: { ...narrow } }, { router: 2 }]) {
      alone.ask({ ...at(scope, shown, 1), ...change });
      await vi.runAllTimersAsync();
    }
    expect(scope.questions.map(({ routing }) => routing)).toEqual([TRAINED, narrow, TRAINED]);
  });

  it('about a text of other tokens is not answered with what the words do not mean', async () => {
    const [scope, shown] = [new FakeScope(), await records()];
    const others = shown.map((record) => ({ ...record, token: { ...record.token, text: 'other' } }));
    vi.useFakeTimers();
    const alone = new Alone(() => undefined);
    alone.ask(at(scope, others, 1));
    await vi.runAllTimersAsync();
    expect(alone.state).toMatchObject({ answer: undefined, failure: { code: 'other_text' } });
  });

  it('that the engine refuses says why', async () => {
    const scope = new FakeScope({ backend: { kind: 'webgpu', reason: 'test', weights: 'f32' } });
    const shown = await records();
    vi.useFakeTimers();
    const alone = new Alone(() => undefined);
    alone.ask(at(scope, shown, 1));
    await vi.runAllTimersAsync();
    expect(alone.state).toMatchObject({ asking: false, answer: undefined, failure: { code: 'plan_cannot_tell' } });
  });
});

describe('the subject', () => {
  const of = async (state: Partial<Shown['state']>): Promise<AloneSubject | undefined> => aloneSubject((await drawn({ state })).shown);

  it('is the pinned token, or the last one', async () => {
    expect((await of({ expert: 3, token: 1 }))?.question).toEqual({ layer: 1, expert: 3, position: 1 });
    expect((await of({ expert: 3 }))?.question.position).toBe((await records()).length - 1);
    expect((await of({ expert: 3, token: 999 }))?.question.position).toBe((await records()).length - 1);
  });

  it('is asked about under the routing that is set', async () => {
    expect((await of({ expert: 3 }))?.routing).toEqual(TRAINED);
    const changed = await of({ expert: 3, routing: { ...NO_EDITS, topK: 1, banned: [5] } });
    expect(changed?.routing.default).toMatchObject({ select: { method: 'top_k', top_k: 1 }, restrict: { disabled: [5] } });
  });

  it('is nothing where no page of an expert is open, none is shown, or a text is being written', async () => {
    expect(await of({})).toBeUndefined();
    expect(await of({ expert: 99 })).toBeUndefined();
    expect(await of({ expert: 3, tab: 'vision' })).toBeUndefined();
    const { shown } = await drawn({ state: { expert: 3 } });
    shown.runner.status = 'running';
    expect(aloneSubject(shown)).toBeUndefined();
    const pinned = await drawn({ state: { expert: 3, token: 1 } });
    pinned.shown.runner.status = 'running';
    expect(aloneSubject(pinned.shown)).toBeUndefined();
  });

  it('is a pinned token of a recorded run even while that is played, because nobody is writing', async () => {
    const { shown } = await drawn({ state: { expert: 3, token: 1 } });
    const { runner } = shown;
    const steps = [{ kind: 'prompt', text: '', trace: runner.records[0]?.trace ?? { tokens: [], layers: [], routing: TRAINED } }] as const;
    const played = runner.play(steps, 'four', { prompt: '', maxTokens: 1, temperature: 0, seed: 0 }, false);
    expect(aloneSubject(shown)?.question.position).toBe(1);
    await played;
  });
});

describe('the part of the page', () => {
  const question = { layer: 1, expert: 2, position: 1 };
  const part = async (alone: AloneState, backend = (): void => undefined): Promise<ViewElement> => {
    const { root } = await drawn({ state: { expert: 2, token: 1 }, alone, actions: { backend } });
    const [found] = findAll(root, (element) => element.props.attrs?.['class'] === 'alone' && element.tag === 'section');
    if (found === undefined) throw new Error('no such part');
    return found;
  };
  const answer = (expert: number): AloneState => ({ question, answer: fakeAnswer(0, { ...question, expert }), asking: false, failure: undefined });

  it('says in a sentence what a chosen expert contributes, and what another would', async () => {
    const chosen = textOf(await part(answer(2)));
    expect(chosen).toContain('with weight 0.63: it makes 75 % of what the chosen experts add together, and points their way with a cosine of 0.80');
    expect(chosen).toContain('by 0.25 bits');
    expect(chosen).not.toContain('shared expert');
    const idle = textOf(await part(answer(7)));
    expect(idle).toContain('did not choose it here: what it would add has a cosine of 0.80');
    expect(idle).toContain('1.50 times as long');
    expect(idle).toContain('The shared expert of this layer acts in both cases.');
  });

  it('says under which routing it asks', async () => {
    const said = async (routing: typeof NO_EDITS): Promise<string> => textOf((await drawn({ state: { expert: 2, routing } })).root);
    expect(await said(NO_EDITS)).toContain('twice: routed as it was trained, and');
    expect(await said({ ...NO_EDITS, topK: 1, banned: [5] })).toContain('twice: routed as it is set now (top-1, −5), and');
  });

  it('names the token, and says that it is busy while the former answer stands', async () => {
    const busy = await part({ ...answer(2), asking: true });
    expect(busy.props.attrs).toMatchObject({ 'aria-busy': 'true', 'aria-label': expect.stringMatching(/^Alone at token 2, “.+”$/) });
    expect(findAll(busy, (element) => element.tag === 'table')).toHaveLength(2);
    expect(textOf(busy)).toContain(messages.alone.asking);
  });

  it('offers the CPU where the plan cannot tell, and says anything else in words', async () => {
    const backend = vi.fn();
    const failed = (code: string): AloneState => ({ question, answer: undefined, asking: false, failure: { code, message: 'it broke' } });
    const refused = await part(failed('plan_cannot_tell'), backend);
    const [button] = findAll(refused, (element) => element.tag === 'button' && textOf(element) === 'Use the CPU');
    button?.props.on?.['click']?.(new Event('click'));
    expect(backend).toHaveBeenCalledWith('cpu');
    expect(textOf(await part(failed('device')))).toContain('Not asked: it broke.');
  });
});
