// The knobs: experts per token, strategy, router temperature, a switch for each expert, and what they cost.
// Every control acts at once on the next token; the figures of the trained routing stand beside.

import { badge, expertVar, fixed, gaugeView, h, loadAt, specFor } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { describeEdits } from '../changes.js';
import { messages } from '../messages.js';
import { TEMPERATURE, bannedAt } from '../routing.js';
import type { BanScope } from '../routing.js';
import { sampleLosses } from '../sampler.js';
import { topKOf } from '../spec.js';
import { adaptPanel, contrastPanel } from './decoding.js';
import { ownRouter } from './own-router.js';
import { fieldNumber, isDense } from './shown.js';
import type { Knobs, Shown } from './shown.js';
import { strategyMenu } from './strategy.js';
import { workTable } from './work.js';

/** More experts than this get a plain track instead of one stop each. */
const MAX_STOPS = 16;
/** Drawn while nothing is known yet, so that nothing jumps when the model arrives. */
const PLACEHOLDER = 8;

export function routingPanel(shown: Shown): ViewElement {
  const { ui, actions } = shown;
  const dense = isDense(shown);
  return h('aside.routing', { attrs: { 'aria-label': messages.routing.heading, 'data-open': String(ui.sheet) } },
    h('div.first', {}, !dense && knob(shown), gauge(shown)),
    h('button.handle', {
      on: { click: () => actions.show({ sheet: !ui.sheet }) },
      attrs: { type: 'button', 'aria-expanded': String(ui.sheet), 'aria-controls': 'routing-more' },
    }, ui.sheet ? messages.routing.less : dense ? messages.gauge.heading : messages.routing.open),
    dense ? h('p.more', { attrs: { id: 'routing-more' } }, messages.routing.dense) : h('div.more', { attrs: { id: 'routing-more' } },
      scope(shown), strategyMenu(shown), ownRouter(shown), temperature(shown), switches(shown, (expert) => actions.set({ expert })), adaptPanel(shown), contrastPanel(shown),
      footer(shown, actions.hold)));
}

/** `term` says what top-k counts. */
export function knob(shown: Knobs, term = messages.routing.topKTerm): ViewElement {
  const { model, routing, layer, actions } = shown;
  const nExperts = model?.n_experts ?? PLACEHOLDER;
  const spec = routing === undefined ? undefined : specFor(routing, layer);
  const topK = spec && topKOf(spec);
  const reason = spec === undefined || topK !== undefined ? undefined : messages.strategy.noTopK(spec.select.method);
  const trained = model === undefined ? undefined : topKOf(specFor(model.trained_routing, layer));
  const stops = nExperts <= MAX_STOPS ? nExperts : 0;
  return h('div.knob', { style: { '--stops': String(nExperts) } },
    h('div.reading', {},
      h('label', { attrs: { for: 'top-k' } }, messages.routing.topK),
      h('output', { attrs: { for: 'top-k', class: topK === undefined ? 'none' : undefined } }, topK === undefined ? '–' : String(topK)),
      h('span.of', {}, messages.routing.ofExperts(nExperts)),
      h('span.term', {}, term)),
    h('div.dial', {},
      h('div.stops', { attrs: { 'aria-hidden': 'true' } }, Array.from({ length: stops }, (_, i) => h('i', {
        attrs: { class: [i < (topK ?? 0) ? 'on' : '', i + 1 === trained ? 'trained' : ''].join(' ').trim() },
      }))),
      h('input', {
        value: String(topK ?? 1),
        on: { input: (event) => actions.topK(fieldNumber(event) ?? 1) },
        attrs: {
          id: 'top-k', type: 'range', min: 1, max: nExperts, step: 1, disabled: model === undefined || reason !== undefined,
          class: stops === 0 ? 'plain' : 'over', title: reason, 'aria-describedby': reason === undefined ? undefined : 'top-k-reason',
        },
      })),
    h('p.note', { attrs: { id: 'top-k-reason', hidden: reason === undefined } }, reason ?? ''));
}

function gauge(shown: Shown): ViewElement {
  const { gauge: data } = shown;
  return h('div.cost', {},
    h('h2', { attrs: { title: messages.gauge.help } }, messages.gauge.heading), gaugeView(data, messages.views), sampleLine(shown), workTable(shown.works, 'token'));
}

/** The same texts for every routing, so that figures of different prompts can be compared. */
function sampleLine({ sample, engine }: Shown): ViewElement {
  const losses = sampleLosses(sample.readings);
  const words = messages.sample;
  const note = sample.failed !== undefined ? words.failed(sample.failed.message) : sample.left > 0 ? words.reading(sample.left) : engine.opened === undefined ? words.none : undefined;
  return h('p.sample', { attrs: { title: words.help, 'data-now': losses?.now.loss.toFixed(4), 'data-trained': losses?.trained.loss.toFixed(4), 'data-left': sample.left } },
    h('strong', {}, words.heading), ' ',
    losses !== undefined && h('span.num', {}, words.line(fixed(losses.now.loss), fixed(losses.trained.loss))),
    note !== undefined && h('span.note', {}, losses === undefined ? note : ` (${note})`));
}

/** The slider is logarithmic: its middle is 1. */
export function temperature({ model, routing, layer, actions }: Knobs): ViewElement {
  const value = routing === undefined ? 1 : specFor(routing, layer).adjust.temperature;
  const [low, high] = [Math.log10(TEMPERATURE.min), Math.log10(TEMPERATURE.max)];
  return h('div.control', {},
    h('label', { attrs: { for: 'router-temperature' } }, messages.routing.temperature),
    h('output.num', { attrs: { for: 'router-temperature' } }, value.toFixed(2)),
    h('input', {
      value: Math.log10(value).toFixed(3),
      on: { input: (event) => actions.temperature(rounded(10 ** (fieldNumber(event) ?? 0))) },
      attrs: {
        id: 'router-temperature', type: 'range', min: low, max: high, step: 0.05, disabled: model === undefined,
        'aria-valuetext': value.toFixed(2),
      },
    }),
    h('p.note', {}, messages.routing.temperatureHelp));
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** `about` opens what there is to know of one expert. */
export function switches(shown: Knobs, about?: (expert: number) => void): ViewElement {
  const { nExperts, state, layer, runner, model, ui } = shown;
  const banned = new Set(bannedAt(state.routing, layer));
  const loads = loadAt(runner.records, layer, model?.n_experts ?? nExperts);
  const count = model?.n_experts ?? PLACEHOLDER;
  const topK = shown.routing === undefined ? undefined : topKOf(specFor(shown.routing, layer));
  const taken = topK ?? loads.reduce((sum, load) => sum + load, 0);
  const even = Math.min(1, taken / Math.max(1, count));
  return h('div.experts', {},
    h('h2', {}, messages.routing.experts),
    h('ul', { attrs: { class: count > 16 ? 'many' : '' } }, Array.from({ length: count }, (_, expert) =>
      expertRow(shown, expert, { banned: banned.has(expert), load: loads[expert] ?? 0, even }, about))),
    h('p.error', { attrs: { role: 'alert', hidden: ui.switchError === undefined } }, ui.switchError?.() ?? ''),
    h('p.note', {}, topK !== undefined && topK > count - banned.size && model !== undefined
      ? messages.routing.fewer(count - banned.size, topK) : messages.routing.expertsHelp));
}

function expertRow({ actions, model }: Knobs, expert: number, row: { banned: boolean; load: number; even: number }, about?: (expert: number) => void): ViewElement {
  const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
  const name = messages.views.expert(expert);
  return h('li.line', { key: expert },
    h('button.expert', {
      on: { click: () => actions.ban(expert, !row.banned) },
      style: { '--c': expertVar(expert) },
      attrs: {
        type: 'button', role: 'switch', 'aria-checked': String(!row.banned), 'aria-label': name, disabled: model === undefined,
        title: messages.routing.load(expert, percent(row.load), percent(row.even)), 'data-load': row.load.toFixed(4),
      },
    },
    badge(expert, !row.banned, row.banned),
    h('span.load', { attrs: { 'aria-hidden': 'true' } },
      h('span.bar', { style: { width: percent(Math.min(1, row.load)) } }),
      h('span.even', { style: { left: percent(row.even) } })),
    h('span.share.num', { attrs: { 'aria-hidden': 'true' } }, `${Math.round(row.load * 100)} %`),
    h('span.toggle', { attrs: { 'aria-hidden': 'true' } })),
    about !== undefined && h('button.about-expert', {
      on: { click: () => about(expert) },
      attrs: { type: 'button', 'aria-label': messages.expert.open(expert), title: messages.expert.open(expert) },
    }, '›'));
}

export function scope({ state, actions, model }: Knobs): ViewElement {
  const choice = (value: BanScope, label: string): ViewElement => h('label', { key: value },
    h('input', {
      checked: state.scope === value,
      on: { change: () => actions.set({ scope: value }) },
      attrs: { type: 'radio', name: 'scope', value, disabled: model === undefined },
    }), h('span', {}, label));
  return h('fieldset.segmented', {}, h('legend', {}, messages.routing.scope),
    choice('all', messages.routing.all), choice('layer', messages.routing.here));
}

/** `hold` keeps the routing as the other side of a comparison. */
export function footer({ state, actions, canUndo, engine, runner }: Knobs, hold?: () => void): ViewElement {
  const changed = describeEdits(state.routing);
  const recordedOnly = changed !== '' && engine.opened === undefined && runner.records.length > 0;
  return h('div.foot', {},
    h('p', { attrs: { class: 'summary', role: 'status' } }, changed === '' ? messages.routing.asTrained : messages.routing.changed(changed)),
    h('p.note', { attrs: { hidden: !recordedOnly } }, messages.routing.recorded),
    h('div.buttons', {},
      h('button.pill', { on: { click: actions.resetRouting }, attrs: { type: 'button', disabled: changed === '' } }, messages.routing.reset),
      hold !== undefined && h('button.pill', { on: { click: hold }, attrs: { type: 'button', title: messages.compare.startHelp } }, messages.compare.start),
      h('button.pill', { on: { click: actions.undo }, attrs: { type: 'button', disabled: !canUndo, title: messages.routing.undoKeys } }, messages.routing.undo)));
}
