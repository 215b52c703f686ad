// What tokens are tinted by, and the legend of the ramp, which is also a filter.

import { BINS, fixed, h, rampCss } from 'moescope/views';
import type { Scale, ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import { TINTS } from '../state.js';
import type { TintName } from '../state.js';
import { fieldText, isDense } from './shown.js';
import type { Shown } from './shown.js';

/** A model without experts has the loss to tint by, and nothing else. */
export function tintOf(shown: Pick<Shown, 'model' | 'state'>): TintName {
  return isDense(shown) ? 'loss' : shown.state.tint;
}

export function tintLine(shown: Shown, scale: Scale | undefined): ViewElement {
  const { actions } = shown;
  const tint = tintOf(shown);
  return h('div.tint', {},
    h('label', { attrs: { for: 'tint' } }, messages.tint.label),
    h('select.theme', {
      value: tint,
      on: {
        change: (event) => {
          actions.show({ bin: undefined });
          actions.set({ tint: TINTS.find((name) => name === fieldText(event)) ?? 'expert' });
        },
      },
      attrs: { id: 'tint' },
    }, TINTS.filter((name) => !isDense(shown) || name === tint).map((name) => h('option', { key: name, attrs: { value: name } }, messages.tint.by[name]))),
    scale === undefined ? h('span.note', { key: 'note' }, messages.run.legend) : legend(shown, scale));
}

function legend({ ui, actions }: Shown, scale: Scale): ViewElement {
  const unknown = scale.values.every((value) => value === undefined);
  if (unknown) return h('span.note', { key: 'note', attrs: { role: 'status' } }, messages.tint.unknown);
  const edge = (step: number): string => fixed(scale.low + ((scale.high - scale.low) * step) / BINS, scale.quantity === 'count' ? 1 : 2);
  return h('div.ramp', { key: 'ramp', attrs: { role: 'group', 'aria-label': messages.tint.legend } },
    h('span.num', {}, edge(0)),
    Array.from({ length: BINS }, (_, bin) => h('button', {
      on: { click: () => actions.show({ bin: ui.bin === bin ? undefined : bin }) },
      style: { '--q': rampCss((bin + 0.5) / BINS) },
      attrs: { type: 'button', 'aria-pressed': String(ui.bin === bin), 'aria-label': messages.tint.only(edge(bin), edge(bin + 1)), title: messages.tint.only(edge(bin), edge(bin + 1)) },
    })),
    h('span.num', {}, edge(BINS)),
    h('span.note', {}, messages.tint.help[scale.quantity]));
}
