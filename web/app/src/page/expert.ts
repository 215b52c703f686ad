// The page of one expert at the shown layer: what it likes, what it works on, whom it works beside, what can be done to it, and
// what it does to one token.
// It is reckoned over the fixed sample, domain by domain, and over the shown text until the sample has been read.

import { badge, expertFacts, expertVar, h, kept, signedText, spokenText } from 'moescope/views';
import type { DomainShare, ExpertFacts, FavouriteToken, Neighbour, Pieces, Table, ViewElement } from 'moescope/views';

import { EXAMPLES } from '../examples.js';
import { messages } from '../messages.js';
import { NUDGE, bannedAt, forcedAt } from '../routing.js';
import { sampleDomains } from '../sampler.js';
import type { SampleState } from '../sampler.js';
import { short } from '../spec.js';
import { alonePart } from './alone.js';
import { keepMenu } from './keep.js';
import type { Shown } from './shown.js';

export function expertPage(shown: Shown): ViewElement | undefined {
  const { state, layer, nExperts, actions, pieces } = shown;
  const { expert } = state;
  if (expert === undefined || expert >= nExperts) return undefined;
  const facts = factsFor(shown, expert);
  const words = messages.expert;
  return h('section.expertpage', { key: 'expert', style: { '--c': expertVar(expert) }, attrs: { 'aria-label': words.heading(expert, layer), 'data-expert': expert } },
    h('div.head', {},
      h('h2', {}, badge(expert, true), ' ', words.heading(expert, layer)),
      h('div.buttons', {},
        h('button.pill', { on: { click: () => actions.set({ expert: undefined }) }, attrs: { type: 'button' } }, words.close),
        keepMenu('expert', words.heading(expert, layer), () => factTable(facts, pieces)))),
    controls(shown, expert),
    h('div.facts', { attrs: { id: 'expert' } },
      h('p', {}, words.load(percent(facts.load), percent(facts.even), facts.tokens)),
      list(words.favourites, words.favouritesHelp, facts.favourites.map((token) => favourite(token, pieces))),
      list(words.domains, words.domainsHelp(percent(facts.even)), facts.domains.map((domain) => domainRow(domain, facts.even))),
      list(words.neighbours, words.neighboursHelp, facts.neighbours.slice(0, 6).map((other) => neighbour(shown, other)))),
    alonePart(shown));
}

const keptFacts = kept<ExpertFacts>();

/** Thousands of tokens are looked through only when something changed. */
function factsFor({ sample, runner, layer, nExperts }: Shown, expert: number): ExpertFacts {
  const fromSample = sample.readings.length > 0;
  return keptFacts([fromSample ? sample.readings : runner.records, fromSample ? 0 : runner.records.length, layer, expert, nExperts], () =>
    expertFacts(fromSample ? domainsOf(sample) : [{ name: '', records: runner.records }], layer, expert, nExperts));
}

function domainsOf({ readings }: SampleState): ReturnType<typeof sampleDomains> {
  return sampleDomains(readings);
}

function controls({ state, layer, model, actions }: Shown, expert: number): ViewElement {
  const words = messages.expert;
  const [banned, forced] = [bannedAt(state.routing, layer).includes(expert), forcedAt(state.routing, layer).includes(expert)];
  const offset = state.routing.offsets[String(layer)]?.[expert] ?? 0;
  const button = (label: string, term: string, pressed: boolean | undefined, click: () => void): ViewElement => h('button.pill', {
    on: { click },
    attrs: { type: 'button', disabled: model === undefined, 'aria-pressed': pressed === undefined ? undefined : String(pressed), title: term },
  }, label);
  return h('div.buttons', { attrs: { role: 'group', 'aria-label': words.act } },
    button(words.ban, words.banTerm, banned, () => actions.ban(expert, !banned)),
    button(words.force, words.forceTerm, forced, () => actions.force(expert, !forced)),
    button(words.down, words.nudgeTerm, undefined, () => actions.nudge(expert, -NUDGE)),
    button(words.up, words.nudgeTerm, undefined, () => actions.nudge(expert, NUDGE)),
    h('span.note', {}, offset === 0 ? words.where[state.scope] : `${words.nudged(offset > 0 ? `+${short(offset)}` : short(offset).replace('-', '−'))} ${words.where[state.scope]}`));
}

function list(heading: string, help: string, rows: readonly ViewElement[]): ViewElement {
  return h('div.list', {}, h('h3', {}, heading), h('p.note', {}, help), rows.length === 0 ? h('p', {}, messages.expert.none) : h('ul', {}, rows));
}

function favourite({ token, seen, share }: FavouriteToken, pieces: Pieces): ViewElement {
  return h('li.favourite', { key: token.id, attrs: { title: messages.expert.seen(seen, percent(share)) } },
    h('code', {}, signedText(token, pieces)), h('span.note', {}, ` ${percent(share)}`));
}

function domainRow({ name, share }: DomainShare, even: number): ViewElement {
  const known = EXAMPLES.find(({ id }) => id === name);
  return h('li.row', { key: name },
    h('span', {}, known === undefined ? messages.expert.thisText : messages.prompt.example[known.id]),
    h('span.load', { attrs: { 'aria-hidden': 'true' } },
      h('span.bar', { style: { width: along(share) } }), h('span.even', { style: { left: along(even) } })),
    h('span.num', {}, percent(share)));
}

function neighbour({ actions }: Shown, { expert, share, chance }: Neighbour): ViewElement {
  return h('li.row', { key: expert },
    h('button.plain', { on: { click: () => actions.set({ expert }) }, attrs: { type: 'button', 'aria-label': messages.views.expert(expert) } }, badge(expert, true)),
    h('span.load', { style: { '--c': expertVar(expert) }, attrs: { 'aria-hidden': 'true' } },
      h('span.bar', { style: { width: along(share) } }), h('span.even', { style: { left: along(chance) } })),
    h('span.num', {}, percent(share)));
}

function factTable({ favourites, domains, neighbours, even }: ExpertFacts, pieces: Pieces): Table {
  return {
    columns: ['kind', 'name', 'share', 'chance', 'seen'],
    rows: [
      ...favourites.map(({ token, share, seen }) => ['token', spokenText(token, pieces), share, even, seen]),
      ...domains.map(({ name, share, tokens }) => ['domain', name, share, even, tokens]),
      ...neighbours.map(({ expert, share, chance }) => ['neighbour', String(expert), share, chance, null]),
    ],
  };
}

/** A length along a bar. */
function along(share: number): string {
  return `${(Math.min(1, share) * 100).toFixed(0)}%`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}\u00a0%`;
}
