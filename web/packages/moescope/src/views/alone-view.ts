// What one expert does to one token: next tokens with the mixture and with the expert alone, side by side, and its strongest
// hidden units with the tokens that they push. Tables with bars in their cells, so that every figure is text as well.

import type { ExpertAnswer, HiddenUnit, Prediction, Token } from '../generated/engine.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';
import { fixed } from './numbers.js';
import { real } from './tables.js';
import type { Table } from './tables.js';
import { NO_PIECES, signedText, spokenText } from './token-text.js';
import type { Pieces } from './token-text.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

/** The likeliest next tokens, each with its probability in both cases. */
export function predictionBars({ predictions }: ExpertAnswer, { alone: words }: ViewWords = ENGLISH, pieces = NO_PIECES): ViewElement {
  // Bars are compared with each other, so that the longest of all is full.
  const most = Math.max(...predictions.flatMap(({ mixture, alone }) => [mixture, alone]));
  return h('table.predictions', {},
    h('caption', {}, words.predictions),
    head([words.token, words.mixture, words.only]),
    h('tbody', {}, predictions.map((prediction) => predictionRow(prediction, most, pieces))));
}

function predictionRow({ token, mixture, alone }: Prediction, most: number, pieces: Pieces): ViewElement {
  const cell = (kind: string, share: number): ViewElement => h('td', { attrs: { class: kind, 'data-share': share.toFixed(5) } },
    h('span.track', { attrs: { 'aria-hidden': 'true' } }, h('span.bar', { style: { width: percent(share / most) } })),
    h('span.num', {}, `${(share * 100).toFixed(1)} %`));
  return h('tr', { key: token.id },
    h('th', { attrs: { scope: 'row' } }, h('code', {}, signedText(token, pieces))), cell('mixture', mixture), cell('only', alone));
}

/** Each unit with what it adds, to the right of the middle where its activation is above zero and to the left below. */
export function unitBars({ units }: ExpertAnswer, { alone: words }: ViewWords = ENGLISH, pieces = NO_PIECES): ViewElement {
  const most = Math.max(...units.map(({ strength }) => strength));
  return h('table.units', {},
    h('caption', {}, words.units),
    head([words.unit, words.activation, words.up, words.down]),
    h('tbody', {}, units.map((unit) => unitRow(unit, most, words, pieces))));
}

function unitRow({ unit, activation, strength, up, down }: HiddenUnit, most: number, words: ViewWords['alone'], pieces: Pieces): ViewElement {
  const half = most === 0 ? 0 : strength / most / 2;
  const tokens = (kind: 'up' | 'down', all: readonly Token[]): ViewElement => h('td', { attrs: { class: kind, 'data-label': words[kind] } },
    all.map((token) => h('code', { key: token.id }, signedText(token, pieces))));
  return h('tr', { key: unit, attrs: { 'data-unit': unit } },
    h('th', { attrs: { scope: 'row' } }, unit),
    h('td.activation', { attrs: { 'data-activation': activation.toFixed(5) } },
      h('span.track', { attrs: { 'aria-hidden': 'true' } },
        h('span.bar', { attrs: { 'data-sign': activation < 0 ? 'below' : 'above' }, style: { width: percent(half), left: percent(activation < 0 ? 0.5 - half : 0.5) } })),
      h('span.num', {}, fixed(activation))),
    tokens('up', up), tokens('down', down));
}

/** One line for each next token and each hidden unit. */
export function aloneTable({ predictions, units }: ExpertAnswer, pieces = NO_PIECES): Table {
  const texts = (tokens: readonly Token[]): string => JSON.stringify(tokens.map((token) => spokenText(token, pieces)));
  return {
    columns: ['kind', 'token_id', 'text', 'mixture', 'alone', 'unit', 'activation', 'strength', 'up', 'down'],
    rows: [
      ...predictions.map(({ token, mixture, alone }) => ['token', token.id, spokenText(token, pieces), real(mixture), real(alone), null, null, null, null, null]),
      ...units.map(({ unit, activation, strength, up, down }) => [
        'unit', null, null, null, null, unit, real(activation), real(strength), texts(up), texts(down),
      ]),
    ],
  };
}

function head(names: readonly string[]): ViewElement {
  return h('thead', {}, h('tr', {}, names.map((name) => h('th', { attrs: { scope: 'col' } }, name))));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
