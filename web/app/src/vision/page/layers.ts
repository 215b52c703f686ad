// The picture once for each MoE layer, side by side, each patch under the mark of what happened to it there.

import { droppedAt, choicesAt, h, patchView } from 'moescope/views';
import type { TokenRecord, ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import type { VisionShown } from '../shown.js';
import { TINTS } from '../state.js';
import type { Tint } from '../state.js';


export function layers(shown: VisionShown): ViewElement {
  const { state, records, info } = shown;
  return h('section.eyes', { attrs: { 'aria-labelledby': 'layers-heading' } },
    h('div.head', {}, h('h2', { attrs: { id: 'layers-heading' } }, messages.vision.layers.heading), tints(shown)),
    records.length === 0
      ? h('p.empty', { key: 'empty' }, messages.vision.layers.empty(state.model))
      : h('div.panels', { key: 'panels' }, shown.layers.map((layer) => panel(shown, layer))),
    h('p.legend.note', { key: 'legend' }, info === undefined ? '' : legendOf(state.tint), state.tint === 'entropy' && ramp()));
}

function legendOf(tint: Tint): string {
  const { layers: words } = messages.vision;
  return { experts: words.legendExperts, entropy: words.legendEntropy, none: words.legendNone }[tint];
}

function tints({ state, actions }: VisionShown): ViewElement {
  return h('fieldset.segmented', {}, h('legend', {}, messages.vision.layers.tint), TINTS.map((tint) => h('label', { key: tint },
    h('input', {
      checked: tint === state.tint,
      on: { change: () => actions.set({ tint }) },
      attrs: { type: 'radio', name: 'patch-tint', value: tint },
    }), h('span', {}, messages.vision.layers[tint]))));
}

function panel(shown: VisionShown, layer: number): ViewElement {
  const { records, columns, state, ui, actions, patchEvents, info } = shown;
  const here = layer === shown.layer;
  const side = info?.image_size ?? 32;
  return h('figure', { key: layer, attrs: { class: here ? 'panel here' : 'panel', 'data-layer': layer } },
    h('div.stack', {},
      h('canvas.pixels', { attrs: { 'aria-hidden': 'true', width: side, height: side } }),
      patchView({
        records, columns, layer, tint: state.tint, pinned: state.patch, looked: ui.hover?.patch,
        focusable: Math.min(records.length - 1, ui.cursor ?? state.patch ?? 0), on: patchEvents,
      }, messages.views)),
    h('figcaption', {},
      h('button.link', {
        on: { click: () => actions.set({ layer }) },
        attrs: { type: 'button', 'aria-label': messages.vision.layers.choose(layer), 'aria-pressed': String(here) },
      }, messages.vision.layers.layer(layer)),
      h('span.note', {}, lost(records, layer))));
}

function lost(records: readonly TokenRecord[], layer: number): string {
  const dropped = records.reduce((sum, record) => sum + droppedAt(record, layer), 0);
  const kept = records.reduce((sum, record) => sum + choicesAt(record, layer).length, 0);
  return dropped === 0 ? messages.vision.layers.noneDropped : messages.vision.layers.dropped(dropped, `${((100 * dropped) / (dropped + kept)).toFixed(0)} %`);
}

function ramp(): ViewElement {
  return h('span.ramp', { attrs: { 'aria-hidden': 'true' } }, h('span', {}, '0'), h('i'), h('span', {}, '100'));
}
