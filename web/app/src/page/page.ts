// The whole page, composed of its parts; a pure function of what is shown.

import { h } from 'moescope/views';
import type { Handler, ViewElement } from 'moescope/views';

import { showsPictures } from '../lessons.js';
import { messages } from '../messages.js';
import { notices } from './notices.js';
import type { Shown } from './shown.js';
import { place } from './tabs.js';
import { topbar } from './topbar.js';

export function page(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement[] {
  return [
    h('a.skip', { key: 'skip', attrs: { href: showsPictures(shown.state) ? '#place' : '#text' }, on: { click: skipToText } }, messages.skip),
    topbar(shown),
    notices(showsPictures(shown.state) ? shown.vision : shown),
    place(shown, tokenEvents),
    help(shown),
  ];
}

/** The hash is the state, so that a jump inside the page must not change it. */
function skipToText(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#text .token[tabindex="0"], .patch[tabindex="0"]')?.focus();
}

function help({ ui, actions }: Shown): ViewElement {
  const close = (): void => actions.show({ help: false });
  return h('dialog.help', { key: 'help', open: ui.help, on: { close }, attrs: { 'aria-labelledby': 'help-heading' } },
    h('h2', { attrs: { id: 'help-heading' } }, messages.help.heading),
    h('dl', {}, messages.help.keys.map(([keys, what]) => [h('dt', {}, h('kbd', {}, keys)), h('dd', {}, what)])),
    h('button.pill', { on: { click: close }, attrs: { type: 'button' } }, messages.help.close));
}
