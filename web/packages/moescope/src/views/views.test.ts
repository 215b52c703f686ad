// Views are plain data: these tests read the described elements, no browser needed.
import { describe, expect, it } from 'vitest';

import type { LayerTrace, Trace } from '../generated/engine.js';
import { DEFAULT_SPEC, VERDICTS } from '../generated/routing.js';
import type { ModelRouting, RouterSpec, Verdict } from '../generated/routing.js';
import { tintCss } from './colour.js';
import { decisionAt, firstExpert, loadAt, ranks, recordsOf } from './data.js';
import type { Decision, TokenRecord } from './data.js';
import { findAll, h, textOf } from './element.js';
import type { ViewElement } from './element.js';
import { gaugeView, trend } from './gauge-view.js';
import { gridHit, gridSize } from './layer-grid.js';
import { loadView } from './load-view.js';
import { fixed, signed } from './numbers.js';
import { flowCounts, pathsView } from './paths-view.js';
import { badge, routerTable, stageLines, verdictFacts } from './router-view.js';
import { visibleText } from './token-text.js';
import { tokenView } from './token-view.js';
import { ENGLISH } from './words.js';

const SPEC: RouterSpec = {
  ...DEFAULT_SPEC,
  adjust: { ...DEFAULT_SPEC.adjust, temperature: 2 },
  restrict: { ...DEFAULT_SPEC.restrict, disabled: [2] },
};
const ROUTING: ModelRouting = { default: SPEC, layers: {} };
const SCORES = [0.05, 0.3, 0.1, 0.05, 0.02, 0.18, 0.02, 0.28];

/** Every token routed alike: 1 and 7 act, 2 is banned. */
function layerTrace(layer: number, nTokens: number, chosen: readonly number[] = [1, 7]): LayerTrace {
  const verdictOf = (e: number): Verdict => (chosen.includes(e) ? 'selected' : e === 2 ? 'disabled' : 'outside_top_k');
  const repeat = (values: readonly number[]): number[] => Array.from({ length: nTokens }, () => values).flat();
  return {
    layer,
    n_experts: 8,
    logits: Float32Array.from(repeat(SCORES.map((p) => 2 * Math.log(p)))),
    scores: Float32Array.from(repeat(SCORES)),
    selection_scores: Float32Array.from(repeat(SCORES.map((p, e) => (e === 2 ? -Infinity : p)))),
    verdicts: Uint8Array.from(repeat(SCORES.map((_, e) => VERDICTS.indexOf(verdictOf(e))))),
    offsets: Uint32Array.from({ length: nTokens + 1 }, (_, t) => t * chosen.length),
    experts: Uint16Array.from(repeat(chosen)),
    weights: Float32Array.from(repeat(chosen.map((_, i) => (i === 0 ? 0.625 : 0.375)))),
  };
}

function trace(texts: readonly string[]): Trace {
  return {
    tokens: texts.map((text, id) => ({ id, text, special: false })),
    layers: [layerTrace(0, texts.length), layerTrace(3, texts.length, [7, 5])],
    routing: ROUTING,
  };
}

function records(...texts: string[]): TokenRecord[] {
  return recordsOf(trace(texts), 'prompt');
}

function decision(layer = 0): Decision {
  const [record] = records('a');
  const found = record === undefined ? undefined : decisionAt(record, layer);
  if (found === undefined) throw new Error(`no decision at layer ${layer}`);
  return found;
}

function drawn(texts: readonly string[], layer = 0, pinned?: number): ViewElement {
  const view = tokenView({ records: records(...texts), layer, pinned, focusable: 0, changes: new Map([[1, 'top-1']]), on: {} });
  return h('div', {}, view);
}

const buttons = (root: ViewElement): ViewElement[] => findAll(root, (e) => e.tag === 'button');

describe('token view', () => {
  it('makes every token a button whose name gives token, layer and experts with weights', () => {
    const [first] = buttons(drawn(['Once', ' upon']));
    expect(first?.props.attrs?.['aria-label']).toBe('Token 1 "Once", given, layer 0: expert 1 0.63 and expert 7 0.38');
  });

  it('tints by the first expert at the shown layer, by its weight', () => {
    const tint = (layer: number): unknown => findAll(drawn(['a'], layer), (e) => e.props.attrs?.['class'] === 'cell')[0]?.props.style;
    expect(tint(0)).toEqual({ 'background-color': tintCss(1, 0.625) });
    expect(tint(3)).toEqual({ 'background-color': tintCss(7, 0.625) });
    expect(buttons(drawn(['a'], 3))[0]?.props.attrs?.['data-experts']).toBe('7,5');
  });

  it('splits the underline by weight, with a pattern and a colour for each expert', () => {
    const segments = findAll(drawn(['a']), (e) => e.tag === 'i');
    expect(segments.map((s) => [s.props.style?.['flex-grow'], s.props.attrs?.['class']])).toEqual([['0.625', 'dashed e1'], ['0.375', 'double e7']]);
  });

  it('writes the expert below the token and not into the button, whose text its name must contain', () => {
    const root = drawn(['a']);
    expect(textOf(root)).toBe('a1');
    expect(buttons(root).map(textOf)).toEqual(['a']);
  });

  it('keeps words together and marks where the routing changes', () => {
    const root = drawn(['On', 'ce', ' upon']);
    expect(root.children).toHaveLength(2);
    expect(textOf(root)).toContain('top-1');
  });

  it('reaches one token with Tab and marks the chosen one', () => {
    const all = buttons(drawn(['a', 'b', 'c'], 0, 2));
    expect(all.map((b) => b.props.attrs?.['tabindex'])).toEqual([0, -1, -1]);
    expect(all.map((b) => b.props.attrs?.['aria-pressed'])).toEqual(['false', 'false', 'true']);
  });

  it('shows markup as text and line ends as marks', () => {
    const [markup, line, empty] = records('<b>', 'a\n', '');
    expect([markup, line, empty].map((record) => record && visibleText(record.token))).toEqual(['<b>', 'a⏎', '▯']);
    expect(findAll(drawn(['<b>x</b>']), (e) => e.tag === 'b')).toHaveLength(0);
  });

  it('shows a special token as a quiet mark whose title and name say which it is', () => {
    const tokens = [{ id: 0, text: '<|doc|>', special: true }, { id: 7, text: '', special: true }, { id: 8, text: 'a', special: false }];
    const special = recordsOf({ ...trace(['', '', '']), tokens }, 'prompt');
    const shown = buttons(h('div', {}, tokenView({ records: special, layer: 0, pinned: undefined, focusable: 0, changes: new Map(), on: {} })));
    expect(special.map(({ token }) => visibleText(token))).toEqual(['◦', '◦', 'a']);
    expect(shown.map((button) => button.props.attrs?.['title'])).toEqual(['Marker <|doc|>', 'Marker, token id 7', undefined]);
    expect(shown[0]?.props.attrs).toMatchObject({ class: 'token prompt special' });
    expect(shown[0]?.props.attrs?.['aria-label']).toContain('"<|doc|>"');
  });

  it('reuses the element of a word that did not change', () => {
    const shown = records('a', ' b');
    const draw = (pinned?: number) => tokenView({ records: shown, layer: 0, pinned, focusable: 0, changes: new Map(), on: EVENTS });
    const [first, second] = [draw(), draw(1)];
    expect(second[0]).toBe(first[0]);
    expect(second[1]).not.toBe(first[1]);
  });
});

const EVENTS = {};

describe('router view', () => {
  it('gives the reason for every expert as a sentence', () => {
    const sentences = verdictFacts(decision()).map(ENGLISH.verdict);
    expect(sentences[5]).toBe('Expert 5 scored 0.18, third of eight; top-2 took 1 and 7.');
    expect(sentences[2]).toBe('Expert 2 is banned; it scored 0.10, fourth of eight.');
    expect(sentences[1]).toBe('Expert 1 scored 0.30, first of eight; top-2 took it with weight 0.63.');
  });

  it('has a sentence for every verdict there is', () => {
    const [facts] = verdictFacts(decision());
    if (facts === undefined) throw new Error('no facts');
    const sentences = VERDICTS.map((verdict) => ENGLISH.verdict({ ...facts, verdict }));
    expect(new Set(sentences).size).toBe(VERDICTS.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^Expert 0 .+\.$/);
  });

  it('says of a verdict that it does not know what its code is, and nothing else', () => {
    const made = trace(['a']);
    made.layers[0]?.verdicts.fill(VERDICTS.length, 5, 6);
    const [record] = recordsOf(made, 'prompt');
    const found = record === undefined ? undefined : decisionAt(record, 0);
    if (found === undefined) throw new Error('no decision');
    expect(found.verdicts[5]).toBe(VERDICTS.length);
    expect(verdictFacts(found).map(ENGLISH.verdict)[5])
      .toBe(`Expert 5 scored 0.18, third of eight; verdict code ${VERDICTS.length}, unknown to this page.`);
    const [row] = findAll(routerTable(found), (e) => e.props.attrs?.['data-expert'] === 5);
    expect(row?.props.attrs?.['data-verdict']).toBe(VERDICTS.length);
  });

  it('lists the stages with their formulas and numbers in the order of the engine', () => {
    const lines = stageLines(decision());
    expect(lines.map((line) => line.stage)).toEqual(['adjust', 'score', 'restrict', 'select', 'weigh']);
    expect(lines.map((line) => line.note)).toEqual(['T = 2.00', 'over all 8 experts', 'banned 2: s = −∞', 'took 1, 7', 'Σ w = 1.00']);
    expect(lines[1]?.formula).toBe('p = softmax(z′)');
  });

  it('has a row for every expert with its verdict, and weights where it acts', () => {
    const rows = findAll(routerTable(decision()), (e) => e.props.attrs?.['data-expert'] !== undefined);
    expect(rows).toHaveLength(8);
    expect(rows.filter((row) => row.props.attrs?.['class'] === 'acts').map((row) => row.props.attrs?.['data-expert'])).toEqual([1, 7]);
    expect(rows[2]?.props.attrs?.['data-verdict']).toBe('disabled');
    expect(textOf(rows[1] ?? '')).toContain('0.63');
  });

  it('marks acting, idle and banned experts differently', () => {
    expect([badge(1, true), badge(1, false), badge(1, false, true)].map((b) => b.props.attrs?.['class']))
      .toEqual(['badge', 'badge hollow', 'badge banned']);
  });

  it('places ties by index', () => {
    expect(ranks(Float32Array.from([0.2, 0.5, 0.2]))).toEqual([2, 1, 3]);
  });
});

it('stages in use beyond the usual ones are listed with the fields that were changed', () => {
  const usual = decision();
  const spec = { ...usual.spec, prune: { ...usual.spec.prune, ratio: 0.5 }, select: { method: 'hash', top_k: 1 } } as const;
  const lines = stageLines({ ...usual, spec });
  expect(lines.map((line) => line.stage)).not.toContain('limit');
  expect(lines.find((line) => line.stage === 'prune')?.note).toBe('ratio 0.5');
  expect(lines.find((line) => line.stage === 'select')?.formula).toBe('hash, top k 1');
});

describe('paths, loads and grid', () => {
  it('counts flows between first experts and draws one line for each pair that occurs', () => {
    const shown = records('a', 'b', 'c');
    expect(flowCounts(shown, 0, 3, 8)[1 * 8 + 7]).toBe(3);
    const view = pathsView({ records: shown, layers: [0, 3], nExperts: 8, layer: 0, token: shown[0], onStation: () => undefined });
    expect(findAll(view, (e) => e.tag === 'path')).toHaveLength(2);
    expect(findAll(view, (e) => e.props.attrs?.['class'] === 'stop')).toHaveLength(4);
  });

  it('a text draws the words in sight first, and says that others are left', () => {
    const shown = records('a', ' b', ' c');
    const data = { records: shown, pinned: undefined, focusable: undefined, changes: new Map<number, string>(), on: {} };
    const before = tokenView({ ...data, layer: 0 });
    let left = 0;
    const sight = { from: 1, to: 1, later: () => { left += 1; } };
    const first = tokenView({ ...data, layer: 3, sight });
    expect([first.map((word, n) => word === before[n]), left]).toEqual([[true, false, true], 2]);
    const whole = tokenView({ ...data, layer: 3 });
    expect([whole.map((word, n) => word === before[n]), whole[1] === first[1]]).toEqual([[false, false, false], true]);
    expect([tokenView({ ...data, layer: 3, sight }).every((word, n) => word === whole[n]), left]).toEqual([true, 2]);
  });

  it('of very many places are a few shapes for each expert, and one of few a place for each', () => {
    const shown = records('a', 'b', 'c');
    const layers = Array.from({ length: 48 }, (_, layer) => layer);
    const nothing = (): void => undefined;
    const elements = (nExperts: number): number[] => [
      pathsView({ records: shown, layers, nExperts, layer: 0, token: undefined, onStation: nothing }),
      loadView({ records: shown, layers, nExperts, layer: 0, onBar: nothing }),
    ].map((view) => findAll(view, ({ props }) => props.on?.['click'] !== undefined).length);
    expect([elements(8), elements(128)]).toEqual([[48 * 8, 48 * 8], [1, 1]]);
    const loads = loadView({ records: shown, layers, nExperts: 128, layer: 0, onBar: nothing });
    expect(findAll(loads, ({ tag }) => tag === 'path')).toHaveLength(128);
    expect(JSON.stringify(loads)).not.toMatch(/NaN|undefined/);
  });

  it('reckons the share of tokens on which each expert acts', () => {
    expect(loadAt(records('a', 'b'), 0, 8)).toEqual([0, 1, 0, 0, 0, 0, 0, 1]);
    expect(loadAt([], 0, 2)).toEqual([0, 0]);
  });

  it('finds the cell under a point', () => {
    const data = { records: records('a', 'b'), layers: [0, 3], cell: { width: 10, height: 20 }, left: 0 };
    expect(gridSize(data)).toEqual({ width: 20, height: 40 });
    expect(gridHit(data, 15, 25)).toEqual({ index: 1, layer: 3 });
    expect(gridHit(data, 25, 5)).toBeUndefined();
    expect(gridHit({ ...data, left: 10 }, 5, 5)).toEqual({ index: 1, layer: 0 });
  });

  it('knows no expert at a layer without experts', () => {
    const [record] = records('a');
    expect(record && firstExpert(record, 1)).toBeUndefined();
    expect(record && decisionAt(record, 1)).toBeUndefined();
  });
});

describe('gauge', () => {
  const losses = (loss: number) => ({ loss, bitsPerByte: loss / 2 });

  it('says worse, better or same', () => {
    expect([2.5, 2, 2.001].map((loss) => trend(losses(loss), losses(2)))).toEqual(['worse', 'same', 'same']);
    expect(trend(losses(1.5), losses(2))).toBe('better');
  });

  it('shows both losses in both units, and the difference', () => {
    const text = textOf(gaugeView({ now: losses(2.5), trained: losses(2), note: undefined }));
    for (const part of ['2.50', '2.00', '1.25', '1.00', '+0.50', 'worse than trained']) expect(text).toContain(part);
  });

  it('stands without numbers', () => {
    const view = gaugeView({ now: undefined, trained: undefined, note: 'computing …' });
    expect(textOf(view)).toContain('computing');
    expect(view.props.attrs?.['class']).toContain('pending');
  });
});

it('numbers carry a true minus and no negative zero', () => {
  expect([fixed(-0.001), fixed(-1.5), fixed(-Infinity), fixed(Number.NaN), signed(0.25), signed(-0.25), signed(0.001)])
    .toEqual(['0.00', '−1.50', '−∞', '–', '+0.25', '−0.25', '0.00']);
});
