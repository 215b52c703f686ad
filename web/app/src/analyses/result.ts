// What came of an analysis: the question with its formula and source, the sentence, the picture, the figures, and ways to
// take them along.

import { TRACE_FORMATS } from 'moescope';
import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { words } from './words.js';
import { keepMenu } from '../page/keep.js';
import { fieldNumber, fieldText } from '../page/shown.js';
import { CATALOGUE, variantOf } from './catalogue.js';
import { standingOf, tableOf } from './findings/finding.js';
import type { Finding } from './findings/finding.js';
import { choose } from './panel.js';
import type { Studied } from './panel.js';
import { againstNames } from './second.js';

/** The table shows so many rows; copies have all. */
const MAX_ROWS = 200;
const PICTURE = { most: 900, least: 300 };
const PICTURE_ID = 'analysis-picture';

export function resultPanel(shown: Studied): ViewElement {
  const { study, state } = shown;
  const id = state.analyses.analysis;
  const outcome = study.outcome?.id === id ? study.outcome : undefined;
  const layers = outcome?.layers ?? [];
  const wanted = state.layer ?? shown.layer;
  const layer = layers.includes(wanted) ? wanted : layers[Math.floor((layers.length - 1) / 2)] ?? wanted;
  const finding = outcome && study.finding(layer);
  return h('section.result', { attrs: { 'aria-label': words().result, 'data-status': statusOf(shown), 'aria-busy': String(study.progress !== undefined) } },
    about(shown),
    controls(shown, layers, layer),
    runLine(shown),
    problems(shown, outcome !== undefined),
    finding !== undefined && outcome !== undefined && [
      h('p.headline', { key: 'headline' }, finding.headline.replaceAll(' %', '\u00a0%')),
      outcome.trace !== undefined && h('p.note', { key: 'facts' }, words().facts(outcome.trace.model, outcome.trace.nTokens, outcome.trace.layers.length, outcome.trace.layers[0]?.nExperts ?? 0)),
      h('div.analysis-picture', { key: 'picture', attrs: { id: PICTURE_ID } }, pictureOf(finding, pictureWidth(shown))),
      takeAlong(shown, finding),
      tableFor(finding),
      notes(outcome.trace?.notes ?? []),
    ]);
}

interface Drawn {
  picture?: { readonly width: number; readonly element: ViewElement };
  table?: ViewElement;
}

/** What was drawn of a finding; the very same elements are skipped when the page is drawn again. */
const drawn = new WeakMap<Finding, Drawn>();

function drawnOf(finding: Finding): Drawn {
  const known = drawn.get(finding) ?? {};
  drawn.set(finding, known);
  return known;
}

function pictureOf(finding: Finding, width: number): ViewElement {
  const known = drawnOf(finding);
  if (known.picture?.width !== width) known.picture = { width, element: finding.picture(width) };
  return known.picture.element;
}

function tableFor(finding: Finding): ViewElement {
  const known = drawnOf(finding);
  known.table ??= figures(finding);
  return known.table;
}

function statusOf({ study }: Studied): string {
  if (study.progress !== undefined) return 'running';
  if (study.failure !== undefined) return 'failed';
  return study.fresh() ? 'done' : 'idle';
}

function about({ state }: Studied): ViewElement {
  const { name, question, formula, source, link } = words().analysis[state.analyses.analysis];
  return h('header.about', {},
    h('h2', {}, name),
    h('p', {}, question),
    h('p.note', {}, h('code', {}, formula), ' · ', link === undefined ? source : h('a', { attrs: { href: link, rel: 'noreferrer', target: '_blank' } }, source)));
}

/** Pictures are as wide as there is room, in steps, so that a resize does not redraw at every pixel. */
function pictureWidth({ state }: Studied): number {
  const rem = 16 * (state.size / 100);
  const beside = innerWidth / rem < 45 ? 2 : 24;
  return Math.min(PICTURE.most, Math.max(PICTURE.least, Math.floor((innerWidth - beside * rem) / 20) * 20));
}

function controls(shown: Studied, layers: readonly number[], layer: number): ViewElement {
  const id = shown.state.analyses.analysis;
  const { variants, oneLayer }: { readonly variants: readonly string[]; readonly oneLayer: boolean } = CATALOGUE[id];
  return h('div.controls', {},
    variants.length > 1 && select('analysis-variant', words().variant, variantOf(id, shown.state.analyses.variant),
      variants.map((variant) => [variant, words().variants[variant] ?? variant]), (variant) => choose(shown, { variant })),
    id === 'agreement' && shown.state.analyses.texts !== 'import' && against(shown),
    oneLayer && layers.length > 1 && layerSlider(shown, layers, layer));
}

function select(id: string, label: string, value: string, options: readonly (readonly [value: string, text: string])[], take: (value: string) => void): ViewElement {
  return h('div.control', { key: id },
    h('label', { attrs: { for: id } }, label),
    h('select', { value, on: { change: (event) => take(fieldText(event)) }, attrs: { id } },
      options.map(([option, text]) => h('option', { key: option, attrs: { value: option } }, text))));
}

function against(shown: Studied): ViewElement | false {
  const info = shown.engine.opened?.info;
  return info !== undefined && select('analysis-against', words().against, shown.state.analyses.against ?? '',
    [['', words().asTrained], ...againstNames(info).map((name) => [name, name] as const)], (name) => choose(shown, { against: name === '' ? undefined : name }));
}

function layerSlider({ actions }: Studied, layers: readonly number[], layer: number): ViewElement {
  const last = layers.at(-1) ?? 0;
  return h('div.layer', { key: 'layer' },
    h('label', { attrs: { for: 'analysis-layer' } }, words().layer),
    h('input', {
      value: String(Math.max(0, layers.indexOf(layer))),
      on: { input: (event) => actions.set({ layer: layers[fieldNumber(event) ?? 0] }) },
      attrs: { id: 'analysis-layer', type: 'range', min: 0, max: layers.length - 1, step: 1, 'aria-valuetext': words().layerValue(layer, last) },
    }),
    h('output.num', { attrs: { for: 'analysis-layer' } }, String(layer), h('small', {}, ` / ${last}`)));
}

/** The button that started it stops it. */
function runLine({ study, state }: Studied): ViewElement {
  const { progress } = study;
  const again = study.outcome?.id === state.analyses.analysis;
  return h('div.run-analysis', {},
    h('button.primary', {
      on: { click: () => (progress === undefined ? void study.run() : study.cancel()) },
      attrs: { type: 'button', class: progress === undefined ? 'primary' : 'primary stop', disabled: progress === undefined && study.problem(state) !== undefined },
    }, progress === undefined ? (again ? words().again : words().run) : words().cancel),
    progress !== undefined && h('progress', { attrs: { 'aria-label': words().progress, max: 1, value: progress.share.toFixed(3) } }),
    h('span.note', { attrs: { role: 'status' } }, progress?.what ?? ''));
}

function problems({ study, state }: Studied, shows: boolean): ViewElement {
  const idle = study.progress === undefined;
  const problem = idle ? study.problem(state) : undefined;
  const waits = study.waits(state);
  return h('div.problems', {},
    problem !== undefined && h('p.needs', { key: 'problem' }, problem),
    h('p.error', { key: 'failure', attrs: { role: 'alert', hidden: study.failure === undefined } }, study.failure?.() ?? ''),
    idle && shows && problem === undefined && !study.fresh(state) && h('p.needs', { key: 'stale' }, waits ? words().writing : words().stale),
    idle && !shows && problem === undefined && study.failure === undefined && h('p.note', { key: 'empty' }, waits ? words().writing : words().empty));
}

function takeAlong(shown: Studied, finding: Finding): ViewElement {
  const { study, state } = shown;
  const trace = study.outcome?.trace;
  return h('div.take', { key: 'take' },
    keepMenu(PICTURE_ID, words().analysis[state.analyses.analysis].name, () => tableOf(finding)),
    trace !== undefined && h('div.buttons', {},
      select('trace-format', words().traceFormat, study.format, TRACE_FORMATS.map((format) => [format, words().formats[format]] as const),
        (format) => study.chooseFormat(TRACE_FORMATS.find((each) => each === format))),
      h('button.pill', { on: { click: () => study.saveTrace(trace) }, attrs: { type: 'button' } }, words().saveTrace)));
}

function figures(finding: Finding): ViewElement {
  const { figure, low, high, chance, standing } = words().columns;
  const shown = finding.rows.slice(0, MAX_ROWS);
  const write = (value: number | undefined, format: (value: number) => string): string => (value === undefined ? '' : format(value));
  return h('div.figure-table', { key: 'figures' },
    h('div.scroller', { attrs: { tabindex: 0, role: 'region', 'aria-label': words().table } }, h('table', {},
      h('thead', {}, h('tr', {}, [...finding.columns, figure, low, high, chance].map((name, column) =>
        h('th', { attrs: { scope: 'col', class: column < finding.columns.length ? undefined : 'num' } }, name)),
      h('th.standing', { attrs: { scope: 'col' } }, standing))),
      h('tbody', {}, shown.map(({ where, figure: found, format = finding.format }, row) => h('tr', { key: row },
        where.map((part) => h('td', {}, String(part))),
        h('td.num.value', {}, format(found.value)),
        [found.low, found.high, found.chance].map((value) => h('td.num', {}, write(value, format))),
        h('td.standing', {}, standingOf(found) ?? '')))))),
    finding.rows.length > MAX_ROWS && h('p.note', {}, words().more(MAX_ROWS, finding.rows.length)));
}

function notes(all: readonly string[]): ViewElement | false {
  return all.length > 0 && h('div.trace-notes', { key: 'notes' }, h('h3', {}, words().notes), h('ul', {}, all.map((note) => h('li.note', {}, note))));
}
