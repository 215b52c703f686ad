// The title of the page says what is shown, so that tabs, bookmarks and histories can be told apart.

import { describeEdits } from './changes.js';
import { showsPictures } from './lessons.js';
import { messages } from './messages.js';
import type { State } from './state.js';

/** A tab of a browser is narrow: what differs from other tabs stands first. */
const LONGEST_CHANGE = 60;

/** Such as "top-1, −3 · first · Language · Moescope". */
export function titleOf(state: State): string {
  const { model, routing } = showsPictures(state) ? state.vision : state;
  const change = describeEdits(routing);
  const short = change.length > LONGEST_CHANGE ? `${change.slice(0, LONGEST_CHANGE - 1).trimEnd()}…` : change;
  const name = model.split('/').at(-1) ?? model;
  return [short === '' ? messages.routing.asTrained : short, name, messages.tabs[state.tab], messages.title].join(' · ');
}
