// Where a visitor writes a router of their own: an editor with examples, what is wrong with it and where, and one button that
// runs it and one that brings the trained routing back.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../messages.js';
import type { OwnShown } from '../own-router.js';
import { EXAMPLE_ROUTERS } from '../router-examples.js';
import type { ExampleRouter } from '../router-examples.js';
import type { Place } from '../script/problem.js';
import { LIMITS } from '../state.js';
import { fieldText } from './shown.js';
import type { Actions, Shown, Ui } from './shown.js';

const ID = 'own-router';
const EXAMPLES = Object.entries(EXAMPLE_ROUTERS) as readonly [ExampleRouter, string][];

/** What the editor is drawn from, whatever is routed. */
export interface OwnEditor extends Pick<Shown, 'own' | 'model' | 'routing'> {
  readonly ui: Pick<Ui, 'editor'>;
  readonly state: Pick<Shown['state'], 'code'>;
  readonly actions: Pick<Actions, 'code' | 'runRouter' | 'stopRouter'> & { readonly show: (change: Pick<Ui, 'editor'>) => void };
}

export function ownRouter(shown: OwnEditor): ViewElement {
  const { own, ui, actions } = shown;
  const { router: words } = messages;
  const open = ui.editor ?? own.foreign;
  return h('details.ownrouter', {
    open,
    attrs: { 'data-status': own.status },
  },
  // The event `toggle` comes a task later; a redraw in between would undo what was clicked.
  h('summary', { on: { click: (event) => { event.preventDefault(); actions.show({ editor: !open }); } } }, words.heading),
  h('div.inside', {},
    h('p.note', {}, words.help),
    h('p.foreign', { attrs: { role: 'status', hidden: !own.foreign } }, own.foreign ? words.foreign : ''),
    examples(shown), editor(shown), problem(own), buttons(shown),
    h('p', { attrs: { role: 'status', class: 'state' } }, state(shown)),
    h('p.note', {}, words.inputs)));
}

function examples({ own, actions }: OwnEditor): ViewElement {
  const { router: words } = messages;
  return h('div.examples', { attrs: { role: 'group', 'aria-label': words.examples } }, EXAMPLES.map(([name, source]) => h('button.pill', {
    key: name,
    on: { click: () => actions.code(source) },
    attrs: { type: 'button', 'aria-pressed': String(own.source === source) },
  }, words.example[name])));
}

function editor({ own, actions }: OwnEditor): ViewElement {
  return h('div.field', {},
    h('label', { attrs: { for: ID } }, messages.router.label),
    h('textarea', {
      value: own.source,
      on: {
        input: (event) => actions.code(fieldText(event)),
        keydown: (event) => {
          if (event instanceof KeyboardEvent && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) actions.runRouter();
        },
      },
      attrs: {
        id: ID, rows: 14, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', dir: 'ltr',
        'aria-invalid': own.problem === undefined ? undefined : 'true', 'aria-describedby': `${ID}-problem`,
      },
    }));
}

/** The sentence, and the line that it speaks of with a mark below the place. */
function problem({ problem: error, source, status }: OwnShown): ViewElement {
  // What is seen while somebody writes is said quietly.
  const failed = status === 'failed';
  return h('div.problem', { attrs: { id: `${ID}-problem`, role: failed ? 'alert' : 'status', hidden: error === undefined, 'data-line': error?.at?.line } },
    error !== undefined && h('p.error', {}, messages.router.problem(error)),
    error?.at !== undefined && h('button.link', { on: { click: () => error.at && goTo(error.at, source) }, attrs: { type: 'button' } }, messages.router.goTo(error.at.line)));
}

/** Puts the cursor where the problem is. */
function goTo({ line, column }: Place, source: string): void {
  const field = document.querySelector<HTMLTextAreaElement>(`#${ID}`);
  if (field === null) return;
  const before = source.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const end = source.indexOf('\n', before);
  field.focus();
  field.setSelectionRange(before + column - 1, end < 0 ? source.length : Math.max(before + column, end));
}

function buttons({ own, actions }: OwnEditor): ViewElement {
  const { router: words } = messages;
  return h('div.buttons', {},
    h('button.primary', { on: { click: actions.runRouter }, attrs: { type: 'button' } }, own.changed ? words.runChanged : words.run),
    h('button.pill', { on: { click: actions.stopRouter }, attrs: { type: 'button', disabled: own.status === 'idle' } }, words.stop));
}

function state({ own, model, routing, state: { code } }: OwnEditor): string {
  const { router: words } = messages;
  const tooLong = code !== undefined && code.length > LIMITS.codeInLink ? ` ${words.notInLink(LIMITS.codeInLink)}` : '';
  if (own.status === 'failed') return words.stopped + tooLong;
  if (own.status === 'idle') return words.idle + tooLong;
  if (model?.external === undefined) return words.waiting + tooLong;
  const layers = model.moe_layers.filter((layer) => (routing?.layers[String(layer)] ?? routing?.default)?.select.method === 'external');
  if (layers.length === 0) return words.elsewhere + tooLong;
  return (layers.length === model.moe_layers.length ? words.everywhere : words.at(layers)) + tooLong;
}
