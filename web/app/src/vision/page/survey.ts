// What all samples say together: accuracy under the routing beside the trained one, and the map of classes and experts.

import { h, kept } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import { isDense } from '../../page/shown.js';
import { sameRouting } from '../../spec.js';
import type { VisionShown } from '../shown.js';
import { GROUPINGS } from '../state.js';
import type { Progress } from '../survey.js';
import { accuracyOf, meanOf } from '../tally.js';
import type { Dependence, Outcome, Share } from '../tally.js';
import { expertMap, percent } from './map.js';

const keptDependence = kept<Dependence>();

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
      progress(messages.vision.survey.heading, state)),
    h('p.note', { key: 'note' }, state.error !== undefined ? messages.vision.survey.failed(state.error.message) : stale ? messages.vision.survey.stale : messages.vision.survey[isDense({ model: info }) ? 'introDense' : 'intro'](images)),
    state.now.length > 0 && h('div.figures', { key: 'figures' },
      figure(messages.vision.survey.now, state.now, shown), figure(messages.vision.survey.trained, state.trained, shown)),
    state.now.length > 0 && !isDense({ model: info }) && map(shown));
}

export function progress(name: string, { running, done, total }: Progress): ViewElement {
  return h('span.progress', { attrs: { hidden: !running } },
    h('progress', { attrs: { max: Math.max(1, total), value: done, 'aria-label': name } }), h('span.note.num', {}, messages.vision.survey.progress(done, total)));
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
  const { survey: { now }, state: { map: grouping }, info } = shown;
  const parted = (index: number): boolean => grouping === 'class' && index > 0 && info?.classes[index]?.set !== info?.classes[index - 1]?.set;
  return expertMap(shown, { ...rowsOf(shown), outcomes: now, parted, what: messages.vision.survey.what[grouping], keptDependence }, grouped(shown));
}

function grouped({ state, actions }: VisionShown): ViewElement {
  return h('fieldset.segmented', {}, h('legend', {}, messages.vision.survey.map.rows), GROUPINGS.map((grouping) => h('label', { key: grouping },
    h('input', {
      checked: grouping === state.map,
      on: { change: () => actions.set({ map: grouping }) },
      attrs: { type: 'radio', name: 'map-rows', value: grouping },
    }), h('span', {}, messages.vision.survey.map[grouping]))));
}
