// Quantities, their ramp, loads and tables, on a trace small enough to reckon by hand; the size of real ones on a large one.
import { describe, expect, it } from 'vitest';

import type { LayerTrace, Trace } from '../generated/engine.js';
import { DEFAULT_SPEC } from '../generated/routing.js';
import { INK, contrast, rgb } from './colour.js';
import { recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import { findAll } from './element.js';
import { drawGrid } from './layer-grid.js';
import { evenShare, loadView } from './load-view.js';
import { choiceTable, decisionTable, flowTable, loadTable, toCsv, toJson } from './tables.js';
import { BINS, NOTHING_MEASURED, binOf, difference, entropyOf, quantityAt, ramp, scaleOf, shares } from './tint.js';

/** Layers of four experts; each token takes the listed ones, weighed alike. */
function traced(chosen: readonly (readonly number[])[], nLayers = 2, nExperts = 4): Trace {
  const layer = (index: number): LayerTrace => ({
    layer: index,
    n_experts: nExperts,
    logits: new Float32Array(chosen.length * nExperts),
    scores: Float32Array.from(chosen.flatMap((experts) => Array.from({ length: nExperts }, (_, e) => (experts.includes(e) ? 0.4 : 0.1)))),
    selection_scores: Float32Array.from(chosen.flatMap((experts) => Array.from({ length: nExperts }, (_, e) => (experts.includes(e) ? 0.4 : 0.1)))),
    verdicts: new Uint8Array(chosen.length * nExperts),
    offsets: Uint32Array.from([0, ...chosen.map((_, t) => chosen.slice(0, t + 1).reduce((sum, experts) => sum + experts.length, 0))]),
    experts: Uint16Array.from(chosen.flat()),
    weights: Float32Array.from(chosen.flatMap((experts) => experts.map(() => 1 / experts.length))),
  });
  return {
    tokens: chosen.map((_, id) => ({ id, text: `t"${id}`, special: false })),
    layers: Array.from({ length: nLayers }, (_, index) => layer(index)),
    routing: { default: DEFAULT_SPEC, layers: {} },
  };
}

const records = recordsOf(traced([[0, 1], [0], [3, 2]]), 'prompt');
const [first] = records;
if (first === undefined) throw new Error('no record');

describe('quantities', () => {
  it('are what their names say', () => {
    expect(quantityAt(first, 0, 'count', NOTHING_MEASURED)).toBe(2);
    expect(quantityAt(first, 0, 'margin', NOTHING_MEASURED)).toBeCloseTo(0.3, 6);
    expect(quantityAt(first, 0, 'entropy', NOTHING_MEASURED)).toBeCloseTo(-2 * 0.4 * Math.log2(0.4) - 2 * 0.1 * Math.log2(0.1), 5);
    expect(quantityAt(first, 0, 'loss', NOTHING_MEASURED)).toBeUndefined();
    expect(quantityAt(first, 0, 'loss', { losses: Float32Array.of(1.5), trained: undefined })).toBe(1.5);
    expect(quantityAt({ ...first, logProb: -2 }, 0, 'loss', NOTHING_MEASURED)).toBe(2);
  });

  it('take the first token, which nothing predicts, as unknown', () => {
    expect(quantityAt(first, 0, 'loss', { losses: Float32Array.of(Number.NaN), trained: undefined })).toBeUndefined();
  });

  it('tell how far a token is from the trained routing', () => {
    const other = recordsOf(traced([[0, 2], [0], [1]]), 'prompt');
    expect(records.map((record, n) => difference(record, other[n], 0))).toEqual([1 - 1 / 3, 0, 1]);
    expect(difference(first, undefined, 0)).toBeUndefined();
  });

  it('have an entropy of 0 where one expert has everything, and of log2 E where all have the same', () => {
    expect(entropyOf(shares(Float32Array.of(3, 0, 0, 0)))).toBe(0);
    expect(entropyOf(shares(Float32Array.of(-1, -1, -1, -1)))).toBe(2);
    expect(shares(Float32Array.of(-Infinity, 0, -1))[0]).toBe(0);
  });

  it('fill a ramp from the lowest to the highest in as many steps as the legend has', () => {
    const scale = scaleOf(records, 0, 'count', NOTHING_MEASURED);
    expect(scale).toMatchObject({ values: [2, 1, 2], low: 0, high: 2 });
    expect([0, 1, 2].map((value) => binOf(scale, value))).toEqual([0, 2, BINS - 1]);
    expect(scaleOf(records, 0, 'loss', NOTHING_MEASURED).values).toEqual([undefined, undefined, undefined]);
  });

  it.each(['light', 'dark'] as const)('keep ink readable and lightness even on the %s ramp', (theme) => {
    const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => ramp(share, theme));
    for (const colour of steps) expect(contrast(rgb(colour), rgb(INK[theme]))).toBeGreaterThan(4.5);
    const gaps = steps.slice(1).map((colour, n) => colour[0] - (steps[n]?.[0] ?? 0));
    for (const gap of gaps) expect(gap).toBeCloseTo(gaps[0] ?? 0, 6);
  });
});

describe('loads', () => {
  it('stand against the even share', () => {
    expect(evenShare(records, 0, 4)).toBeCloseTo(5 / 12, 6);
    const view = loadView({ records, layers: [0, 1], nExperts: 4, layer: 0, onBar: () => undefined });
    expect(findAll(view, (e) => e.props.attrs?.['class'] === 'slot')).toHaveLength(8);
    expect(findAll(view, (e) => e.props.attrs?.['class'] === 'even')).toHaveLength(2);
  });
});

describe('tables', () => {
  it('hold one line for each choice, path, load and expert', () => {
    expect(choiceTable(records, [0, 1]).rows).toHaveLength(10);
    expect(flowTable(records, [0, 1], 4).rows).toEqual([[0, 0, 1, 0, 2], [0, 3, 1, 3, 1]]);
    expect(loadTable(records, [1], 4).rows[0]).toEqual([1, 0, 0.6666667, 0.4166667]);
    expect(decisionTable(first, 1).rows[0]?.slice(0, 4)).toEqual([0, 0, 0.4, 0.4]);
  });

  it('quote what CSV would break, and name columns in JSON', () => {
    const table = { columns: ['a', 'b'], rows: [['x,"y"\n', null], [1, 'z']] };
    expect(toCsv(table)).toBe('a,b\r\n"x,""y""\n",\r\n1,z\r\n');
    expect(JSON.parse(toJson(table))).toEqual([{ a: 'x,"y"\n', b: null }, { a: 1, b: 'z' }]);
  });
});

describe('a large grid', () => {
  const many: TokenRecord[] = recordsOf(traced(Array.from({ length: 512 }, (_, t) => [t % 128, (t * 7 + 1) % 128]), 48, 128), 'prompt');
  const layers = Array.from({ length: 48 }, (_, layer) => layer);

  const data = {
    records: many, layers, layer: 3, pinned: 5, theme: 'light', cell: { width: 17, height: 18 }, ink: '', paper: '', font: '', left: 1700, width: 680,
  } as const;

  /** How many figures are drawn, and how far the picture is moved. */
  function drawing(before?: number): { figures: number; moves: unknown[] } {
    const found = { figures: 0, moves: new Array<unknown>() };
    const target = { fillText: () => { found.figures += 1; }, drawImage: (_: unknown, x: number) => { found.moves.push(x); } };
    const context = new Proxy(target, { get: (on, name) => (name === 'fillText' || name === 'drawImage' ? on[name] : () => undefined) });
    drawGrid(context as unknown as CanvasRenderingContext2D, data, 2, before);
    return found;
  }

  it('draws only the cells in sight', () => {
    expect(drawing()).toEqual({ figures: 48 * 40, moves: [] });
  });

  it('moves the picture as it scrolls, and draws only what came into sight', () => {
    expect(drawing(1700 - 34)).toEqual({ figures: 48 * 2, moves: [-68] });
    expect(drawing(1700 + 34)).toEqual({ figures: 48 * 2, moves: [68] });
    expect(drawing(0)).toEqual({ figures: 48 * 40, moves: [] });
  });
});
