// What the style sheets go by, on the root element: theme, size, layout, what a link hides or presents, what a lesson speaks of.

import { lessonOf } from './lessons.js';
import type { State } from './state.js';

/** How much larger everything is for an audience. */
const PRESENTED = 1.4;

/** How much larger than usual everything is. */
export function sizeOf({ size, present }: Pick<State, 'size' | 'present'>): number {
  return (size / 100) * (present === undefined ? 1 : PRESENTED);
}

export function applyLook(root: HTMLElement, state: State): void {
  const size = sizeOf(state);
  root.style.setProperty('--size', String(size));
  root.dataset['theme'] = state.theme;
  root.dataset['hide'] = state.hide.join(' ');
  root.dataset['layout'] = layoutFor(innerWidth / (16 * size));
  setData(root, 'present', state.present);
  const [lit, was] = [state.tab === 'lessons' && state.step === 2 ? lessonOf(state.lesson)?.lit : undefined, root.dataset['lit']];
  setData(root, 'lit', lit);
  // Knobs scroll by themselves, and what a lesson speaks of may be below their edge.
  if (lit !== undefined && lit !== was) requestAnimationFrame(() => root.querySelector(`.routing .${lit}`)?.scrollIntoView({ block: 'nearest' }));
}

function setData(root: HTMLElement, name: string, value: string | undefined): void {
  if (value === undefined) delete root.dataset[name];
  else root.dataset[name] = value;
}

/** One column, two or three, by the width in units of the text size. */
function layoutFor(rem: number): 'narrow' | 'medium' | 'wide' {
  if (rem < 45) return 'narrow';
  return rem < 68 ? 'medium' : 'wide';
}
