// Copying a view's data and saving its picture: the same small menu at every view.

import { h } from 'moescope/views';
import type { Table, ViewElement } from 'moescope/views';

import { copyTable, savePicture } from '../keep.js';
import { messages } from '../messages.js';

/** `view` is the id of the element that the picture is taken of; `table` is made only when somebody wants it. */
export function keepMenu(view: string, name: string, table: () => Table): ViewElement {
  const button = (label: string, run: (event: Event) => Promise<string>): ViewElement => h('button.pill', {
    on: { click: (event) => void report(event, run) },
    attrs: { type: 'button' },
  }, label);
  const { keep } = messages;
  return h('details.keep', { key: `keep ${view}`, on: { keydown: closeOnEscape } },
    h('summary', { attrs: { 'aria-label': keep.label(name), title: keep.label(name) } }, keep.short),
    h('div.panel', { attrs: { role: 'group', 'aria-label': keep.label(name) } },
      button(keep.csv, () => copyTable(table(), 'csv')),
      button(keep.json, () => copyTable(table(), 'json')),
      button(keep.svg, () => savePicture(view, name, 'svg')),
      button(keep.png, () => savePicture(view, name, 'png')),
      SAID));
}

/** The very same element at every drawing, so that none takes back what was said since. */
const SAID = h('p.note', { attrs: { role: 'status' } });

/** Says what became of it beside the button. */
async function report({ currentTarget }: Event, run: (event: Event) => Promise<string>): Promise<void> {
  const status = currentTarget instanceof Element ? currentTarget.parentElement?.querySelector('[role="status"]') : undefined;
  const said = await run(new Event('keep')).catch((error: unknown) => messages.keep.failed(error instanceof Error ? error.message : String(error)));
  if (status != null) status.textContent = said;
}

function closeOnEscape(event: Event): void {
  const { currentTarget } = event;
  if (!(event instanceof KeyboardEvent) || event.key !== 'Escape' || !(currentTarget instanceof HTMLDetailsElement) || !currentTarget.open) return;
  event.stopPropagation();
  currentTarget.open = false;
  currentTarget.querySelector('summary')?.focus();
}
