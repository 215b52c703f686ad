// What stands where a part of the page is still on its way, or could not be fetched.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { explain } from '../errors.js';
import type { Later } from '../later.js';
import { messages } from '../messages.js';

export function once<T>(later: Later<T>, draw: (part: T) => ViewElement[]): ViewElement[] {
  const { here, failure } = later;
  if (here !== undefined) return draw(here);
  if (failure === undefined) return [h('p.note', { key: 'coming', attrs: { role: 'status' } }, messages.part.coming)];
  return [h('div.failure', { key: 'failed', attrs: { role: 'alert' } },
    h('p', {}, messages.part.failed(explain(failure).message)),
    h('button.pill', { on: { click: () => void later.ask() }, attrs: { type: 'button' } }, messages.errors.retry))];
}
