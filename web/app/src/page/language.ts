// The tab Language: where a text begins, the text with its views, and the knobs.

import { h, pathsView } from 'moescope/views';
import type { Handler, ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import { compose } from './compose.js';
import { inspector } from './inspector.js';
import { routingPanel } from './routing-panel.js';
import type { Shown } from './shown.js';
import { stage } from './stage.js';

export function language(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement[] {
  return [
    h('div.left', {}, compose(shown), yard(shown)),
    h('div.middle', {}, stage(shown, tokenEvents), inspector(shown)),
    routingPanel(shown),
  ];
}

function yard({ runner, layers, layer, nExperts, inspected, actions }: Shown): ViewElement {
  const onStation = (event: Event): void => {
    const station = event.currentTarget;
    if (station instanceof SVGElement) actions.set({ layer: Number(station.dataset['layer']) });
  };
  return h('figure.yard', {},
    h('figcaption', {}, h('h2', {}, messages.paths.heading), h('p.note', {}, messages.paths.help)),
    pathsView({ records: runner.records, layers, nExperts, layer, token: inspected, onStation }, messages.views));
}
