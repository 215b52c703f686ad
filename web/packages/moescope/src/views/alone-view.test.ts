import { describe, expect, it } from 'vitest';

import type { ExpertAnswer } from '../generated/engine.js';
import { aloneTable, predictionBars, unitBars } from './alone-view.js';
import { findAll, textOf } from './element.js';
import type { ViewElement } from './element.js';
import { toCsv } from './tables.js';
import { CHINESE } from './words-zh.js';
import { ENGLISH } from './words.js';

const token = (id: number, text: string) => ({ id, text, special: false });
const ANSWER: ExpertAnswer = {
  token: token(1, ' a'), weight: 0.5, total_weight: 1, shared: false, cosine: 0.5, relative_norm: 2, divergence: 0.25, n_units: 64,
  predictions: [{ token: token(2, ' fox'), mixture: 0.5, alone: 0.2 }, { token: token(3, '\n'), mixture: 0.125, alone: 0.4 }],
  units: [
    { unit: 40, activation: -1.5, strength: 2, up: [token(2, ' fox')], down: [token(3, '\n'), token(4, '')] },
    { unit: 7, activation: 0.5, strength: 0.5, up: [], down: [] },
  ],
};

const bars = (view: ViewElement): ViewElement[] => findAll(view, (element) => element.props.attrs?.['class'] === 'bar');
const rows = (view: ViewElement): string[] => findAll(view, (element) => element.tag === 'tr').map(textOf);

describe('what would come next', () => {
  it('stands as text in a row for each token, whose head it is', () => {
    const view = predictionBars(ANSWER);
    expect(rows(view)).toEqual(['Next tokenAs routedExpert alone', '␣fox50.0 %20.0 %', '⏎12.5 %40.0 %']);
    const heads = findAll(view, (element) => element.props.attrs?.['scope'] === 'row');
    expect(heads.map(textOf)).toEqual(['␣fox', '⏎']);
  });

  it('is drawn on one scale, where the largest of all is full', () => {
    expect(bars(predictionBars(ANSWER)).map((bar) => bar.props.style?.['width'])).toEqual(['100.00%', '40.00%', '25.00%', '80.00%']);
  });

  it('says so in Chinese', () => {
    expect(rows(predictionBars(ANSWER, CHINESE))[0]).toBe('下一个词元按路由只用该专家');
  });
});

describe('hidden units', () => {
  it('have bars to the left for an activation below zero and to the right above, as long as what they add', () => {
    expect(bars(unitBars(ANSWER)).map((bar) => [bar.props.attrs?.['data-sign'], bar.props.style])).toEqual([
      ['below', { width: '50.00%', left: '0.00%' }], ['above', { width: '12.50%', left: '50.00%' }],
    ]);
  });

  it('give index, activation and tokens as text', () => {
    expect(rows(unitBars(ANSWER)).slice(1)).toEqual(['40−1.50␣fox⏎▯', '70.50']);
    const pieces = new Map([[4, 'E4 B8']]);
    expect(rows(unitBars(ANSWER, ENGLISH, pieces))[1]).toBe('40−1.50␣fox⏎⟨E4 B8⟩');
    expect(toCsv(aloneTable(ANSWER, pieces))).toContain('⟨E4 B8⟩');
  });

  it('that add nothing are drawn without a bar', () => {
    const silent = { ...ANSWER, units: [{ unit: 0, activation: 0, strength: 0, up: [], down: [] }] };
    expect(bars(unitBars(silent)).map((bar) => bar.props.style?.['width'])).toEqual(['0.00%']);
  });
});

it('the data holds every prediction and every unit', () => {
  const csv = toCsv(aloneTable(ANSWER)).split('\r\n');
  expect(csv[0]).toBe('kind,token_id,text,mixture,alone,unit,activation,strength,up,down');
  expect(csv[1]).toBe('token,2, fox,0.5,0.2,,,,,');
  expect(csv.at(-3)).toBe('unit,,,,,40,-1.5,2,"["" fox""]","[""\\n"",""""]"');
  expect(csv).toHaveLength(6);
});
