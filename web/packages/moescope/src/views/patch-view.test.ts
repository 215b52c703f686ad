// Patches of an image: marks, names and quantities, from a trace in which the second expert is full.
import { describe, expect, it } from 'vitest';

import type { LayerTrace } from '../generated/engine.js';
import { DEFAULT_SPEC, VERDICTS } from '../generated/routing.js';
import type { Verdict } from '../generated/routing.js';
import { decisionAt, recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import { findAll, textOf } from './element.js';
import { patchName, patchView } from './patch-view.js';
import { droppedAt, entropyAt } from './quantities.js';
import { stageLines, verdictFacts } from './router-view.js';
import { ENGLISH } from './words.js';

const SCORES = [[0.6, 0.3, 0.1, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 1, 0, 0]];
const WORDS: Verdict[][] = [
  ['selected', 'selected', 'outside_top_k', 'outside_top_k'],
  ['selected', 'over_capacity', 'outside_top_k', 'outside_top_k'],
  ['selected', 'selected', 'outside_top_k', 'outside_top_k'],
  ['over_capacity', 'over_capacity', 'outside_top_k', 'outside_top_k'],
];

function records(): TokenRecord[] {
  const layer: LayerTrace = {
    layer: 2, n_experts: 4, logits: Float32Array.from(SCORES.flat()), scores: Float32Array.from(SCORES.flat()),
    selection_scores: Float32Array.from(SCORES.flat()), verdicts: Uint8Array.from(WORDS.flat().map((verdict) => VERDICTS.indexOf(verdict))),
    offsets: Uint32Array.from([0, 2, 3, 5, 5]), experts: Uint16Array.from([0, 1, 0, 0, 1]), weights: Float32Array.from([0.75, 0.25, 1, 0.5, 0.5]),
  };
  const tokens = SCORES.map((_, id) => ({ id, text: '', special: false }));
  return recordsOf({ tokens, layers: [layer], routing: { default: DEFAULT_SPEC, layers: {} } }, 'prompt');
}

function drawn(tint: 'experts' | 'entropy' | 'none') {
  const view = patchView({ records: records(), columns: 2, layer: 2, tint, pinned: 1, looked: 2, focusable: 1, on: {} });
  return findAll(view, ({ tag }) => tag === 'button');
}

describe('patches', () => {
  it('are hatched all over where every expert was full, and partly where one was', () => {
    expect(drawn('experts').map(({ props }) => props.attrs?.['class'])).toEqual(['patch', 'patch pinned partly', 'patch looked', 'patch dropped']);
    expect(records().map((record) => droppedAt(record, 2))).toEqual([0, 1, 0, 2]);
    expect(droppedAt(records()[3] as TokenRecord, 0)).toBe(0);
  });

  it('have names with place, layer and experts, and say what is written on them', () => {
    const [first, second, , last] = records();
    expect(patchName(first as TokenRecord, 2, 2)).toBe('Patch row 1, column 1, layer 2: expert 0 0.75 and expert 1 0.25');
    expect(patchName(second as TokenRecord, 2, 2)).toBe('Patch row 1, column 2, layer 2: expert 0 1.00, 1 full');
    expect(patchName(last as TokenRecord, 2, 2)).toBe('Patch row 2, column 2, layer 2: no experts, 2 full');
    for (const button of drawn('entropy')) expect(button.props.attrs?.['aria-label']).toContain(`entropy ${textOf(button)} %`);
  });

  it('show the first expert, the entropy or nothing, and one of them is reached by Tab', () => {
    expect(drawn('experts').map(textOf)).toEqual(['0', '0', '0', '×']);
    expect(drawn('entropy').map(textOf)).toEqual(['65', '50', '100', '0']);
    expect(drawn('none').map(textOf)).toEqual(['', '', '', '']);
    expect(drawn('none').map(({ props }) => props.attrs?.['tabindex'])).toEqual([-1, 0, -1, -1]);
  });

  it('have an entropy of 0 where one expert has all, and of 1 where all have the same', () => {
    expect(records().map((record) => entropyAt(record, 2))).toEqual([expect.closeTo(0.648, 3), 0.5, 1, 0]);
    expect(entropyAt(records()[0] as TokenRecord, 7)).toBeUndefined();
  });

  it('that were turned away say which experts the rule took, and that these were full', () => {
    const decision = decisionAt(records()[3] as TokenRecord, 2);
    if (decision === undefined) throw new Error('no decision');
    const sentences = verdictFacts(decision).map(ENGLISH.verdict);
    expect(sentences[1]).toBe('Expert 1 scored 1.00, first of four; it was chosen but is full, and turned the token away.');
    expect(sentences[2]).toMatch(/took 1 and 0\.$/);
    expect(stageLines(decision).find(({ stage }) => stage === 'select')?.note).toBe('took 1, 0');
  });
});
