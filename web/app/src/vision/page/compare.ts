// Two sides of the tab Vision next to each other: A is held, B is what the page shows. They differ in model, picture or routing.
// Each has its patches at the shown layer and its class probabilities; patches whose experts changed are framed.

import { changedTokens, classBars, fixed, h, patchView } from 'moescope/views';
import type { ClassBar, ViewElement } from 'moescope/views';
import type { Classification, VisionInfo } from 'moescope';

import { describeEdits } from '../../changes.js';
import { messages } from '../../messages.js';
import { compareHead, layerTable, modelOfA, noteList, waitingFor } from '../../page/compare-parts.js';
import { comparisonOf, marksChanges } from '../../sides.js';
import type { Comparison } from '../../sides.js';
import { answerOf, lossOf, patchRecords } from '../records.js';
import type { VisionShown } from '../shown.js';

type Name = 'a' | 'b';

interface Sided {
  readonly seen: Classification;
  readonly info: VisionInfo;
  readonly label: number | undefined;
}

/** Classes shown of each side; the same for both. */
const SHOWN = 5;

export function compare(shown: VisionShown): ViewElement | undefined {
  const { state, actions, layer, rival } = shown;
  if (state.rival === undefined) return undefined;
  const sides = sidesOf(shown);
  const comparison = sides && comparisonOf(
    { model: sides.a.info.name, records: patchRecords(sides.a.seen) }, { model: sides.b.info.name, records: patchRecords(sides.b.seen) },
    { kind: 'picture', same: state.rival.input === undefined });
  const words = messages.compare;
  const help = comparison?.paired === false ? words.help.apart : words.help.picture;
  return h('section.compare', { key: 'compare', attrs: { 'aria-label': words.heading } },
    compareHead({ swap: actions.swap, noSwap: undefined, end: () => actions.set({ rival: undefined }), layers: comparison?.layers ?? [] }),
    sideA(shown),
    h('p.note', { attrs: { role: 'status' } }, waitingFor(rival, 'picture', sides !== undefined) ?? help),
    sides !== undefined && comparison !== undefined && h('div', { key: 'compared', attrs: { id: 'compare' } },
      h('div.sides', {}, sideOf(shown, 'a', sides, comparison), sideOf(shown, 'b', sides, comparison)),
      h('p.note', {}, words.mark),
      noteList(comparison.notes),
      layerTable(comparison.layers, { kind: 'picture', layer, choose: (chosen) => actions.set({ layer: chosen }) })));
}

function sidesOf({ rival: { comparer: { reading }, info: other, label }, seen, info }: VisionShown): Readonly<Record<Name, Sided>> | undefined {
  if (reading === undefined || other === undefined || seen === undefined || info === undefined) return undefined;
  return { a: { seen: reading, info: other, label }, b: { seen: seen.now, info, label: seen.label } };
}

/** What A is, where that is another than B. */
function sideA({ state: { rival, model }, actions, seen }: VisionShown): ViewElement {
  const words = messages.compare.input.picture;
  return h('div.makes', {},
    modelOfA({ kind: 'vision', page: model, chosen: rival?.model, choose: (chosen) => actions.rival({ model: chosen }) }),
    h('div.input', {},
      h('span.label', {}, words.label),
      h('div.buttons', {},
        h('button.pill', { on: { click: actions.holdPicture }, attrs: { type: 'button', disabled: seen === undefined } }, words.hold),
        h('button.pill', { on: { click: () => actions.rival({ input: undefined }) }, attrs: { type: 'button', disabled: rival?.input === undefined } }, words.same),
        h('span.note', {}, messages.compare.inputHelp.picture))));
}

function sideOf(shown: VisionShown, name: Name, sides: Readonly<Record<Name, Sided>>, comparison: Comparison): ViewElement {
  const { state, layer } = shown;
  const words = messages.compare;
  const { seen, info, label } = sides[name];
  const edits = describeEdits(name === 'a' ? state.rival?.routing ?? state.routing : state.routing);
  const answer = answerOf(seen);
  return h('div.side', { attrs: { 'data-side': name, 'data-model': info.name, 'data-answer': answer } },
    h('p', {}, h('strong', {}, words[name]), sides.a.info.name === sides.b.info.name ? '' : ` ${info.name},`, ` ${edits === '' ? messages.routing.asTrained : edits}`),
    patches(shown, name, sides, comparison, layer),
    h('p.verdict', {},
      h('strong', {}, info.classes[answer]?.label ?? '?'),
      label !== undefined && h('span', { attrs: { class: label === answer ? 'good' : 'bad' } },
        label === answer ? `✓ ${messages.vision.answer.right}` : `✗ ${messages.vision.answer.wrong(info.classes[label]?.label ?? '?')}`),
      label !== undefined && h('span.note', {}, `${fixed(lossOf(seen, label))} ${messages.vision.gauge.nats}`)),
    classBars(barsOf(sides, name), { ...messages.views, classes: words.classes(words[name]), classTrained: words.otherSide }));
}

function patches({ ui, state, patchEvents }: VisionShown, name: Name, { a, b }: Readonly<Record<Name, Sided>>, comparison: Comparison, layer: number): ViewElement {
  const { seen, info } = name === 'a' ? a : b;
  const records = patchRecords(seen);
  const chosen = comparison.paired || name === 'b';
  return h('div.panel', {}, h('div.stack', {},
    h('canvas', { attrs: { class: name === 'a' ? 'pixels of-a' : 'pixels', 'aria-hidden': 'true', width: info.image_size, height: info.image_size } }),
    patchView({
      records, layer, columns: info.image_size / info.patch_size, tint: 'experts',
      pinned: chosen ? state.patch : undefined, looked: chosen ? ui.hover?.patch : undefined,
      focusable: Math.min(records.length - 1, ui.cursor ?? state.patch ?? 0), on: chosen ? patchEvents : NO_EVENTS,
      marked: marksChanges(comparison, layer) ? changedTokens(patchRecords(a.seen), patchRecords(b.seen), layer) : undefined,
    }, messages.views)));
}

const NO_EVENTS: VisionShown['patchEvents'] = {};

/** The same classes in the same order on both sides, by name: two models may number them differently. */
function barsOf({ a, b }: Readonly<Record<Name, Sided>>, name: Name): ClassBar[] {
  const rows = b.info.classes.map(({ set, label }, index) => {
    const ofA = a.info.classes.findIndex((known) => known.set === set && known.label === label);
    const both = { a: a.seen.probabilities[ofA] ?? 0, b: b.seen.probabilities[index] ?? 0 };
    return { label, set, now: both[name], trained: both[name === 'a' ? 'b' : 'a'], most: Math.max(both.a, both.b), right: (name === 'a' ? ofA === a.label : index === b.label) };
  });
  return rows.toSorted((x, y) => y.most - x.most).slice(0, SHOWN);
}
