// A checkpoint as a GGUF file: every weight is there once, experts are stacked, and the file says what llama.cpp asks.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readSafetensors } from '../../browser/safetensors.mjs';
import { root } from '../../browser/harness.mjs';
import { readGguf } from '../read-gguf.mjs';
import { ggufOf } from './gguf-model.mjs';

const FOLDER = path.join(root, 'models/first');
const config = JSON.parse(fs.readFileSync(path.join(FOLDER, 'config.json'), 'utf8'));
const weights = readSafetensors(path.join(FOLDER, 'model.safetensors'));

test('all weights of the checkpoint are in the file, bfloat16 widened, experts stacked in their order', () => {
  const { floats, tensors } = readGguf(ggufOf(FOLDER, 'f32'));
  const written = tensors.reduce((sum, { sizes }) => sum + sizes.reduce((product, size) => product * size, 1), 0);
  assert.equal(written, [...weights.values()].reduce((sum, { data }) => sum + data.length, 0));
  const expert = weights.get('model.layers.1.mlp.experts.3.down_proj.weight');
  const [rows, columns] = expert.shape;
  const stacked = tensors.find(({ name }) => name === 'blk.1.ffn_down_exps.weight');
  assert.deepEqual(stacked.sizes, [columns, rows, config.num_experts]);
  assert.deepEqual(floats('blk.1.ffn_down_exps.weight').subarray(3 * rows * columns, 4 * rows * columns), expert.data);
  assert.deepEqual(floats('token_embd.weight'), weights.get('model.embed_tokens.weight').data);
});

test('the file states the architecture in numbers, and the vocabulary as text or as numbers', () => {
  const { keys } = readGguf(ggufOf(FOLDER, 'q8_0'));
  assert.equal(keys['general.architecture'], 'qwen3moe');
  assert.equal(keys['qwen3moe.expert_count'], config.num_experts);
  assert.equal(keys['qwen3moe.expert_used_count'], config.num_experts_per_tok);
  assert.equal(keys['qwen3moe.attention.key_length'], config.head_dim);
  assert.equal(keys['tokenizer.ggml.tokens'][0], '<|doc|>');
  assert.equal(keys['tokenizer.ggml.tokens'].length, config.vocab_size);
  assert.ok(keys['tokenizer.ggml.merges'].length > 1000);
  const numbers = readGguf(ggufOf(FOLDER, 'q8_0', 'numbers')).keys;
  assert.equal(numbers['tokenizer.ggml.tokens'][17], '<17>');
  assert.deepEqual(numbers['tokenizer.ggml.merges'], []);
});

test('norms and gates stay float32 when matrices are packed', () => {
  const { tensors } = readGguf(ggufOf(FOLDER, 'q8_0'));
  const kinds = (type) => tensors.filter((tensor) => tensor.type === type).map(({ name }) => name.replace(/^blk\.\d+\./, ''));
  assert.deepEqual([...new Set(kinds(0))].sort(), ['attn_k_norm.weight', 'attn_norm.weight', 'attn_q_norm.weight', 'ffn_gate_inp.weight', 'ffn_norm.weight', 'output_norm.weight']);
  assert.equal(kinds(0).length + kinds(8).length, tensors.length);
});

test('a network that llama.cpp would compute otherwise is refused', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-gguf-'));
  try {
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...config, norm_topk_prob: false }));
    assert.throws(() => ggufOf(folder, 'f32'), /norm_topk_prob is false; an export can be made where it is true/);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
