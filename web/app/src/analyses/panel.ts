// The tab Analyses: at the left what is analysed and how, at the right what came of it. Pure functions of what is shown.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { words } from './words.js';
import { fieldText } from '../page/shown.js';
import type { Shown } from '../page/shown.js';
import { ANALYSIS_IDS } from './catalogue.js';
import type { AnalysisId } from './catalogue.js';
import type { AnalysesState } from './link.js';
import { resultPanel } from './result.js';
import type { Study } from './study.js';
import { textPanel } from './text-panel.js';

/** What the tab is drawn from. */
export interface Studied extends Shown {
  readonly study: Study;
}

export function analysesTab(shown: Studied): ViewElement[] {
  return [
    h('div.asked', {}, textPanel(shown), menu(shown)),
    resultPanel(shown),
  ];
}

/** Changes a part of what is chosen. */
export function choose({ state, actions }: Studied, change: Partial<AnalysesState>): void {
  actions.set({ analyses: { ...state.analyses, ...change } });
}

/** Every analysis with its question; those that the texts do not allow say why not. */
function menu(shown: Studied): ViewElement {
  const { analysis } = shown.state.analyses;
  const change = (event: Event): void => pick(shown, ANALYSIS_IDS.find((id) => id === fieldText(event)) ?? analysis);
  return h('div', {},
    h('fieldset.menu-of-analyses', {},
      h('legend', {}, words().menu),
      ANALYSIS_IDS.map((id) => entry(shown, id))),
    // A phone has no room for the list; its style sheet shows the one or the other.
    h('div.pick-analysis', {},
      h('label', { attrs: { for: 'analysis' } }, words().menu),
      h('select', { value: analysis, on: { change }, attrs: { id: 'analysis' } },
        ANALYSIS_IDS.map((id) => h('option', { key: id, attrs: { value: id } }, words().analysis[id].name)))));
}

function pick(shown: Studied, analysis: AnalysisId): void {
  choose(shown, { analysis, variant: undefined });
}

function entry(shown: Studied, id: AnalysisId): ViewElement {
  const { name, question } = words().analysis[id];
  const lacking = shown.study.lacks(id, shown.state);
  const chosen = shown.state.analyses.analysis === id;
  return h('label.entry', { key: id, attrs: { 'data-chosen': String(chosen), 'data-lacking': String(lacking !== undefined) } },
    h('input', {
      checked: chosen,
      on: { change: () => pick(shown, id) },
      attrs: { type: 'radio', name: 'analysis', value: id, 'aria-label': name, 'aria-describedby': `about-${id}` },
    }),
    h('span.name', {}, name),
    h('span.note', { attrs: { id: `about-${id}` } }, lacking ?? question));
}
