// A button of the top bar with a panel below it.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import type { Bar, Ui } from './shown.js';

/** What a menu needs: whether it is open, and how to open it. */
type Opener = Pick<Bar, 'ui'> & { readonly actions: Pick<Bar['actions'], 'show'> };

export function menu(name: NonNullable<Ui['menu']>, shown: Opener, button: ViewElement, ...content: ViewElement[]): ViewElement {
  const open = shown.ui.menu === name;
  return h('div.menu', { key: name }, button, h('div.panel', { attrs: { hidden: !open, id: `menu-${name}` } }, content));
}

export function menuButton(name: NonNullable<Ui['menu']>, shown: Opener, label: string, ...content: (ViewElement | string)[]): ViewElement {
  const open = shown.ui.menu === name;
  return h('button.chip', {
    on: { click: () => shown.actions.show({ menu: open ? undefined : name }) },
    attrs: { type: 'button', 'aria-label': label, 'aria-expanded': String(open), 'aria-controls': `menu-${name}` },
  }, content);
}
