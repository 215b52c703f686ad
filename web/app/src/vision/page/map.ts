// Which expert takes what: a row for each group of pictures, a column for each expert, beside the even share, and how much
// the group tells of the expert.

import { expertVar, h } from 'moescope/views';
import type { Kept, ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import type { VisionShown } from '../shown.js';
import { dependenceOf, sharesByGroup, sharesOf } from '../tally.js';
import type { Acts, Dependence } from '../tally.js';

export interface MapRows {
  readonly outcomes: readonly Acts[];
  readonly names: readonly string[];
  readonly groupOf: (label: number) => number;
  /** Whether a line parts a row from the one above. */
  readonly parted: (row: number) => boolean;
  /** What the rows are, where they may tell of the expert. */
  readonly what: string | undefined;
  /** The shuffles are costly and the page is drawn often: each map keeps its own. */
  readonly keptDependence: Kept<Dependence>;
}

export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

/** `choice` stands beside the heading. */
export function expertMap({ layer, layers, actions, ui }: VisionShown, rows: MapRows, choice?: ViewElement): ViewElement {
  const words = messages.vision.survey;
  const { outcomes, names, groupOf, parted, what, keptDependence } = rows;
  const at = layers.indexOf(layer);
  const shares = sharesByGroup(outcomes, at, groupOf, names.length);
  const all = sharesOf(outcomes, at);
  const even = all.reduce((sum, share) => sum + share, 0) / Math.max(1, all.length);
  const copy = csv(names, shares);
  return h('div.map', { key: 'map' },
    h('div.head', {}, h('h2', {}, words.map.heading), choice,
      h('button.pill', { on: { click: () => actions.copyMap(copy) }, attrs: { type: 'button' } }, ui.copied === copy ? words.copied : words.copy)),
    h('div.scroller', { attrs: { tabindex: 0, role: 'region', 'aria-label': words.map.heading } }, h('table', { style: { '--even': even.toFixed(4) } },
      h('caption.note', {}, words.map.caption(layer)),
      h('thead', {}, h('tr', {}, h('td'), all.map((_, expert) => h('th', {
        style: { '--c': expertVar(expert) }, attrs: { scope: 'col', title: `${words.expert} ${expert}` },
      }, String(expert))))),
      h('tbody', {}, names.map((name, index) => row(name, shares[index], parted(index), index)), row(words.all, all, true)))),
    h('p.note', {}, words.even(percent(even, 1))),
    what !== undefined && h('p.note', {}, dependenceText(what, keptDependence([outcomes, at, names.length], () => dependenceOf(outcomes, at, groupOf, names.length)))));
}

function row(name: string, shares: readonly number[] | undefined, parted: boolean, key?: number): ViewElement {
  return h('tr', { key: key ?? 'all', attrs: { class: parted ? 'first' : '' } },
    h('th', { attrs: { scope: 'row' } }, name),
    (shares ?? []).map((share, expert) => h('td', {
      style: { '--c': expertVar(expert), '--w': Math.min(1, share).toFixed(3) }, attrs: { 'data-share': share.toFixed(4) },
    }, (100 * share).toFixed(0))));
}

function dependenceText(what: string, { bits, chance, chanceHigh }: Dependence): string {
  return messages.vision.survey.tells(what, bits.toFixed(3), chance.toFixed(3), chanceHigh.toFixed(3));
}

function csv(names: readonly string[], shares: readonly (readonly number[] | undefined)[]): string {
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const header = ['', ...(shares.find((own) => own !== undefined) ?? []).map((_, expert) => `expert ${expert}`)].join(',');
  return [header, ...names.map((name, index) => [quoted(name), ...(shares[index] ?? []).map((share) => share.toFixed(4))].join(','))].join('\n');
}
