// Charts are plain data: what is drawn where, with which second cue, and that no figure breaks them.
import { describe, expect, it } from 'vitest';

import { barsChart } from './bars-chart.js';
import { cut, lettersIn, roundUp, standing, tellApart, tick } from './chart.js';
import { findAll, textOf } from './element.js';
import type { ViewElement } from './element.js';
import { heatChart } from './heat-chart.js';
import { linesChart } from './lines-chart.js';

const FRAME = { title: 'Shares', legend: 'Dashed: chance.', width: 400, format: (value: number): string => `${(value * 100).toFixed(1)} %` };
const FIGURE = { value: 0.5, low: 0.4, high: 0.6, chance: 0.25 };
const texts = (root: ViewElement): string[] => findAll(root, ({ tag }) => tag === 'text').map(textOf);
const titles = (root: ViewElement): string[] => findAll(root, ({ tag }) => tag === 'title').map(textOf);
const clean = (root: ViewElement): void => expect(JSON.stringify(root)).not.toMatch(/NaN|Infinity|undefined|null/);

describe('bars', () => {
  const data = { ...FRAME, panels: [0, 1].map((layer) => ({ name: `L${layer}`, bars: [0, 1, 2].map((expert) => ({ name: String(expert), expert, ...FIGURE, value: 0.1 * (expert + 1) })) })) };

  it('have a name, a value with interval and chance in words, and one dashed line at the common chance', () => {
    const chart = barsChart(data);
    expect(chart.props.attrs).toMatchObject({ role: 'img', 'aria-label': 'Shares', width: 400 });
    expect(titles(chart)[1]).toBe('1: 20.0 % (40.0 %–60.0 %) / 25.0 %');
    expect(texts(chart)).toEqual(expect.arrayContaining(['L0', 'L1', '0', '1', '2', '60 %', '0 %', 'Dashed: chance.']));
    expect(findAll(chart, ({ props }) => props.attrs?.['stroke-dasharray'] === '4 3').length).toBe(2);
    expect(findAll(chart, ({ props }) => props.attrs?.['fill'] === 'var(--e2)').length).toBe(2);
    clean(chart);
  });

  it('stand below zero where they are negative, and have a chance each where those differ', () => {
    const chart = barsChart({ ...FRAME, panels: [{ name: '', bars: [{ name: 'a', value: -0.2, low: -0.3, high: -0.1, chance: 0.1 }, { name: 'b', ...FIGURE }] }] });
    expect(findAll(chart, ({ props }) => props.attrs?.['stroke-dasharray'] === '4 3').length).toBe(2);
    clean(chart);
  });

  it('of nothing, and of what is no number, are drawn too', () => {
    clean(barsChart({ ...FRAME, panels: [] }));
    const chart = barsChart({ ...FRAME, format: () => '–', panels: [{ name: '', bars: [{ name: 'a', value: Number.NaN }] }] });
    clean(chart);
    expect(findAll(chart, ({ props }) => props.attrs?.['fill-opacity'] === 0.78)).toEqual([]);
  });

  it('look like this', () => expect(barsChart(data)).toMatchSnapshot());
});

describe('a heat chart', () => {
  const cells = [[FIGURE, { ...FIGURE, low: 0.2 }, undefined], [{ ...FIGURE, value: 0.1, low: 0.05, high: 0.2 }, FIGURE, FIGURE]];
  const data = { ...FRAME, rows: ['tales', 'french'], columns: ['0', '1', '2'], axes: ['domain', 'expert'] as const, cells, difference: true, short: (value: number): string => String(Math.round(value * 100)) };

  it('tints differences in two directions, with a dot where the interval leaves chance out', () => {
    const chart = heatChart(data);
    const fills = findAll(chart, ({ tag, props }) => tag === 'rect' && String(props.attrs?.['fill']).includes('color-mix')).map(({ props }) => String(props.attrs?.['fill']));
    expect(fills.slice(0, 3)).toEqual([expect.stringContaining('var(--more)'), expect.stringContaining('var(--more)'), expect.stringContaining('var(--less)')]);
    expect(findAll(chart, ({ tag }) => tag === 'circle').length).toBe(4);
    expect(texts(chart)).toEqual(expect.arrayContaining(['domain ↓  expert →', 'tales', 'french', '50', '10', '−30 %', '0', '+30 %']));
    expect(titles(chart)).toContain('french · 0: 10.0 % (5.0 %–20.0 %) / 25.0 %');
    clean(chart);
  });

  it('tells what a dot says only where it has dots', () => {
    const dots = 'Dot: sure.';
    expect(textOf(heatChart({ ...data, dots }))).toContain('Dashed: chance. Dot: sure.');
    expect(textOf(heatChart({ ...data, dots, width: 30 }))).not.toContain(dots);
  });

  it('tints quantities in one direction', () => {
    const chart = heatChart({ ...data, difference: false });
    expect(JSON.stringify(chart)).not.toContain('var(--less)');
    expect(findAll(chart, ({ tag }) => tag === 'circle')).toEqual([]);
  });

  it('stays within its width, however many columns there are', () => {
    const row = Array.from({ length: 256 }, () => FIGURE);
    const chart = heatChart({ ...data, width: 320, rows: ['a row with a long name'], columns: row.map((_, at) => String(at)), cells: [row] });
    const gutter = Number(/translate\(([\d.]+) /.exec(String(findAll(chart, ({ tag }) => tag === 'g')[1]?.props.attrs?.['transform']))?.[1]);
    expect(gutter).toBeGreaterThan(60);
    for (const { props } of findAll(chart, ({ tag }) => tag === 'rect')) expect(gutter + Number(props.attrs?.['x']) + Number(props.attrs?.['width'])).toBeLessThan(320.5);
    expect(texts(chart).length).toBeLessThan(80);
    const names = findAll(chart, ({ tag, props }) => tag === 'text' && props.attrs?.['text-anchor'] === 'middle' && Number(props.attrs['y']) < 0);
    expect(names.length).toBeGreaterThan(5);
    // Half of three digits of 10 pixels.
    for (const { props } of names) expect(gutter + Number(props.attrs?.['x']) + 8.5).toBeLessThan(320.5);
    clean(heatChart({ ...data, rows: [], columns: [], cells: [] }));
    clean(heatChart({ ...data, format: () => '–', short: () => '–', cells: [[{ value: Number.NaN }]] }));
  });

  it('of very many cells is one shape for each tint', () => {
    const row = Array.from({ length: 128 }, (_, at) => ({ ...FIGURE, value: at / 128 }));
    const chart = heatChart({ ...data, rows: row.map((_, at) => String(at)), columns: row.map((_, at) => String(at)), cells: row.map(() => row) });
    const shapes = findAll(chart, ({ tag }) => tag === 'path');
    expect(shapes.length).toBeGreaterThan(20);
    expect(shapes.length).toBeLessThan(160);
    expect(shapes.reduce((sum, { props }) => sum + String(props.attrs?.['d']).split('M').length - 1, 0)).toBe(128 * 128);
    clean(chart);
  });

  it('looks like this', () => expect(heatChart(data)).toMatchSnapshot());
});

describe('lines', () => {
  const figures = [FIGURE, { ...FIGURE, value: 0.6, high: 0.7 }, undefined, FIGURE];
  const data = { ...FRAME, places: ['1', '2', '3', '4'], axes: ['size', 'hits'] as const, lines: ['LRU', 'LFU', 'best'].map((name) => ({ name, figures })) };

  it('have dashes of their own, a band, a dotted chance, and names that do not cover each other', () => {
    const chart = linesChart(data);
    const paths = findAll(chart, ({ tag }) => tag === 'path');
    expect(paths.length).toBe(9);
    const dashes = paths.filter(({ props }) => props.attrs?.['stroke-width'] === 2).map(({ props }) => props.attrs?.['stroke-dasharray']);
    expect(new Set(dashes).size).toBe(3);
    const names = findAll(chart, (element) => element.tag === 'text' && ['LRU', 'LFU', 'best'].includes(textOf(element))).map(({ props }) => Number(props.attrs?.['y']));
    expect(names.slice(1).every((y, at) => y - (names[at] ?? 0) >= 13)).toBe(true);
    clean(chart);
  });

  it('of one place, or of none, are drawn too', () => {
    clean(linesChart({ ...data, places: ['1'], lines: [{ name: 'a', figures: [FIGURE] }] }));
    clean(linesChart({ ...data, places: [], lines: [] }));
  });

  it('look like this', () => expect(linesChart(data)).toMatchSnapshot());
});

describe('names', () => {
  it('are cut to the room that they have, which wide letters fill sooner', () => {
    expect([cut('Shakespeare', 7), cut('tales', 7), cut('今天天气很好', 7), cut('今天', 1)]).toEqual(['Shakes…', 'tales', '今天天…', '今…']);
    expect(lettersIn(cut('今天天气很好，我们去公园', 9))).toBeLessThanOrEqual(9);
  });

  it('that would read the same lose what all of them begin with', () => {
    expect(tellApart(['A text about cats', 'A text about dogs'], 9)).toEqual(['…cats', '…dogs']);
    expect(tellApart(['A text about cats', 'Another about dogs'], 9)).toEqual(['A text a…', 'Another …']);
    expect(tellApart(['same', 'same'], 9)).toEqual(['same', 'same']);
    expect(tellApart(['text', 'text and more', 'text and less'], 5)).toEqual(['…', '… an…', '… an…']);
    expect(tellApart([], 5)).toEqual([]);
  });
});

describe('figures', () => {
  it('stand above, below or like chance by their interval', () => {
    expect(standing(FIGURE)).toBe('above');
    expect(standing({ ...FIGURE, chance: 0.9 })).toBe('below');
    expect(standing({ ...FIGURE, chance: 0.41 })).toBe('same');
    expect(standing({ value: 1, chance: 1 })).toBeUndefined();
  });

  it('at axes are round and short', () => {
    expect([0.013, 0.27, 0.73, 1, 41, 0, Number.NaN].map(roundUp)).toEqual([0.015, 0.3, 0.8, 1, 50, 1, 1].map((value) => expect.closeTo(value, 9)));
    expect(['100.0 %', '0.250', '12', '1.0'].map(tick)).toEqual(['100 %', '0.250', '12', '1']);
  });
});
