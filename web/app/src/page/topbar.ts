// The bar at the top: name, model, where the engine runs and why, text size, theme, keys.

import type { BackendWish } from 'moescope';
import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { showsPictures } from '../lessons.js';
import { messages } from '../messages.js';
import { LANGUAGES, LIMITS, STAGES, encode } from '../state.js';
import type { Theme } from '../state.js';
import { menu, menuButton } from './menu.js';
import { modelMenu } from './models.js';
import { fieldText } from './shown.js';
import type { Bar, Shown } from './shown.js';
import { tabBar } from './tabs.js';

const WISHES: readonly BackendWish[] = ['auto', 'webgpu', 'cpu', 'webgpu-burn'];
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function topbar(shown: Shown): ViewElement {
  const bar = barOf(shown);
  return h('header.topbar', {},
    h('div.brand', {}, logo(), h('h1', {}, messages.title), h('p', {}, messages.tagline)),
    tabBar(shown),
    h('div.tools', {}, modelMenu(bar), backendMenu(bar), shareButton(shown), presentMenu(shown), sizeButtons(shown), languageSelect(shown), themeSelect(shown), helpButton(shown)));
}

/** Model and backend of the tab that is shown. */
function barOf(shown: Shown): Bar {
  if (!showsPictures(shown.state)) return { ...shown, kind: 'language' };
  const { ui, shelf, actions, vision, state: { backend } } = shown;
  const open = (model: string): void => {
    vision.actions.set({ model });
    actions.show({ menu: undefined });
  };
  return { ui, shelf, kind: 'vision', state: { backend, model: vision.state.model }, engine: vision.engine, actions: { ...actions, open } };
}

function logo(): ViewElement {
  const dot = (x: number, y: number, expert: number): ViewElement =>
    h('circle', { attrs: { cx: x, cy: y, r: 4, fill: `var(--e${expert})` } });
  return h('svg.logo', { attrs: { viewBox: '0 0 32 32', 'aria-hidden': 'true' } },
    h('path', { attrs: { d: 'M6 5C6 16 16 10 16 16S26 16 26 27', fill: 'none', stroke: 'currentColor', 'stroke-width': 2.5 } }),
    dot(6, 6, 1), dot(16, 6, 2), dot(26, 6, 0), dot(6, 26, 6), dot(16, 26, 4), dot(26, 26, 7));
}

function backendName({ engine }: Bar): string {
  if (engine.backend !== undefined) return messages.backend[engine.backend.kind];
  return engine.loading === undefined ? messages.backend.none : messages.backend.loading;
}

function backendMenu(shown: Bar): ViewElement {
  const { engine, state, actions } = shown;
  const { backend } = engine;
  const kind = backend?.kind ?? (engine.loading === undefined ? 'none' : 'loading');
  const choices = WISHES.map((wish) => h('label', { key: wish },
    h('input', {
      checked: state.backend === wish,
      on: { change: () => actions.backend(wish) },
      attrs: { type: 'radio', name: 'backend', value: wish },
    }),
    messages.backend[wish]));
  const button = menuButton('backend', shown, messages.backend.button(backendName(shown)),
    h('span', { attrs: { class: `lamp on-${kind}`, 'aria-hidden': 'true' } }), backendName(shown));
  return menu('backend', shown, button,
    h('p', { attrs: { class: 'reason', 'data-backend': kind } }, backend === undefined ? messages.errors.none : state.backend === 'auto' ? messages.backend.reason(backend.reason) : messages.backend.chosen),
    h('p.note', { attrs: { hidden: backend?.adapter === undefined } }, messages.backend.adapter(backend?.adapter ?? '')),
    h('p.note.threads', { attrs: { hidden: backend?.threads === undefined } }, messages.backend.threads(backend?.threads ?? 1)),
    h('fieldset', {}, h('legend', {}, messages.backend.choose), choices));
}

/** Says that the link was copied until the page shows something else. */
function shareButton({ state, ui, actions }: Shown): ViewElement {
  const { share } = messages;
  const said = ui.shared?.link === encode(state) ? ui.shared : undefined;
  return h('button.chip.share', { key: 'share', on: { click: actions.share }, attrs: { type: 'button', 'aria-live': 'polite', title: share.help } },
    said === undefined ? share.button : said.copied ? share.copied : share.refused);
}

function sizeButtons({ state, actions }: Shown): ViewElement {
  const { min, max, step } = LIMITS.size;
  const button = (label: string, text: string, size: number): ViewElement => h('button.icon', {
    on: { click: () => actions.set({ size }) },
    attrs: { type: 'button', 'aria-label': label, title: label, disabled: size < min || size > max },
  }, text);
  return h('div.sizes', { attrs: { role: 'group', 'aria-label': messages.size.label } },
    button(messages.size.smaller, 'A−', state.size - step), button(messages.size.larger, 'A+', state.size + step));
}

function themeSelect({ state, actions }: Shown): ViewElement {
  return h('select.theme', {
    value: state.theme,
    on: { change: (event) => actions.set({ theme: THEMES.find((theme) => theme === fieldText(event)) ?? 'system' }) },
    attrs: { 'aria-label': messages.theme.label },
  }, THEMES.map((theme) => h('option', { attrs: { value: theme } }, messages.theme[theme])));
}

/** A presenter shows one view and the knobs that the link leaves; then this is the one button that is left up here. */
function presentMenu(shown: Shown): ViewElement {
  const { state, actions } = shown;
  const { present } = messages;
  if (state.present !== undefined) {
    return h('button.chip.presenting', { key: 'presenting', on: { click: () => actions.set({ present: undefined }) }, attrs: { type: 'button' } }, present.off);
  }
  const views = STAGES.filter((view) => view !== 'compare' || state.rival !== undefined);
  return menu('present', shown, menuButton('present', shown, present.label, present.label),
    h('div.buttons', {}, views.map((view) => h('button.pill', {
      on: {
        click: () => {
          actions.show({ menu: undefined });
          actions.set({ present: view, ...(view === 'yard' ? { side: 'yard' } : {}) });
        },
      },
      attrs: { type: 'button' },
    }, present[view]))));
}

function languageSelect({ state, actions }: Shown): ViewElement {
  return h('select.theme.language', {
    value: state.language,
    on: { change: (event) => actions.set({ language: LANGUAGES.find((language) => language === fieldText(event)) ?? 'auto' }) },
    attrs: { 'aria-label': messages.language.label },
  }, LANGUAGES.map((language) => h('option', { attrs: { value: language } }, messages.language[language])));
}

function helpButton({ actions }: Shown): ViewElement {
  return h('button.icon', {
    on: { click: () => actions.show({ help: true }) },
    attrs: { type: 'button', 'aria-label': messages.help.button, title: messages.help.button },
  }, '?');
}
