// One patch's router, with the views that show a token's.

import { decisionAt, h, routerTable, stageList } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import type { VisionShown } from '../shown.js';

export function inspector(shown: VisionShown): ViewElement {
  const { inspected, columns, actions, layers, state } = shown;
  const decision = inspected && decisionAt(inspected.record, inspected.layer);
  const at = layers.indexOf(shown.layer);
  return h('section.inspector', {
    attrs: { 'aria-label': messages.vision.inspector.heading, 'data-patch': inspected?.record.index, 'data-layer': inspected?.layer, 'data-pinned': state.patch },
  },
  h('div.head', {},
    h('h2', {}, messages.vision.inspector.heading),
    inspected !== undefined && h('p.which', {}, h('code', {}, messages.vision.inspector.where(
      Math.floor(inspected.record.index / columns) + 1, (inspected.record.index % columns) + 1, inspected.layer))),
    h('span.actions', {},
      step(() => actions.walkLayer(-1), '↑', messages.vision.inspector.previous, at <= 0),
      step(() => actions.walkLayer(1), '↓', messages.vision.inspector.next, at < 0 || at >= layers.length - 1),
      h('button.pill', {
        on: { click: () => actions.set({ patch: undefined }) },
        attrs: { type: 'button', disabled: state.patch === undefined },
      }, messages.vision.inspector.release))),
  decision === undefined
    ? h('p.note', { key: 'none' }, messages.vision.inspector.none)
    : h('div.body', { key: 'body' }, stageList(decision, messages.views), h('div.scroller', {}, routerTable(decision, messages.views))));
}

function step(click: () => void, text: string, label: string, disabled: boolean): ViewElement {
  return h('button.icon', { on: { click }, attrs: { type: 'button', 'aria-label': label, title: label, disabled } }, text);
}
