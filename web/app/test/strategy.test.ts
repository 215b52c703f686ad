// The menu of strategies: what each preset becomes on a model, what the page says of it, and what a link keeps of it.
import { PRESETS } from 'moescope';
import type { Preset } from 'moescope';
import { findAll, textOf } from 'moescope/views';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { describeChange, describeEdits } from '../src/changes.js';
import { Engine } from '../src/engine.js';
import { explainSpec } from '../src/explain.js';
import { messages } from '../src/messages.js';
import type { Actions } from '../src/page/shown.js';
import { NO_EDITS, applyEdits, withBan, withSetting, withStrategy, withTemperature, withTopK } from '../src/routing.js';
import type { RoutingEdits } from '../src/routing.js';
import { RoutingSender } from '../src/sender.js';
import { sameRouting, settingsIn, settingsOf, topKOf } from '../src/spec.js';
import { DEFAULTS, decode, encode } from '../src/state.js';
import { Store } from '../src/store.js';
import { OWN, rangeOf, strategiesFor, strategyFor } from '../src/strategy.js';
import { MODEL, byId, drawn as drawnPage } from './drawn.js';
import { FakeScope, SPEC, TRAINED, fakeInfo } from './fake-scope.js';

const NAMES = [...PRESETS.map(({ name }) => name), OWN];
const possible = strategiesFor(MODEL).filter(({ problem }) => problem === undefined);
const impossible = strategiesFor(MODEL).filter(({ problem }) => problem !== undefined);

const drawn = (routing: RoutingEdits, actions: Partial<Actions> = {}): ReturnType<typeof drawnPage> => drawnPage({ state: { routing }, actions });

function preset(name: string): Preset {
  const found = PRESETS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no preset ${name}`);
  return found;
}

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});

describe('strategies', () => {
  it('are all presets, in their order, and the visitor’s own router', () => {
    expect(strategiesFor(MODEL).map(({ name }) => name)).toEqual(NAMES);
    expect(possible.length).toBeGreaterThan(15);
  });

  it('that the model cannot meet say what they need', () => {
    expect(Object.fromEntries(impossible.map(({ name, problem }) => [name, problem]))).toEqual({
      adamoe_learned: 'needs a gate with trained null experts',
      external: 'needs your own router, and none runs',
      soft: 'mixes all tokens into slots and cannot run token by token here',
    });
  });

  it('whose groups do not divide the experts say so', () => {
    const odd = fakeInfo(12, 2);
    expect(strategyFor(odd, 'deepseek_v3')?.problem).toBe('needs 8 equal groups, which 12 experts cannot form');
    expect(strategyFor(odd, 'mixtral')?.problem).toBeUndefined();
  });

  it('that ask for more experts than there are take the top-k of the model', () => {
    const small = fakeInfo(4, 2);
    expect(strategyFor(small, 'olmoe')).toMatchObject({ adapted: true, spec: { select: { method: 'top_k', top_k: 2 }, weigh: { renormalize: false } } });
    expect(strategyFor(small, 'switch')).toMatchObject({ adapted: false, spec: { select: { top_k: 1 } } });
    expect(applyEdits(small, { ...NO_EDITS, strategy: 'olmoe', topK: 3 }).default.select).toEqual({ method: 'top_k', top_k: 3 });
  });

  it('that decide over the whole prompt are known', () => {
    expect(possible.filter(({ wholeBatch }) => wholeBatch).map(({ name }) => name)).toEqual(['gshard', 'expert_choice', 'base']);
  });
});

describe('a chosen strategy', () => {
  it.each(possible.map(({ name }) => name))('%s is the whole spec of the preset at every layer', (name) => {
    const trained = { default: SPEC, layers: { 1: { ...SPEC, adjust: { ...SPEC.adjust, temperature: 3 } } } };
    expect(applyEdits({ ...MODEL, trained_routing: trained }, withStrategy(NO_EDITS, name))).toEqual({ default: preset(name).spec, layers: {} });
  });

  it.each(possible.map(({ name }) => name))('%s keeps bans, temperature and top-k on top', (name) => {
    const banned = withBan(MODEL, { ...NO_EDITS, topK: 3, temperature: 0.5 }, 6, { ban: true, layer: 2, scope: 'layer' });
    if (banned === undefined) throw new Error('refused');
    const routing = applyEdits(MODEL, withStrategy(banned, name));
    const { spec } = preset(name);
    const expected = { ...spec, adjust: { ...spec.adjust, temperature: 0.5 }, select: 'top_k' in spec.select ? { ...spec.select, top_k: 3 } : spec.select };
    expect(routing.default).toEqual(expected);
    expect(routing.layers['2']).toEqual({ ...expected, restrict: { ...expected.restrict, disabled: [6] } });
  });

  it('is left for the trained one with nothing remaining', () => {
    const edits = withSetting(MODEL, withStrategy(NO_EDITS, 'top_p'), 'top_p', 0.7);
    expect(applyEdits(MODEL, edits).default.select).toMatchObject({ method: 'top_p', top_p: 0.7 });
    expect(withStrategy(edits, undefined)).toEqual(NO_EDITS);
  });

  it('takes knobs back to its own numbers without a trace', () => {
    const edits = withStrategy(NO_EDITS, 'switch');
    expect(withTemperature(MODEL, withTopK(MODEL, withTopK(MODEL, edits, 3), 1), 1)).toEqual(edits);
    const shares = withStrategy(NO_EDITS, 'top_p');
    expect(withSetting(MODEL, withSetting(MODEL, shares, 'top_p', 0.9), 'top_p', 0.4)).toEqual(shares);
  });

  it('that the model cannot run leaves the trained routing', () => {
    for (const { name } of impossible) expect(applyEdits(MODEL, withStrategy(NO_EDITS, name))).toEqual(TRAINED);
  });

  it('keeps the numbers of a link within limits', () => {
    const edits: RoutingEdits = { ...withStrategy(NO_EDITS, 'top_p'), settings: { top_p: 77, max_experts: 3.4, min_experts: -5, threshold: 1 } };
    expect(applyEdits(MODEL, edits).default.select).toEqual({ method: 'top_p', top_p: 1, min_experts: 0, max_experts: 3 });
  });
});

describe('numbers of other stages', () => {
  it('are offered where a strategy turns them on, and nowhere else', () => {
    const offered = Object.fromEntries(possible.map(({ name, spec }) => [name, Object.keys(settingsIn(spec)).filter((field) => field.includes('.'))]));
    expect(offered).toMatchObject({
      switch: [], mixtral: [], mc_moe: ['prune.ratio'], gshard: ['limit.capacity_factor'], expert_choice: ['limit.capacity_factor'],
      adamoe: ['adjust.null_experts', 'adjust.null_logit'], deepseek_v3: ['restrict.topk_groups', 'weigh.scale'],
    });
  });

  it('change the stage that they name, within its limits, and keep the name of the strategy', () => {
    const edits = withSetting(MODEL, withStrategy(NO_EDITS, 'mc_moe'), 'prune.ratio', 0.75);
    const routing = applyEdits(MODEL, edits);
    expect(routing.default.prune.ratio).toBe(0.75);
    expect(applyEdits(MODEL, { ...edits, settings: { 'prune.ratio': 7 } }).default.prune.ratio).toBe(1);
    expect(applyEdits(MODEL, { ...edits, strategy: 'mixtral' }).default).toEqual(preset('mixtral').spec);
    expect(describeEdits(edits)).toBe('strategy mc_moe, ratio 0.75');
    expect(describeChange(TRAINED, routing, TRAINED)).toBe('strategy mc_moe ratio 0.75');
    expect(withSetting(MODEL, edits, 'prune.ratio', 0.5).settings).toEqual({});
  });

  it('give way to a limit of its own', () => {
    const edits = { ...withStrategy(NO_EDITS, 'gshard'), settings: { 'limit.capacity_factor': 3 } };
    expect(applyEdits(MODEL, edits).default.limit.capacity_factor).toBe(3);
    expect(applyEdits(MODEL, { ...edits, limit: { factor: 0.5, priority: 'order' } }).default.limit.capacity_factor).toBe(0.5);
  });

  it('have a slider that stays where it is put to nothing', async () => {
    const { root } = await drawn({ ...withStrategy(NO_EDITS, 'mc_moe'), settings: { 'prune.ratio': 0 } });
    expect(byId(root, 'setting-prune.ratio').props.value).toBe('0');
  });
});

describe('a setting at one layer', () => {
  const here = { layer: 2, scope: 'layer' } as const;
  const everywhere = withSetting(MODEL, withStrategy(NO_EDITS, 'top_p'), 'top_p', 0.6);
  const single = withSetting(MODEL, everywhere, 'top_p', 0.9, here);

  it('acts there alone', () => {
    const routing = applyEdits(MODEL, single);
    expect(settingsOf(routing.default.select)['top_p']).toBe(0.6);
    expect(Object.entries(routing.layers).map(([layer, { select }]) => [layer, settingsOf(select)['top_p']])).toEqual([['2', 0.9]]);
    expect(describeEdits(single)).toBe('strategy top_p, top p 0.6, top p 0.9 at layer 2');
    expect(decode(encode({ ...DEFAULTS, routing: single })).routing).toEqual(single);
  });

  it('is gone where it says what the other layers say, and where all are set', () => {
    expect(withSetting(MODEL, single, 'top_p', 0.6, here)).toEqual(everywhere);
    expect(withSetting(MODEL, single, 'top_p', 0.7)).toEqual(withSetting(MODEL, withStrategy(NO_EDITS, 'top_p'), 'top_p', 0.7));
    expect(withStrategy(single, 'switch', here).at).toEqual({ 2: { strategy: 'switch' } });
  });
});

describe('a link', () => {
  it.each(NAMES)('keeps the strategy %s with all other edits', (strategy) => {
    const settings = Object.fromEntries(Object.keys(settingsOf(strategyFor(MODEL, strategy)?.spec.select ?? { method: 'dense' })).map((name, i) => [name, i + 0.5]));
    for (const routing of [
      { ...NO_EDITS, strategy },
      { ...NO_EDITS, strategy, topK: 3, temperature: 0.5, settings, banned: [1], bannedAt: { 2: [4] } },
    ]) {
      const state = { ...DEFAULTS, routing };
      expect(decode(encode(state))).toEqual(state);
    }
    expect(encode({ ...DEFAULTS, routing: { ...NO_EDITS, strategy } })).toBe(`v=3&s=${strategy}`);
  });

  it('from before there were strategies means what it meant', () => {
    expect(decode('#v=1&k=1&rt=0.5&ban=3&ban.2=1').routing)
      .toEqual({ ...NO_EDITS, topK: 1, temperature: 0.5, banned: [3], bannedAt: { 2: [1] } });
  });

  it('with a strategy that is none is read without it', () => {
    for (const name of ['nonsense', '', '__proto__', 'SWITCH']) expect(decode(`#v=1&s=${name}&k=3`).routing).toEqual({ ...NO_EDITS, topK: 3 });
  });
});

describe('words', () => {
  it.each(PRESETS.map(({ name, spec }) => [name, spec] as const))('explain %s in one sentence', (_, spec) => {
    const sentence = explainSpec(spec, 8);
    expect(sentence).toMatch(/^[A-Z][^.]*(\d\.\d+[^.]*)*\.$/);
    expect(sentence).not.toMatch(/undefined|NaN|_|\s\s/);
  });

  it('say what the stages do, and nothing of the others', () => {
    expect(explainSpec(preset('switch').spec, 8)).toBe('Each token goes to its best expert by softmax score, weighed by the score as it is.');
    expect(explainSpec(preset('deepseek_v3').spec, 8)).toBe(
      'Of 8 groups of experts the 4 with the best expert stay open, and each token goes to all 4 experts in them, with weights that sum to 2.5.');
    expect(explainSpec(preset('deepseek_v3').spec, 64)).toContain('the 4 with the best two experts together stay open, and each token goes to its best 8 experts');
    expect(explainSpec(preset('mc_moe').spec, 8)).toBe('Each token goes to its best 2 experts by softmax score, with weights that sum to 1;'
      + ' an expert that weighs less than 50 % of the heaviest is skipped.');
    expect(explainSpec({ select: SPEC.select }, 8)).toBe(explainSpec(SPEC, 8));
  });

  it('name the strategy where it changes, as the engine gives it back', () => {
    const back = (edits: RoutingEdits) => JSON.parse(JSON.stringify(applyEdits(MODEL, edits), (_, value: unknown) =>
      typeof value === 'number' ? Math.fround(value) : value ?? undefined)) as typeof TRAINED;
    const toTopP = { ...NO_EDITS, strategy: 'top_p' };
    expect(describeChange(TRAINED, back(toTopP), TRAINED)).toBe('strategy top_p');
    expect(describeChange(back(toTopP), back({ ...toTopP, settings: { top_p: 0.6 } }), TRAINED)).toBe('top p 0.6');
    expect(describeChange(TRAINED, back({ ...NO_EDITS, strategy: 'switch' }), TRAINED)).toBe('strategy switch');
    expect(describeChange(back(toTopP), back({ ...NO_EDITS, topK: 3, banned: [1] }), TRAINED)).toBe('as trained top-3 −1');
    expect(describeChange(TRAINED, back({ ...toTopP, settings: { top_p: 0.6 } }), TRAINED)).toBe('strategy top_p top p 0.6');
    for (const { name, spec } of possible) {
      if (sameRouting({ default: spec, layers: {} }, TRAINED) || spec.weigh.renormalize === SPEC.weigh.renormalize) continue;
      expect(describeChange(TRAINED, back({ ...NO_EDITS, strategy: name }), TRAINED)).toBe(`strategy ${name}`);
    }
    expect(describeEdits({ ...toTopP, settings: { top_p: 0.6 } })).toBe('strategy top_p, top p 0.6');
  });
});

describe('the panel', () => {
  it('offers the trained strategy and every preset, the impossible ones with their reason', async () => {
    const { root } = await drawn(NO_EDITS);
    const options = findAll(byId(root, 'strategy'), (element) => element.tag === 'option');
    expect(options.map((option) => option.props.attrs?.['value'])).toEqual(['', ...NAMES]);
    expect(textOf(options[0] ?? '')).toBe('as trained');
    const disabled = options.filter((option) => option.props.attrs?.['disabled'] === true);
    expect(disabled.map((option) => [textOf(option), option.props.attrs?.['title']])).toEqual(
      impossible.map(({ name, problem }) => [`${name} (${problem ?? ''})`, problem]));
  });

  it('says that the trained strategy is the trained one, and when knobs have changed it', async () => {
    const note = async (edits: RoutingEdits): Promise<string> => textOf(byId((await drawn(edits)).root, 'strategy-note'));
    expect(await note(NO_EDITS)).toContain(messages.strategy.trainedSource);
    expect(await note({ ...NO_EDITS, topK: 1 })).toContain(messages.strategy.trainedChanged);
  });

  it.each(possible.map(({ name }) => name))('says what %s does and where it is from, beside a text written under it', async (name) => {
    const { root, shown } = await drawn({ ...NO_EDITS, strategy: name });
    const { spec, source } = preset(name);
    expect(byId(root, 'strategy').props.value).toBe(name);
    const note = textOf(byId(root, 'strategy-note'));
    expect(note).toContain(explainSpec(spec, 8));
    expect(note).toContain(source);
    expect(note.includes('one token at a time differs')).toBe(strategyFor(MODEL, name)?.wholeBatch);
    expect(byId(root, 'top-k').props.attrs?.['disabled']).toBe(topKOf(spec) === undefined);
    const sliders = findAll(root, (element) => String(element.props.attrs?.['id']).startsWith('setting-'));
    expect(sliders.map((slider) => slider.props.attrs?.['id'])).toEqual(Object.keys(settingsIn(spec)).map((field) => `setting-${field}`));
    expect(shown.runner.status).toBe('done');
    expect(textOf(root)).not.toMatch(/undefined|NaN/);
  });

  it('has a slider for a number of the method, with the reason why top-k is still', async () => {
    const setting = vi.fn();
    const { root } = await drawn({ ...NO_EDITS, strategy: 'top_p' }, { setting });
    const slider = byId(root, 'setting-top_p');
    expect(slider.props).toMatchObject({ value: '0.4', attrs: { min: 0, max: 1 } });
    expect(textOf(byId(root, 'top-k-reason'))).toContain('The method top p has no top-k');
    expect(rangeOf('brand_new', 4, SPEC, 8)).toEqual({ min: 0, max: 8, step: 0.08 });
  });

  it('says of a linked strategy that it cannot run here', async () => {
    const { root } = await drawn({ ...NO_EDITS, strategy: 'soft' });
    expect(textOf(byId(root, 'strategy-note'))).toContain('This model cannot run soft: it mixes');
    expect(textOf(byId(root, 'strategy-note'))).toContain(explainSpec(SPEC, 8));
  });

  it('says when the visitor’s top-k stands in for that of the preset', async () => {
    expect(textOf(byId((await drawn({ ...NO_EDITS, strategy: 'switch', topK: 3 })).root, 'strategy-note'))).toContain('with your top-k');
    expect(textOf(byId((await drawn({ ...NO_EDITS, strategy: 'switch' })).root, 'strategy-note'))).not.toContain('with your top-k');
  });

  it('links the paper', async () => {
    const links = findAll(byId((await drawn({ ...NO_EDITS, strategy: 'base' })).root, 'strategy-note'), (element) => element.tag === 'a');
    expect(links.map((link) => link.props.attrs?.['href'])).toEqual(['https://arxiv.org/abs/2103.16716', 'https://arxiv.org/abs/2202.01169']);
  });
});

describe('a routing that the engine refuses', () => {
  const bad: RoutingEdits = { ...NO_EDITS, strategy: 'top_p', settings: { min_experts: 3, max_experts: 2 } };

  async function sending(): Promise<{ scope: FakeScope; engine: Engine; store: Store; sent: () => Promise<void> }> {
    const scope = new FakeScope({ info: MODEL });
    const engine = new Engine(() => Promise.resolve(scope), () => undefined, () => 0);
    await engine.open({ model: 'models/first', backend: 'auto' });
    const store = new Store(DEFAULTS);
    const sender = new RoutingSender(engine, store, () => undefined);
    await sender.modelOpened();
    return { scope, engine, store, sent: () => new Promise((resolve) => setTimeout(resolve, 5)) };
  }

  it('gives way to the former one, with the reason next to the menu and nothing to undo', async () => {
    const { scope, engine, store, sent } = await sending();
    const good = { ...NO_EDITS, strategy: 'top_p', settings: { max_experts: 2 } };
    store.edit(good, 'strategy', 0);
    await sent();
    store.edit(bad, 'setting', 1000);
    await sent();
    expect(store.state.routing).toBe(good);
    expect(scope.routing).toEqual(applyEdits(MODEL, good));
    expect(engine.routingError?.message).toContain('it must be at most max_experts, 2');
    store.undo();
    await sent();
    expect(store.state.routing).toBe(NO_EDITS);
    expect(scope.routing).toEqual(TRAINED);
    expect(engine.routingError).toBeUndefined();
  });

  it('in quick succession gives way to the last one that was taken', async () => {
    const { scope, store, sent } = await sending();
    const taken = { ...NO_EDITS, strategy: 'switch' };
    store.edit(taken, 'a', 0);
    store.edit(bad, 'b', 1000);
    await sent();
    expect(applyEdits(MODEL, store.state.routing)).toEqual(scope.routing);
    expect(store.state.routing).not.toBe(bad);
  });

  it('stands in the panel', async () => {
    const { root } = await drawn(bad);
    const alerts = findAll(root, (element) => element.props.attrs?.['role'] === 'alert' && element.props.attrs['hidden'] !== true);
    expect(alerts.map(textOf)).toEqual(['Not taken, the former routing stays: min_experts is 3; it must be at most max_experts, 2']);
  });
});
