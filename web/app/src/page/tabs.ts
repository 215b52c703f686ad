// The places of the page, one tab each. An entry says what stands below the bar; a place that does not exist yet has none.
// The chosen tab is part of the link.

import { h } from 'moescope/views';
import type { Handler, ViewElement } from 'moescope/views';

import { showsPictures } from '../lessons.js';
import { messages } from '../messages.js';
import type { Tab } from '../state.js';
import { vision } from '../vision/page/place.js';
import { language } from './language.js';
import { once } from './later.js';
import { lessons } from './lessons.js';
import type { Shown } from './shown.js';

export interface Place {
  readonly id: Tab;
  /** What stands below the bar. */
  readonly panel: (shown: Shown, tokenEvents: Readonly<Record<string, Handler>>) => ViewElement[];
}

/** In the order of the bar. */
export const PLACES: readonly Place[] = [
  { id: 'language', panel: language },
  { id: 'vision', panel: (shown) => vision(shown.vision) },
  { id: 'analyses', panel: (shown) => once(shown.analysing, (part) => part.panel(shown)) },
  { id: 'lessons', panel: lessons },
];

/** The place that is shown; a link may name one that this build does not have. */
export function placeOf({ state }: Shown): Place {
  const place = PLACES.find(({ id }) => id === state.tab) ?? PLACES[0];
  if (place === undefined) throw new Error('the page has no place to show');
  return place;
}

/** The bar; a single place needs none. */
export function tabBar(shown: Shown): ViewElement | false {
  const chosen = placeOf(shown);
  return PLACES.length > 1 && h('div.tabs', { key: 'tabs', attrs: { role: 'tablist', 'aria-label': messages.tabs.label } }, PLACES.map(({ id }) => h('button.tab', {
    key: id,
    on: { click: () => shown.actions.set({ tab: id }), keydown: (event) => walk(shown, event) },
    attrs: {
      type: 'button', role: 'tab', id: `tab-${id}`, 'aria-selected': String(id === chosen.id), 'aria-controls': 'place', tabindex: id === chosen.id ? 0 : -1,
    },
  }, messages.tabs[id])));
}

/** What belongs to the chosen tab. */
export function place(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement {
  const { id, panel } = placeOf(shown);
  const bar = PLACES.length > 1;
  return h('main', { key: 'main' }, h('div', {
    key: id,
    attrs: { class: showsPictures(shown.state) && id !== 'vision' ? `place ${id} vision` : `place ${id}`, id: 'place', role: bar ? 'tabpanel' : undefined, 'aria-labelledby': bar ? `tab-${id}` : undefined },
  }, panel(shown, tokenEvents)));
}

/** Arrow keys walk the bar and choose, as in every list of tabs. */
function walk(shown: Shown, event: Event): void {
  if (!(event instanceof KeyboardEvent)) return;
  const at = PLACES.findIndex(({ id }) => id === placeOf(shown).id);
  const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: PLACES.length - 1 }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  const next = PLACES[(target + PLACES.length) % PLACES.length];
  if (next === undefined) return;
  shown.actions.set({ tab: next.id });
  document.getElementById(`tab-${next.id}`)?.focus();
}
