// Comparing two sides, the fixed sample, single layers and single experts: what is asked of the engine, and what the page then says.
import { MoescopeError } from 'moescope';
import type { Analysis } from 'moescope';
import { findAll, h, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { describeEdits } from '../src/changes.js';
import type { Load, Scope } from '../src/engine.js';
import { EXAMPLES } from '../src/examples.js';
import { readText } from '../src/measuring.js';
import { compare } from '../src/page/compare.js';
import { expertPage } from '../src/page/expert.js';
import type { Shown } from '../src/page/shown.js';
import { Rivalry } from '../src/rivalry.js';
import type { Page } from '../src/rivalry.js';
import { NO_EDITS, applyEdits, editsAt, withBan, withForce, withNudge, withStrategy, withTemperature, withTopK } from '../src/routing.js';
import { SAMPLES } from '../src/samples.js';
import { Sampler, sampleLosses } from '../src/sampler.js';
import type { Rival } from '../src/sides.js';
import { MODEL, drawn } from './drawn.js';
import { FakeScope, fakeInfo } from './fake-scope.js';

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

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
    expect(textOf(page)).toMatch(/Expert 4 at layer 1.*Acts on \d+\u00a0% of \d+ tokens; the even share is 25\u00a0%/s);
    findAll(page, (e) => e.tag === 'button' && textOf(e) === 'Force')[0]?.props.on?.['click']?.(new Event('click'));
    expect(force).toHaveBeenCalledWith(4, true);
    expect(expertPage({ ...shown, state: { ...shown.state, expert: 99 } })).toBeUndefined();
  });
});

const TEXT = 'Once upon a time there was a fox';
const AS_B: Rival<string> = { model: undefined, input: undefined, routing: NO_EDITS };

/** The section once both sides are read: A as said, B under top-1. */
async function compared(rival: Rival<string>, other: FakeScope = new FakeScope({ info: MODEL })): Promise<{ view: ViewElement; shown: Shown }> {
  const { shown } = await drawn({ state: { rival, routing: { ...NO_EDITS, topK: 1 } } });
  const opened = shown.engine.opened;
  if (opened === undefined) throw new Error('no model');
  const rivalry = new Rivalry<Scope, string, Analysis>({ load: () => Promise.resolve(other), read: readText, changed: () => look(), now: () => 0 });
  const look = (): void => rivalry.look(rival, { opened, backend: 'cpu', input: rival.input ?? TEXT });
  look();
  await vi.waitFor(() => expect(rivalry.comparer.reading).toBeDefined());
  const read = async (topK: number) => opened.scope.analyse(TEXT, { routing: applyEdits(MODEL, { ...NO_EDITS, topK }) });
  const all = { ...shown, rivalry, analyses: { now: await read(1), trained: await read(2) } };
  return { view: h('div', {}, compare(all, {})), shown: all };
}

const having = (view: ViewElement, attribute: string): ViewElement[] => findAll(view, (e) => e.props.attrs?.[attribute] !== undefined);
const marked = (view: ViewElement): number => findAll(view, (e) => String(e.props.attrs?.['class']).includes('marked')).length;

describe('a comparison', () => {
  it('of two routings shows both with their losses, the tokens that changed and every layer', async () => {
    const { view, shown } = await compared(AS_B);
    expect(having(view, 'data-loss').map((e) => Number(e.props.attrs?.['data-loss']))).toEqual([2.31, 2.66]);
    expect(marked(view)).toBe(2 * (shown.analyses?.now.trace.tokens.length ?? 0));
    expect(having(view, 'data-layer')).toHaveLength(4);
    expect(having(view, 'data-column').filter((e) => e.props.attrs?.['data-column'] === 'changed').map((e) => e.props.attrs?.['data-value'])).toEqual(['1.0000', '1.0000', '1.0000', '1.0000']);
  });

  it('of two texts compares loads alone, and says why', async () => {
    const { view } = await compared({ ...AS_B, input: 'Another text' });
    expect(new Set(having(view, 'data-column').map((e) => e.props.attrs?.['data-column']))).toEqual(new Set(['load']));
    expect(marked(view)).toBe(0);
    expect(textOf(view)).toContain('The texts differ, so that no token has a partner');
  });

  it('of two models opens the second one, and says that their experts are others', async () => {
    const { view } = await compared({ ...AS_B, model: 'models/second' }, new FakeScope({ info: { ...MODEL, name: 'second' } }));
    expect(having(view, 'data-model').map((e) => e.props.attrs?.['data-model'])).toEqual(['second', 'first']);
    expect(having(view, 'data-column').some((e) => e.props.attrs?.['data-column'] === 'routers')).toBe(true);
    expect(textOf(view)).toContain('Experts of two models have numbers of their own');
  });

  it('of models of other shapes says which layers and experts have no divergence', async () => {
    const narrow = await compared({ ...AS_B, model: 'models/second' }, new FakeScope({ info: { ...fakeInfo(4, 4), name: 'second' } }));
    expect(having(narrow.view, 'data-column')).toEqual([]);
    expect(textOf(narrow.view)).toContain('At layers 0, 1, 2, 3 A has 4 experts and B 8');
    const short = await compared({ ...AS_B, model: 'models/second' }, new FakeScope({ info: { ...fakeInfo(8, 2), name: 'second' } }));
    expect(textOf(short.view)).toContain('A has experts at layers 0, 1, B at 0, 1, 2, 3');
    const dense = await compared({ ...AS_B, model: 'models/second' }, new FakeScope({ info: { ...fakeInfo(8, 0), name: 'second' } }));
    expect(textOf(dense.view)).toContain('second has no experts, so that only losses can be compared.');
  });

  it('is not there until somebody holds a routing', async () => {
    expect(compare((await drawn({})).shown, {})).toBeUndefined();
  });
});

describe('the second model', () => {
  const rivalryOf = (load: Load) => new Rivalry<Scope, string, Analysis>({ load, read: readText, changed: () => undefined, now: () => 0 });
  const page = async (): Promise<Page<Scope, string>> => ({ opened: (await drawn({})).shown.engine.opened, backend: 'cpu', input: TEXT });
  const second = { ...AS_B, model: 'models/second' };

  it('is opened once, and freed when the comparison ends', async () => {
    const scope = new FakeScope();
    const load = vi.fn(() => Promise.resolve(scope));
    const [rivalry, shown] = [rivalryOf(load), await page()];
    rivalry.look(second, shown);
    rivalry.look({ ...second, routing: { ...NO_EDITS, topK: 1 } }, shown);
    await vi.waitFor(() => expect(rivalry.side(shown.opened)?.scope).toBe(scope));
    rivalry.look(undefined, shown);
    expect([load.mock.calls.length, scope.freed, rivalry.engine.opened]).toEqual([1, true, undefined]);
  });

  it('is that of the page where A has the same', async () => {
    const load = vi.fn(() => Promise.resolve(new FakeScope()));
    const [rivalry, shown] = [rivalryOf(load), await page()];
    rivalry.look({ ...AS_B, model: 'models/first' }, shown);
    expect(rivalry.side(shown.opened)).toBe(shown.opened);
    await vi.waitFor(() => expect(rivalry.comparer.reading).toBeDefined());
    expect(load).not.toHaveBeenCalled();
  });

  it('that cannot be opened leaves its reason, and is not tried again and again', async () => {
    const load = vi.fn(() => Promise.reject(new MoescopeError('fetch_failed', 'It is not there.')));
    const [rivalry, shown] = [rivalryOf(load), await page()];
    rivalry.look(second, shown);
    await vi.waitFor(() => expect(rivalry.engine.failure?.problem.message).toBe('It is not there.'));
    rivalry.look(second, shown);
    expect(load).toHaveBeenCalledTimes(1);
    rivalry.look(AS_B, shown);
    expect(rivalry.engine.failure).toBeUndefined();
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
