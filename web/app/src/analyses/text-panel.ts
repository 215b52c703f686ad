// What is analysed: the shown text, examples of every domain, the visitor's own text or files, or a trace from a file.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { named, words } from './words.js';
import { fileButton } from '../page/file-button.js';
import { fieldNumber, fieldText } from '../page/shown.js';
import { DOMAINS, TEXT_SOURCES } from './catalogue.js';
import type { TextSource } from './catalogue.js';
import { choose } from './panel.js';
import type { Studied } from './panel.js';
import { MAX_LETTERS } from './texts.js';

export function textPanel(shown: Studied): ViewElement {
  const { texts } = shown.state.analyses;
  const change = (event: Event): void => choose(shown, { texts: TEXT_SOURCES.find((source) => source === fieldText(event)) ?? 'current' });
  return h('div.texts', {},
    h('label', { attrs: { for: 'analysis-texts' } }, words().texts),
    h('select', { value: texts, on: { change }, attrs: { id: 'analysis-texts' } },
      TEXT_SOURCES.map((source) => h('option', { key: source, attrs: { value: source } }, words().sources[source]))),
    BELOW[texts](shown));
}

const BELOW: Readonly<Record<TextSource, (shown: Studied) => ViewElement>> = { current: shownText, domains, own: ownText, import: importTrace };

function shownText({ runner }: Studied): ViewElement {
  const text = runner.text.trim();
  return h('p.note.excerpt', { key: 'current' }, text === '' ? words().needsText : text.length > 160 ? `${text.slice(0, 160)}…` : text);
}

function domains(shown: Studied): ViewElement {
  const { without } = shown.state.analyses;
  return h('div.domains', { key: 'domains', attrs: { role: 'group', 'aria-label': words().domains } }, DOMAINS.map((domain) => h('button.pill', {
    key: domain,
    on: { click: () => choose(shown, { without: without.includes(domain) ? without.filter((name) => name !== domain) : [...without, domain] }) },
    attrs: { type: 'button', 'aria-pressed': String(!without.includes(domain)) },
  }, named(domain))));
}

function ownText(shown: Studied): ViewElement {
  const { own } = shown.state.analyses;
  const { study } = shown;
  const letters = own.length + study.reader.files.reduce((sum, { text }) => sum + text.length, 0);
  return h('div.own-text', { key: 'own' },
    h('textarea', {
      value: own, on: { change: (event) => choose(shown, { own: fieldText(event) }) },
      attrs: { rows: 5, spellcheck: 'false', 'aria-label': words().own.label, placeholder: words().own.placeholder },
    }),
    fileButton(words().own.files, { accept: '.txt,.md,text/*', multiple: true }, (files) => void study.openFiles(files)),
    study.reader.files.length > 0 && h('p.note', {}, study.reader.files.map(({ label }) => label).join(', ')),
    letters > MAX_LETTERS && h('p.note', {}, words().own.cut(MAX_LETTERS)));
}

const TRACE_FILES = '.json,.jsonl,.csv,.npy';

function importTrace(shown: Studied): ViewElement {
  const { imports } = shown.study;
  const opened = (name: string | undefined): ViewElement | false => name !== undefined && h('p.note', {}, words().import.opened(name));
  const drop = (event: Event): void => {
    event.preventDefault();
    const file = event instanceof DragEvent ? event.dataTransfer?.files[0] : undefined;
    if (file !== undefined) void imports.open(file, 'first');
  };
  return h('div.import', { key: 'import', on: { drop, dragover: (event) => event.preventDefault() } },
    h('p.note', {}, words().import.help),
    fileButton(words().import.open, { accept: TRACE_FILES }, ([file]) => file && void imports.open(file, 'first')),
    h('span.note', {}, words().import.drop),
    opened(imports.first?.name),
    shown.state.analyses.analysis === 'agreement' && imports.first !== undefined
      && fileButton(words().import.second, { accept: TRACE_FILES }, ([file]) => file && void imports.open(file, 'second')),
    opened(imports.second?.name),
    h('label.number', {}, words().import.experts, h('input', {
      value: imports.nExperts === undefined ? '' : String(imports.nExperts),
      on: { change: (event) => void imports.withExperts(expertCount(fieldNumber(event))) },
      attrs: { type: 'number', min: 1, max: 65535, step: 1, placeholder: words().import.expertsHelp },
    })),
    imports.reading && h('p.note', { attrs: { role: 'status' } }, words().running.file),
    h('p.error', { attrs: { role: 'alert', hidden: imports.failure === undefined } }, imports.failure?.message ?? ''));
}

function expertCount(typed: number | undefined): number | undefined {
  return typed === undefined || typed < 1 ? undefined : Math.min(65535, Math.round(typed));
}
