// Experts and FLOPs of a token beside those of the trained routing, and how far both agree: what stands below every loss.

import { fixed, h } from 'moescope/views';
import type { Flops, ViewElement } from 'moescope/views';

import { millions } from '../catalogue.js';
import { messages } from '../messages.js';
import type { Works } from '../work.js';

/** What is routed: the words differ. */
export type Unit = 'token' | 'patch';

const PARTS = ['attention', 'router', 'experts', 'shared', 'dense', 'head'] as const satisfies readonly (keyof Flops)[];

export function workTable(works: Works | undefined, unit: Unit): ViewElement {
  const { work: words } = messages;
  const [now, trained] = [works?.now, works?.trained];
  const flops = (of: Flops | undefined): string => (of === undefined ? '–' : millions(of.total));
  return h('div.work', { attrs: {
    'data-experts': now?.experts.toFixed(3), 'data-flops': now?.flops?.total.toFixed(0), 'data-trained-flops': trained?.flops?.total.toFixed(0),
    'data-agreement': works?.agreement.toFixed(3),
  } },
  h('table', {},
    h('caption', {}, words.caption[unit]),
    h('thead', {}, h('tr', {}, ['', words.now, words.trained, words.change].map((name, n) => (n === 0 ? h('td', { key: n }) : h('th', { key: n, attrs: { scope: 'col' } }, name))))),
    h('tbody', {},
      row(words.experts, number(now?.experts), number(trained?.experts), change(now?.experts, trained?.experts)),
      row(words.flops, flops(now?.flops), flops(trained?.flops), change(now?.flops?.total, trained?.flops?.total)),
      row(words.agreement, works === undefined || Number.isNaN(works.agreement) ? '–' : percent(works.agreement), '100 %', ''))),
  h('details', { key: 'parts' },
    h('summary', {}, words.parts),
    h('p.note', {}, words.formula[unit]),
    now?.flops !== undefined && trained?.flops !== undefined && parts(now.flops, trained.flops)));
}

/** The parts that this model has. */
function parts(now: Flops, trained: Flops): ViewElement {
  const { work: words } = messages;
  return h('table', {}, h('tbody', {}, PARTS.filter((part) => trained[part] > 0 || now[part] > 0).map((part) =>
    row(words.part[part], millions(now[part]), millions(trained[part]), change(now[part], trained[part])))));
}

function row(name: string, ...cells: readonly string[]): ViewElement {
  return h('tr', { key: name }, h('th', { attrs: { scope: 'row' } }, name), cells.map((cell, n) => h('td.num', { key: n }, cell)));
}

function number(value: number | undefined): string {
  return value === undefined ? '–' : fixed(value);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function change(now: number | undefined, trained: number | undefined): string {
  if (now === undefined || trained === undefined || trained === 0) return '–';
  const points = Math.round(100 * (now / trained - 1));
  return points === 0 ? '±0 %' : `${points > 0 ? '+' : '−'}${Math.abs(points)} %`;
}
