// Every strategy that the package names, drawn from a made-up trace: each verdict there is, weights above 1, logits
// for scores, tokens without experts. The views must say something sensible of all of it.
import { describe, expect, it } from 'vitest';

import type { LayerTrace, Trace } from '../generated/engine.js';
import { PRESETS, VERDICTS } from '../generated/routing.js';
import type { Preset, RouterSpec } from '../generated/routing.js';
import { tintCss } from './colour.js';
import { decisionAt, loadAt, recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import { findAll, h, textOf } from './element.js';
import { flowCounts, pathsView } from './paths-view.js';
import { routerTable, stageLines, stageList, verdictFacts } from './router-view.js';
import { tokenView } from './token-view.js';
import { ENGLISH } from './words.js';

const N_EXPERTS = VERDICTS.length;
const ACTING = new Set(['selected', 'forced', 'took_overflow']);

/** As many experts as verdicts; the first token has one of each, the second has none that act. */
function madeUp(layer: number, { score, weigh }: RouterSpec): LayerTrace {
  const logits = Array.from({ length: N_EXPERTS }, (_, e) => (VERDICTS[e] === 'masked_by_gate' ? -Infinity : 3 - 0.5 * e));
  const scores = score.function === 'identity' ? logits : logits.map((z) => 1 / (1 + Math.exp(-z)));
  const acting = [...VERDICTS.keys()].filter((e) => ACTING.has(VERDICTS[e] ?? ''));
  return {
    layer,
    n_experts: N_EXPERTS,
    logits: Float32Array.from([...logits, ...logits]),
    scores: Float32Array.from([...scores, ...scores]),
    selection_scores: Float32Array.from([...scores, ...scores]),
    verdicts: Uint8Array.from([...VERDICTS.keys(), ...VERDICTS.map(() => VERDICTS.indexOf('beaten_by_null'))]),
    offsets: Uint32Array.from([0, acting.length, acting.length]),
    experts: Uint16Array.from(acting),
    weights: Float32Array.from(acting.map((_, i) => weigh.scale / (i + 1))),
  };
}

function recordsUnder({ spec }: Preset): TokenRecord[] {
  const trace: Trace = {
    tokens: ['a', ' b'].map((text, id) => ({ id, text, special: false })),
    layers: [madeUp(0, spec), madeUp(1, spec)],
    routing: { default: spec, layers: {} },
  };
  return recordsOf(trace, 'prompt');
}

describe.each(PRESETS.map((preset) => [preset.name, preset] as const))('under %s', (_, preset) => {
  const records = recordsUnder(preset);
  const decisions = records.map((record) => decisionAt(record, 0));

  it('the router shows every expert with a bar within its track and a sentence', () => {
    for (const decision of decisions) {
      if (decision === undefined) throw new Error('no decision');
      const rows = findAll(routerTable(decision), (e) => e.props.attrs?.['data-expert'] !== undefined);
      expect(rows.map((row) => row.props.attrs?.['data-verdict']).toSorted()).toEqual(decision.verdicts.toSorted());
      const widths = findAll(routerTable(decision), (e) => e.props.style?.['width'] !== undefined).map((e) => parseFloat(e.props.style?.['width'] ?? ''));
      expect(widths).toHaveLength(N_EXPERTS);
      expect(Math.max(...widths)).toBe(100);
      for (const width of widths) expect(width).toBeGreaterThanOrEqual(0);
      for (const sentence of verdictFacts(decision).map(ENGLISH.verdict)) expect(sentence).toMatch(/^Expert \d+ [^_]+[^,;]\.$/);
    }
  });

  it('the stages are listed without a number of more than a few digits', () => {
    const [decision] = decisions;
    if (decision === undefined) throw new Error('no decision');
    const single = JSON.parse(JSON.stringify(decision.spec), (_key, value: unknown) => (typeof value === 'number' ? Math.fround(value) : value)) as RouterSpec;
    const lines = stageLines({ ...decision, spec: single });
    expect(lines.map((line) => line.stage)).toEqual(expect.arrayContaining(['adjust', 'score', 'restrict', 'select', 'weigh']));
    const text = textOf(stageList({ ...decision, spec: single }));
    expect(text).not.toMatch(/undefined|NaN|\[object|\.0*[1-9]\d{4,}/);
  });

  it('tokens, paths and loads are drawn, also where no expert acts', () => {
    const view = h('div', {}, tokenView({ records, layer: 0, pinned: 0, focusable: 0, changes: new Map([[1, `strategy ${preset.name}`]]), on: {} }));
    expect(textOf(view)).toContain(`strategy ${preset.name}`);
    const [first, second] = findAll(view, (e) => e.tag === 'button');
    expect(first?.props.attrs?.['aria-label']).toMatch(/: expert \d+ \d+\.\d\d.* and expert \d+ \d+\.\d\d$/);
    const [cell] = findAll(view, (e) => e.props.attrs?.['class'] === 'cell');
    expect(cell?.props.style).toEqual({ 'background-color': tintCss(VERDICTS.findIndex((verdict) => ACTING.has(verdict)), 1) });
    expect(second?.props.attrs?.['aria-label']).toBe('Token 2 " b", given, layer 0: no experts');
    expect(loadAt(records, 0, N_EXPERTS).reduce((sum, load) => sum + load, 0)).toBe(ACTING.size / 2);
    expect(flowCounts(records, 0, 1, N_EXPERTS).reduce((sum, flow) => sum + flow, 0)).toBe(1);
    const paths = pathsView({ records, layers: [0, 1], nExperts: N_EXPERTS, layer: 0, token: records[1], onStation: () => undefined });
    expect(findAll(paths, (e) => e.tag === 'path')).toHaveLength(1);
  });
});

describe('words', () => {
  const [record] = PRESETS.slice(0, 1).flatMap(recordsUnder);
  const decision = record && decisionAt(record, 0);
  const [facts] = decision === undefined ? [] : verdictFacts(decision);
  if (facts === undefined) throw new Error('no facts');

  it.each(VERDICTS)('say %s in a sentence and not by its name', (verdict) => {
    expect(ENGLISH.verdict({ ...facts, verdict })).not.toContain(`; ${verdict.replaceAll('_', ' ')}`);
    expect(ENGLISH.verdict({ ...facts, verdict })).not.toContain('_');
  });

  it('name the rule that chose', () => {
    const chosen = (method: typeof facts.method) => ENGLISH.verdict({ ...facts, verdict: 'selected', weight: '0.50', method });
    expect(chosen('top_p')).toBe('Expert 0 scored 0.95, 1st of 19; top-p took it with weight 0.50.');
    expect(chosen('hash')).toContain('the hash of the token id took it');
    // One that is newer than the words goes by its own name.
    for (const { spec } of PRESETS) expect(chosen(spec.select.method)).toMatch(/; [^_;]+ took it with weight 0\.50\.$/);
  });
});

it('the bounds of a method are shown where they bind', () => {
  const preset = PRESETS.find(({ spec }) => spec.select.method === 'top_p');
  const [record] = preset === undefined ? [] : recordsUnder(preset);
  const decision = record && decisionAt(record, 0);
  if (decision === undefined) throw new Error('no preset selects by top-p');
  const line = (max: number) => stageLines({
    ...decision, spec: { ...decision.spec, select: { method: 'top_p', top_p: 0.4, min_experts: 1, max_experts: max } },
  }).find(({ stage }) => stage === 'select');
  expect(line(0)).toEqual({ stage: 'select', formula: 'top p = 0.4', note: 'took 0, 1, 12, 13, 14, 15, 16, 17' });
  expect(line(3)?.note).toBe('took 0, 1, 12, 13, 14, 15, 16, 17; max experts 3');
});
