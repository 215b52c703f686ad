// What a token costs beside the trained routing, on a model reckoned by hand.
import { findAll, recordsOf, textOf } from 'moescope/views';
import type { ModelShape, TokenRecord } from 'moescope/views';
import { describe, expect, it } from 'vitest';

import { workTable } from '../src/page/work.js';
import { meanContext, worksOf } from '../src/work.js';
import { TRAINED } from './fake-scope.js';

const SHAPE: ModelShape = { nLayers: 2, moeLayers: [0, 1], dModel: 8, nHeads: 2, nKvHeads: 1, headDim: 4, vocabSize: 100, nExperts: 4, dExpert: 16, dShared: 0, dDense: 0 };

/** Two layers that choose alike. */
function run(chosen: readonly (readonly number[])[]): TokenRecord[] {
  const none = new Float32Array(chosen.length * 4);
  const offsets = Uint32Array.from([0, ...chosen.map((_, t) => chosen.slice(0, t + 1).flat().length)]);
  const layer = (at: number) => ({
    layer: at, n_experts: 4, logits: none, scores: none, selection_scores: none, verdicts: new Uint8Array(chosen.length * 4), offsets,
    experts: Uint16Array.from(chosen.flat()), weights: Float32Array.from(chosen.flat(), () => 1),
  });
  return recordsOf({ tokens: chosen.map((_, id) => ({ id, text: 'a', special: false })), layers: [layer(0), layer(1)], routing: TRAINED }, 'prompt');
}

const TRAINED_RUN = run([[0, 1], [2, 3]]);
const RUNS = { now: run([[0], [2, 1]]), trained: TRAINED_RUN, layers: [0, 1], context: meanContext(2) };

describe('work', () => {
  it('is experts and FLOPs of each run, and what both chose', () => {
    const { now, trained, agreement } = worksOf(RUNS, SHAPE);
    expect([now.experts, trained.experts]).toEqual([1.5, 2]);
    expect((trained.flops?.total ?? 0) - (now.flops?.total ?? 0)).toBe(2 * 0.5 * 6 * 8 * 16);
    expect(agreement).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
  });

  it('attends to itself and what came before, half the text as a mean', () => {
    expect([1, 2, 9].map(meanContext)).toEqual([1, 1.5, 5]);
    const at = (context: number): number => worksOf({ ...RUNS, context }, SHAPE).now.flops?.attention ?? 0;
    expect(at(5) - at(1)).toBe(2 * 4 * 2 * 4 * 4);
  });

  it('has no FLOPs where the sizes of the model are unknown', () => {
    expect(worksOf(RUNS, undefined).now).toEqual({ experts: 1.5, flops: undefined });
  });
});

describe('the table', () => {
  it('says now, trained and the change', () => {
    const table = workTable(worksOf(RUNS, SHAPE), 'token');
    const rows = findAll(table, ({ tag }) => tag === 'tr').map((row) => row.children.map(textOf));
    expect(rows).toContainEqual(['Experts', '1.50', '2.00', '−25 %']);
    expect(rows).toContainEqual(['Same experts', '42 %', '100 %', '']);
    expect(rows.find(([name]) => name === 'FLOPs')?.[3]).toMatch(/^−\d+ %$/);
    expect(textOf(table)).not.toMatch(/undefined|NaN/);
  });

  it('keeps its rows while nothing is measured', () => {
    const table = workTable(undefined, 'patch');
    expect(findAll(table, ({ tag }) => tag === 'tr').map((row) => row.children.map(textOf).join())).toContain('FLOPs,–,–,–');
    expect(textOf(table)).toContain('Work for each patch');
  });
});
