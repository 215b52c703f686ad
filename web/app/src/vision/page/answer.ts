// What the model answers: the picture as it saw it, the likeliest classes, and what the trained routing would say.

import { classBars, h, likeliest } from 'moescope/views';
import type { ClassBar, ViewElement } from 'moescope/views';

import { millions } from '../../catalogue.js';
import { messages } from '../../messages.js';
import { isDense } from '../../page/shown.js';
import { answerOf } from '../records.js';
import type { VisionShown } from '../shown.js';

const SHOWN = 6;

export function answer(shown: VisionShown): ViewElement {
  const { info, seen } = shown;
  const side = info?.image_size ?? 32;
  return h('section.answer', { attrs: { 'aria-labelledby': 'answer-heading' } },
    h('h2', { attrs: { id: 'answer-heading' } }, messages.vision.answer.heading),
    h('div.sight', {},
      h('figure', {},
        h('canvas.pixels', { attrs: { role: 'img', 'aria-label': messages.vision.picture.sees, width: side, height: side } }),
        h('figcaption.note', {}, seen === undefined ? messages.vision.picture.waiting : messages.vision.picture.seesHelp(side))),
      verdict(shown)),
    info === undefined || seen === undefined ? h('p.note', { key: 'none' }, messages.vision.answer.none) : classBars(likeliest(bars(shown), SHOWN), messages.views),
    h('p.note', { key: 'mark' }, messages.vision.answer.mark),
    h('p.note', { key: 'run', attrs: { 'data-backend': shown.backend } }, run(shown)));
}

/** Announced as it changes, without the numbers that change with every touch of a knob. */
function verdict({ info, seen }: VisionShown): ViewElement {
  if (info === undefined || seen === undefined) return h('p.verdict', { attrs: { role: 'status' } });
  const name = (index: number): string => info.classes[index]?.label ?? '?';
  const [now, trained] = [answerOf(seen.now), answerOf(seen.trained)];
  const share = `${(100 * (seen.now.probabilities[now] ?? 0)).toFixed(0)} %`;
  return h('p.verdict', { attrs: { role: 'status', 'data-answer': now, 'data-trained': trained, 'data-label': seen.label } },
    h('strong', {}, name(now)), h('span.share.num', { attrs: { 'aria-hidden': 'true' } }, share),
    seen.label !== undefined && h('span', { attrs: { class: seen.label === now ? 'good' : 'bad' } },
      seen.label === now ? `✓ ${messages.vision.answer.right}` : `✗ ${messages.vision.answer.wrong(name(seen.label))}`),
    now !== trained && h('span.note', {}, messages.vision.answer.trained(name(trained))));
}

function bars({ info, seen }: VisionShown): ClassBar[] {
  return (info?.classes ?? []).map(({ label, set }, index) => ({
    label, set, now: seen?.now.probabilities[index] ?? 0, trained: seen?.trained.probabilities[index] ?? 0, right: index === seen?.label,
  }));
}

function run({ backend, tookMs, info }: VisionShown): string {
  if (info === undefined || backend === undefined) return '';
  const [all, active] = [millions(info.n_parameters), millions(info.n_active_parameters)];
  const facts = isDense({ model: info })
    ? messages.vision.answer.factsDense(info.name, all) : messages.vision.answer.facts(info.name, info.moe_layers.length, info.n_experts, info.top_k, all, active);
  return messages.clauses([...(tookMs === undefined ? [] : [messages.vision.answer.run(messages.backend[backend], tookMs.toFixed(0))]), facts]);
}
