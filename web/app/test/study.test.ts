// The tab Analyses without a browser: what can be run when, what a run comes to, and what the panel says of it.
import { MoescopeError, writeTrace } from 'moescope';
import { findAll, h, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { ANALYSIS_IDS, DOMAINS } from '../src/analyses/catalogue.js';
import { EXAMPLE_TEXTS } from '../src/analyses/example-texts.js';
import { tableOf } from '../src/analyses/findings/finding.js';
import { ANALYSES_DEFAULTS } from '../src/analyses/link.js';
import type { AnalysesState } from '../src/analyses/link.js';
import { analysesTab } from '../src/analyses/panel.js';
import { Study } from '../src/analyses/study.js';
import { piecesOf, readPieces } from '../src/analyses/texts.js';
import { Engine } from '../src/engine.js';
import { learn, use } from '../src/language.js';
import { analysesMessages as words } from '../src/messages-analyses.js';
import { NO_EDITS } from '../src/routing.js';
import { Runner } from '../src/runner.js';
import { DEFAULTS } from '../src/state.js';
import { Store } from '../src/store.js';
import { drawn } from './drawn.js';
import { FakeAnalyser } from './fake-analyser.js';
import { FakeScope, TRAINED, fakeInfo } from './fake-scope.js';

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
  vi.stubGlobal('innerWidth', 1280);
});

const EXAMPLES = [{ label: 'tales', text: 'Once upon a time there was a fox.' }, { label: 'french', text: 'Il était une fois un renard.' }];

async function lab({ analyses = {}, model = true, text = true, edits = NO_EDITS }: {
  analyses?: Partial<AnalysesState>; model?: boolean; text?: boolean; edits?: typeof NO_EDITS;
} = {}) {
  const scope = new FakeScope({ info: fakeInfo(8, 4) });
  const engine = new Engine(() => Promise.resolve(scope), () => undefined, () => 0);
  const runner = new Runner(() => undefined, () => 0);
  if (text) await runner.generate({ prompt: 'Once upon a time', maxTokens: 8, temperature: 0, seed: 1 }, () => Promise.resolve(scope));
  if (model) await engine.open({ model: 'models/first', backend: 'auto' });
  const store = new Store({ ...DEFAULTS, routing: edits, analyses: { ...ANALYSES_DEFAULTS, ...analyses } });
  const analyser = new FakeAnalyser();
  const study = new Study({ analyser, engine, runner, store, loadExamples: () => Promise.resolve(EXAMPLES), changed: () => undefined });
  const choose = (change: Partial<AnalysesState>): void => store.set({ analyses: { ...store.state.analyses, ...change } });
  return { scope, engine, runner, store, analyser, study, choose };
}

describe('what can be run', () => {
  it('is the shown text without a model, and other texts once there is one', async () => {
    const { study, choose } = await lab({ model: false });
    expect(study.problem()).toBeUndefined();
    choose({ analysis: 'ablation' });
    expect(study.problem()).toBe(words.needsModel);
    choose({ analysis: 'load', texts: 'domains' });
    expect(study.problem()).toBe(words.needsModel);
    choose({ texts: 'own' });
    expect(study.problem()).toBe(words.needsOwn);
    choose({ texts: 'import' });
    expect(study.problem()).toBe(words.needsFile);
  });

  it('is nothing without a text', async () => {
    expect((await lab({ text: false })).study.problem()).toBe(words.needsText);
  });

  it('is no comparison of a routing with itself', async () => {
    const { study, choose } = await lab({ analyses: { analysis: 'agreement' } });
    expect(study.problem()).toBe(words.sameRouting);
    choose({ against: 'switch' });
    expect(study.problem()).toBeUndefined();
    expect((await lab({ analyses: { analysis: 'agreement' }, edits: { ...NO_EDITS, topK: 1 } })).study.problem()).toBeUndefined();
  });

  it('says of each analysis what a trace from a file lacks', async () => {
    const { study } = await lab({ analyses: { texts: 'import' } });
    await study.imports.open(new File(['layer,expert\n0,1\n0,2\n0,2\n0,0\n'], 'moe_trace.csv'), 'first');
    const lacks = Object.fromEntries(ANALYSIS_IDS.map((id) => [id, study.lacks(id)]));
    expect(Object.keys(lacks).filter((id) => lacks[id] === undefined)).toEqual(['load', 'co_activation', 'repetition', 'segments', 'caches']);
    expect(lacks).toMatchObject({
      tokens: words.needs(words.missing.scores), drops: words.needs(words.missing.logits), vocabulary: words.needs(words.missing.ids),
      domains: words.needs(words.missing.label_pairs), flow: words.needs(words.missing.layer_pairs), agreement: words.needs(words.missing.second),
      ablation: words.needsModelForBans,
    });
  });
});

describe('a run', () => {
  it.each(ANALYSIS_IDS)('of %s comes to a sentence, a picture and figures for copying', async (analysis) => {
    const { study, choose } = await lab({ analyses: { analysis, texts: 'domains', against: 'switch' } });
    if (analysis === 'agreement') choose({ texts: 'current' });
    await study.run();
    expect(study.failure).toBeUndefined();
    const finding = study.finding(study.outcome?.layers[1] ?? study.outcome?.layers[0] ?? 0);
    expect(finding?.headline).toMatchSnapshot();
    expect(finding?.headline).not.toMatch(/NaN|undefined/);
    const table = finding && tableOf(finding);
    expect(table?.rows.length).toBeGreaterThan(0);
    expect(table?.rows.every((row) => row.length === table.columns.length)).toBe(true);
    expect([table?.columns, table?.rows.slice(0, 3)]).toMatchSnapshot();
    const picture = finding?.picture(640);
    expect(JSON.stringify(picture)).not.toMatch(/NaN|undefined|Infinity/);
    expect(findAll(picture ?? '', ({ tag }) => ['rect', 'path'].includes(tag)).length).toBeGreaterThan(0);
  });

  it('does not begin by itself on a text that is being written, and does once that is whole', async () => {
    const { study, store, analyser, runner } = await lab({ model: false });
    runner.status = 'running';
    store.set({ tab: 'analyses' });
    study.follow();
    expect([study.progress, analyser.runs, study.waits()]).toEqual([undefined, [], true]);
    runner.status = 'done';
    study.follow();
    await vi.waitFor(() => expect(study.fresh()).toBe(true));
  });

  it('begins by itself where it takes no model, once the tab is open', async () => {
    const { study, store, analyser, choose } = await lab({ model: false });
    expect(analyser.runs).toEqual([]);
    store.set({ tab: 'analyses' });
    await vi.waitFor(() => expect(study.fresh()).toBe(true));
    choose({ analysis: 'repetition' });
    await vi.waitFor(() => expect(study.outcome?.id).toBe('repetition'));
    choose({ texts: 'domains' });
    await Promise.resolve();
    expect([analyser.runs, study.fresh()]).toEqual([['load', 'repetition'], false]);
  });

  it('reads each text once for all analyses, and again under another routing', async () => {
    const { study, choose, scope, store } = await lab({ analyses: { texts: 'domains' } });
    await study.run();
    expect(scope.analyses).toBe(2);
    choose({ analysis: 'repetition' });
    await study.run();
    expect(scope.analyses).toBe(2);
    store.set({ routing: { ...NO_EDITS, topK: 1 } });
    expect(study.fresh()).toBe(false);
    await study.run();
    expect(scope.analyses).toBe(4);
    choose({ without: ['french'] });
    expect(study.lacks('domains')).toBeUndefined();
    await study.run();
    expect([scope.analyses, study.outcome?.trace?.texts.length]).toEqual([5, 1]);
  });

  it('is cancelled at once, leaves the former figures, and can be run again', async () => {
    const { study, analyser, choose } = await lab();
    await study.run();
    const { outcome } = study;
    choose({ analysis: 'caches' });
    analyser.holdBack();
    const running = study.run();
    expect(study.progress).toBeDefined();
    study.cancel();
    await running;
    expect([study.progress, study.outcome, study.failure]).toEqual([undefined, outcome, undefined]);
    analyser.hold?.();
    await study.run();
    expect(study.outcome?.id).toBe('caches');
  });

  it('that was cancelled while texts are read leaves nothing half read behind', async () => {
    const { study } = await lab({ analyses: { texts: 'domains' } });
    const running = study.run();
    study.cancel();
    const again = study.run();
    await Promise.all([running, again]);
    expect([study.failure, study.outcome?.trace?.texts.length]).toEqual([undefined, 2]);
  });

  it('needs at least one domain, and other figures once another model is there', async () => {
    const { study, choose, engine } = await lab({ analyses: { texts: 'domains' } });
    await study.run();
    await engine.open({ model: 'models/other', backend: 'auto' });
    expect(study.fresh()).toBe(false);
    choose({ without: [...DOMAINS] });
    expect(study.problem()).toBe(words.needsDomain);
  });

  it('ends when its model is replaced', async () => {
    const { study, analyser } = await lab({ analyses: { texts: 'domains' } });
    analyser.holdBack();
    const running = study.run();
    study.modelCloses();
    await running;
    expect([study.progress, study.outcome]).toEqual([undefined, undefined]);
  });

  it('that fails says why', async () => {
    const { study, scope } = await lab({ analyses: { texts: 'domains' } });
    vi.spyOn(scope, 'analyse').mockRejectedValue(new Error('the engine stopped'));
    await study.run();
    expect(study.failure?.()).toBe(words.failed('the engine stopped'));
    vi.restoreAllMocks();
    await study.run();
    expect(study.failure).toBeUndefined();
  });
});

describe('banning each expert', () => {
  it('runs the text once for each, and sets its cost beside that of as busy ones', async () => {
    const { study, scope } = await lab({ analyses: { analysis: 'ablation' } });
    await study.run();
    expect(scope.analyses).toBe(1 + 8);
    const rows = study.finding(1)?.rows ?? [];
    // The stand-in adds a loss only for bans at all layers, so that a ban at one layer costs nothing.
    expect(rows.map(({ where, figure }) => [where, figure])).toEqual(Array.from({ length: 8 }, (_, expert) => [[1, expert], { value: 0, low: 0, high: 0, chance: 0 }]));
  });
});

describe('traces from files', () => {
  it('are read again with the number of experts that the visitor names, and keep the former where that cannot be', async () => {
    const { study } = await lab();
    await study.imports.open(new File(['[[[0, 5]], [[2, 1]]]'], 'routed.json'), 'first');
    expect(study.imports.first?.trace.layers[0]?.nExperts).toBe(6);
    await study.imports.withExperts(64);
    expect(study.imports.first?.trace.layers[0]?.nExperts).toBe(64);
    await study.imports.withExperts(4);
    expect([study.imports.nExperts, study.imports.failure?.message]).toEqual([64, expect.stringMatching(/names expert 5; with 4 experts/)]);
    await study.imports.open(new File(['hello'], 'x.json'), 'first');
    expect([study.imports.first?.name, study.imports.failure?.message]).toEqual(['routed.json', expect.stringMatching(/x\.json is no JSON/)]);
  });

  it('are analysed and compared without any model', async () => {
    const { study } = await lab({ model: false, text: false, analyses: { texts: 'import', analysis: 'agreement' } });
    const other = await lab();
    await other.study.run();
    const trace = other.study.outcome?.trace;
    if (trace === undefined) throw new Error('there is no trace');
    const file = (name: string): File => new File([writeTrace(trace, 'moescope', '').content], name);
    await study.imports.open(file('a.json'), 'first');
    expect(study.problem()).toBe(words.needs(words.missing.second));
    await study.imports.open(file('b.json'), 'second');
    await study.run();
    expect([study.failure, study.outcome?.trace]).toEqual([undefined, trace]);
  });

  it('keep their figures when a model comes and when the routing is another, and lose them to another file', async () => {
    const { study, engine, store } = await lab({ model: false, text: false, analyses: { texts: 'import' } });
    await study.imports.open(new File(['layer,expert\n0,1\n0,2\n0,2\n0,0\n'], 'a.csv'), 'first');
    await study.run();
    expect(study.fresh()).toBe(true);
    await engine.open({ model: 'models/first', backend: 'auto' });
    store.set({ routing: { ...NO_EDITS, topK: 1 } });
    expect(study.fresh()).toBe(true);
    await study.imports.open(new File(['layer,expert\n0,1\n0,0\n'], 'b.csv'), 'first');
    expect(study.fresh()).toBe(false);
  });
});

describe('texts', () => {
  it('of the examples are of the domains that the page lists', () => {
    expect([...new Set(EXAMPLE_TEXTS.map(({ label }) => label))]).toEqual([...DOMAINS]);
  });

  it('are cut at lines or words, and nothing of them is lost', () => {
    const text = 'one two three\nfour five six seven eight';
    for (const most of [5, 8, 20]) {
      const pieces = piecesOf(text, most);
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((piece) => piece.length <= most)).toBe(true);
    }
    expect(piecesOf('💥💥💥', 3)).toEqual(['💥', '💥', '💥']);
    expect(piecesOf(' ', 3)).toEqual([]);
  });

  it('that are too long for the model are halved until they fit', async () => {
    const scope = new FakeScope();
    const { analyse } = scope;
    vi.spyOn(scope, 'analyse').mockImplementation((text, request) => (text.length > 20
      ? Promise.reject(new MoescopeError('prompt_too_long', 'too long')) : analyse.call(scope, text, request)));
    const options = { routing: TRAINED, signal: new AbortController().signal, onLetters: () => undefined };
    const pieces = await readPieces(scope, [{ label: 'x', text: 'one two three four five six seven' }], options);
    expect(pieces.map(({ text, label }) => [label, text])).toEqual([['x', 'one two three'], ['x', ' four five six'], ['x', ' seven']]);
  });
});

describe('in another language', () => {
  beforeAll(() => learn('zh'));
  afterEach(() => void use('en'));

  it('findings and panel speak it at once', async () => {
    const { study } = await lab();
    await study.run();
    expect(study.finding(1)?.headline).toMatch(/^Layer 1: /);
    use('zh');
    expect(study.finding(1)?.headline).toMatch(/^第 1 层：专家 \d+ 最忙/);
    expect(study.lacks('domains')).toMatch(/^需要至少两类文本/);
  });
});

describe('the panel', () => {
  async function panel(change: Partial<AnalysesState>, run = true): Promise<{ root: ViewElement; study: Study }> {
    const { study, store, engine, runner } = await lab({ analyses: change });
    if (run) await study.run();
    const { shown } = await drawn({ state: store.state });
    return { root: h('div', {}, analysesTab({ ...shown, engine, runner, study, state: store.state })), study };
  }
  const entries = (root: ViewElement): ViewElement[] => findAll(root, (e) => e.props.attrs?.['type'] === 'radio');

  it('lists every analysis with its question, and marks the chosen one', async () => {
    const { root } = await panel({ analysis: 'caches' });
    expect(entries(root).map((entry) => entry.props.attrs?.['value'])).toEqual([...ANALYSIS_IDS]);
    expect(entries(root).filter(({ props }) => props.checked).map(({ props }) => props.attrs?.['value'])).toEqual(['caches']);
    for (const id of ['load', 'caches'] as const) expect(textOf(root)).toContain(words.analysis[id].question);
    expect(textOf(root)).toContain(words.analysis.caches.formula);
    expect(textOf(root)).toContain(words.needs(words.missing.label_pairs));
  });

  it('shows picture, figures with interval, chance and standing, and the layer to look at', async () => {
    const { root } = await panel({ analysis: 'co_activation' });
    expect(findAll(root, (e) => e.props.attrs?.['role'] === 'img').length).toBe(1);
    const heads = findAll(root, (e) => e.tag === 'th').map(textOf);
    expect(heads).toEqual(['layer', 'expert', 'with', 'figure', 'from', 'to (95 %)', 'chance', 'against chance']);
    expect(findAll(root, (e) => e.props.attrs?.['id'] === 'analysis-layer').length).toBe(1);
  });

  it('says that figures are of another text, once another is chosen', async () => {
    const { root } = await panel({}, false);
    expect(textOf(root)).toContain(words.empty);
    const fresh = await panel({});
    expect(textOf(fresh.root)).not.toContain(words.stale);
  });
});
