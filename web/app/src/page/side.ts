// What stands beside the text: the yard, in which tokens run from expert to expert, or the load of every expert.

import { flowTable, h, kept, loadTable, loadView, pathsView } from 'moescope/views';
import type { OnPlace, ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import { SIDES } from '../state.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';

const keptOpen = kept<OnPlace>();
const keptDrawing = kept<ViewElement>();

export function side(shown: Shown): ViewElement {
  const { runner, layers, layer, nExperts, inspected, state, actions } = shown;
  const open = keptOpen([actions], () => (at, expert) => actions.set({ layer: at, expert }));
  const yard = state.side === 'yard';
  const { records } = runner;
  return h('figure.yard', {},
    h('figcaption', {},
      h('div.head', {}, choice(shown), keepMenu('side', messages.side[state.side], () => (yard ? flowTable : loadTable)(records, layers, nExperts))),
      h('p.note', {}, yard ? messages.paths.help : messages.side.loadHelp)),
    h('div', { attrs: { id: 'side' } }, keptDrawing([records, records.length, layer, nExperts, yard && inspected, open, messages.views, yard], () => (yard
      ? pathsView({ records, layers, nExperts, layer, token: inspected, onStation: open }, messages.views)
      : loadView({ records, layers, nExperts, layer, onBar: open }, messages.views)))));
}

function choice({ state, actions }: Shown): ViewElement {
  return h('fieldset.segmented', { attrs: { 'aria-label': messages.side.label } }, SIDES.map((name) => h('label', { key: name },
    h('input', { checked: state.side === name, on: { change: () => actions.set({ side: name }) }, attrs: { type: 'radio', name: 'side', value: name } }),
    h('span', {}, messages.side[name]))));
}
