// Where a text begins: the prompt, examples, the button that starts and stops, and the settings of sampling.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { examplesFor } from '../examples.js';
import { messages } from '../messages.js';
import { DEFAULTS, LIMITS } from '../state.js';
import type { State } from '../state.js';
import { fieldNumber, fieldText } from './shown.js';
import type { Shown } from './shown.js';

const ERROR_ID = 'prompt-error';

export function compose(shown: Shown): ViewElement {
  const { actions, runner } = shown;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (runner.stoppable) actions.stop();
    else actions.generate();
  };
  return h('form.compose', { on: { submit }, attrs: { novalidate: true } },
    promptField(shown), examples(shown), startStop(shown), promptError(shown), settings(shown));
}

function promptField({ state, actions, runner }: Shown): ViewElement {
  return h('div.field', {},
    h('label', { attrs: { for: 'prompt' } }, messages.prompt.label),
    h('textarea', {
      value: state.prompt,
      on: {
        input: (event) => actions.set({ prompt: fieldText(event) }),
        keydown: (event) => {
          if (event instanceof KeyboardEvent && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) actions.generate();
        },
      },
      attrs: {
        id: 'prompt', rows: 4, dir: 'auto', spellcheck: 'false', placeholder: messages.prompt.placeholder,
        'aria-invalid': runner.failure === undefined ? undefined : 'true',
        'aria-describedby': runner.failure === undefined ? undefined : ERROR_ID,
      },
    }));
}

function examples({ state, actions }: Shown): ViewElement {
  return h('div.examples', { attrs: { role: 'group', 'aria-label': messages.prompt.examples } },
    examplesFor(state.model).map(({ id, prompt }) => h('button.pill', {
      on: { click: () => actions.example(id) },
      attrs: { type: 'button', 'aria-pressed': String(state.prompt === prompt) },
    }, messages.prompt.example[id])));
}

/** One button under two names, and one that writes on. */
function startStop({ runner, actions }: Shown): ViewElement {
  const { stoppable } = runner;
  return h('div.start', {},
    h('button.primary', { attrs: { type: 'submit', class: stoppable ? 'primary stop' : 'primary' } },
      stoppable ? messages.prompt.stop : messages.prompt.generate),
    h('button.pill.continue', {
      on: { click: actions.continue },
      attrs: { type: 'button', disabled: stoppable || runner.text === '', title: messages.prompt.continueHelp },
    }, messages.prompt.continue),
    h('kbd', { attrs: { 'aria-hidden': 'true' } }, messages.prompt.shortcut));
}

function promptError({ runner }: Shown): ViewElement {
  const { failure } = runner;
  return h('p.error', { attrs: { id: ERROR_ID, role: 'alert', hidden: failure === undefined, 'data-code': failure?.code } },
    failure === undefined ? '' : promptMessage(failure.code, failure.message));
}

function promptMessage(code: string, message: string): string {
  if (code === 'prompt_empty') return messages.errors.prompt_empty;
  if (code === 'prompt_too_long') return messages.errors.promptTooLong(message);
  if (code === 'external_failed') return messages.router.failed;
  return message;
}

function settings({ state, actions }: Shown): ViewElement {
  const { prompt } = messages;
  return h('details.settings', {},
    h('summary', {}, prompt.settings,
      h('span.note', {}, prompt.summary(state.temperature, cuts(state), state.seed, state.maxTokens))),
    h('div.row', {},
      numberField(prompt.temperature, state.temperature, { ...LIMITS.temperature, step: 0.1 },
        (temperature) => actions.set({ temperature }), prompt.temperatureHelp),
      numberField(prompt.seed, state.seed, { ...LIMITS.seed, step: 1 }, (seed) => actions.set({ seed: Math.round(seed) })),
      numberField(prompt.maxTokens, state.maxTokens, { ...LIMITS.maxTokens, step: 1 },
        (maxTokens) => actions.set({ maxTokens: Math.round(maxTokens) }))),
    sliders(state, actions.set));
}

/** What of the vocabulary is left to draw from, where that is not all. */
function cuts({ samplerTopK, samplerTopP }: State): string {
  const { cutTopK, cutTopP } = messages.prompt;
  return `${samplerTopK === DEFAULTS.samplerTopK ? '' : cutTopK(samplerTopK)}${samplerTopP === DEFAULTS.samplerTopP ? '' : cutTopP(percent(samplerTopP))}`;
}

/** At the right end of both is everything, which for a number of tokens is the 0 of the state. */
function sliders({ samplerTopK, samplerTopP }: State, set: Shown['actions']['set']): ViewElement {
  const { drawTopK, drawTopP, drawHelp, drawAll } = messages.prompt;
  const allTokens = LIMITS.samplerTopK.max + 1;
  return h('div.draw', {},
    slider('draw-top-k', drawTopK, samplerTopK === 0 ? allTokens : samplerTopK, samplerTopK === 0 ? drawAll : String(samplerTopK),
      { min: 1, max: allTokens, step: 1 }, (place) => set({ samplerTopK: place >= allTokens ? 0 : place })),
    slider('draw-top-p', drawTopP, samplerTopP, samplerTopP === 1 ? drawAll : percent(samplerTopP),
      { ...LIMITS.samplerTopP, step: 0.01 }, (share) => set({ samplerTopP: share })),
    h('p.note', {}, drawHelp));
}

function slider(
  id: string, label: string, value: number, said: string, limits: { min: number; max: number; step: number }, set: (value: number) => void,
): ViewElement {
  return h('div.control', {},
    h('label', { attrs: { for: id } }, label),
    h('output.num', { attrs: { for: id } }, said),
    h('input', {
      value: String(value), on: { input: (event) => set(fieldNumber(event) ?? value) },
      attrs: { id, type: 'range', ...limits, 'aria-valuetext': said },
    }));
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

function numberField(
  label: string, value: number, limits: { min: number; max: number; step: number }, set: (value: number) => void, help?: string,
): ViewElement {
  const change = (event: Event): void => {
    const typed = fieldNumber(event);
    if (typed !== undefined) set(Math.min(limits.max, Math.max(limits.min, typed)));
  };
  return h('label.number', { attrs: { title: help } }, label,
    h('input', { value: String(value), on: { change }, attrs: { type: 'number', ...limits } }));
}
