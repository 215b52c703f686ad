// Figures of a routed text, on a layer of four experts reckoned by hand.
import { expect, it } from 'vitest';

import { DEFAULT_SPEC } from '../generated/routing.js';
import { recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import { agreement, cacheHits, effectiveExperts, expertsPerToken, worthOf } from './measures.js';

function run(chosen: readonly (readonly number[])[]): TokenRecord[] {
  const none = new Float32Array(chosen.length * 4);
  const offsets = chosen.map((_, t) => chosen.slice(0, t + 1).flat().length);
  const layer = {
    layer: 0, n_experts: 4, logits: none, scores: none, selection_scores: none, verdicts: new Uint8Array(chosen.length * 4),
    offsets: Uint32Array.from([0, ...offsets]), experts: Uint16Array.from(chosen.flat()), weights: Float32Array.from(chosen.flat().map(() => 1)),
  };
  return recordsOf({ tokens: chosen.map((_, id) => ({ id, text: 'a', special: false })), layers: [layer], routing: { default: DEFAULT_SPEC, layers: {} } }, 'prompt');
}

it('four experts with the same load count as four, and one with everything as one', () => {
  expect(effectiveExperts(run([[0], [1], [2], [3]]), 0, 4)).toBeCloseTo(4, 6);
  expect(effectiveExperts(run([[2], [2]]), 0, 4)).toBeCloseTo(1, 6);
  expect(worthOf([0.9, 0.1])).toBeCloseTo(1.384, 3);
});

it('experts per token are a mean', () => {
  expect(expertsPerToken(run([[0, 1, 2], [3]]), [0])).toBe(2);
});

it('two runs agree in the share of experts that both chose', () => {
  expect(agreement(run([[0, 1], [2]]), run([[0, 1], [2]]), [0])).toBe(1);
  expect(agreement(run([[0, 1], [2]]), run([[1, 3], [3]]), [0])).toBeCloseTo((1 / 3 + 0) / 2, 12);
  expect(agreement(run([[0, 1]]), run([[0]]), [0])).toBe(0.5);
  expect(agreement(run([[]]), run([[]]), [0])).toBe(1);
  expect(agreement([], [], [0])).toBeNaN();
});

it('a cache hits what was used lately, and drops what was not', () => {
  expect(cacheHits(run([[0], [0], [1], [0]]), [0], 2)).toBe(0.5);
  expect(cacheHits(run([[0], [1], [2], [0]]), [0], 2)).toBe(0);
  expect(cacheHits([], [0], 2)).toBe(0);
});
