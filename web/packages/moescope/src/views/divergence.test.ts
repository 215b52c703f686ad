// Differences of two runs and facts about an expert, on traces small enough to reckon by hand.
import { describe, expect, it } from 'vitest';

import { DEFAULT_SPEC } from '../generated/routing.js';
import { recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import { changedTokens, compareLayers, jensenShannon, pairUp } from './divergence.js';
import { expertFacts } from './expert-facts.js';

/** One layer of three experts, two for each token. */
function run(texts: readonly string[], chosen: readonly (readonly [number, number])[]): TokenRecord[] {
  const scores = chosen.flatMap(([a, b]) => [0, 1, 2].map((e) => (e === a ? 0.6 : e === b ? 0.3 : 0.1)));
  const layer = {
    layer: 0, n_experts: 3, logits: new Float32Array(scores.length), scores: Float32Array.from(scores), selection_scores: Float32Array.from(scores),
    verdicts: new Uint8Array(scores.length), offsets: Uint32Array.from([0, ...chosen.map((_, t) => 2 * (t + 1))]),
    experts: Uint16Array.from(chosen.flat()), weights: Float32Array.from(chosen.flatMap(() => [0.7, 0.3])),
  };
  const tokens = texts.map((text) => ({ id: text.charCodeAt(0), text, special: false }));
  return recordsOf({ tokens, layers: [layer], routing: { default: DEFAULT_SPEC, layers: {} } }, 'prompt');
}

describe('the divergence of Jensen and Shannon', () => {
  it('is 0 for the same and 1 bit for what has nothing in common', () => {
    expect(jensenShannon([0.5, 0.5], [0.5, 0.5])).toBe(0);
    expect(jensenShannon([1, 0], [0, 1])).toBe(1);
    expect(jensenShannon([0.75, 0.25], [0.25, 0.75])).toBeCloseTo(1 - 0.8112781, 6);
  });
});

describe('two runs of a text', () => {
  const a = run(['a', 'b'], [[0, 1], [0, 1]]);

  it('differ where their experts do, whatever the order', () => {
    const b = run(['a', 'b'], [[1, 0], [2, 1]]);
    expect([...changedTokens(a, b, 0)]).toEqual([1]);
    expect(compareLayers(a, b, true)[0]?.changed).toBe(0.5);
    expect(compareLayers(a, a, true)).toEqual([{ layer: 0, loads: { a: [0.5, 0.5, 0], b: [0.5, 0.5, 0] }, load: 0, routers: 0, changed: 0 }]);
  });

  it('compare only tokens that are the same', () => {
    const other = run(['a', 'x'], [[0, 1], [2, 1]]);
    expect([...changedTokens(a, other, 0)]).toEqual([]);
    expect([pairUp(a, a), pairUp(a, other), pairUp(a, a.slice(1))]).toEqual([true, false, false]);
  });
});

describe('two runs of different texts', () => {
  const a = run(['a', 'b'], [[0, 1], [0, 1]]);

  it('have loads to compare and no pairs of tokens', () => {
    const [layer] = compareLayers(a, run(['x'], [[1, 2]]), false);
    expect(layer).toMatchObject({ loads: { a: [0.5, 0.5, 0], b: [0, 0.5, 0.5] }, routers: undefined, changed: undefined });
    expect(layer?.load).toBeCloseTo(0.5, 12);
  });

  it('have no divergence at a layer that one lacks or that has other experts', () => {
    const dense = a.map((record) => ({ ...record, trace: { ...record.trace, layers: [] } }));
    expect(compareLayers(a, dense, true)).toEqual([{ layer: 0, loads: { a: [0.5, 0.5, 0], b: undefined }, load: undefined, routers: undefined, changed: undefined }]);
    const more = a.map((record) => ({ ...record, trace: { ...record.trace, layers: record.trace.layers.map((layer) => ({ ...layer, n_experts: 4 })) } }));
    expect(compareLayers(a, more, true)[0]).toMatchObject({ loads: { b: [0.5, 0.5, 0, 0] }, load: undefined, changed: undefined });
  });
});

describe('an expert', () => {
  it('has favourite tokens, domains and neighbours, each against chance', () => {
    const tale = { name: 'tales', records: run(['t', 't', 't', 'u'], [[0, 1], [0, 1], [0, 2], [1, 2]]) };
    const code = { name: 'python', records: run(['p', 'p'], [[1, 2], [1, 2]]) };
    const facts = expertFacts([tale, code], 0, 0, 3);
    expect(facts).toMatchObject({ tokens: 6, load: 0.5, favourites: [{ token: { text: 't' }, seen: 3, share: 1 }] });
    expect(facts.even).toBeCloseTo(2 / 3, 6);
    expect(facts.domains).toEqual([{ name: 'tales', tokens: 4, share: 0.75 }, { name: 'python', tokens: 2, share: 0 }]);
    expect(facts.neighbours.map(({ expert }) => expert)).toEqual([1, 2]);
    expect(facts.neighbours[0]).toEqual({ expert: 1, share: 2 / 3, chance: 5 / 6 });
  });
});
