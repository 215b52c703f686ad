// Edits of the routing: what the engine is given, and how it is said.
import { describe, expect, it } from 'vitest';

import { describeChange, describeEdits } from '../src/changes.js';
import { NO_EDITS, applyEdits, bannedAt, withBan, withTemperature, withTopK } from '../src/routing.js';
import type { RoutingEdits } from '../src/routing.js';
import { sameRouting } from '../src/spec.js';
import { SPEC, TRAINED, fakeInfo } from './fake-scope.js';

const MODEL = fakeInfo(4, 3);

function ban(edits: RoutingEdits, expert: number, on: boolean, scope: 'all' | 'layer', layer = 1): RoutingEdits {
  const next = withBan(MODEL, edits, expert, { ban: on, layer, scope });
  if (next === undefined) throw new Error('refused');
  return next;
}

describe('edits', () => {
  it('of nothing give the trained routing', () => {
    expect(applyEdits(MODEL, NO_EDITS)).toEqual(TRAINED);
  });

  it('change top-k and temperature at every layer', () => {
    const edits = withTemperature(MODEL, withTopK(MODEL, NO_EDITS, 3), 0.5);
    expect(applyEdits(MODEL, edits).default).toEqual({ ...SPEC, select: { method: 'top_k', top_k: 3 }, adjust: { ...SPEC.adjust, temperature: 0.5 } });
  });

  it('vanish when a knob returns to the trained value', () => {
    expect(withTemperature(MODEL, withTopK(MODEL, withTopK(MODEL, NO_EDITS, 3), 2), 1)).toEqual(NO_EDITS);
  });

  it('never ask for more experts than the model has', () => {
    expect(applyEdits(MODEL, { ...NO_EDITS, topK: 99, banned: [2, 77] }).default)
      .toMatchObject({ select: { top_k: 4 }, restrict: { disabled: [2] } });
  });

  it('keep layers that were trained with a routing of their own', () => {
    const model = { ...MODEL, trained_routing: { default: SPEC, layers: { 1: { ...SPEC, adjust: { ...SPEC.adjust, temperature: 3 } } } } };
    const routing = applyEdits(model, { ...NO_EDITS, banned: [0] });
    expect(routing.layers['1']).toMatchObject({ adjust: { temperature: 3 }, restrict: { disabled: [0] } });
  });
});

describe('bans', () => {
  it('hold at every layer or at one', () => {
    expect(ban(NO_EDITS, 3, true, 'all')).toEqual({ ...NO_EDITS, banned: [3] });
    const single = ban(NO_EDITS, 3, true, 'layer');
    expect(single).toEqual({ ...NO_EDITS, bannedAt: { 1: [3] } });
    expect(applyEdits(MODEL, single).layers['1']?.restrict.disabled).toEqual([3]);
    expect(applyEdits(MODEL, single).default.restrict.disabled).toEqual([]);
  });

  it('can be lifted at one layer only', () => {
    const lifted = ban(ban(NO_EDITS, 3, true, 'all'), 3, false, 'layer');
    expect([0, 1, 2].map((layer) => bannedAt(lifted, layer))).toEqual([[3], [], [3]]);
  });

  it('at every single layer become one for all', () => {
    const each = [0, 1, 2].reduce((edits, layer) => ban(edits, 2, true, 'layer', layer), NO_EDITS);
    expect(each).toEqual({ ...NO_EDITS, banned: [2] });
  });

  it('never take the last expert', () => {
    const three = [0, 1, 2].reduce((edits, expert) => ban(edits, expert, true, 'all'), NO_EDITS);
    expect(withBan(MODEL, three, 3, { ban: true, layer: 0, scope: 'all' })).toBeUndefined();
    expect(withBan(MODEL, three, 3, { ban: true, layer: 0, scope: 'layer' })).toBeUndefined();
  });
});

describe('words', () => {
  it('say what is changed', () => {
    expect(describeEdits(NO_EDITS)).toBe('');
    expect(describeEdits({ ...NO_EDITS, topK: 1, temperature: 0.5, banned: [3], bannedAt: { 2: [1] } })).toBe('top-1, T 0.5, −3, −1 at layer 2');
  });

  it('say what one routing changes against another', () => {
    const before = applyEdits(MODEL, { ...NO_EDITS, banned: [3] });
    expect(describeChange(before, applyEdits(MODEL, { ...NO_EDITS, topK: 1, banned: [2] }))).toBe('top-1 −2 +3');
    expect(describeChange(before, applyEdits(MODEL, { ...NO_EDITS, banned: [3], bannedAt: { 1: [0] } }))).toBe('−0 at layer 1');
  });
});

it('routings are the same whatever the order of their keys and the precision of their numbers', () => {
  const { adjust, ...rest } = { ...SPEC, adjust: { ...SPEC.adjust, temperature: 0.3 } };
  const other = { layers: {}, default: { ...rest, adjust: { ...adjust, temperature: Math.fround(adjust.temperature) } } };
  expect(sameRouting({ default: { adjust, ...rest }, layers: {} }, other)).toBe(true);
  const silent = { ...other, default: { ...other.default, limit: { per_token: [], priority: 'order', overflow: 'drop' } } };
  expect(sameRouting({ default: { adjust, ...rest }, layers: {} }, silent as unknown as typeof other)).toBe(true);
  expect(sameRouting(TRAINED, applyEdits(MODEL, { ...NO_EDITS, banned: [0] }))).toBe(false);
});
