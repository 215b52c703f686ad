// Comparing two routings, the fixed sample, single layers and single experts: what is asked of the engine, and what the page then says.
import { findAll, h, textOf } from 'moescope/views';
import { describe, expect, it, vi } from 'vitest';

import { describeEdits } from '../src/changes.js';
import { Comparer } from '../src/comparer.js';
import { EXAMPLES } from '../src/examples.js';
import { compare } from '../src/page/compare.js';
import { expertPage } from '../src/page/expert.js';
import { NO_EDITS, applyEdits, editsAt, withBan, withForce, withNudge, withStrategy, withTemperature, withTopK } from '../src/routing.js';
import { SAMPLES } from '../src/samples.js';
import { Sampler, sampleLosses } from '../src/sampler.js';
import { MODEL, drawn } from './drawn.js';
import { FakeScope, TRAINED } from './fake-scope.js';

const HERE = { layer: 2, scope: 'layer' } as const;
const ALL = { layer: 2, scope: 'all' } as const;

describe('one layer', () => {
  it('differs from the others where a change acts on it alone', () => {
    const edits = withTemperature(MODEL, withTopK(MODEL, NO_EDITS, 1, HERE), 0.5, HERE);
    expect(edits).toEqual({ ...NO_EDITS, at: { 2: { topK: 1, temperature: 0.5 } } });
    const routing = applyEdits(MODEL, edits);
    expect(Object.keys(routing.layers)).toEqual(['2']);
    expect(routing.layers['2']).toMatchObject({ select: { top_k: 1 }, adjust: { temperature: 0.5 } });
    expect(routing.default).toMatchObject({ select: { top_k: 2 }, adjust: { temperature: 1 } });
    expect(describeEdits(edits)).toBe('top-1 T 0.5 at layer 2');
  });

  it('follows the others again once it says the same, or they are all set', () => {
    const single = withTopK(MODEL, NO_EDITS, 1, HERE);
    expect(withTopK(MODEL, single, 2, HERE)).toEqual(NO_EDITS);
    expect(withTopK(MODEL, single, 3, ALL)).toEqual({ ...NO_EDITS, topK: 3 });
  });

  it('keeps the trained strategy where all others take a preset', () => {
    const edits = withStrategy(withStrategy(NO_EDITS, 'top_p'), undefined, HERE);
    expect(editsAt(edits, 2).strategy).toBe('');
    const routing = applyEdits(MODEL, edits);
    expect([routing.default.select.method, routing.layers['2']?.select.method]).toEqual(['top_p', 'top_k']);
  });
});

describe('one expert', () => {
  it('is forced at every layer or at one, and is then not banned', () => {
    const banned = withBan(MODEL, NO_EDITS, 3, { ban: true, ...ALL }) ?? NO_EDITS;
    expect(withForce(MODEL, banned, 3, { force: true, ...ALL })).toEqual({ ...NO_EDITS, forced: [3] });
    const single = withForce(MODEL, NO_EDITS, 3, { force: true, ...HERE });
    expect(applyEdits(MODEL, single).layers['2']?.restrict.forced).toEqual([3]);
    expect(withBan(MODEL, single, 3, { ban: true, ...HERE })).toEqual({ ...NO_EDITS, bannedAt: { 2: [3] } });
  });

  it('is nudged there and back', () => {
    const up = withNudge(MODEL, NO_EDITS, 1, { by: 0.5, ...HERE });
    expect(applyEdits(MODEL, up).layers['2']?.adjust.offsets).toEqual([0, 0.5, 0, 0, 0, 0, 0, 0]);
    expect(withNudge(MODEL, up, 1, { by: -0.5, ...HERE })).toEqual(NO_EDITS);
  });

  it('has a page with what it likes and works on, and buttons that act on it', async () => {
    const force = vi.fn();
    const { shown } = await drawn({ state: { expert: 4 }, actions: { force } });
    const page = expertPage(shown);
    if (page === undefined) throw new Error('no page');
    expect(textOf(page)).toMatch(/Expert 4 at layer 1.*Acts on \d+ % of \d+ tokens; the even share is 25 %/s);
    findAll(page, (e) => e.tag === 'button' && textOf(e) === 'Force')[0]?.props.on?.['click']?.(new Event('click'));
    expect(force).toHaveBeenCalledWith(4, true);
    expect(expertPage({ ...shown, state: { ...shown.state, expert: 99 } })).toBeUndefined();
  });
});

describe('a comparison', () => {
  it('shows both sides with their losses, the tokens that changed and every layer', async () => {
    const { shown } = await drawn({ state: { rival: NO_EDITS, routing: { ...NO_EDITS, topK: 1 } } });
    const scope = new FakeScope({ info: MODEL });
    const text = 'Once upon a time there was a fox';
    const read = async (topK: number) => scope.analyse(text, { routing: applyEdits(MODEL, { ...NO_EDITS, topK }) });
    const comparer = new Comparer(() => undefined);
    comparer.measure({ scope, text, routing: TRAINED });
    await vi.waitFor(() => expect(comparer.analysis).toBeDefined());
    const now = await read(1);
    const view = h('div', {}, compare({ ...shown, comparer, analyses: { now, trained: await read(2) } }, {}));
    const losses = findAll(view, (e) => e.props.attrs?.['data-loss'] !== undefined).map((e) => Number(e.props.attrs?.['data-loss']));
    expect(losses).toEqual([2.31, 2.66]);
    expect(findAll(view, (e) => String(e.props.attrs?.['class']).includes('marked')).length).toBe(2 * now.trace.tokens.length);
    expect(findAll(view, (e) => e.tag === 'tr' && e.props.attrs?.['data-layer'] !== undefined)).toHaveLength(4);
  });

  it('is not there until somebody holds a routing', async () => {
    expect(compare((await drawn({})).shown, {})).toBeUndefined();
  });
});

describe('the fixed sample', () => {
  it('has a text for each example, which no prompt repeats', () => {
    expect(Object.keys(SAMPLES).toSorted()).toEqual(EXAMPLES.map(({ id }) => id).toSorted());
  });

  it('is read once under the trained routing and again for every other', async () => {
    vi.useFakeTimers();
    const scope = new FakeScope({ info: MODEL });
    const sampler = new Sampler(() => undefined);
    const routing = (topK: number) => applyEdits(MODEL, { ...NO_EDITS, topK });
    const settle = async (topK: number): Promise<void> => {
      sampler.measure({ scope, routing: routing(topK), domains: ['tales', 'rust'] });
      await vi.advanceTimersByTimeAsync(2000);
    };
    await settle(2);
    expect([scope.analyses, sampleLosses(sampler.state.readings)?.now.loss]).toEqual([2, 2.31]);
    await settle(1);
    expect(scope.analyses).toBe(4);
    expect(sampleLosses(sampler.state.readings)?.now.loss).toBeCloseTo(2.66, 6);
    expect(sampleLosses(sampler.state.readings)?.trained.loss).toBeCloseTo(2.31, 6);
    sampler.measure({ scope, routing: routing(3), domains: ['tales', 'rust'] });
    sampler.measure(undefined);
    await vi.advanceTimersByTimeAsync(2000);
    expect(scope.analyses).toBe(4);
    vi.useRealTimers();
  });
});
