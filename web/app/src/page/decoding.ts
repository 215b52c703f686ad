// What sits above the router: self-contrast, and offsets adapted to the shown text.

import { fixed, h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import type { AdaptState } from '../adapter.js';
import { CONTRAST, CONTRAST_LIMITS, rankFor } from '../contrast.js';
import type { ContrastSettings } from '../contrast.js';
import { messages } from '../messages.js';
import { short } from '../spec.js';
import { fieldNumber } from './shown.js';
import type { Shown } from './shown.js';

/** More ranks than these are no use to choose from. */
const MAX_RANKS = 16;

export function contrastPanel({ state, model, actions }: Shown): ViewElement {
  const settings = state.contrast;
  return h('div.contrast', {},
    h('h2', {}, messages.decoding.contrast.heading),
    h('button.switch', {
      on: { click: () => actions.set({ contrast: settings === undefined ? CONTRAST : undefined }) },
      attrs: { type: 'button', role: 'switch', 'aria-checked': String(settings !== undefined), 'aria-describedby': 'contrast-help' },
    }, messages.decoding.contrast.toggle, h('span.toggle', { attrs: { 'aria-hidden': 'true' } })),
    h('p.note', { attrs: { id: 'contrast-help' } }, messages.decoding.contrast.help),
    settings !== undefined && weakMenu(settings, model?.n_experts ?? settings.rank + 1, (rank) => actions.set({ contrast: { ...settings, rank } })),
    settings !== undefined && slider('alpha', settings, (alpha) => actions.set({ contrast: { ...settings, alpha } })),
    settings !== undefined && slider('beta', settings, (beta) => actions.set({ contrast: { ...settings, beta } })));
}

function weakMenu({ rank }: ContrastSettings, nExperts: number, set: (rank: number) => void): ViewElement {
  const shown = rankFor(rank, nExperts);
  const ranks = Array.from({ length: Math.max(shown + 1, Math.min(nExperts, MAX_RANKS)) }, (_, place) => place);
  return h('div.control', { key: 'weak' },
    h('label', { attrs: { for: 'contrast-weak' } }, messages.decoding.contrast.weak),
    h('select', {
      value: String(shown),
      on: { change: (event) => set(fieldNumber(event) ?? shown) },
      attrs: { id: 'contrast-weak' },
    }, ranks.map((place) => h('option', { key: place, attrs: { value: String(place) } }, messages.decoding.contrast.rank(place)))));
}

function slider(name: 'alpha' | 'beta', settings: ContrastSettings, set: (value: number) => void): ViewElement {
  const value = settings[name];
  const help = messages.decoding.contrast[`${name}Help`];
  return h('div.control', { key: name },
    h('label', { attrs: { for: `contrast-${name}` } }, messages.decoding.contrast[name]),
    h('output.num', { attrs: { for: `contrast-${name}` } }, short(value)),
    h('input', {
      value: String(value),
      on: { input: (event) => set(fieldNumber(event) ?? value) },
      attrs: { id: `contrast-${name}`, type: 'range', ...CONTRAST_LIMITS[name], step: 0.01, 'aria-valuetext': short(value), title: help },
    }),
    h('p.note', {}, help));
}

export function adaptPanel({ state, engine, runner, adapt, actions }: Shown): ViewElement {
  const possible = engine.opened !== undefined && runner.text !== '';
  const adapted = Object.keys(state.routing.offsets).length > 0;
  const running = adapt.status === 'running';
  return h('div.adapt', { attrs: { 'data-status': adapt.status } },
    h('h2', {}, messages.decoding.adapt.heading),
    h('p.note', {}, messages.decoding.adapt.help),
    h('p', { attrs: { role: 'status' } }, adaptLine(adapt, adapted) ?? (possible ? '' : messages.decoding.adapt.needs)),
    h('p.error', { attrs: { role: 'alert', hidden: adapt.status !== 'failed' } }, adapt.status === 'failed' ? messages.decoding.adapt.failed(adapt.problem.message) : ''),
    h('div.buttons', {},
      h('button.pill', {
        on: { click: running ? actions.stopAdapting : actions.adapt },
        attrs: { type: 'button', disabled: !possible },
      }, running ? messages.decoding.adapt.cancel : adapted ? messages.decoding.adapt.again : messages.decoding.adapt.start),
      h('button.pill', { on: { click: actions.removeOffsets }, attrs: { type: 'button', disabled: !adapted || running } }, messages.decoding.adapt.remove)));
}

/** What came of a run is said while it is in force. */
function adaptLine(adapt: AdaptState, adapted: boolean): string | undefined {
  if (adapt.status === 'running') {
    const { losses, steps } = adapt;
    const [before = Number.NaN] = losses;
    const lowest = losses.length === 0 ? Number.NaN : Math.min(...losses);
    return messages.decoding.adapt.running(fixed(before, 3), fixed(lowest, 3), Math.max(0, losses.length - 1), steps);
  }
  if (adapt.status !== 'done') return undefined;
  const { method, before, after, changed } = adapt;
  if (!(after < before)) return messages.decoding.adapt.noGain(fixed(before, 3));
  return !adapted ? undefined : messages.decoding.adapt.done(messages.decoding.adapt.method[method], fixed(before, 3), fixed(after, 3), `${Math.round(changed * 100)} %`);
}
