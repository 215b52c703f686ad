// The tab Lessons: a list of ten, and each as a short page of text beside the live views.

import { h } from 'moescope/views';
import type { Handler, ViewElement } from 'moescope/views';

import { LESSONS, lessonOf, missingFor, showsPictures } from '../lessons.js';
import type { Lesson } from '../lessons.js';
import { messages } from '../messages.js';
import type { LessonWords } from '../messages-lessons.js';
import { vision } from '../vision/page/place.js';
import { compose } from './compose.js';
import { expertPage } from './expert.js';
import { inspector } from './inspector.js';
import { routingPanel } from './routing-panel.js';
import type { Shown } from './shown.js';
import { side } from './side.js';
import { stage } from './stage.js';

export function lessons(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement[] {
  const lesson = lessonOf(shown.state.lesson);
  if (lesson === undefined) return [overview(shown)];
  if (showsPictures(shown.state)) return vision(shown.vision, sheet(shown, lesson));
  return [
    h('div.left', {}, sheet(shown, lesson), compose(shown), side(shown)),
    h('div.middle', {}, stage(shown, tokenEvents), expertPage(shown), inspector(shown)),
    routingPanel(shown),
  ];
}

function overview({ actions }: Shown): ViewElement {
  const { lessons: words } = messages;
  return h('section.overview', { key: 'overview', attrs: { 'aria-labelledby': 'lessons-heading' } },
    h('h2', { attrs: { id: 'lessons-heading' } }, words.heading),
    h('p.note', {}, words.help),
    h('ol', {}, LESSONS.map((lesson) => {
      const { title, about } = words.each[lesson.id];
      const missing = missingFor(lesson).length > 0;
      return h('li', { key: lesson.id }, h('button', {
        on: { click: () => actions.lesson(lesson.id) },
        attrs: { type: 'button', 'data-missing': String(missing) },
      }, h('strong', {}, title), h('span', {}, about), missing && h('span.note', {}, words.missingShort)));
    })));
}

function sheet(shown: Shown, lesson: Lesson): ViewElement {
  const { state, actions } = shown;
  const { lessons: words } = messages;
  const text = words.each[lesson.id];
  const missing = missingFor(lesson);
  const step = Math.min(state.step, words.steps.length - 1);
  const asks = missing.length === 0;
  return h('article.lesson', { key: `lesson ${lesson.id}`, attrs: { 'data-lesson': lesson.id, 'data-step': step, 'aria-labelledby': 'lesson-title' } },
    h('p.note', {}, h('button.link', { on: { click: () => actions.set({ lesson: undefined, step: 0 }) }, attrs: { type: 'button' } }, words.all),
      ` · ${words.number(LESSONS.indexOf(lesson) + 1)}`),
    h('h2', { attrs: { id: 'lesson-title' } }, text.title),
    missing.length > 0 && h('p.missing', { key: 'missing', attrs: { role: 'note' } }, words.missing(missing)),
    asks && stepBar(shown, step),
    h('div.step', { key: step }, content(shown, lesson, asks ? step : 0)),
    asks ? navigation(shown, lesson, step) : otherwise(shown, lesson));
}

function stepBar({ actions, ui }: Shown, step: number): ViewElement {
  return h('ol.steps', {}, messages.lessons.steps.map((name, n) => h('li', { key: n }, h('button', {
    on: { click: () => actions.set({ step: n }) },
    attrs: { type: 'button', 'aria-current': n === step ? 'step' : undefined, disabled: n === 2 && ui.guess === undefined && step < 2 },
  }, name))));
}

function content(shown: Shown, lesson: Lesson, step: number): ViewElement[] {
  const text = messages.lessons.each[lesson.id];
  if (step === 0) return text.look.map((paragraph) => h('p', {}, paragraph));
  return step === 1 ? [question(shown, text)] : [h('p.task', {}, text.task), outcome(shown, text)];
}

function question({ ui, actions }: Shown, { ask, options }: LessonWords): ViewElement {
  return h('fieldset.question', {}, h('legend', {}, ask), options.map((option, n) => h('label', { key: n },
    h('input', { checked: ui.guess === n, on: { change: () => actions.show({ guess: n }) }, attrs: { type: 'radio', name: 'guess', value: n } }), option)));
}

function outcome(shown: Shown, { options, found }: LessonWords): ViewElement {
  const { lessons: words } = messages;
  const { finding, ui } = shown;
  if (finding === undefined) return h('p.note', { key: 'waiting', attrs: { role: 'status' } }, waiting(shown));
  const right = options[finding.answer] ?? '';
  const guess = ui.guess === undefined ? undefined : options[ui.guess];
  const verdict = guess === undefined ? words.noGuess(right) : guess === right ? words.right : words.wrong(guess, right);
  return h('div.finding', { key: 'finding', attrs: { role: 'status', 'data-answer': finding.answer, 'data-right': String(guess === right) } },
    h('p', {}, h('strong', {}, verdict)), h('p', {}, found(finding.figures)));
}

function waiting({ state, engine, vision: { info } }: Shown): string {
  const { lessons: words } = messages;
  const pictures = showsPictures(state);
  if ((pictures ? info : engine.opened) === undefined) return words.needsModel;
  return pictures ? words.waitingForPicture : words.waiting;
}

function navigation({ ui, actions, state }: Shown, lesson: Lesson, step: number): ViewElement {
  const { lessons: words } = messages;
  const next = LESSONS[LESSONS.indexOf(lesson) + 1];
  const mustChoose = step === 1 && ui.guess === undefined;
  return h('div.buttons', {},
    step > 0 && h('button.pill', { key: 'back', on: { click: () => actions.set({ step: step - 1 }) }, attrs: { type: 'button' } }, words.back),
    step < 2 && h('button.primary', {
      key: 'next', on: { click: () => actions.set({ step: step + 1 }) }, attrs: { type: 'button', disabled: mustChoose, title: mustChoose ? words.choose : undefined },
    }, words.next),
    step === 2 && h('button.pill', { key: 'reset', on: { click: actions.resetRouting }, attrs: { type: 'button' } }, words.reset),
    step === 2 && next !== undefined && state.lesson !== undefined
      && h('button.pill', { key: 'other', on: { click: () => actions.lesson(next.id) }, attrs: { type: 'button' } }, words.nextLesson));
}

/** A lesson without its model. */
function otherwise({ actions }: Shown, lesson: Lesson): ViewElement {
  const { lessons: words } = messages;
  const next = LESSONS[LESSONS.indexOf(lesson) + 1];
  return h('div.buttons', {},
    next !== undefined && h('button.pill', { key: 'other', on: { click: () => actions.lesson(next.id) }, attrs: { type: 'button' } }, words.nextLesson));
}
