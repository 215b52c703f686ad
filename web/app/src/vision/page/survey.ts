// What all samples say together: accuracy under the routing beside the trained one, and the map of classes and experts.

import { expertVar, h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import { sameRouting } from '../../spec.js';
import type { VisionShown } from '../shown.js';
import { GROUPINGS } from '../state.js';
import { accuracyOf, dependenceOf, meanOf, shareOf, sharesByGroup, sharesOf } from '../tally.js';
import type { Dependence, Outcome, Share } from '../tally.js';

const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

export function survey(shown: VisionShown): ViewElement {
  const { survey: state, routing, samples, actions, info } = shown;
  const images = samples === undefined ? 0 : samples.perClass * samples.sets.reduce((sum, { labels }) => sum + labels.length, 0);
  const stale = !state.running && state.routing !== undefined && routing !== undefined && !sameRouting(state.routing, routing);
  return h('section.survey', { attrs: { 'aria-labelledby': 'survey-heading', 'data-done': state.done, 'data-running': String(state.running) } },
    h('div.head', {}, h('h2', { attrs: { id: 'survey-heading' } }, messages.vision.survey.heading),
      h('button.pill', {
        on: { click: state.running ? actions.stopSurvey : actions.measure },
        attrs: { type: 'button', disabled: info === undefined || samples === undefined },
      }, state.running ? messages.vision.survey.stop : state.now.length > 0 ? messages.vision.survey.again : messages.vision.survey.start),
      progress(state.running, state.done, state.total)),
    h('p.note', { key: 'note' }, state.error !== undefined ? messages.vision.survey.failed(state.error) : stale ? messages.vision.survey.stale : messages.vision.survey.intro(images)),
    state.now.length > 0 && h('div.figures', { key: 'figures' },
      figure(messages.vision.survey.now, state.now, shown), figure(messages.vision.survey.trained, state.trained, shown)),
    state.now.length > 0 && map(shown));
}

export function progress(running: boolean, done: number, total: number): ViewElement {
  return h('span.progress', { attrs: { hidden: !running } },
    h('progress', { attrs: { max: Math.max(1, total), value: done, 'aria-label': messages.vision.survey.heading } }), h('span.note.num', {}, messages.vision.survey.progress(done, total)));
}

function figure(name: string, outcomes: readonly Outcome[], { info }: VisionShown): ViewElement {
  const accuracy = accuracyOf(outcomes);
  const dropped = meanOf(outcomes.map((outcome) => outcome.dropped));
  return h('dl.figure', { attrs: { 'data-accuracy': accuracy.share.toFixed(4), 'data-count': accuracy.count } },
    h('dt', {}, name),
    h('dd', {}, h('span.big', {}, percent(accuracy.share, 1)), h('span.unit', {}, messages.vision.survey.accuracy),
      h('span.small', {}, messages.clauses([interval(accuracy), messages.vision.survey.chance(percent(1 / Math.max(1, info?.classes.length ?? 1), 1))]))),
    h('dd', {}, h('span.num', {}, meanOf(outcomes.map(({ loss }) => loss)).toFixed(3)), h('span.unit', {}, messages.vision.survey.loss)),
    dropped > 0 && h('dd', {}, h('span.num', {}, percent(dropped, 1)), h('span.unit', {}, messages.vision.survey.lost)));
}

export function interval({ low, high }: Share): string {
  return messages.vision.survey.interval(percent(low), percent(high));
}

interface Rows {
  readonly names: readonly string[];
  readonly groupOf: (label: number) => number;
}

function rowsOf({ info, state, samples }: VisionShown): Rows {
  const classes = info?.classes ?? [];
  if (state.map === 'class') return { names: classes.map(({ label }) => label), groupOf: (label) => label };
  const ids = [...new Set(classes.map(({ set }) => set))];
  return {
    names: ids.map((id) => samples?.sets.find((set) => set.id === id)?.name ?? id),
    groupOf: (label) => ids.indexOf(classes[label]?.set ?? ''),
  };
}

function map(shown: VisionShown): ViewElement {
  const { survey: state, state: { map: grouping }, layer, layers, actions, ui, info } = shown;
  const at = layers.indexOf(layer);
  const { names, groupOf } = rowsOf(shown);
  const shares = sharesByGroup(state.now, at, groupOf, names.length);
  const all = sharesOf(state.now, at);
  const even = all.reduce((sum, share) => sum + share, 0) / Math.max(1, all.length);
  const first = (index: number): boolean => grouping === 'class' && index > 0 && info?.classes[index]?.set !== info?.classes[index - 1]?.set;
  return h('div.map', { key: 'map' },
    h('div.head', {}, h('h2', {}, messages.vision.survey.map.heading), grouped(shown),
      h('button.pill', { on: { click: () => actions.copyMap(csv(names, shares)) }, attrs: { type: 'button' } }, ui.copied ? messages.vision.survey.copied : messages.vision.survey.copy)),
    h('div.scroller', {}, h('table', { style: { '--even': even.toFixed(4) } },
      h('caption.note', {}, messages.vision.survey.map.caption(layer)),
      h('thead', {}, h('tr', {}, h('td'), all.map((_, expert) => h('th', {
        style: { '--c': expertVar(expert) }, attrs: { scope: 'col', title: `${messages.vision.survey.expert} ${expert}` },
      }, String(expert))))),
      h('tbody', {}, names.map((name, index) => row(name, shares[index], first(index))), row(messages.vision.survey.all, all, true)))),
    h('p.note', {}, messages.vision.survey.even(percent(even, 1))),
    h('p.note', {}, dependenceText(grouping, dependence(state.now, at, groupOf, names.length))));
}

function row(name: string, shares: readonly number[] | undefined, first: boolean): ViewElement {
  return h('tr', { key: name, attrs: { class: first ? 'first' : '' } },
    h('th', { attrs: { scope: 'row' } }, name),
    (shares ?? []).map((share, expert) => h('td', {
      style: { '--c': expertVar(expert), '--w': Math.min(1, share).toFixed(3) }, attrs: { 'data-share': share.toFixed(4) },
    }, (100 * share).toFixed(0))));
}

function grouped({ state, actions }: VisionShown): ViewElement {
  return h('fieldset.segmented', {}, h('legend', {}, messages.vision.survey.map.rows), GROUPINGS.map((grouping) => h('label', { key: grouping },
    h('input', {
      checked: grouping === state.map,
      on: { change: () => actions.set({ map: grouping }) },
      attrs: { type: 'radio', name: 'map-rows', value: grouping },
    }), h('span', {}, messages.vision.survey.map[grouping]))));
}

function dependenceText(grouping: 'class' | 'set', { bits, chance, chanceHigh }: Dependence): string {
  return messages.vision.survey.tells(messages.vision.survey.what[grouping], bits.toFixed(3), chance.toFixed(3), chanceHigh.toFixed(3));
}

/** The shuffles are costly and the page is drawn often. */
let last: { readonly of: readonly Outcome[]; readonly key: string; readonly value: Dependence } | undefined;

function dependence(outcomes: readonly Outcome[], at: number, groupOf: Rows['groupOf'], nGroups: number): Dependence {
  const key = `${at} ${nGroups}`;
  if (last?.of !== outcomes || last.key !== key) last = { of: outcomes, key, value: dependenceOf(outcomes, at, groupOf, nGroups) };
  return last.value;
}

function csv(names: readonly string[], shares: readonly (readonly number[] | undefined)[]): string {
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const header = ['', ...(shares.find((own) => own !== undefined) ?? []).map((_, expert) => `expert ${expert}`)].join(',');
  return [header, ...names.map((name, index) => [quoted(name), ...(shares[index] ?? []).map((share) => share.toFixed(4))].join(','))].join('\n');
}

export { percent, shareOf };
