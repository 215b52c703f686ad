// Accuracy by capacity, patches in order and by priority, with intervals and what guessing would give.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import type { VisionShown } from '../shown.js';
import { limitNow } from './capacity.js';
import { FACTORS, PRIORITIES } from '../survey.js';
import type { CurvePoint } from '../survey.js';
import { accuracyOf, meanOf } from '../tally.js';
import { percent } from './map.js';
import { interval } from './survey.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [480, 220, 40, 34, 8];

export function curve(shown: VisionShown): ViewElement {
  const { curve: state, actions, info, samples } = shown;
  const measured = state.free.length;
  const perImage = FACTORS.length * PRIORITIES.length + 1;
  return h('section.curve', { attrs: { 'aria-labelledby': 'curve-heading', 'data-running': String(state.running), 'data-images': measured } },
    h('div.head', {}, h('h2', { attrs: { id: 'curve-heading' } }, messages.vision.curve.heading),
      h('button.pill', {
        on: { click: state.running ? actions.stopSurvey : actions.sweep },
        attrs: { type: 'button', disabled: info === undefined || samples === undefined },
      }, state.running ? messages.vision.curve.stop : measured > 0 ? messages.vision.curve.again : messages.vision.curve.start),
      h('span.progress', { attrs: { hidden: !state.running } },
        h('progress', { attrs: { max: Math.max(1, state.total), value: state.done, 'aria-label': messages.vision.curve.heading } }),
        h('span.note.num', {}, messages.vision.curve.progress(measured, Math.round(state.total / perImage))))),
    h('p.note', { key: 'note' }, state.error === undefined ? messages.vision.curve.intro : messages.vision.survey.failed(state.error.message)),
    measured > 0 && h('div.both', { key: 'both' }, chart(shown), table(shown)));
}

const xOf = (factor: number): number => LEFT + ((WIDTH - LEFT - 12) * factor) / (FACTORS[FACTORS.length - 1] ?? 1);
const yOf = (share: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);

function chart(shown: VisionShown): ViewElement {
  const { curve: { points, free }, info } = shown;
  const limit = limitNow(shown);
  const guess = 1 / Math.max(1, info?.classes.length ?? 1);
  return h('svg.chart', { attrs: { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': messages.vision.curve.label } },
    [0, 0.25, 0.5, 0.75, 1].map((share) => [
      h('line', { attrs: { class: 'rule', x1: LEFT, x2: WIDTH, y1: yOf(share), y2: yOf(share) } }),
      h('text', { attrs: { class: 'tick', x: LEFT - 6, y: yOf(share) + 4, 'text-anchor': 'end' } }, percent(share)),
    ]),
    FACTORS.map((factor) => h('text', { attrs: { class: 'tick', x: xOf(factor), y: HEIGHT - BOTTOM + 14, 'text-anchor': 'middle' } }, String(factor))),
    h('text', { attrs: { class: 'tick', x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' } }, messages.vision.curve.axis),
    level(guess, messages.vision.curve.guess, 'end'), level(accuracyOf(free).share, messages.vision.curve.free, 'start'),
    limit !== undefined && h('line', { attrs: { class: 'you', x1: xOf(limit.factor), x2: xOf(limit.factor), y1: TOP, y2: HEIGHT - BOTTOM } }),
    PRIORITIES.map((priority) => line(priority, points.filter((point) => point.priority === priority))));
}

function level(share: number, name: string, side: 'start' | 'end'): ViewElement {
  return h('g.level', {},
    h('line', { attrs: { x1: LEFT, x2: WIDTH, y1: yOf(share), y2: yOf(share) } }),
    h('text', { attrs: { x: side === 'end' ? WIDTH : LEFT + 4, y: yOf(share) - 4, 'text-anchor': side } }, `${name} ${percent(share, 1)}`));
}

function line(priority: CurvePoint['priority'], points: readonly CurvePoint[]): ViewElement {
  const places = points.map(({ factor, outcomes }) => ({ x: xOf(factor), accuracy: accuracyOf(outcomes) }));
  const path = places.map(({ x, accuracy }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${yOf(accuracy.share).toFixed(1)}`).join('');
  return h('g', { attrs: { class: `line ${priority}` } },
    places.map(({ x, accuracy }) => h('line', { attrs: { class: 'reach', x1: x, x2: x, y1: yOf(accuracy.low), y2: yOf(accuracy.high) } })),
    h('path', { attrs: { d: path } }),
    places.map(({ x, accuracy }) => (priority === 'order'
      ? h('circle', { attrs: { cx: x, cy: yOf(accuracy.share), r: 4 } })
      : h('rect', { attrs: { x: x - 4, y: yOf(accuracy.share) - 4, width: 8, height: 8 } }))));
}

function table({ curve: { points } }: VisionShown): ViewElement {
  return h('div.scroller', {}, h('table', {},
    h('thead', {}, h('tr', {}, h('th', { attrs: { scope: 'col' } }, messages.vision.curve.axis), PRIORITIES.map((priority) => [
      h('th', { attrs: { scope: 'col' } }, h('span', { attrs: { class: `sign ${priority}`, 'aria-hidden': 'true' } }), messages.vision.capacity[priority]),
      h('th', { attrs: { scope: 'col' } }, messages.vision.curve.dropped)]))),
    h('tbody', {}, FACTORS.map((factor) => h('tr', {}, h('th', { attrs: { scope: 'row' } }, String(factor)), PRIORITIES.map((priority) => {
      const outcomes = points.find((point) => point.factor === factor && point.priority === priority)?.outcomes ?? [];
      const accuracy = accuracyOf(outcomes);
      return [
        h('td.num', { attrs: { title: interval(accuracy) } }, percent(accuracy.share, 1)),
        h('td.num', {}, percent(meanOf(outcomes.map(({ dropped }) => dropped)), 0)),
      ];
    }))))));
}
