// Loss of a text under the routing as it is, beside its loss under the routing that the model was trained with.
// The difference has a diverging colour with zero in the middle, and a word, because colour is never alone.

import { h } from './element.js';
import type { ViewElement } from './element.js';
import { fixed, signed } from './numbers.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

/** Loss in nats per token, and in bits per byte of text. */
export interface Losses {
  readonly loss: number;
  /** Where the loss is that of a text. */
  readonly bitsPerByte?: number;
}

export interface GaugeData {
  readonly now: Losses | undefined;
  readonly trained: Losses | undefined;
  /** What is going on, when the numbers are not final. */
  readonly note: string | undefined;
}

/** A difference of this many nats per token fills half the gauge. */
const FULL_SCALE = 1.5;
/** Smaller differences are called none: they do not show in two digits. */
const SAME = 0.005;

export type Trend = 'same' | 'worse' | 'better';

export function trend(now: Losses, trained: Losses): Trend {
  const difference = now.loss - trained.loss;
  if (Math.abs(difference) < SAME) return 'same';
  return difference > 0 ? 'worse' : 'better';
}

export function gaugeView({ now, trained, note }: GaugeData, words: ViewWords = ENGLISH): ViewElement {
  const both = now !== undefined && trained !== undefined;
  const direction = both ? trend(now, trained) : 'same';
  const difference = both ? now.loss - trained.loss : 0;
  const reach = Math.min(1, Math.sqrt(Math.abs(difference) / FULL_SCALE)) * 50;
  return h('div', {
    attrs: {
      class: `gauge ${direction}${note === undefined ? '' : ' pending'}`,
      role: 'group',
      'aria-label': words.gauge.label,
      'data-now': now?.loss.toFixed(4),
      'data-trained': trained?.loss.toFixed(4),
    },
  },
  h('div.scale', { attrs: { 'aria-hidden': 'true' } },
    h('span.reach', { style: { width: `${reach.toFixed(1)}%`, left: `${(difference < 0 ? 50 - reach : 50).toFixed(1)}%` } }),
    h('span.zero')),
  h('dl', {},
    losses(words.gauge.now, now, words),
    losses(words.gauge.trained, trained, words)),
  h('p.difference', {}, both
    ? [h('strong', {}, direction === 'same' ? '±0.00' : signed(difference)), ` ${words.gauge[direction]}`]
    : '\u00a0'),
  h('p.note', { attrs: { role: 'status' } }, note ?? '\u00a0'));
}

function losses(label: string, value: Losses | undefined, words: ViewWords): ViewElement {
  return h('div', {},
    h('dt', {}, label),
    h('dd', {},
      h('span.big', {}, value === undefined ? '–' : fixed(value.loss)),
      h('span.unit', {}, words.gauge.nats),
      // Nothing jumps when the numbers of a text arrive; those of an image have no bytes.
      (value === undefined || value.bitsPerByte !== undefined) && [
        h('span.small', {}, fixed(value?.bitsPerByte ?? Number.NaN)), h('span.unit', {}, words.gauge.bits),
      ]));
}
