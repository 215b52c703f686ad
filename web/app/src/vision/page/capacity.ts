// The capacity of an expert: how many patches it takes, who comes first, and how many are turned away.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import { fieldNumber } from '../../page/shown.js';
import { CAPACITY } from '../../routing.js';
import type { LimitEdit } from '../../routing.js';
import { topKOf } from '../../spec.js';
import type { VisionShown } from '../shown.js';

const BEGIN: LimitEdit = { factor: 1, priority: 'order' };

export function capacity(shown: VisionShown): ViewElement {
  const { state: { routing: { limit: own } }, info, actions } = shown;
  const limit = limitNow(shown);
  const given = own === undefined && limit !== undefined;
  return h('div.capacity', {},
    h('div.switch', {}, h('h2', {}, messages.vision.capacity.heading), h('label', {},
      h('input', {
        checked: limit !== undefined,
        on: { change: () => actions.limit(limit === undefined ? BEGIN : undefined) },
        attrs: { type: 'checkbox', disabled: info === undefined || given, title: given ? messages.vision.capacity.given : undefined },
      }), messages.vision.capacity.on)),
    slider(shown, limit),
    h('fieldset.segmented', {}, h('legend', {}, messages.vision.capacity.first), (['order', 'batch_priority'] as const).map((priority) => h('label', { key: priority },
      h('input', {
        checked: (limit ?? BEGIN).priority === priority,
        on: { change: () => limit !== undefined && actions.limit({ ...limit, priority }) },
        attrs: { type: 'radio', name: 'priority', value: priority, disabled: limit === undefined },
      }), h('span', {}, messages.vision.capacity[priority])))),
    h('p.note', {}, limit === undefined ? messages.vision.capacity.help : messages.vision.capacity.priorityHelp),
    given && h('p.note', { key: 'given' }, messages.vision.capacity.given));
}

/** The visitor's own limit, or the one that the routing comes with; undefined where experts take whatever is given to them. */
export function limitNow({ state, routing }: Pick<VisionShown, 'state' | 'routing'>): LimitEdit | undefined {
  const { capacity_factor: factor, priority } = routing?.default.limit ?? {};
  if (state.routing.limit !== undefined || factor === undefined || factor === null) return state.routing.limit;
  // The engine keeps it in 32 bits.
  return { factor: Number(factor.toPrecision(6)), priority: priority === 'batch_priority' ? priority : 'order' };
}

function slider({ info, routing, actions, records }: VisionShown, limit: LimitEdit | undefined): ViewElement {
  const { factor } = limit ?? BEGIN;
  // As the engine reckons it: the even share times the factor, rounded up.
  const topK = (routing && topKOf(routing.default)) ?? info?.top_k ?? 1;
  const places = Math.ceil((factor * records.length * topK) / Math.max(1, info?.n_experts ?? 1));
  const text = limit === undefined || records.length === 0 ? messages.vision.capacity.off : messages.vision.capacity.value(String(factor), places);
  return h('div.control', {},
    h('label', { attrs: { for: 'capacity' } }, messages.vision.capacity.label),
    h('output.num', { attrs: { for: 'capacity' } }, limit === undefined ? '–' : `${factor} ×`),
    h('input', {
      value: String(factor),
      on: { input: (event) => actions.limit({ ...(limit ?? BEGIN), factor: fieldNumber(event) ?? 1 }) },
      attrs: { id: 'capacity', type: 'range', ...CAPACITY, disabled: limit === undefined, 'aria-valuetext': text },
    }),
    h('p.note', {}, text));
}
