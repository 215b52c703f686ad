// How far the model is, and what went wrong with it: one line of constant height under the top bar,
// so that nothing jumps when it empties, and a notice below it only where something failed.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import type { Engine, LoadingState } from '../engine.js';
import { messages } from '../messages.js';
import type { Actions } from './shown.js';

/** The part of an engine that the notices speak of, whatever it runs. */
export interface Noticed {
  readonly engine: Pick<Engine, 'loading' | 'failure'> & { readonly opened: { readonly info: { readonly name: string } } | undefined };
  readonly actions: Pick<Actions, 'cancelLoading' | 'retry' | 'dismiss'>;
}

export function notices(shown: Noticed): ViewElement {
  return h('div.notices', {}, loadingLine(shown), failure(shown));
}

function loadingLine({ engine, actions }: Noticed): ViewElement {
  const { loading } = engine;
  if (loading === undefined) return h('div.loading', { attrs: { 'data-loading': 'false' } });
  const share = loading.total === undefined ? undefined : loading.loaded / Math.max(1, loading.total);
  return h('div.loading', { attrs: { 'data-loading': 'true' } },
    h('progress', { attrs: { 'aria-label': messages.loading.bar, max: 1, value: share?.toFixed(3) } }),
    h('span', { attrs: { role: 'status' } }, share === undefined ? messages.loading.start : messages.loading.percent(Math.floor(share * 100))),
    h('span.note', {}, [messages.loading.phase[loading.phase], ...amounts(loading)].join(' · ')),
    h('button.link', { on: { click: actions.cancelLoading }, attrs: { type: 'button' } }, messages.loading.cancel));
}

function amounts({ loaded, total, secondsLeft }: LoadingState): string[] {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return [
    ...(total === undefined ? [] : [messages.loading.amount(megabytes(loaded), megabytes(total))]),
    ...(secondsLeft === undefined ? [] : [messages.loading.left(Math.ceil(secondsLeft))]),
  ];
}

function failure({ engine, actions }: Noticed): ViewElement {
  const { failure: failed, opened } = engine;
  if (failed === undefined) return h('div', { attrs: { hidden: true } });
  return h('div.failure', { attrs: { role: 'alert', 'data-code': failed.problem.code } },
    h('p', {}, h('strong', {}, messages.errors.load(failed.wish.model)), ' ', failed.problem.message),
    h('p', {}, opened === undefined ? messages.errors.none : messages.errors.stays(opened.info.name)),
    h('div.buttons', {},
      h('button.pill', { on: { click: () => actions.retry() }, attrs: { type: 'button' } }, messages.errors.retry),
      failed.wish.backend !== 'cpu' && opened === undefined
        && h('button.pill', { on: { click: () => actions.retry('cpu') }, attrs: { type: 'button' } }, messages.errors.useCpu),
      h('button.pill', { on: { click: actions.dismiss }, attrs: { type: 'button' } }, messages.errors.dismiss)));
}
