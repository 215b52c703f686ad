// What self-contrast did to the choice of one token: strong and weak logits, the score between them, and who wins.

import { fixed, h, signedText } from 'moescope/views';
import type { Pieces, TokenRecord, ViewElement } from 'moescope/views';
import type { Candidate, ContrastReport } from 'moescope';

import { messages } from '../messages.js';

export function contrastTable({ token, contrast }: TokenRecord, pieces: Pieces): ViewElement | undefined {
  if (contrast === undefined) return undefined;
  const { strong_token: alone, divergence, candidates } = contrast;
  const agrees = alone.id === token.id;
  return h('section.contrasted', { key: 'contrast', attrs: { 'aria-label': messages.decoding.contrast.table } },
    h('h3', {}, messages.decoding.contrast.table),
    h('p.note', {}, `${agrees ? messages.decoding.contrast.agrees : messages.decoding.contrast.differs(signedText(alone, pieces))} ${messages.decoding.contrast.divergence(fixed(divergence))}`),
    h('div.scroller', {}, h('table', {},
      h('thead', {}, h('tr', {}, [messages.decoding.contrast.token, messages.decoding.contrast.strong, messages.decoding.contrast.weakColumn, messages.decoding.contrast.score].map((name, column) =>
        h('th', { attrs: { scope: 'col', class: column === 0 ? undefined : 'num' } }, name)))),
      h('tbody', {}, candidates.map((candidate) => row(candidate, token.id, contrast, pieces))))));
}

function row({ token, strong, weak, score, valid }: Candidate, taken: number, { strong_token: alone }: ContrastReport, pieces: Pieces): ViewElement {
  const marks = [
    token.id === taken && messages.decoding.contrast.taken,
    token.id === alone.id && token.id !== taken && messages.decoding.contrast.instead,
    !valid && messages.decoding.contrast.invalid,
  ].filter((mark) => mark !== false);
  const arrow = score > strong ? '↑' : score < strong ? '↓' : '=';
  return h('tr', {
    key: token.id,
    attrs: { class: [valid ? '' : 'invalid', token.id === taken ? 'taken' : ''].join(' ').trim(), 'data-token': token.id, title: messages.clauses(marks) || messages.decoding.contrast.valid },
  },
  h('th', { attrs: { scope: 'row' } }, h('code', {}, signedText(token, pieces)),
    marks.length > 0 && h('span.note', {}, ` ${messages.clauses(marks)}`)),
  h('td.num', {}, fixed(strong)),
  h('td.num', {}, fixed(weak)),
  h('td.num', {}, `${arrow} ${fixed(score)}`));
}
