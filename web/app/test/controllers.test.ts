// Engine, runner and store on a stand-in scope: what replaces what, what is cancelled, what is kept.
import { MoescopeError } from 'moescope';
import type { GenerateStep } from 'moescope';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Engine } from '../src/engine.js';
import type { Load } from '../src/engine.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import { Runner } from '../src/runner.js';
import { decodeRecorded } from '../src/recorded.js';
import type { RecordedStep } from '../src/recorded.js';
import { DEFAULTS } from '../src/state.js';
import { Store } from '../src/store.js';
import { encodeRecorded } from './encode-recorded.js';
import { FakeScope, FreedScope, TRAINED, fakeInfo, fakeTokens, fakeTrace } from './fake-scope.js';

const WISH = { model: 'models/first', backend: 'auto' } as const;
const REQUEST = { prompt: 'Once upon a time', maxTokens: 12, temperature: 0, seed: 1 };
const quiet = (): void => undefined;
const now = (): number => performance.now();

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});

function engineWith(load: Load): Engine {
  return new Engine(load, quiet, now);
}

describe('engine', () => {
  it('keeps the model in use when another cannot be opened, and says why', async () => {
    const first = new FakeScope();
    const engine = engineWith((url) => String(url).endsWith('/models/first/')
      ? Promise.resolve(first) : Promise.reject(new MoescopeError('weights_truncated', 'model.safetensors ends early')));
    expect(await engine.open(WISH)).toBe(true);
    expect(await engine.open({ ...WISH, model: 'models/broken' })).toBe(false);
    expect(engine.opened?.scope).toBe(first);
    expect(first.freed).toBe(false);
    expect(engine.failure).toEqual({ wish: { ...WISH, model: 'models/broken' }, problem: { code: 'weights_truncated', message: 'model.safetensors ends early' } });
  });

  it('frees the former model once the new one is ready', async () => {
    const scopes = [new FakeScope(), new FakeScope()];
    let n = 0;
    const engine = engineWith(() => Promise.resolve(scopes[n++] ?? new FakeScope()));
    await engine.open(WISH);
    await engine.open({ ...WISH, backend: 'cpu' });
    expect(scopes.map((scope) => scope.freed)).toEqual([true, false]);
  });

  it('drops a model that arrives after another was asked for', async () => {
    let arrive = (_: FakeScope): void => undefined;
    const late = new Promise<FakeScope>((resolve) => {
      arrive = resolve;
    });
    const [slow, quick] = [new FakeScope(), new FakeScope()];
    const engine = engineWith((url) => (String(url).includes('slow') ? late : Promise.resolve(quick)));
    const opening = engine.open({ ...WISH, model: 'models/slow' });
    await engine.open(WISH);
    arrive(slow);
    expect(await opening).toBe(false);
    expect([engine.opened?.scope, slow.freed]).toEqual([quick, true]);
  });

  it('adds up the downloads of both phases', async () => {
    const seen: (number | undefined)[] = [];
    const engine = new Engine(async (_, { onProgress }) => {
      onProgress?.({ phase: 'wasm', loaded: 50, total: 100, message: '' });
      onProgress?.({ phase: 'weights', loaded: 100, total: 300, message: '' });
      return Promise.resolve(new FakeScope());
    }, () => seen.push(engine.loading?.total), now);
    await engine.open(WISH);
    expect(seen).toContain(400);
    expect(engine.loading).toBeUndefined();
  });

  it('sends only the latest of many routings and reports one that is refused', async () => {
    const scope = new FakeScope();
    const sent = vi.spyOn(scope, 'setRouting');
    const engine = engineWith(() => Promise.resolve(scope));
    await engine.open(WISH);
    const routings = [1, 3, 4, 5].map((topK) => applyEdits(scope.model, { ...NO_EDITS, topK }));
    await Promise.all(routings.map((routing) => engine.route(routing)));
    expect(scope.routing).toEqual(routings[3]);
    expect(sent.mock.calls.length).toBeLessThan(4);
    const none = applyEdits(scope.model, { ...NO_EDITS, banned: [0, 1, 2, 3, 4, 5, 6, 7] });
    expect(await engine.route(none)).toBe(false);
    expect(engine.routingError?.message).toContain('at least one');
  });

  it('ignores what a model that was replaced says of a routing', async () => {
    const { old, scope, engine } = await replacing();
    const routing = engine.route(applyEdits(old.model, { ...NO_EDITS, topK: 1 }));
    const waiting = engine.route(applyEdits(old.model, { ...NO_EDITS, topK: 3 }));
    await engine.open(WISH);
    await Promise.all([routing, waiting]);
    expect([engine.routingError, engine.refused, engine.accepted]).toEqual([undefined, undefined, undefined]);
    expect(scope.routing, 'a routing made for the former model').toBe(TRAINED);
    const next = applyEdits(scope.model, { ...NO_EDITS, topK: 4 });
    expect(await engine.route(next)).toBe(true);
    expect([engine.accepted, scope.routing]).toEqual([next, next]);
  });

  it('says that a model is about to be freed while it can still be asked', async () => {
    const freed: boolean[] = [];
    const { old, engine } = await replacing(() => freed.push(old.freed));
    expect(freed).toEqual([]);
    await engine.open(WISH);
    expect([freed, old.freed]).toEqual([[false], true]);
  });
});

/** A model that answers nothing until it is freed, and then refuses, in an engine that opens another one next. */
async function replacing(closing?: () => void): Promise<{ old: FreedScope; scope: FakeScope; engine: Engine }> {
  const [old, scope] = [new FreedScope(), new FakeScope()];
  const left = [old, scope];
  const engine = new Engine(() => Promise.resolve(left.shift() ?? new FakeScope()), quiet, now, closing);
  await engine.open(WISH);
  return { old, scope, engine };
}

describe('runner', () => {
  it('shows prompt and generated tokens in order', async () => {
    const runner = new Runner(quiet, now);
    await runner.generate(REQUEST, () => Promise.resolve(new FakeScope()));
    const promptLength = fakeTokens(REQUEST.prompt).length;
    expect(runner.records.map((record) => record.index)).toEqual(Array.from({ length: promptLength + 12 }, (_, i) => i));
    expect(runner.records.filter((record) => record.origin === 'generated')).toHaveLength(12);
    expect(runner.text.startsWith(REQUEST.prompt)).toBe(true);
    expect(runner.status).toBe('done');
  });

  it('leaves special tokens out of the text that is analysed, and shows them', async () => {
    const runner = new Runner(quiet, now);
    const tokens = [{ id: 0, text: '<|doc|>', special: true }, ...fakeTokens('Once upon')];
    await runner.play([{ kind: 'prompt', text: '', trace: fakeTrace(tokens, fakeInfo(4, 2), TRAINED) }], 'four', REQUEST, true);
    expect([runner.text, runner.records.length]).toEqual(['Once upon', tokens.length]);
  });

  it('keeps what was written when it is stopped', async () => {
    const runner = new Runner(quiet, now);
    const run = runner.generate({ ...REQUEST, maxTokens: 100 }, () => Promise.resolve(new FakeScope({ paceMs: 3 })));
    await vi.waitFor(() => expect(runner.records.length).toBeGreaterThan(6));
    runner.stop();
    const count = runner.records.length;
    await run;
    expect([runner.status, runner.records.length]).toEqual(['stopped', count]);
  });

  it('writes on where the text ends, and what stands there stays as it was routed', async () => {
    const [runner, scope] = [new Runner(quiet, now), new FakeScope()];
    await runner.generate({ ...REQUEST, maxTokens: 4 }, () => Promise.resolve(scope));
    const [before, text] = [[...runner.records], runner.text];
    await runner.continue({ ...REQUEST, maxTokens: 3 }, () => Promise.resolve(scope));
    expect(scope.prompt).toBe(text);
    expect(runner.records.slice(0, before.length)).toEqual(before);
    expect(runner.records.slice(before.length).map(({ index, origin }) => [index, origin])).toEqual([0, 1, 2].map((n) => [before.length + n, 'generated']));
    expect(runner.status).toBe('done');
  });

  it('keeps the former text when a prompt is refused', async () => {
    const runner = new Runner(quiet, now);
    await runner.generate(REQUEST, () => Promise.resolve(new FakeScope()));
    const before = runner.records;
    await runner.generate({ ...REQUEST, prompt: 'word '.repeat(2000) }, () => Promise.resolve(new FakeScope()));
    expect(runner.failure?.code).toBe('prompt_too_long');
    expect(runner.records).toBe(before);
  });
});

describe('what can be stopped', () => {
  const prompt: GenerateStep = { kind: 'prompt', text: '', trace: fakeTrace(fakeTokens('Once upon'), fakeInfo(4, 2), TRAINED) };

  it('is the live model from the click on, also after a recorded run', async () => {
    const runner = new Runner(quiet, now);
    await runner.play([prompt], 'four', REQUEST, true);
    const seen: unknown[] = [];
    let ready = (_: FakeScope): void => undefined;
    const run = runner.generate(REQUEST, () => new Promise((resolve) => { ready = resolve; }));
    seen.push([runner.status, runner.source, runner.stoppable]);
    runner.stop();
    seen.push([runner.status, runner.stoppable]);
    ready(new FakeScope());
    await run;
    expect(seen).toEqual([['waiting', 'recorded', true], ['stopped', false]]);
    expect([runner.status, runner.records.length]).toEqual(['stopped', prompt.trace.tokens.length]);
  });

  it('is no recorded run', () => {
    const runner = new Runner(quiet, now);
    void runner.play([prompt], 'four', REQUEST, false);
    expect([runner.status, runner.stoppable]).toEqual(['running', false]);
    runner.stop();
  });
});

describe('store', () => {
  it('undoes a drag of a slider as one step, and other changes one by one', () => {
    const store = new Store(DEFAULTS);
    store.edit({ ...NO_EDITS, topK: 3 }, 'top-k', 0);
    store.edit({ ...NO_EDITS, topK: 4 }, 'top-k', 100);
    store.edit({ ...NO_EDITS, topK: 4, banned: [1] }, 'expert 1', 150);
    store.undo();
    expect(store.state.routing).toEqual({ ...NO_EDITS, topK: 4 });
    store.undo();
    expect(store.state.routing).toEqual(NO_EDITS);
    expect(store.canUndo()).toBe(false);
  });

  it('can undo a reset', () => {
    const store = new Store(DEFAULTS);
    store.edit({ ...NO_EDITS, topK: 3 }, 'top-k', 0);
    store.resetRouting(10);
    expect(store.state.routing).toEqual(NO_EDITS);
    store.undo();
    expect(store.state.routing.topK).toBe(3);
  });
});

describe('recorded runs', () => {
  const info = fakeInfo(4, 2);
  const routing = applyEdits(info, { ...NO_EDITS, banned: [2] });
  const [token] = fakeTokens('a');
  if (token === undefined) throw new Error('no token');
  const steps = [
    { kind: 'prompt', text: '', trace: fakeTrace(fakeTokens('Once upon'), info, routing) },
    { kind: 'token', text: 'a', token, logProb: -1.5, trace: fakeTrace([token], info, TRAINED) },
  ] as const;

  it('survive JSON, infinities included', () => {
    const back = decodeRecorded(JSON.parse(JSON.stringify(encodeRecorded(steps))) as RecordedStep[]);
    const [before, after] = [steps[0].trace.layers[0], back[0]?.trace.layers[0]];
    expect(after?.experts).toEqual(before?.experts);
    expect(after?.verdicts).toEqual(before?.verdicts);
    expect(after?.selection_scores[2]).toBe(-Infinity);
    expect(after?.scores[1]).toBeCloseTo(before?.scores[1] ?? Number.NaN, 3);
    expect(back[1]).toMatchObject({ kind: 'token', text: 'a', logProb: -1.5 });
  });

  it('are refused when their arrays do not fit', () => {
    const [first] = encodeRecorded(steps);
    if (first === undefined) throw new Error('no step');
    const broken = { ...first, trace: { ...first.trace, tokens: first.trace.tokens.slice(1) } };
    expect(() => decodeRecorded([broken])).toThrow(/do not fit/);
    expect(() => decodeRecorded([])).toThrow(/begins with/);
  });
});
