// FLOPs against the matrices of real checkpoints: without a context a token costs two operations for each weight it meets.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { flopsPerToken, shapeOfConfig } from './flops.js';
import type { ModelShape } from './flops.js';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));

/** Shapes by name, from the header of a safetensors file: eight bytes of length, then JSON. */
function tensors(file: string): Map<string, readonly number[]> {
  const handle = openSync(file, 'r');
  const length = Buffer.alloc(8);
  readSync(handle, length, 0, 8, 0);
  const text = Buffer.alloc(Number(length.readBigUInt64LE()));
  readSync(handle, text, 0, text.length, 8);
  closeSync(handle);
  const header = JSON.parse(text.toString('utf8')) as Record<string, { readonly shape?: readonly number[] }>;
  return new Map(Object.entries(header).flatMap(([name, { shape }]) => (shape === undefined ? [] : [[name, shape] as const])));
}

function configOf(folder: string): { readonly shape: ModelShape; readonly tied: boolean; readonly topK: number } {
  const config = JSON.parse(readFileSync(`${root}${folder}/config.json`, 'utf8')) as { readonly tie_word_embeddings?: boolean; readonly num_experts_per_tok?: number };
  const shape = shapeOfConfig(config);
  if (shape === undefined) throw new Error(`${folder}/config.json has no sizes`);
  return { shape, tied: config.tie_word_embeddings === true, topK: config.num_experts_per_tok ?? 0 };
}

/** Weights that a token meets in a matrix: all of those outside of experts, and of an expert its share. The embedding is looked up. */
function weightsMet(folder: string): number {
  const { shape, tied, topK } = configOf(folder);
  return [...tensors(`${root}${folder}/model.safetensors`)].reduce((sum, [name, sizes]) => {
    if (sizes.length < 2 || (name === 'model.embed_tokens.weight' && !tied)) return sum;
    const count = sizes.reduce((product, size) => product * size, 1);
    return sum + (/\.experts\./.test(name) ? (count * topK) / shape.nExperts : count);
  }, 0);
}

describe.each(['tests/checkpoints/olmoe', 'tests/checkpoints/qwen2_moe', 'tests/checkpoints/qwen3_moe', 'tests/checkpoints/qwen3', 'models/first', 'models/nine'])('%s', (folder) => {
  it('costs two operations for each weight that a token meets', () => {
    expect(existsSync(`${root}${folder}/model.safetensors`), `${folder} has its weights`).toBe(true);
    const { shape, topK } = configOf(folder);
    const { total } = flopsPerToken(shape, { experts: shape.moeLayers.map(() => topK), context: 0 });
    expect(total).toBe(2 * weightsMet(folder));
  });
});

describe('a model reckoned by hand', () => {
  const shape: ModelShape = { nLayers: 2, moeLayers: [1], dModel: 4, nHeads: 2, nKvHeads: 1, headDim: 3, vocabSize: 10, nExperts: 5, dExpert: 7, dShared: 6, dDense: 8 };

  it('has these parts', () => {
    expect(flopsPerToken(shape, { experts: [1.5], context: 9 })).toEqual({
      attention: 2 * (2 * 4 * (12 + 6) + 4 * 6 * 9), router: 40, experts: 252, shared: 152, dense: 192, head: 80, total: 2 * (144 + 216) + 40 + 252 + 152 + 192 + 80,
    });
  });

  it('costs as much less as experts act less, and attends to as much as the context holds', () => {
    const at = (experts: number, context: number): number => flopsPerToken(shape, { experts: [experts], context }).total;
    expect(at(2, 1) - at(1, 1)).toBe(6 * 4 * 7);
    expect(at(0, 1)).toBe(flopsPerToken({ ...shape, dExpert: 0 }, { experts: [2], context: 1 }).total);
    expect(at(1, 11) - at(1, 1)).toBe(2 * 4 * 6 * 10);
  });
});

it('a config without sizes gives no shape', () => {
  for (const config of [undefined, null, 5, {}, { hidden_size: 4 }, { hidden_size: '4', num_hidden_layers: 1, num_attention_heads: 1, vocab_size: 3 }]) {
    expect(shapeOfConfig(config)).toBeUndefined();
  }
});
