// What self-contrast did to the choice of one token: strong and weak logits, the score between them, and who wins.

import { fixed, h } from 'moescope/views';
import type { TokenRecord, ViewElement } from 'moescope/views';
import type { Candidate, ContrastReport } from 'moescope';

import { messages } from '../messages.js';

const { contrast: words } = messages.decoding;

export function contrastTable({ token, contrast }: TokenRecord): ViewElement | undefined {
  if (contrast === undefined) return undefined;
  const { strong_token: alone, divergence, candidates } = contrast;
  const agrees = alone.id === token.id;
  return h('section.contrasted', { key: 'contrast', attrs: { 'aria-label': words.table } },
    h('h3', {}, words.table),
    h('p.note', {}, `${agrees ? words.agrees : words.differs(readable(alone.text))} ${words.divergence(fixed(divergence))}`),
    h('div.scroller', {}, h('table', {},
      h('thead', {}, h('tr', {}, [words.token, words.strong, words.weakColumn, words.score].map((name, column) =>
        h('th', { attrs: { scope: 'col', class: column === 0 ? undefined : 'num' } }, name)))),
      h('tbody', {}, candidates.map((candidate) => row(candidate, token.id, contrast))))));
}

function row({ token, strong, weak, score, valid }: Candidate, taken: number, { strong_token: alone }: ContrastReport): ViewElement {
  const marks = [
    token.id === taken && words.taken,
    token.id === alone.id && token.id !== taken && words.instead,
    !valid && words.invalid,
  ].filter((mark) => mark !== false);
  const arrow = score > strong ? '↑' : score < strong ? '↓' : '=';
  return h('tr', {
    key: token.id,
    attrs: { class: [valid ? '' : 'invalid', token.id === taken ? 'taken' : ''].join(' ').trim(), 'data-token': token.id, title: marks.join('; ') || words.valid },
  },
  h('th', { attrs: { scope: 'row' } }, h('code', {}, readable(token.text)),
    marks.length > 0 && h('span.note', {}, ` ${marks.join('; ')}`)),
  h('td.num', {}, fixed(strong)),
  h('td.num', {}, fixed(weak)),
  h('td.num', {}, `${arrow} ${fixed(score)}`));
}

/** Spaces and line ends have a sign, because a token may be nothing else. */
function readable(text: string): string {
  return text === '' ? '∅' : text.replaceAll(' ', '␣').replaceAll('\n', '⏎');
}
