// The text and what is seen at a glance: how it came about, its tokens, the shown layer, the grid of all layers.

import type { ModelRouting } from 'moescope';
import { choiceTable, h, scaleOf, tokenView } from 'moescope/views';
import type { Handler, Scale, TokenRecord, ViewElement } from 'moescope/views';

import { describeChange } from '../changes.js';
import { messages } from '../messages.js';
import { sameRouting } from '../spec.js';
import { keepMenu } from './keep.js';
import { fieldNumber, isDense } from './shown.js';
import type { Shown } from './shown.js';
import { tintLine, tintOf } from './tint.js';

export function stage(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement {
  const { runner, layer, nExperts, state, ui } = shown;
  const last = runner.records.length - 1;
  const scale = scaleFor(shown);
  const cursor = ui.cursor ?? state.token ?? Math.max(0, last);
  return h('section.stage', { attrs: { 'aria-label': messages.run.label } },
    h('div.strip', {}, runLine(shown), keepMenu('text', messages.keep.text, () => choiceTable(runner.records, shown.layers))),
    tintLine(shown, scale),
    h('div.text', {
      attrs: {
        id: 'text', role: 'group', dir: 'auto', 'aria-label': messages.run.label, 'aria-busy': String(runner.active),
        'data-status': runner.status, 'data-source': runner.source, 'data-digits': digits(nExperts, scale),
      },
    },
    runner.records.length === 0
      ? h('p.empty', {}, messages.run.empty)
      : tokenView({
        records: runner.records, layer, pinned: pinnedIndex(shown), focusable: Math.min(cursor, last),
        changes: routingChanges(runner.records, shown.model?.trained_routing), on: tokenEvents,
        scale, bin: ui.bin, pieces: shown.pieces, sight: shown.sight,
      }, messages.views),
    h('span', { key: 'caret', attrs: { class: 'caret', hidden: runner.status !== 'running', 'aria-hidden': 'true' } })),
    mixedNotice(shown),
    !isDense(shown) && layerSlider(shown),
    !isDense(shown) && grid(shown));
}

/** The ramp that tokens are tinted by; none while they are tinted by their expert. */
export function scaleFor(shown: Shown): Scale | undefined {
  const { runner, layer, measured } = shown;
  const tint = tintOf(shown);
  return tint === 'expert' ? undefined : scaleOf(runner.records, layer, tint, measured);
}

/** Room that the figure below a token needs: a quantity such as 2.7 takes three. */
function digits(nExperts: number, scale: Scale | undefined): number {
  return scale === undefined || scale.quantity === 'count' ? String(Math.max(0, nExperts - 1)).length : 3;
}

export function pinnedIndex({ state, runner }: Shown): number | undefined {
  return state.token !== undefined && state.token < runner.records.length ? state.token : undefined;
}

function runLine({ runner, engine }: Shown): ViewElement {
  const generated = runner.records.filter((record) => record.origin === 'generated').length;
  const prompt = runner.records.length - generated;
  const source = runner.source === 'recorded' || engine.backend === undefined
    ? messages.run.recorded : messages.run.live(messages.backend[engine.backend.kind]);
  return h('p.run', {},
    runner.records.length > 0 && h('span', { attrs: { class: `source ${runner.source}` } }, source),
    runner.status === 'waiting' && h('span', {}, messages.run.waiting),
    runner.records.length > 0 && h('span', {}, messages.run.count(prompt, generated)),
    runner.tokensPerSecond !== undefined && h('span.num', {}, messages.run.speed(runner.tokensPerSecond.toFixed(1))));
}

/** Tokens before which the routing changed, with the change in few words. */
export function routingChanges(records: readonly TokenRecord[], trained?: ModelRouting): Map<number, string> {
  const changes = new Map<number, string>();
  let before = records[0]?.trace.routing;
  for (const { index, trace } of records) {
    if (before !== undefined && !sameRouting(before, trace.routing)) changes.set(index, describeChange(before, trace.routing, trained));
    before = trace.routing;
  }
  return changes;
}

function mixedNotice(shown: Shown): ViewElement {
  const said = otherwiseWritten(shown);
  return h('p.mixed', { attrs: { role: 'status', 'data-shown': String(said !== undefined) } }, said !== undefined && [
    said, ' ', h('button.link', { on: { click: () => shown.actions.generate() }, attrs: { type: 'button' } }, messages.mixed.rerun),
  ]);
}

/** What of model and routing was another when the shown text was written. */
function otherwiseWritten(shown: Shown): string | undefined {
  const { runner, routing, engine: { opened } } = shown;
  const last = runner.records[runner.records.length - 1];
  if (opened === undefined || last === undefined) return undefined;
  if (!runner.active && runner.model !== opened.info.name) return messages.mixed.byAnother(runner.model);
  const count = routingChanges(runner.records).size + 1;
  if (count > 1) return messages.mixed.notice(count);
  const stale = !runner.active && routing !== undefined && (!sameRouting(last.trace.routing, routing) || byAnotherRouter(shown));
  return stale ? messages.mixed.stale : undefined;
}

/** Whether the visitor's own router decides, and another one did when the text was written. */
function byAnotherRouter({ runner, routing, model }: Shown): boolean {
  const specs = routing === undefined ? [] : [routing.default, ...Object.values(routing.layers)];
  return specs.some(({ select }) => select.method === 'external') && runner.request?.router !== model?.external;
}

function layerSlider({ layers, layer, actions }: Shown): ViewElement {
  const position = Math.max(0, layers.indexOf(layer));
  const last = layers[layers.length - 1] ?? 0;
  return h('div.layer', {},
    h('label', { attrs: { for: 'layer' } }, messages.layer.label),
    h('input', {
      value: String(position),
      on: { input: (event) => actions.set({ layer: layers[fieldNumber(event) ?? 0] }) },
      attrs: {
        id: 'layer', type: 'range', min: 0, max: Math.max(0, layers.length - 1), step: 1, disabled: layers.length < 2,
        'aria-valuetext': messages.layer.value(layer, last),
      },
    }),
    h('output.num', { attrs: { for: 'layer' } }, layers.length === 0 ? '–' : `${layer}`, h('small', {}, ` / ${last}`)));
}

function grid({ runner, layers, actions }: Shown): ViewElement {
  return h('div.layers', {},
    h('div.strip', {}, h('p.note', {}, messages.layer.grid), keepMenu('grid', messages.keep.layers, () => choiceTable(runner.records, layers))),
    h('div.grid', {},
      h('ol.rows', { attrs: { 'aria-hidden': 'true' } }, layers.map((layer) => h('li', {}, `L${layer}`))),
      h('div.scroller', {}, h('div.extent', {}, h('canvas', {
        on: { keydown: actions.keys },
        attrs: { id: 'grid', tabindex: 0, role: 'img', 'aria-label': messages.views.grid(runner.records.length, layers.length) },
      })))));
}
