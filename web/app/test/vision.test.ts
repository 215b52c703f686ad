// The tab Vision without a browser: when it looks and under which routing, what surveys count, what its parts say.
import { choicesAt, classBars, findAll, h, likeliest, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { describe, expect, it, vi } from 'vitest';

import { describeEdits } from '../src/changes.js';
import { messages } from '../src/messages.js';
import { topbar } from '../src/page/topbar.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import { DEFAULTS } from '../src/state.js';
import type { State } from '../src/state.js';
import { Store } from '../src/store.js';
import { OWN } from '../src/strategy.js';
import { patchRecords } from '../src/vision/records.js';
import { allSamples, classOf, tileOf } from '../src/vision/samples.js';
import { PAD, begun, lengthened, placing, strokesFrom, strokesText } from '../src/vision/strokes.js';
import { VisionTab } from '../src/vision/tab.js';
import { drawn as drawnPage } from './drawn.js';
import { FakeEyes, VISION_INFO, fakeSamples } from './fake-eyes.js';
import { PATIENT, SAMPLE, all, drawn, made, ready, withoutBrowser } from './made-vision.js';

withoutBrowser();

describe('a router of one’s own', () => {
  const BY_PLACE = 'function route({ tokenId, nExperts }) { return [{ expert: tokenId % nExperts, weight: 1 }]; }';
  const QUESTION = { layer: 0, nTokens: 3, nExperts: 8, logits: new Float32Array(24), tokenIds: new Uint32Array([0, 9, 63]) };

  it('decides about patches, and texts are routed as before', async () => {
    const { tab, store, eyes } = await ready();
    const { actions } = tab.shown();
    actions.code(BY_PLACE);
    expect(tab.shown().ui.editor).toBe(true);
    actions.runRouter();
    await vi.waitFor(() => expect(eyes.looks.at(-1)?.routing.default.select.method).toBe('external'), PATIENT);
    expect(await eyes.router?.(QUESTION)).toEqual([0, 1, 7].map((expert) => [{ expert, weight: 1 }]));
    expect(store.state.vision.routing.strategy).toBe(OWN);
    expect(store.state.routing).toBe(NO_EDITS);
    expect(textOf(drawn(tab))).toContain(messages.router.everywhere);
    actions.stopRouter();
    await vi.waitFor(() => expect(eyes.routing.default.select.method).toBe('top_k'), PATIENT);
    expect(store.state.vision.routing.strategy).toBeUndefined();
  });

  it('is stopped by its error, which is told where it is written and not beside the picture', async () => {
    const { tab, eyes } = await ready();
    tab.own.write('function route({ layer }) { return layer.expert; }');
    await tab.own.run({ layer: 0, scope: 'all' });
    await expect(eyes.router?.(QUESTION)).rejects.toThrow('Line 1');
    await vi.waitFor(() => expect(eyes.routing.default.select.method).toBe('top_k'), PATIENT);
    expect(tab.own.shown.status).toBe('failed');
    expect(tab.vision.pictureError).toBeUndefined();
  });

  it('is told to the next model before that looks at anything', async () => {
    const eyes = [new FakeEyes(), new FakeEyes()];
    const waiting = [...eyes];
    const store = new Store({ ...DEFAULTS, tab: 'vision', vision: { ...DEFAULTS.vision, source: SAMPLE }, code: BY_PLACE });
    const tab = new VisionTab({ load: () => Promise.resolve(waiting.shift() ?? new FakeEyes()), samples: () => Promise.resolve(fakeSamples()), store, changed: () => undefined, now: () => 0 });
    await tab.vision.begin();
    await tab.own.run({ layer: 0, scope: 'all' });
    await tab.vision.open();
    expect(eyes[1]?.router).toBeDefined();
    await vi.waitFor(() => expect(eyes[1]?.looks.at(-1)?.routing.default.select.method).toBe('external'), PATIENT);
  });
});

describe('the tab', () => {
  it('loads nothing before it is shown, and once only', async () => {
    const load = vi.fn(() => Promise.resolve(new FakeEyes()));
    const store = new Store({ ...DEFAULTS, tab: 'language' });
    const tab = new VisionTab({ load, samples: () => Promise.resolve(fakeSamples()), store, changed: () => undefined, now: () => 0 });
    await tab.vision.begin();
    expect(load).not.toHaveBeenCalled();
    store.set({ tab: 'vision' });
    store.set({ tab: 'language' });
    store.set({ tab: 'vision' });
    await vi.waitFor(() => expect(tab.vision.seen).toBeDefined());
    expect(load).toHaveBeenCalledTimes(1);
  });

  it.each([['auto', 'cpu'], ['cpu', 'cpu'], ['webgpu', 'webgpu'], ['webgpu-burn', 'webgpu-burn']] as const)(
    'under the choice %s it runs on %s', async (backend, expected) => {
      const load = vi.fn((_model: unknown, _options: { readonly backend?: string | undefined }) => Promise.resolve(new FakeEyes()));
      const store = new Store({ ...DEFAULTS, tab: 'vision', vision: { ...DEFAULTS.vision, source: SAMPLE }, backend });
      const tab = new VisionTab({ load, samples: () => Promise.resolve(fakeSamples()), store, changed: () => undefined, now: () => 0 });
      await tab.vision.begin();
      expect(load.mock.calls.map(([, options]) => options.backend)).toEqual([expected]);
    });

  it('looks at the sample of the link and knows its class', async () => {
    const { tab } = await ready();
    const { seen, records, layer } = tab.shown();
    expect(seen?.label).toBe(13);
    expect([records.length, layer]).toEqual([64, 2]);
    const verdict = all(drawn(tab), 'verdict')[0];
    expect(verdict?.props.attrs?.['data-label']).toBe(13);
    expect(textOf(verdict ?? '')).toContain('it is: 3');
  });

  it('stands before the model is there, with everything disabled that needs it', () => {
    const root = drawn(made().tab);
    const buttons = findAll(root, (element) => element.tag === 'button' && /Measure|Sweep/.test(textOf(element)));
    expect(buttons.map(({ props }) => props.attrs?.['disabled'])).toEqual([true, true]);
    expect(textOf(root)).toContain(DEFAULTS.vision.model);
  });

  it('gives every patch at every layer a name with its place and experts', async () => {
    const { tab } = await ready();
    const names = all(drawn(tab), 'patch').map(({ props }) => String(props.attrs?.['aria-label']));
    expect(names).toHaveLength(3 * 64);
    expect(names[9]).toMatch(/^Patch row 2, column 2, layer 0: expert \d \d\.\d\d and expert \d \d\.\d\d$/);
    expect(new Set(names).size).toBe(3 * 64);
  });
});

describe('the bar at the top', () => {
  const bar = async (vision: Partial<State>): Promise<string> => {
    const { shown } = await drawnPage({ state: { tab: 'vision', ...vision } });
    return textOf(topbar(shown));
  };

  it('speaks of the model of the tab, and of where that runs', async () => {
    const { tab } = await ready();
    const { shown } = await drawnPage({ state: { tab: 'vision' } });
    const text = textOf(topbar({ ...shown, vision: tab.shown() }));
    expect(text).toContain('trio: 3 MoE layers of 8 experts, top-2');
    expect(text).toContain('the CPU takes it unless WebGPU is chosen');
    expect(await bar({})).toContain('no engine');
  });

  it('opens another model of images, and leaves that of the text alone', async () => {
    const { tab, store } = await ready();
    const { shown } = await drawnPage({ state: { tab: 'vision' } });
    const root = h('div', {}, topbar({ ...shown, ui: { ...shown.ui, modelField: 'models/duo' }, vision: tab.shown() }));
    const [form] = findAll(root, ({ tag }) => tag === 'form');
    form?.props.on?.['submit']?.(new Event('submit', { cancelable: true }));
    expect([store.state.vision.model, store.state.model]).toEqual(['models/duo', DEFAULTS.model]);
  });
});

describe('routing of images', () => {
  it('acts on the shown picture and leaves that of the text alone', async () => {
    const { tab, store } = await ready();
    tab.shown().actions.topK(1);
    await vi.waitFor(() => expect(tab.vision.seen?.now.routing.default.select).toEqual({ method: 'top_k', top_k: 1 }));
    expect(tab.vision.seen?.trained.routing.default.select).toEqual({ method: 'top_k', top_k: 2 });
    expect(store.state.routing).toBe(NO_EDITS);
    expect(all(drawn(tab), 'patch').every(({ props }) => String(props.attrs?.['data-experts']).length === 1)).toBe(true);
    tab.shown().actions.undo();
    await vi.waitFor(() => expect(tab.vision.seen?.now).toBe(tab.vision.seen?.trained));
    expect(store.canUndo('vision')).toBe(false);
  });

  it('that the model refuses is taken back, with the reason beside the menu', async () => {
    const { tab, store } = await ready();
    for (let expert = 0; expert < 6; expert += 1) tab.shown().actions.ban(expert, true);
    await vi.waitFor(() => expect(tab.vision.seen?.now.routing.default.restrict.disabled).toHaveLength(6));
    tab.shown().actions.ban(6, true);
    await vi.waitFor(() => expect(tab.shown().engine.routingError?.message).toMatch(/only 1 expert is left/));
    expect(store.state.vision.routing.banned).toEqual([0, 1, 2, 3, 4, 5]);
    expect(textOf(drawn(tab))).toContain('Not taken');
  });

  it('with a capacity hatches the patches that were turned away, and says how many', async () => {
    const { tab } = await ready();
    tab.shown().actions.limit({ factor: 0.25, priority: 'order' });
    await vi.waitFor(() => expect(tab.vision.seen?.now.routing.default.limit.capacity_factor).toBe(0.25));
    const root = drawn(tab);
    const { records, layers } = tab.shown();
    const empty = layers.flatMap((layer) => records.filter((record) => choicesAt(record, layer).length === 0));
    expect(all(root, 'dropped')).toHaveLength(empty.length);
    expect(empty.length).toBeGreaterThan(0);
    expect(all(root, 'dropped')[0]?.props.attrs?.['aria-label']).toMatch(/: no experts, 2 full$/);
    expect(textOf(root)).toMatch(/\d+ choices turned away \(\d+ %\)/);
    expect(textOf(root)).toContain('0.25 × the even share: 4 patches');
  });

  it('puts a capacity in place of the strategy’s own, and in words', () => {
    const routing = applyEdits(VISION_INFO, { ...NO_EDITS, limit: { factor: 0.5, priority: 'batch_priority' } });
    expect(routing.default.limit).toMatchObject({ capacity_factor: 0.5, capacity: null, priority: 'batch_priority' });
    expect(describeEdits({ ...NO_EDITS, limit: { factor: 0.5, priority: 'batch_priority' } })).toBe('capacity 0.5 by priority');
  });
});

describe('a comparison of pictures', () => {
  const sides = (root: ViewElement): ViewElement[] => findAll(root, ({ props }) => props.attrs?.['data-side'] !== undefined);
  const columns = (root: ViewElement): Set<unknown> => new Set(findAll(root, ({ props }) => props.attrs?.['data-column'] !== undefined).map(({ props }) => props.attrs?.['data-column']));
  const held = async (): Promise<ReturnType<typeof made>> => {
    const all_ = await ready();
    all_.tab.shown().actions.holdSide();
    await vi.waitFor(() => expect(all_.tab.shown().rival.comparer.reading).toBeDefined());
    return all_;
  };

  it('of two routings shows patches and classes of both, and frames the patches whose experts changed', async () => {
    const { tab } = await held();
    tab.shown().actions.topK(1);
    await vi.waitFor(() => expect(tab.vision.seen?.now.routing.default.select).toEqual({ method: 'top_k', top_k: 1 }));
    const root = drawn(tab);
    expect(sides(root).map((side) => all(side, 'patch').length)).toEqual([64, 64]);
    expect(sides(root).map((side) => all(side, 'marked').length)).toEqual([64, 64]);
    const [a, b] = sides(root).map((side) => findAll(side, ({ tag }) => tag === 'li').map(({ props }) => [props.attrs?.['data-now'], props.attrs?.['data-trained']]));
    expect(a).toEqual(b?.map(([mine, other]) => [other, mine]));
    expect(columns(root)).toEqual(new Set(['load', 'routers', 'changed']));
  });

  it('of two pictures holds the first while another is chosen, by place', async () => {
    const { tab, store, eyes } = await held();
    tab.shown().actions.holdPicture();
    tab.shown().actions.sample({ set: 'cifar10', label: 2, index: 0 });
    await vi.waitFor(() => expect(tab.vision.seen?.label).toBe(2));
    expect(store.state.vision.rival?.input).toEqual(SAMPLE);
    const { rival } = tab.shown();
    expect([rival.label, rival.comparer.reading?.pixels[0]]).toEqual([13, 30]);
    expect(textOf(drawn(tab))).toContain('patches are compared place by place');
    const looks = eyes.looks.length;
    tab.shown().actions.swap();
    await vi.waitFor(() => expect(tab.vision.seen?.label).toBe(13));
    expect([store.state.vision.source, store.state.vision.rival?.input]).toEqual([SAMPLE, { kind: 'sample', set: 'cifar10', label: 2, index: 0 }]);
    expect(eyes.looks.length).toBeGreaterThan(looks);
  });

  it('of two models opens the second beside the first, and frees it at the end', async () => {
    const loaded = [new FakeEyes(), new FakeEyes()];
    const left = [...loaded];
    const store = new Store({ ...DEFAULTS, tab: 'vision', vision: { ...DEFAULTS.vision, source: SAMPLE, rival: { model: 'models/duo', input: undefined, routing: NO_EDITS } } });
    const tab = new VisionTab({ load: () => Promise.resolve(left.shift() ?? new FakeEyes()), samples: () => Promise.resolve(fakeSamples()), store, changed: () => undefined, now: () => 0 });
    await tab.vision.begin();
    await vi.waitFor(() => expect(tab.shown().rival.comparer.reading).toBeDefined());
    expect(loaded[1]?.looks).toHaveLength(1);
    tab.set({ rival: undefined });
    expect(loaded.map(({ freed }) => freed)).toEqual([false, true]);
  });

  it('with a picture of one’s own on each side swaps them', async () => {
    const { tab, store } = await held();
    const picture = (grey: number) => ({ data: new Uint8ClampedArray([grey, grey, grey, 255]), width: 1, height: 1, colorSpace: 'srgb' }) as ImageData;
    await tab.vision.take(picture(40));
    tab.shown().actions.holdPicture();
    await tab.vision.take(picture(200));
    const pixels = () => [tab.shown().rival.comparer.reading?.pixels[0], tab.vision.seen?.now.pixels[0]];
    await vi.waitFor(() => expect(pixels()).toEqual([40, 200]));
    tab.shown().actions.swap();
    await vi.waitFor(() => expect(pixels()).toEqual([200, 40]));
    expect(store.state.vision.rival?.input).toEqual({ kind: 'own' });
  });
});

describe('pictures', () => {
  it('of one’s own are looked at without a right class', async () => {
    const { tab, store } = await ready();
    const picture = { data: new Uint8ClampedArray([1, 2, 3, 255]), width: 1, height: 1, colorSpace: 'srgb' } as ImageData;
    void tab.vision.take(picture);
    expect(store.state.vision.source).toEqual({ kind: 'own' });
    await vi.waitFor(() => expect(tab.vision.seen?.label).toBeUndefined());
    expect(textOf(drawn(tab))).toContain('the link does not hold it');
  });

  it('that come while the model looks wait, and only the last of them is looked at', async () => {
    const eyes = new FakeEyes(20);
    const { tab } = await ready({}, eyes);
    const before = eyes.looks.length;
    const picture = (red: number): ImageData => ({ data: new Uint8ClampedArray([red, 0, 0, 255]), width: 1, height: 1, colorSpace: 'srgb' }) as ImageData;
    await Promise.all([1, 2, 3, 4].map((red) => tab.vision.take(picture(red))));
    await vi.waitFor(() => expect(eyes.looks.at(-1)?.picture).toEqual(picture(4)));
    expect(eyes.looks.length - before).toBeLessThanOrEqual(2);
  });

  it('that cannot be read are refused in place, and the former one stays', async () => {
    const { tab, eyes } = await ready();
    const { seen } = tab.vision;
    eyes.classify = () => Promise.reject(new Error('no image'));
    void tab.vision.take(new Blob(['x']));
    await vi.waitFor(() => expect([tab.vision.pictureError?.message, tab.vision.seen]).toEqual(['no image', seen]));
    expect(all(drawn(tab), 'error').some((element) => textOf(element) === 'no image')).toBe(true);
  });

  it('are sought among the samples by set and label, in any order of classes', () => {
    const samples = fakeSamples();
    expect(tileOf({ ...samples, perClass: 2 }, { set: 'mnist', label: 3, index: 1 })).toEqual({ row: 13, column: 1 });
    expect(tileOf(samples, { set: 'mnist', label: 3, index: 1 })).toBeUndefined();
    expect(tileOf(samples, { set: 'svhn', label: 0, index: 0 })).toBeUndefined();
    expect(classOf({ classes: [{ set: 'mnist', label: '3' }] }, samples, { set: 'mnist', label: 3, index: 0 })).toBe(0);
    expect(classOf({ classes: [] }, samples, { set: 'mnist', label: 3, index: 0 })).toBeUndefined();
    const first = allSamples(samples).slice(0, 20).map(({ set, label }) => `${set} ${label}`);
    expect(new Set(first).size).toBe(20);
  });
});

describe('drawings', () => {
  it('survive the link, and nonsense does no harm', () => {
    const strokes = [[{ x: 0, y: 63 }, { x: 5, y: 5 }], [{ x: 62, y: 1 }]];
    expect(strokesFrom(strokesText(strokes))).toEqual(strokes);
    expect(strokesFrom('A')).toEqual([]);
    expect(strokesFrom('AB..💥CD')).toEqual([[{ x: 0, y: 1 }], [{ x: 2, y: 3 }]]);
  });

  it('grow by points that are apart', () => {
    const one = begun([], { x: 5, y: 5 });
    expect(lengthened(one, { x: 6, y: 5 })).toBe(one);
    expect(lengthened(one, { x: 9, y: 5 })).toEqual([[{ x: 5, y: 5 }, { x: 9, y: 5 }]]);
    expect(lengthened([], { x: 9, y: 5 })).toEqual([]);
  });

  it('are placed as MNIST digits: 20 of 32 pixels long, mass in the middle', () => {
    const bar = [[{ x: 10, y: 0 }, { x: 10, y: 40 }]];
    const { scale, x, y } = placing(bar);
    expect(40 * scale).toBeCloseTo(20 / 32);
    expect([10 * scale + x, 20 * scale + y]).toEqual([expect.closeTo(0.5), expect.closeTo(0.5, 1)]);
    expect(placing([[{ x: 3, y: 3 }]]).scale).toBeCloseTo(20 / 32 / (PAD / 4));
  });
});

describe('class bars', () => {
  const bar = (label: string, now: number, right = false) => ({ label, set: 's', now, trained: 0, right });

  it('show the likeliest and the right one wherever it stands', () => {
    const bars = [bar('a', 0.5), bar('b', 0.3), bar('c', 0.2), bar('d', 0, true)];
    expect(likeliest(bars, 3).map(({ label }) => label)).toEqual(['a', 'b', 'd']);
    expect(likeliest(bars, 4)).toHaveLength(4);
    expect(textOf(classBars(likeliest(bars, 3)))).toContain('d ✓');
  });

  it('keep classes of two sets apart that have the same name', () => {
    const keys = classBars([bar('1', 0.5), { ...bar('1', 0.5), set: 't' }]).children.map((child) => (typeof child === 'string' ? '' : child.props.key));
    expect(new Set(keys).size).toBe(2);
  });
});

describe('records of patches', () => {
  it('are made once for each classification', async () => {
    const { tab } = await ready();
    const { seen } = tab.vision;
    if (seen === undefined) throw new Error('nothing was seen');
    expect(patchRecords(seen.now)).toBe(patchRecords(seen.now));
  });
});
