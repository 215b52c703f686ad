// What the expert of the open page does to one token: the pinned one, or the last. What it would make of the next token alone,
// how far it agrees with the mixture, and its strongest hidden units.

import { aloneTable, fixed, h, predictionBars, signedText, unitBars } from 'moescope/views';
import type { Pieces, ViewElement } from 'moescope/views';
import type { ExpertAnswer } from 'moescope';

import type { AloneSubject } from '../alone.js';
import { describeEdits } from '../changes.js';
import { showsPictures } from '../lessons.js';
import { messages } from '../messages.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';
import { pinnedIndex } from './stage.js';

/** What there is to ask, where somebody can answer and does not write just now. */
export function aloneSubject(shown: Shown): AloneSubject | undefined {
  const { state, engine: { opened }, runner, layer, nExperts, routing } = shown;
  const { records } = runner;
  // The last token is another one with every token that a run shows; one that is pinned stays.
  const position = pinnedIndex(shown) ?? (runner.active ? -1 : records.length - 1);
  const { expert, tab } = state;
  const open = (tab === 'language' || tab === 'lessons') && !showsPictures(state) && expert !== undefined && expert < nExperts;
  if (!open || opened === undefined || routing === undefined || runner.stoppable || position < 0) return undefined;
  return { scope: opened.scope, records, question: { layer, expert, position }, routing, router: opened.info.external };
}

export function alonePart(shown: Shown): ViewElement {
  const { alone: { question, answer, asking, failure }, runner: { records, active }, engine, state, pieces } = shown;
  const record = records[question?.position ?? -1];
  const words = messages.alone;
  const waits = engine.opened === undefined ? words.needsModel : active ? words.waits : records.length === 0 ? words.needsText : '';
  const heading = record === undefined ? words.heading : words.headingAt(signedText(record.token, pieces), record.index + 1);
  return h('section.alone', { key: 'alone', attrs: { 'aria-label': heading, 'aria-busy': String(asking), 'data-position': asking ? undefined : question?.position } },
    h('div.head', {}, h('h3', {}, heading), answer !== undefined && keepMenu('alone', words.heading, () => aloneTable(answer, pieces))),
    h('p.note', {}, words.help(describeEdits(state.routing))),
    h('p', { attrs: { role: 'status' } }, asking ? words.asking : waits),
    h('div.problem', { attrs: { role: 'alert', hidden: failure === undefined, 'data-code': failure?.code } }, failure !== undefined && problem(shown, failure)),
    answer !== undefined && answered(answer, pieces));
}

function problem({ actions }: Shown, { code, message }: { code: string; message: string }): ViewElement[] {
  if (code !== 'plan_cannot_tell') return [h('p.error', {}, messages.alone.failed(message))];
  return [
    h('p', {}, messages.alone.planCannotTell),
    h('button.pill', { on: { click: () => actions.backend('cpu') }, attrs: { type: 'button' } }, messages.errors.useCpu),
  ];
}

function answered(answer: ExpertAnswer, pieces: Pieces): ViewElement {
  const words = messages.alone;
  return h('div.answer', { attrs: { id: 'alone' } },
    h('p', { attrs: { 'data-weight': answer.weight ?? undefined } }, standing(answer), ' ', words.divergence(fixed(answer.divergence / Math.LN2)),
      answer.shared && ` ${words.shared}`),
    h('div.tables', {},
      h('div.scroller', {}, predictionBars(answer, messages.views, pieces)),
      h('div.scroller', {}, unitBars(answer, messages.views, pieces))),
    h('p.note', {}, words.unitsHelp(answer.n_units), ' ',
      h('a', { attrs: { href: 'https://arxiv.org/abs/2012.14913', target: '_blank', rel: 'noreferrer' } }, 'arXiv:2012.14913')));
}

/** Whether it was chosen, and how its output lies to that of the mixture. */
function standing({ weight, cosine, relative_norm: length }: ExpertAnswer): string {
  if (weight === null) return messages.alone.idle(fixed(cosine), fixed(length));
  // The parts of all chosen experts add up to the mixture, so that their shares along it add up to 100 %.
  return messages.alone.chosen(fixed(weight), `${(weight * cosine * length * 100).toFixed(0).replace('-', '−')} %`, fixed(cosine));
}
