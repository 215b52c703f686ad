// The patches of an image at one MoE layer: each a button over its part of the picture, tinted by the expert that took it
// first, with the expert's number and a split bar of all its experts, as tokens have them; or tinted by a quantity.
// Patches that found their expert full are hatched: all over where nothing was left, in a corner where something was.
// The picture itself is the caller's to put behind.

import { expertVar } from './colour.js';
import { choicesAt } from './data.js';
import type { Choice, TokenRecord } from './data.js';
import { h } from './element.js';
import type { Handler, ViewElement } from './element.js';
import { fixed } from './numbers.js';
import { droppedAt, entropyAt } from './quantities.js';
import { weightBar } from './weight-bar.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

export interface PatchViewData {
  /** One for each patch, row by row. */
  readonly records: readonly TokenRecord[];
  /** Patches in a row. */
  readonly columns: number;
  readonly layer: number;
  readonly tint: 'experts' | 'entropy' | 'none';
  /** Index of the chosen patch. */
  readonly pinned: number | undefined;
  /** Index of the patch that is looked at, here or at another layer. */
  readonly looked: number | undefined;
  /** Index of the patch that the keyboard reaches with Tab. */
  readonly focusable: number;
  /** Patches that stand out, such as those that changed. */
  readonly marked?: ReadonlySet<number> | undefined;
  /** On each patch; `data-index` and `data-layer` say which. */
  readonly on: Readonly<Record<string, Handler>>;
}

/** Pieces of the bar beyond this many are too thin to see. */
const MAX_PIECES = 4;

export function patchView(data: PatchViewData, words: ViewWords = ENGLISH): ViewElement {
  return h('div.patches', {
    style: { '--columns': String(data.columns) },
    attrs: { role: 'group', 'aria-label': words.patches(data.records.length, data.layer), 'data-tint': data.tint },
  }, data.records.map((record) => patch(record, data, words)));
}

function patch(record: TokenRecord, data: PatchViewData, words: ViewWords): ViewElement {
  const { layer, tint, columns } = data;
  const choices = choicesAt(record, layer);
  const dropped = droppedAt(record, layer);
  const [first] = choices;
  const pinned = record.index === data.pinned;
  const state = [pinned && 'pinned', data.marked?.has(record.index) === true && 'marked', record.index === data.looked && 'looked', dropped > 0 && (first === undefined ? 'dropped' : 'partly')];
  return h('button', {
    key: record.index,
    on: data.on,
    style: {
      ...(first === undefined ? {} : { '--c': expertVar(first.expert), '--w': Math.min(1, Math.max(0, first.weight)).toFixed(3) }),
      ...(tint === 'entropy' ? { '--q': (entropyAt(record, layer) ?? 0).toFixed(3) } : {}),
    },
    attrs: {
      type: 'button',
      class: ['patch', ...state.filter((name) => name !== false)].join(' '),
      tabindex: record.index === data.focusable ? 0 : -1,
      'aria-pressed': pinned ? 'true' : 'false',
      'aria-label': patchName(record, layer, columns, words, tint === 'entropy' ? percentEntropy(record, layer) : undefined),
      'data-index': record.index,
      'data-layer': layer,
      'data-experts': choices.map(({ expert }) => expert).join(','),
      'data-dropped': dropped === 0 ? undefined : dropped,
    },
  },
  h('span.n', { attrs: { 'aria-hidden': 'true' } }, label(record, data, first)),
  tint === 'experts' && weightBar(choices.slice(0, MAX_PIECES)));
}

function label(record: TokenRecord, { tint, layer }: PatchViewData, first: Choice | undefined): string {
  if (tint === 'none') return '';
  if (tint === 'entropy') return percentEntropy(record, layer);
  return first === undefined ? '×' : String(first.expert);
}

function percentEntropy(record: TokenRecord, layer: number): string {
  return String(Math.round(100 * (entropyAt(record, layer) ?? 0)));
}

/** The accessible name: place, layer, experts with their weights, how many were full, and what is written on it besides. */
export function patchName(record: TokenRecord, layer: number, columns: number, words: ViewWords = ENGLISH, entropy?: string): string {
  const experts = choicesAt(record, layer).map(({ expert, weight }) => words.expertWithWeight(expert, fixed(weight)));
  return words.patch({
    row: Math.floor(record.index / columns) + 1,
    column: (record.index % columns) + 1,
    layer,
    experts: experts.length === 0 ? words.noExperts : words.list(experts),
    dropped: droppedAt(record, layer),
    entropy,
  });
}
