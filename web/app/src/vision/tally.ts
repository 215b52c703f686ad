// What many images say together, each with what chance alone would give: accuracy with an interval, the share of patches
// on which each expert acts by group, and how much the group tells of the expert.
// Pure functions of outcomes, which are small enough to keep for every image.

import type { Classification } from 'moescope';

import { generator } from '../random.js';
import { answerOf, lossOf } from './records.js';

/** What is kept of where the patches of one image go. */
export interface Acts {
  /** What the image is an example of: its class, or the folder that it lies in. */
  readonly label: number;
  readonly nPatches: number;
  /** By MoE layer in order: patches on which each expert acts. */
  readonly acts: readonly Uint16Array[];
}

/** What is kept of one image under one routing, where its right class is known. */
export interface Outcome extends Acts {
  readonly right: boolean;
  readonly loss: number;
  /** Share of the choices that found their expert full, over all layers. */
  readonly dropped: number;
}

/** A share with the interval in which it lies at 95 % (Wilson 1927). */
export interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export function outcomeOf(seen: Classification, label: number, overCapacity: number): Outcome {
  const kept = seen.layers.reduce((sum, { experts }) => sum + experts.length, 0);
  const lost = seen.layers.reduce((sum, { verdicts }) => sum + verdicts.reduce((n, code) => (code === overCapacity ? n + 1 : n), 0), 0);
  return { ...actsOf(seen, label), right: answerOf(seen) === label, loss: lossOf(seen, label), dropped: lost === 0 ? 0 : lost / (lost + kept) };
}

export function actsOf(seen: Classification, label: number): Acts {
  return {
    label, nPatches: (seen.layers[0]?.offsets.length ?? 1) - 1,
    acts: seen.layers.map(({ experts, n_experts }) => {
      const counts = new Uint16Array(n_experts);
      for (const expert of experts) counts[expert] = (counts[expert] ?? 0) + 1;
      return counts;
    }),
  };
}

const Z = 1.959964;

export function shareOf(hits: number, count: number): Share {
  if (count === 0) return { share: Number.NaN, low: 0, high: 1, count };
  const share = hits / count;
  const middle = (share + (Z * Z) / (2 * count)) / (1 + (Z * Z) / count);
  const reach = (Z / (1 + (Z * Z) / count)) * Math.sqrt((share * (1 - share)) / count + (Z * Z) / (4 * count * count));
  return { share, low: Math.max(0, middle - reach), high: Math.min(1, middle + reach), count };
}

export function accuracyOf(outcomes: readonly Outcome[]): Share {
  return shareOf(outcomes.filter(({ right }) => right).length, outcomes.length);
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** By group: the share of its patches on which each expert acts; a group without images has none. */
export function sharesByGroup(outcomes: readonly Acts[], layer: number, groupOf: (label: number) => number, nGroups: number): (number[] | undefined)[] {
  return Array.from({ length: nGroups }, (_, group) => {
    const own = outcomes.filter(({ label }) => groupOf(label) === group);
    return own.length === 0 ? undefined : sharesOf(own, layer);
  });
}

/** The share of all patches on which each expert acts. */
export function sharesOf(outcomes: readonly Acts[], layer: number): number[] {
  const patches = outcomes.reduce((sum, { nPatches }) => sum + nPatches, 0);
  const nExperts = outcomes[0]?.acts[layer]?.length ?? 0;
  return Array.from({ length: nExperts }, (_, expert) =>
    outcomes.reduce((sum, { acts }) => sum + (acts[layer]?.[expert] ?? 0), 0) / Math.max(1, patches));
}

/** How much knowing the group tells of a choice, in bits; and what it would tell if images had their groups by lot. */
export interface Dependence {
  readonly bits: number;
  /** Mean over the shuffles. */
  readonly chance: number;
  /** 95 % of the shuffles stay below. */
  readonly chanceHigh: number;
}

const SHUFFLES = 60;

export function dependenceOf(outcomes: readonly Acts[], layer: number, groupOf: (label: number) => number, nGroups: number): Dependence {
  const groups = outcomes.map(({ label }) => groupOf(label));
  // The same shuffles every time.
  const random = generator(1);
  const shuffled = Array.from({ length: SHUFFLES }, () => mutualInformation(outcomes, layer, shuffle(groups, random), nGroups)).sort((a, b) => a - b);
  return {
    bits: mutualInformation(outcomes, layer, groups, nGroups),
    chance: meanOf(shuffled),
    chanceHigh: shuffled[Math.ceil(0.95 * SHUFFLES) - 1] ?? 0,
  };
}

function mutualInformation(outcomes: readonly Acts[], layer: number, groups: readonly number[], nGroups: number): number {
  const nExperts = outcomes[0]?.acts[layer]?.length ?? 0;
  const joint = new Float64Array(nGroups * nExperts);
  outcomes.forEach(({ acts }, i) => acts[layer]?.forEach((count, expert) => {
    const cell = (groups[i] ?? 0) * nExperts + expert;
    joint[cell] = (joint[cell] ?? 0) + count;
  }));
  const [byGroup, byExpert] = [new Float64Array(nGroups), new Float64Array(nExperts)];
  let total = 0;
  joint.forEach((count, cell) => {
    const [group, expert] = [Math.floor(cell / nExperts), cell % nExperts];
    byGroup[group] = (byGroup[group] ?? 0) + count;
    byExpert[expert] = (byExpert[expert] ?? 0) + count;
    total += count;
  });
  let bits = 0;
  joint.forEach((count, cell) => {
    if (count === 0) return;
    const independent = (byGroup[Math.floor(cell / nExperts)] ?? 0) * (byExpert[cell % nExperts] ?? 0);
    bits += (count / total) * Math.log2((count * total) / independent);
  });
  return Math.max(0, bits);
}

function shuffle(values: readonly number[], random: () => number): number[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] ?? 0, out[i] ?? 0];
  }
  return out;
}
