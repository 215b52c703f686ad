// From lists of experts to columns: what the readers of all formats end with.

import type { TraceLayer } from '../trace.js';
import { invalid } from './check.js';

export interface Entry {
  readonly expert: number;
  readonly weight: number | undefined;
}

/** A plan keeps an expert in 16 bits, and the highest value means none. */
export const MAX_EXPERTS = 65535;
/** Where a file only numbers its tokens, a higher number is taken for a mistake rather than for room to make. */
export const MAX_TOKENS = 200_000;

/** Columns of one layer from a list of entries for each token, in the order in which the experts were chosen. */
export function layerFrom(layer: number, nExperts: number, tokens: readonly (readonly Entry[])[]): TraceLayer {
  const count = tokens.reduce((sum, entries) => sum + entries.length, 0);
  const [offsets, experts, weights] = [new Uint32Array(tokens.length + 1), new Uint16Array(count), new Float32Array(count)];
  let at = 0;
  let weighed = true;
  for (const [token, entries] of tokens.entries()) {
    for (const { expert, weight } of entries) {
      checkExpert(expert, nExperts, layer, token);
      if (experts.subarray(offsets[token], at).includes(expert)) {
        throw invalid(`Layer ${layer}, token ${token}: expert ${expert} stands there twice; an expert acts once.`);
      }
      weighed &&= weight !== undefined;
      experts[at] = expert;
      weights[at] = weight ?? 0;
      at += 1;
    }
    offsets[token + 1] = at;
  }
  return { layer, nExperts, offsets, experts, weights: weighed ? weights : undefined };
}

function checkExpert(expert: number, nExperts: number, layer: number, token: number): void {
  if (!Number.isInteger(expert) || expert < 0 || expert >= nExperts) {
    throw invalid(`Layer ${layer}, token ${token}: expert ${expert} is named; the layer has experts 0 to ${nExperts - 1}.`);
  }
}

/** The number of experts where the file does not tell: as the reader was told, or one more than the highest that acts. */
export function expertCount(highest: number, told: number | undefined): { nExperts: number; notes: string[] } {
  if (told !== undefined) {
    if (highest >= told) throw invalid(`The trace names expert ${highest}; with ${told} experts they go from 0 to ${told - 1}.`);
    return { nExperts: told, notes: [] };
  }
  const nExperts = Math.max(1, highest + 1);
  return { nExperts, notes: [`The file does not say how many experts a layer has; ${nExperts} are assumed, because expert ${highest} is the highest that acts.`] };
}
