// The picker of models: a card for each that this site has, an address, and a folder of the visitor's own.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { MODELS, millions } from '../catalogue.js';
import type { ModelCard } from '../catalogue.js';
import { messages } from '../messages.js';
import { modelFolder } from '../state-fields.js';
import { DEFAULTS } from '../state.js';
import { menu, menuButton } from './menu.js';
import { fieldText } from './shown.js';
import type { Bar } from './shown.js';

export function modelMenu(shown: Bar): ViewElement {
  const { engine, state } = shown;
  const info = engine.opened?.info;
  return menu('model', shown, menuButton('model', shown, messages.model.button(info?.name ?? state.model), info?.name ?? messages.model.open),
    h('p.reason', {}, info === undefined ? messages.errors.none : messages.model.facts({
      name: info.name, layers: info.moe_layers.length, experts: info.n_experts, topK: info.top_k,
      parameters: millions(info.n_parameters), active: millions(info.n_active_parameters),
    })),
    h('h2', {}, messages.model.cards),
    h('ul.cards', {}, MODELS.filter(({ kind }) => kind === shown.kind).map((card) => modelCard(shown, card))),
    address(shown),
    ownFolder(shown));
}

function modelCard({ engine, shelf, actions }: Bar, card: ModelCard): ViewElement {
  const { folder, name } = card;
  const inUse = engine.opened?.model === folder;
  const kept = shelf.kept.has(folder);
  const { model } = messages;
  return h('li.card', { key: folder, attrs: { 'data-model': name, 'data-kept': String(kept) } },
    h('div.title', {},
      h('strong', {}, name),
      h('span.note', {}, model.size((card.bytes / 1e6).toFixed(1)), ' · ', kept ? model.kept : model.notKept)),
    h('p', {}, card.experts === 0 ? model.shapeDense(card.layers) : model.shape(card.layers, card.experts, card.topK)),
    h('p.note', {}, card.experts === 0 ? model.dense(millions(card.parameters)) : model.figures(millions(card.parameters), millions(card.active))),
    card.bitsPerByte !== undefined && h('p.note', {}, model.bitsPerByte(card.bitsPerByte.toFixed(2))),
    h('div.buttons', {},
      h('button.pill', {
        on: { click: () => actions.open(folder) },
        attrs: { type: 'button', disabled: inUse, 'aria-label': inUse ? undefined : model.use(name) },
      }, inUse ? model.inUse : model.useShort),
      kept && h('button.pill', { on: { click: () => actions.forget(folder) }, attrs: { type: 'button', 'aria-label': model.forget(name) } }, model.forgetShort),
      card.hasCard && h('a', { attrs: { href: `${folder}/README.md`, target: '_blank', rel: 'noreferrer' } }, model.card)));
}

function address({ state, ui, actions }: Bar): ViewElement {
  const submit = (event: Event): void => {
    event.preventDefault();
    const folder = modelFolder(ui.modelField ?? null);
    if (folder !== undefined) actions.open(folder);
  };
  return h('div.address', {},
    h('form.inline', { on: { submit } },
      h('label', {}, messages.model.folder, h('input', {
        value: ui.modelField ?? state.model,
        on: { input: (event) => actions.show({ modelField: fieldText(event) }) },
        attrs: { type: 'text', spellcheck: 'false', autocomplete: 'off', placeholder: DEFAULTS.model },
      })),
      h('button', { attrs: { type: 'submit' } }, messages.model.go)),
    h('p.note', {}, messages.model.folderHelp));
}

function ownFolder({ kind, ui, actions }: Bar): ViewElement {
  const change = ({ target }: Event): void => {
    if (target instanceof HTMLInputElement) actions.openFiles([...(target.files ?? [])]);
  };
  return h('div.own', {},
    h('label.file', {}, messages.model.own,
      h('input', { on: { change }, attrs: { type: 'file', webkitdirectory: true, multiple: true, 'aria-describedby': 'own-help' } })),
    h('p.note', { attrs: { id: 'own-help' } }, messages.model.ownHelp[kind]),
    h('p.error', { attrs: { role: 'alert', hidden: ui.folderError === undefined } }, ui.folderError?.() ?? ''));
}
