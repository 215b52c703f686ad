// A button of the top bar with a panel below it.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import type { Shown, Ui } from './shown.js';

export function menu(name: NonNullable<Ui['menu']>, shown: Shown, button: ViewElement, ...content: ViewElement[]): ViewElement {
  const open = shown.ui.menu === name;
  return h('div.menu', { key: name }, button, h('div.panel', { attrs: { hidden: !open, id: `menu-${name}` } }, content));
}

export function menuButton(name: NonNullable<Ui['menu']>, shown: Shown, label: string, ...content: (ViewElement | string)[]): ViewElement {
  const open = shown.ui.menu === name;
  return h('button.chip', {
    on: { click: () => shown.actions.show({ menu: open ? undefined : name }) },
    attrs: { type: 'button', 'aria-label': label, 'aria-expanded': String(open), 'aria-controls': `menu-${name}` },
  }, content);
}
