// What it costs to ban each expert of one layer: the texts are run once for each expert without it, and its cost stands
// beside the mean cost of banning the three experts whose load is nearest.

import type { LayerAnswer, ModelRouting, RouterSpec } from 'moescope';
import { specFor } from 'moescope/views';

import type { Opened } from '../engine.js';
import { ascending } from '../spec.js';
import type { BanCost } from './findings/curves.js';
import type { Piece } from './texts.js';

/** Half the width of a 95 % interval in standard errors. */
const Z = 1.959964;

interface Options {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export async function banCosts(
  { scope, info }: Opened, routing: ModelRouting, layer: number, pieces: readonly Piece[], load: LayerAnswer | undefined, { signal, onProgress }: Options,
): Promise<{ costs: BanCost[]; loss: number }> {
  const before = pieces.map(({ losses }) => losses);
  const free = Array.from({ length: info.n_experts }, (_, expert) => expert).filter((expert) => !specFor(routing, layer).restrict.disabled.includes(expert));
  const changes = new Map<number, Float32Array>();
  for (const expert of free.length > 1 ? free : []) {
    onProgress(changes.size, free.length);
    const without = banned(routing, layer, expert);
    const after: Float32Array[] = [];
    for (const { text } of pieces) after.push((await scope.analyse(text, { routing: without, signal })).losses);
    changes.set(expert, differences(before, after));
  }
  const mean = new Map([...changes].map(([expert, values]) => [expert, meanOf(values).value]));
  const controls = load?.answer.analysis === 'load' ? load.answer.answer.controls : [];
  return {
    loss: meanOf(differences([], before)).value,
    costs: [...changes].map(([expert, values]) => {
      const near = (controls[expert] ?? []).map((other) => mean.get(other)).filter((cost) => cost !== undefined);
      return { expert, ...meanOf(values), chance: near.length === 0 ? undefined : near.reduce((sum, cost) => sum + cost, 0) / near.length };
    }),
  };
}

/** The routing with one expert less at one layer. */
function banned(routing: ModelRouting, layer: number, expert: number): ModelRouting {
  const spec: RouterSpec = specFor(routing, layer);
  const restrict = { ...spec.restrict, disabled: ascending([...spec.restrict.disabled, expert]) };
  return { ...routing, layers: { ...routing.layers, [String(layer)]: { ...spec, restrict } } };
}

/** Of every token that is predicted; without a before, the values themselves. */
function differences(before: readonly Float32Array[], after: readonly Float32Array[]): Float32Array {
  return Float32Array.from(after.flatMap((losses, piece) => Array.from(losses, (loss, token) => loss - (before[piece]?.[token] ?? 0)).filter(Number.isFinite)));
}

function meanOf(values: Float32Array): { value: number; low: number; high: number } {
  const value = values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, each) => sum + (each - value) ** 2, 0);
  const reach = values.length < 2 ? 0 : Z * Math.sqrt(squares / (values.length - 1) / values.length);
  return { value, low: value - reach, high: value + reach };
}
