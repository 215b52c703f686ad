// What one expert of a layer does over many tokens: the tokens that like it best, the kinds of text it works on, and the
// experts it works beside. Shares stand against what chance would give, because an expert that acts often is everywhere.

import type { Token } from '../generated/engine.js';
import { choicesAt } from './data.js';
import type { TokenRecord } from './data.js';

/** A kind of text and its tokens. */
export interface Domain {
  readonly name: string;
  readonly records: readonly TokenRecord[];
}

export interface FavouriteToken {
  readonly token: Token;
  /** How often it was seen, and the share of those that chose the expert. */
  readonly seen: number;
  readonly share: number;
}

export interface DomainShare {
  readonly name: string;
  readonly tokens: number;
  readonly share: number;
}

export interface Neighbour {
  readonly expert: number;
  /** Share of the expert's tokens on which the neighbour acts too. */
  readonly share: number;
  /** Share of all tokens on which the neighbour acts: what chance would give. */
  readonly chance: number;
}

export interface ExpertFacts {
  readonly tokens: number;
  /** Share of all tokens on which the expert acts, and the even share. */
  readonly load: number;
  readonly even: number;
  readonly favourites: readonly FavouriteToken[];
  readonly domains: readonly DomainShare[];
  readonly neighbours: readonly Neighbour[];
}

/** A token that was seen less often says little. */
const MIN_SEEN = 3;

export function expertFacts(domains: readonly Domain[], layer: number, expert: number, nExperts: number, most = 12): ExpertFacts {
  const all = domains.flatMap(({ records }) => records);
  const taken = all.filter((record) => takes(record, layer, expert));
  const picks = all.reduce((sum, record) => sum + choicesAt(record, layer).length, 0);
  return {
    tokens: all.length,
    load: taken.length / Math.max(1, all.length),
    even: picks / Math.max(1, all.length * nExperts),
    favourites: favourites(all, layer, expert).slice(0, most),
    domains: domains.map(({ name, records }) => ({
      name, tokens: records.length, share: records.filter((record) => takes(record, layer, expert)).length / Math.max(1, records.length),
    })),
    neighbours: neighbours(all, taken, layer, expert, nExperts).slice(0, most),
  };
}

function takes(record: TokenRecord, layer: number, expert: number): boolean {
  return choicesAt(record, layer).some((choice) => choice.expert === expert);
}

function favourites(records: readonly TokenRecord[], layer: number, expert: number): FavouriteToken[] {
  const counts = new Map<number, { readonly token: Token; seen: number; taken: number }>();
  for (const record of records) {
    const { token } = record;
    if (token.special) continue;
    const count = counts.get(token.id) ?? { token, seen: 0, taken: 0 };
    count.seen += 1;
    if (takes(record, layer, expert)) count.taken += 1;
    counts.set(token.id, count);
  }
  return [...counts.values()].filter(({ seen, taken }) => seen >= MIN_SEEN && taken > 0)
    .map(({ token, seen, taken }) => ({ token, seen, share: taken / seen }))
    .toSorted((a, b) => b.share - a.share || b.seen - a.seen || a.token.id - b.token.id);
}

/** In order of how much oftener than by chance they act beside it. */
function neighbours(all: readonly TokenRecord[], taken: readonly TokenRecord[], layer: number, expert: number, nExperts: number): Neighbour[] {
  return Array.from({ length: nExperts }, (_, other) => other).filter((other) => other !== expert).map((other) => ({
    expert: other,
    share: taken.filter((record) => takes(record, layer, other)).length / Math.max(1, taken.length),
    chance: all.filter((record) => takes(record, layer, other)).length / Math.max(1, all.length),
  })).filter(({ share }) => share > 0).toSorted((a, b) => (b.share - b.chance) - (a.share - a.chance));
}
