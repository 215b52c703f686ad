// The text, token by token: each a button, tinted by the expert that it chose first at the shown layer.
// Tint strength is the combine weight; below stands a split underline (length by weight, pattern by expert)
// and the first expert's number, so that colour is never the only channel.

import { tintCss } from './colour.js';
import { choicesAt } from './data.js';
import type { Choice, TokenRecord } from './data.js';
import { h } from './element.js';
import type { Handler, ViewElement } from './element.js';
import { fixed } from './numbers.js';
import { binOf, placeOn, rampCss } from './tint.js';
import type { Scale } from './tint.js';
import { spokenText, visibleText } from './token-text.js';
import type { Pieces } from './token-text.js';
import { weightBar } from './weight-bar.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

/** The tokens in sight of a long text: what changes of the others may be drawn a little later, which `later` asks for. */
export interface Sight {
  readonly from: number;
  readonly to: number;
  readonly later: () => void;
}

export interface TokenViewData {
  readonly records: readonly TokenRecord[];
  readonly layer: number;
  /** Index of the chosen token. */
  readonly pinned: number | undefined;
  /** Index of the token that the keyboard reaches with Tab. */
  readonly focusable: number | undefined;
  /** Before which token the routing changed, and how, in few words. */
  readonly changes: ReadonlyMap<number, string>;
  /** Tints by a quantity; by the first expert without one. */
  readonly scale?: Scale | undefined;
  /** The step of the legend that is looked for; tokens of other steps step back. */
  readonly bin?: number | undefined;
  /** Tokens that stand out, such as those that changed. */
  readonly marked?: ReadonlySet<number> | undefined;
  /** What is shown of tokens that are pieces of characters. */
  readonly pieces?: Pieces | undefined;
  /** All of them unless given. */
  readonly sight?: Sight | undefined;
  /** On each token; the token's index is in `data-index`. */
  readonly on: Readonly<Record<string, Handler>>;
}

/** Pieces of the bar beyond this many are too thin to see. */
const MAX_PIECES = 8;
/** A word longer than this many tokens may break. */
const MAX_WORD_TOKENS = 12;

/** One element per word, so that lines break between words and not inside them. */
export function tokenView(data: TokenViewData, words: ViewWords = ENGLISH): ViewElement[] {
  return wordsOf(data.records).map((word) => wordElement(word, data, words));
}

interface Cached {
  readonly inputs: string;
  readonly tokens: number;
  readonly on: TokenViewData['on'];
  readonly words: ViewWords;
  readonly pieces: Pieces | undefined;
  readonly element: ViewElement;
}

const cache = new WeakMap<TokenRecord, Cached>();

/** Reuses the element of a word that looks as before: rendering then skips it. */
function wordElement(word: readonly TokenRecord[], data: TokenViewData, words: ViewWords): ViewElement {
  const [first] = word;
  if (first === undefined) return h('span');
  const marks = word.map(({ index }) => [
    index === data.pinned, index === data.focusable, data.changes.get(index), data.scale?.values[index], data.marked?.has(index),
  ]);
  const inputs = JSON.stringify([data.layer, marks, data.scale?.quantity, data.scale?.low, data.scale?.high, data.bin]);
  const before = cache.get(first);
  if (before?.inputs === inputs && before.on === data.on && before.words === words && before.pieces === data.pieces) return before.element;
  if (before?.tokens === word.length && before.on === data.on && isOut(word, data.sight)) {
    data.sight?.later();
    return before.element;
  }
  const element = h('span.word', { key: first.index }, word.map((record) => tokenParts(record, data, words)));
  cache.set(first, { inputs, tokens: word.length, on: data.on, words, pieces: data.pieces, element });
  return element;
}

function isOut(word: readonly TokenRecord[], sight: Sight | undefined): boolean {
  return sight !== undefined && word.every(({ index }) => index < sight.from || index > sight.to);
}

function tokenParts(record: TokenRecord, data: TokenViewData, words: ViewWords): ViewElement[] {
  const parts: ViewElement[] = [];
  const change = data.changes.get(record.index);
  if (change !== undefined) {
    parts.push(h('span.change', { key: `change ${record.index}`, attrs: { title: `${words.routingChange}: ${change}` } }, change));
  }
  const breaks = Array.from({ length: record.token.text.split('\n').length - 1 }, (_, i) => h('br', { key: `break ${record.index} ${i}` }));
  const cell = tokenCell(record, data, words);
  // A token that goes on after its line end stands at the beginning of the new line.
  parts.push(...(/\n[^\S\n]*$/.test(record.token.text) ? [cell, ...breaks] : [...breaks, cell]));
  return parts;
}

/**
 * The button with the text, and what is drawn of the routing around it: so the button stays as it is when another layer is
 * looked at, and the figure, which is said in its name in words, is no part of its label.
 */
function tokenCell(record: TokenRecord, data: TokenViewData, words: ViewWords): ViewElement {
  const choices = choicesAt(record, data.layer);
  const [first] = choices;
  const value = data.scale?.values[record.index];
  return h('span', { key: record.index, style: tintOf(data, value, first), attrs: { class: steppedBack(data, value) ? 'cell back' : 'cell' } },
    tokenButton(record, choices, data, words),
    weightBar(choices.slice(0, MAX_PIECES)),
    h('span.n', { attrs: { 'aria-hidden': 'true' } }, figure(data, value, first)));
}

function tokenButton(record: TokenRecord, choices: readonly Choice[], data: TokenViewData, words: ViewWords): ViewElement {
  const pinned = record.index === data.pinned;
  const state = [pinned && 'pinned', record.token.special && 'special', data.marked?.has(record.index) === true && 'marked'];
  return h('button', {
    on: data.on,
    attrs: {
      type: 'button',
      class: ['token', record.origin, ...state.filter((name) => name !== false)].join(' '),
      title: tokenTitle(record, words),
      tabindex: record.index === data.focusable ? 0 : -1,
      'aria-pressed': pinned ? 'true' : 'false',
      'aria-label': tokenName(record, data.layer, choices, words, data.pieces),
      'data-index': record.index,
      'data-origin': record.origin,
      'data-experts': choices.map((choice) => choice.expert).join(','),
    },
  },
  // Letters in the digits of bytes say nothing of the direction of the text.
  h('span.t', { attrs: { dir: record.token.text === '' ? 'ltr' : undefined } }, visibleText(record.token, data.pieces)));
}

/** Of the cell itself: a variable would be inherited, and every change of it cost the style of all that is inside. */
function tintOf({ scale }: TokenViewData, value: number | undefined, first: Choice | undefined): Readonly<Record<string, string>> {
  if (scale !== undefined) return value === undefined ? {} : { 'background-color': rampCss(placeOn(scale, value)) };
  return first === undefined ? {} : { 'background-color': tintCss(first.expert, first.weight) };
}

/** What stands below a token, so that colour is never alone: its expert's number, or the quantity; its name says the same in words. */
function figure({ scale }: TokenViewData, value: number | undefined, first: Choice | undefined): string {
  if (scale === undefined) return first === undefined ? '·' : String(first.expert);
  return value === undefined ? '·' : scale.quantity === 'count' ? String(value) : fixed(value, 1);
}

function steppedBack({ scale, bin }: TokenViewData, value: number | undefined): boolean {
  return scale !== undefined && bin !== undefined && (value === undefined || binOf(scale, value) !== bin);
}

/** The accessible name: token, layer, and the experts with their weights. */
export function tokenName(
  record: TokenRecord, layer: number, choices: readonly Choice[], words: ViewWords = ENGLISH, pieces?: Pieces,
): string {
  const experts = choices.map(({ expert, weight }) => words.expertWithWeight(expert, fixed(weight)));
  return words.token({
    position: record.index + 1,
    text: spokenText(record.token, pieces),
    generated: record.origin === 'generated',
    layer,
    experts: experts.length === 0 ? words.noExperts : words.list(experts),
  });
}

/** What a mark stands for; other tokens speak for themselves. */
export function tokenTitle({ token }: TokenRecord, words: ViewWords = ENGLISH): string | undefined {
  return token.special ? words.marker(token) : undefined;
}

function wordsOf(records: readonly TokenRecord[]): TokenRecord[][] {
  const found: TokenRecord[][] = [];
  let breakNext = true;
  for (const record of records) {
    const last = found[found.length - 1];
    const starts = breakNext || /^\s/.test(record.token.text) || (last?.length ?? 0) >= MAX_WORD_TOKENS;
    if (starts || last === undefined) found.push([record]);
    else last.push(record);
    breakNext = /\s$/.test(record.token.text);
  }
  return found;
}
