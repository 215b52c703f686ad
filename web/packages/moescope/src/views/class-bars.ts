// Probabilities of classes as bars, each beside what the model says as it was trained: a hollow bar behind, a mark at its end.

import { h } from './element.js';
import type { ViewElement } from './element.js';
import { ENGLISH } from './words.js';
import type { ViewWords } from './words.js';

export interface ClassBar {
  readonly label: string;
  /** The data set, where there are several. */
  readonly set: string;
  readonly now: number;
  readonly trained: number;
  /** Whether it is the right class, where that is known. */
  readonly right: boolean;
}

export function classBars(bars: readonly ClassBar[], words: ViewWords = ENGLISH): ViewElement {
  return h('ol.classes', { attrs: { 'aria-label': words.classes } }, bars.map((bar) => row(bar, words)));
}

/** The likeliest classes under either routing, and the right one wherever it stands. */
export function likeliest(bars: readonly ClassBar[], count: number): ClassBar[] {
  const sorted = bars.toSorted((a, b) => Math.max(b.now, b.trained) - Math.max(a.now, a.trained));
  const kept = sorted.slice(0, count);
  const right = bars.find((bar) => bar.right);
  if (right !== undefined && !kept.includes(right)) kept.splice(-1, 1, right);
  return kept.toSorted((a, b) => b.now - a.now);
}

function row({ label, set, now, trained, right }: ClassBar, words: ViewWords): ViewElement {
  const percent = (share: number): string => `${(share * 100).toFixed(1)}\u00a0%`;
  const along = (share: number): string => `${(share * 100).toFixed(1)}%`;
  return h('li', { key: `${set} ${label}`, attrs: { class: right ? 'right' : '', 'data-now': now.toFixed(5), 'data-trained': trained.toFixed(5) } },
    h('span.name', { attrs: { title: set } }, label, right && h('span.mark', { attrs: { title: words.rightClass } }, ' ✓')),
    h('span.track', { attrs: { 'aria-hidden': 'true' } },
      h('span.bar', { style: { width: along(now) } }),
      h('span.trained', { style: { left: along(trained) } })),
    h('span.num', { attrs: { title: words.classTrained(percent(trained)) } }, percent(now)));
}
