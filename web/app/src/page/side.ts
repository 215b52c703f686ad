// What stands beside the text: the yard, in which tokens run from expert to expert, or the load of every expert.

import { flowTable, h, loadTable, loadView, pathsView } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import { SIDES } from '../state.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';

export function side(shown: Shown): ViewElement {
  const { runner, layers, layer, nExperts, inspected, state, actions } = shown;
  const open = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof SVGElement) actions.set({ layer: Number(currentTarget.dataset['layer']), expert: Number(currentTarget.dataset['expert']) });
  };
  const yard = state.side === 'yard';
  const { records } = runner;
  return h('figure.yard', {},
    h('figcaption', {},
      h('div.head', {}, choice(shown), keepMenu('side', messages.side[state.side], () => (yard ? flowTable : loadTable)(records, layers, nExperts))),
      h('p.note', {}, yard ? messages.paths.help : messages.side.loadHelp)),
    h('div', { attrs: { id: 'side' } }, unlessSame([records, records.length, layer, nExperts, yard && inspected, actions, messages.views, yard], () => (yard
      ? pathsView({ records, layers, nExperts, layer, token: inspected, onStation: open }, messages.views)
      : loadView({ records, layers, nExperts, layer, onBar: open }, messages.views)))));
}

let last: { readonly inputs: readonly unknown[]; readonly element: ViewElement } | undefined;

/** The former drawing where nothing changed: a large one takes a tenth of a second, and the same element is not drawn again. */
function unlessSame(inputs: readonly unknown[], make: () => ViewElement): ViewElement {
  if (last === undefined || !last.inputs.every((input, n) => input === inputs[n])) last = { inputs, element: make() };
  return last.element;
}

function choice({ state, actions }: Shown): ViewElement {
  return h('fieldset.segmented', { attrs: { 'aria-label': messages.side.label } }, SIDES.map((name) => h('label', { key: name },
    h('input', { checked: state.side === name, on: { change: () => actions.set({ side: name }) }, attrs: { type: 'radio', name: 'side', value: name } }),
    h('span', {}, messages.side[name]))));
}
