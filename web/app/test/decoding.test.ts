// Self-contrast and adapting on the page: what is asked of the engine, what is shown, what a link keeps.
import { MoescopeError } from 'moescope';
import type { Rerouted } from 'moescope';
import { findAll, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Adapter, WAYS } from '../src/adapter.js';
import { describeChange, describeEdits } from '../src/changes.js';
import { CONTRAST, contrastRequest } from '../src/contrast.js';
import { Engine } from '../src/engine.js';
import { NO_EDITS, applyEdits, withBan, withOffsets } from '../src/routing.js';
import { Runner } from '../src/runner.js';
import { DEFAULTS, decode, encode } from '../src/state.js';
import { Store } from '../src/store.js';
import { MODEL, byId, drawn } from './drawn.js';
import { FakeScope, TRAINED } from './fake-scope.js';

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});

const OFFSETS = [0.25, 0, 0, 0, -0.125, 0, 0, 0];
const ADAPTED = { ...NO_EDITS, offsets: { 1: OFFSETS } };

function named(root: ViewElement, role: string, text: string): ViewElement {
  const [found] = findAll(root, (element) => element.props.attrs?.['role'] === role && textOf(element).includes(text));
  if (found === undefined) throw new Error(`no ${role} says ${text}`);
  return found;
}

function button(root: ViewElement, text: string): ViewElement {
  const [found] = findAll(root, (element) => element.tag.startsWith('button') && textOf(element) === text);
  if (found === undefined) throw new Error(`no button ${text}`);
  return found;
}

const press = (element: ViewElement): void => element.props.on?.['click']?.(new Event('click'));

describe('what the sampler draws from', () => {
  class Field extends EventTarget {
    readonly value: string;
    constructor(value: string) {
      super();
      this.value = value;
    }
  }
  const slid = (found: ViewElement, value: string): void => {
    vi.stubGlobal('HTMLInputElement', Field);
    const event = new Event('input');
    Object.defineProperty(event, 'target', { value: new Field(value) });
    found.props.on?.['input']?.(event);
  };

  it('is everything at the right end of two sliders, and what they say left of it', async () => {
    const set = vi.fn();
    const { root } = await drawn({ actions: { set } });
    const [topK, topP] = [byId(root, 'draw-top-k'), byId(root, 'draw-top-p')];
    expect([topK.props.value, topK.props.attrs?.['max'], topP.props.value]).toEqual(['101', 101, '1']);
    expect([topK, topP].map(({ props }) => props.attrs?.['aria-valuetext'])).toEqual(['all', 'all']);
    slid(topK, '40');
    slid(topP, '0.9');
    slid(topK, '101');
    expect(set.mock.calls).toEqual([[{ samplerTopK: 40 }], [{ samplerTopP: 0.9 }], [{ samplerTopK: 0 }]]);
    const cut = await drawn({ state: { samplerTopK: 40, samplerTopP: 0.955 } });
    expect(byId(cut.root, 'draw-top-k').props).toMatchObject({ value: '40', attrs: { 'aria-valuetext': '40' } });
    expect(byId(cut.root, 'draw-top-p').props).toMatchObject({ value: '0.955', attrs: { 'aria-valuetext': '95.5 %' } });
    expect(textOf(cut.root)).toContain('T 0.7, top 40, top 95.5 %, seed');
  });

  it('is what the model is asked for', async () => {
    const scope = new FakeScope({ info: MODEL });
    const runner = new Runner(() => undefined, () => 0);
    await runner.generate({ prompt: 'Once', maxTokens: 2, temperature: 1, samplerTopK: 5, samplerTopP: 0.5, seed: 1 }, () => Promise.resolve(scope));
    expect(scope.request).toMatchObject({ temperature: 1, samplerTopK: 5, samplerTopP: 0.5, seed: 1 });
  });
});

describe('self-contrast', () => {
  it('is asked for with an expert of the model', async () => {
    const scope = new FakeScope({ info: MODEL });
    const runner = new Runner(() => undefined, () => 0);
    const request = { prompt: 'Once', maxTokens: 2, temperature: 0, seed: 1 };
    await runner.generate({ ...request, contrast: { ...CONTRAST, rank: 99 } }, () => Promise.resolve(scope));
    expect(scope.request?.contrast).toEqual({ weak: { select: { method: 'rank', ranks: [7] } }, alpha: 0.1, beta: 0.5 });
    await runner.generate(request, () => Promise.resolve(scope));
    expect(scope.request?.contrast).toBeUndefined();
    expect(contrastRequest(CONTRAST, 2).weak).toEqual({ select: { method: 'rank', ranks: [1] } });
  });

  it('has a switch, and its numbers only while it is on', async () => {
    const set = vi.fn();
    const off = await drawn({ actions: { set } });
    const toggle = named(off.root, 'switch', 'Push away from a weak routing');
    expect(toggle.props.attrs?.['aria-checked']).toBe('false');
    expect(() => byId(off.root, 'contrast-beta')).toThrow();
    press(toggle);
    expect(set).toHaveBeenLastCalledWith({ contrast: CONTRAST });
    const on = await drawn({ state: { contrast: CONTRAST }, actions: { set } });
    expect(byId(on.root, 'contrast-weak').props.value).toBe('2');
    expect(textOf(byId(on.root, 'contrast-weak'))).toContain('Third best expert alone');
    expect(byId(on.root, 'contrast-alpha').props).toMatchObject({ value: '0.1', attrs: { min: 0.01, max: 1 } });
    press(named(on.root, 'switch', 'Push away'));
    expect(set).toHaveBeenLastCalledWith({ contrast: undefined });
  });

  it('shows in the inspector who won, who would have, and who may not', async () => {
    const { root, shown } = await drawn({ state: { contrast: CONTRAST } });
    const [table] = findAll(root, (element) => element.tag.startsWith('section') && element.props.attrs?.['aria-label'] === 'What self-contrast did');
    if (table === undefined) throw new Error('no table');
    expect(textOf(table)).toContain('Without contrast the same draw takes “␣rival”.');
    const rows = findAll(table, (element) => element.props.attrs?.['data-token'] !== undefined);
    expect(rows.map((row) => row.props.attrs?.['class'])).toEqual(['', 'taken', 'invalid']);
    expect(rows.map((row) => row.props.attrs?.['data-token'])[1]).toBe(shown.inspected?.token.id);
    expect(rows.map((row) => textOf(row))).toEqual([
      expect.stringContaining('what the strong routing alone would have drawn'),
      expect.stringContaining('drawn'),
      expect.stringContaining('too implausible'),
    ]);
    const plain = await drawn({});
    expect(textOf(plain.root)).not.toContain('What self-contrast did');
  });
});

describe('offsets', () => {
  it('act at their layer, beside bans and temperature', () => {
    const banned = withBan(MODEL, { ...ADAPTED, temperature: 0.5 }, 6, { ban: true, layer: 1, scope: 'layer' });
    if (banned === undefined) throw new Error('refused');
    const { layers } = applyEdits(MODEL, banned);
    expect(Object.keys(layers)).toEqual(['1']);
    expect(layers['1']).toMatchObject({ adjust: { temperature: 0.5, offsets: OFFSETS }, restrict: { disabled: [6] } });
  });

  it('of another model are left out', () => {
    expect(applyEdits(MODEL, { ...NO_EDITS, offsets: { 1: [1, 2], 99: OFFSETS } })).toEqual(TRAINED);
  });

  it('survive the link exactly as they act', async () => {
    const rerouted = await new FakeScope({ info: MODEL }).reroute('a text');
    const routing = withOffsets(NO_EDITS, rerouted);
    expect(Object.keys(routing.offsets)).toEqual(['1', '2', '3']);
    expect(routing.offsets['1']?.slice(0, 2)).toEqual([0.25, -0.0123]);
    expect(decode(encode({ ...DEFAULTS, routing })).routing).toEqual(routing);
  });

  it('are said where they come and go', () => {
    expect(describeEdits(ADAPTED)).toBe('adapted');
    const [plain, adapted] = [TRAINED, applyEdits(MODEL, ADAPTED)];
    expect(describeChange(plain, adapted, TRAINED)).toBe('adapted');
    expect(describeChange(adapted, plain, TRAINED)).toBe('not adapted');
    expect(describeChange(adapted, applyEdits(MODEL, { ...ADAPTED, topK: 1 }), TRAINED)).toBe('top-1');
  });
});

describe('adapting', () => {
  async function adapting(fake: FakeScope = new FakeScope({ info: MODEL })): Promise<{ adapter: Adapter; store: Store; seen: string[] }> {
    const engine = new Engine(() => Promise.resolve(fake), () => undefined, () => 0);
    await engine.open({ model: 'models/first', backend: 'auto' });
    const store = new Store(DEFAULTS);
    const seen: string[] = [];
    const adapter: Adapter = new Adapter(engine, store, () => seen.push(adapter.state.status), () => 0);
    return { adapter, store, seen };
  }

  it('tells each loss and puts the offsets in force, with a way back', async () => {
    const { adapter, store, seen } = await adapting();
    await adapter.adapt('a text');
    expect(seen.filter((status) => status === 'running')).toHaveLength(WAYS.gradient.steps + 2);
    expect(adapter.state).toMatchObject({ status: 'done', method: 'gradient', before: 2.31, changed: 0.25 });
    expect(store.state.routing.offsets['1']?.[0]).toBe(WAYS.gradient.steps / 20);
    store.undo();
    expect(store.state.routing).toEqual(NO_EDITS);
    await adapter.adapt('a text');
    adapter.remove();
    expect(store.state.routing).toEqual(NO_EDITS);
    expect(adapter.state).toEqual({ status: 'idle' });
  });

  it('starts from the routing as it is set, and keeps what is changed meanwhile', async () => {
    const scope = new FakeScope({ info: MODEL });
    const { adapter, store } = await adapting(scope);
    const asked = vi.spyOn(scope, 'reroute');
    store.set({ routing: { ...NO_EDITS, topK: 1 } });
    const adapted = adapter.adapt('a text');
    store.set({ routing: { ...NO_EDITS, topK: 1, banned: [2] } });
    await adapted;
    expect(asked.mock.calls[0]?.[1]?.routing).toEqual(applyEdits(MODEL, { ...NO_EDITS, topK: 1 }));
    expect(store.state.routing).toMatchObject({ topK: 1, banned: [2], offsets: { 1: expect.anything() } });
  });

  it('goes by random steps where there is no gradient', async () => {
    const gpu = new FakeScope({ info: MODEL, backend: { kind: 'webgpu', reason: 'test', weights: 'f32' } });
    const onGpu = await adapting(gpu);
    await onGpu.adapter.adapt('a text');
    expect(onGpu.adapter.state).toMatchObject({ status: 'done', method: 'search' });
    const cpu = new FakeScope({ info: MODEL });
    const take = cpu.reroute.bind(cpu);
    cpu.reroute = (text, request) => (request?.method === 'gradient'
      ? Promise.reject(new MoescopeError('not_differentiable', 'no gradient')) : take(text, request));
    const onCpu = await adapting(cpu);
    await onCpu.adapter.adapt('a text');
    expect(onCpu.adapter.state).toMatchObject({ status: 'done', method: 'search' });
  });

  it('can be stopped, and a second run ends the first', async () => {
    const { adapter, store } = await adapting(new FakeScope({ info: MODEL, paceMs: 5 }));
    const both = [adapter.adapt('a text'), adapter.adapt('a text')];
    adapter.clear();
    await Promise.all(both);
    expect(adapter.state).toEqual({ status: 'idle' });
    expect(store.state.routing).toBe(NO_EDITS);
  });

  it('that fails or finds nothing changes nothing and says so', async () => {
    const scope = new FakeScope({ info: MODEL });
    const { adapter, store } = await adapting(scope);
    scope.reroute = () => Promise.reject(new Error('out of memory'));
    await adapter.adapt('a text');
    expect(textOf((await drawn({ adapt: adapter.state })).root)).toContain('Not adapted: out of memory');
    const nothing: Rerouted = { method: 'gradient', routing: TRAINED, losses: [2, 2.5], kept: 0, layers: [], changed: 0 };
    scope.reroute = () => Promise.resolve(nothing);
    await adapter.adapt('a text');
    expect(textOf((await drawn({ adapt: adapter.state })).root)).toContain('Nothing better was found; the loss stays at 2.000.');
    expect(store.state.routing).toBe(NO_EDITS);
  });

  it('stands in the panel with the loss before and after, and a way back', async () => {
    const actions = { adapt: vi.fn(), stopAdapting: vi.fn(), removeOffsets: vi.fn() };
    const idle = await drawn({ actions });
    expect(button(idle.root, 'Remove offsets').props.attrs?.['disabled']).toBe(true);
    press(button(idle.root, 'Adapt routing'));
    expect(actions.adapt).toHaveBeenCalledOnce();
    const running = await drawn({ actions, adapt: { status: 'running', losses: [2.5, 2.25, 2.375], steps: 20 } });
    expect(textOf(running.root)).toContain('Loss 2.500 → 2.250, step 2 of 20');
    press(button(running.root, 'Stop adapting'));
    expect(actions.stopAdapting).toHaveBeenCalledOnce();
    const done = await drawn({ actions, state: { routing: ADAPTED }, adapt: { status: 'done', method: 'search', before: 2.5, after: 2, changed: 0.25 } });
    expect(textOf(done.root)).toContain('Loss 2.500 → 2.000 by random steps; experts changed for 25 % of the tokens.');
    button(done.root, 'Adapt further');
    press(button(done.root, 'Remove offsets'));
    expect(actions.removeOffsets).toHaveBeenCalledOnce();
  });
});
