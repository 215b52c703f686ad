// One token's router: stages with formulas, and a row for every expert with the reason in a sentence.
// Shows the token under the pointer, else the chosen one, else the newest, so that it is never empty beside a text.

import { decisionAt, decisionTable, fixed, h, routerTable, stageList, tokenTitle, visibleText } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import { contrastTable } from './contrast-table.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';
import { pinnedIndex } from './stage.js';

export function inspector(shown: Shown): ViewElement {
  const { inspected, layer, actions, pieces } = shown;
  const decision = inspected === undefined ? undefined : decisionAt(inspected, layer);
  const pinned = pinnedIndex(shown);
  return h('section.inspector', {
    attrs: { 'aria-label': messages.inspector.heading, 'data-token': inspected?.index, 'data-layer': layer, 'data-pinned': pinned },
  },
  h('div.head', {},
    h('h2', {}, messages.inspector.heading),
    inspected !== undefined && h('p.which', {},
      h('code', { attrs: { title: tokenTitle(inspected, messages.views) } }, visibleText(inspected.token, pieces)), messages.inspector.where(inspected.index + 1, layer),
      inspected.logProb !== undefined && h('span.note', {}, ` ${messages.inspector.surprise(fixed(-inspected.logProb))}`)),
    h('span.actions', {},
      step(shown, -1, '←', messages.inspector.previous),
      step(shown, 1, '→', messages.inspector.next),
      h('button.pill', {
        on: { click: () => actions.set({ token: undefined }) },
        attrs: { type: 'button', disabled: pinned === undefined },
      }, messages.inspector.close),
      inspected !== undefined && keepMenu('router', messages.keep.router, () => decisionTable(inspected, layer)))),
  decision === undefined
    ? h('p.note', {}, messages.inspector.none)
    : h('div.body', { attrs: { id: 'router' } }, stageList(decision, messages.views), h('div.scroller', {}, routerTable(decision, messages.views)),
      inspected !== undefined && contrastTable(inspected, pieces)));
}

function step({ runner, inspected, actions }: Shown, by: number, text: string, label: string): ViewElement {
  const target = (inspected?.index ?? -1) + by;
  return h('button.icon', {
    on: { click: () => actions.set({ token: target }) },
    attrs: { type: 'button', 'aria-label': label, title: label, disabled: target < 0 || target >= runner.records.length },
  }, text);
}
