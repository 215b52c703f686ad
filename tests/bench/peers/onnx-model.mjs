// Our qwen3_moe checkpoints as an ONNX graph with a key/value cache, for onnxruntime-web.
//
// The graph uses onnxruntime's own fused operators (com.microsoft: GroupQueryAttention, MoE, SkipSimplifiedLayerNormalization),
// as exports made for it do: plain operators are several times as many and slower. Inputs are the new tokens and the
// cache, outputs the logits of the last token and the grown cache.
//
// Shapes: T new tokens, P cached, S = P + T, D hidden, H heads, G key/value heads, d head size, E experts, F their width.

import fs from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '../../browser/safetensors.mjs';
import { writeOnnx } from '../onnx.mjs';
import { checkConfig } from './gguf-model.mjs';

const OPSETS = { '': 21, 'com.microsoft': 1 };

/** The bytes of an ONNX file of a model folder, in float32. */
export function onnxOf(folder) {
  return writeOnnx({ opsets: OPSETS, ...graphOf(folder) });
}

/** The same before it is written: nodes, weights, inputs and outputs. */
export function graphOf(folder) {
  const config = JSON.parse(fs.readFileSync(path.join(folder, 'config.json'), 'utf8'));
  checkConfig(config, folder);
  if (!config.tie_word_embeddings) throw new Error(`${folder}: tie_word_embeddings is false; an ONNX file can be made where it is true`);
  const graph = new Graph(config, readSafetensors(path.join(folder, 'model.safetensors')));
  graph.embed();
  for (let layer = 0; layer < config.num_hidden_layers; layer += 1) graph.block(layer);
  graph.head();
  return graph;
}

class Graph {
  nodes = [];
  weights = [];
  inputs = [];
  outputs = [];
  #config;
  #source;

  constructor(config, source) {
    this.#config = config;
    this.#source = source;
  }

  /** The embedding of `ids` [1, T], and how long the cache is with them, as attention asks for it. */
  embed() {
    const { max_position_embeddings: positions, head_dim: d, rope_theta: theta } = this.#config;
    this.inputs.push({ name: 'ids', element: 'int64', shape: [1, 'T'] });
    this.inputs.push({ name: 'last_position', element: 'int32', shape: [1] }, { name: 'length', element: 'int32', shape: [] });
    this.#weight('embedding', 'model.embed_tokens.weight');
    this.#node('Gather', ['embedding', 'ids'], ['hidden_0']);
    const angles = Float64Array.from({ length: positions * (d / 2) }, (_, n) => Math.floor(n / (d / 2)) * theta ** (-(n % (d / 2)) / (d / 2)));
    this.#constant('cos', 'float', [positions, d / 2], Float32Array.from(angles, Math.cos));
    this.#constant('sin', 'float', [positions, d / 2], Float32Array.from(angles, Math.sin));
    this.#constant('tokens_by_experts', 'int64', [2], BigInt64Array.of(-1n, BigInt(this.#config.num_experts)));
    this.#constant('minus_one', 'int64', [1], BigInt64Array.of(-1n));
    this.#norm('hidden_0', 'normed_0', 'model.layers.0.input_layernorm');
  }

  block(layer) {
    const from = `model.layers.${layer}`;
    const isLast = layer + 1 === this.#config.num_hidden_layers;
    this.#attention(layer, `${from}.self_attn`);
    this.#addAndNorm(`attended_${layer}`, `hidden_${layer}`, `between_${layer}`, `normed_between_${layer}`, `${from}.post_attention_layernorm`);
    this.#experts(layer, `${from}.mlp`);
    const next = isLast ? 'model.norm' : `model.layers.${layer + 1}.input_layernorm`;
    this.#addAndNorm(`mixed_${layer}`, `between_${layer}`, `hidden_${layer + 1}`, `normed_${layer + 1}`, next);
  }

  /** Logits [1, V] of the last token; the embedding is the head too. */
  head() {
    const { num_hidden_layers: layers, vocab_size: vocabulary } = this.#config;
    this.#node('Gather', [`normed_${layers}`, 'minus_one'], ['last'], { axis: 1 });
    this.#node('Flatten', ['last'], ['last_flat'], { axis: 2 });
    this.#node('Gemm', ['last_flat', 'embedding'], ['logits'], { transB: 1 });
    this.outputs.push({ name: 'logits', element: 'float', shape: [1, vocabulary] });
  }

  #attention(layer, from) {
    const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: d } = this.#config;
    const name = (part) => `${part}_${layer}`;
    for (const [part, count] of [['q', heads], ['k', groups]]) {
      this.#linear(`normed_${layer}`, name(`${part}_flat`), `${from}.${part}_proj`);
      this.#reshape(name(`${part}_flat`), name(`${part}_heads`), [0, -1, count, d]);
      this.#norm(name(`${part}_heads`), name(`${part}_normed`), `${from}.${part}_norm`);
      this.#reshape(name(`${part}_normed`), name(part), [0, -1, count * d]);
    }
    this.#linear(`normed_${layer}`, name('v'), `${from}.v_proj`);
    for (const part of ['key', 'value']) {
      this.inputs.push({ name: name(`past_${part}`), element: 'float', shape: [1, groups, 'P', d] });
      this.outputs.push({ name: name(part), element: 'float', shape: [1, groups, 'S', d] });
    }
    this.#node(
      'GroupQueryAttention',
      [name('q'), name('k'), name('v'), name('past_key'), name('past_value'), 'last_position', 'length', 'cos', 'sin'],
      [name('attention'), name('key'), name('value')],
      { num_heads: heads, kv_num_heads: groups, do_rotary: 1, rotary_interleaved: 0, scale: { float: 1 / Math.sqrt(d) } },
      'com.microsoft',
    );
    this.#linear(name('attention'), name('attended'), `${from}.o_proj`);
  }

  /** Softmax over the best k logits is the softmax over all, renormalised. */
  #experts(layer, from) {
    const { num_experts: experts, num_experts_per_tok: k, hidden_size: hidden, moe_intermediate_size: width } = this.#config;
    this.#linear(`normed_between_${layer}`, `gate_${layer}`, `${from}.gate`);
    this.#node('Reshape', [`gate_${layer}`, 'tokens_by_experts'], [`gate_flat_${layer}`]);
    const parts = (part) => Array.from({ length: experts }, (_, expert) => this.#need(`${from}.experts.${expert}.${part}_proj.weight`).data);
    this.#constant(`up_${layer}`, 'float', [experts, 2 * width, hidden], interleaved(parts('gate'), parts('up'), hidden));
    this.#constant(`down_${layer}`, 'float', [experts, hidden, width], stacked(parts('down')));
    const attributes = { k, normalize_routing_weights: 1, activation_type: 'swiglu', swiglu_fusion: 1, activation_alpha: { float: 1 }, activation_beta: { float: 0 } };
    this.#node('MoE', [`normed_between_${layer}`, `gate_flat_${layer}`, `up_${layer}`, '', `down_${layer}`], [`mixed_${layer}`], attributes, 'com.microsoft');
  }

  #norm(input, output, from) {
    this.#weight(`${output}_scale`, `${from}.weight`);
    this.#node('SimplifiedLayerNormalization', [input, `${output}_scale`], [output], { axis: -1, epsilon: { float: this.#config.rms_norm_eps } });
  }

  #addAndNorm(a, b, sum, output, from) {
    this.#weight(`${output}_scale`, `${from}.weight`);
    const attributes = { epsilon: { float: this.#config.rms_norm_eps } };
    this.#node('SkipSimplifiedLayerNormalization', [a, b, `${output}_scale`], [output, '', '', sum], attributes, 'com.microsoft');
  }

  /** Checkpoints keep a matrix as [out, in], MatMul wants [in, out]. */
  #linear(input, output, from) {
    const { shape: [rows, columns], data } = this.#need(`${from}.weight`);
    this.#constant(`${output}_weight`, 'float', [columns, rows], transposed(data, rows, columns));
    this.#node('MatMul', [input, `${output}_weight`], [output]);
  }

  #reshape(input, output, shape) {
    this.#constant(`${output}_shape`, 'int64', [shape.length], BigInt64Array.from(shape, BigInt));
    this.#node('Reshape', [input, `${output}_shape`], [output]);
  }

  #weight(name, source) {
    const { shape, data } = this.#need(source);
    this.#constant(name, 'float', shape, data);
  }

  #constant(name, element, shape, data) {
    this.weights.push({ name, element, shape, data });
  }

  #node(type, inputs, outputs, attributes = {}, domain = '') {
    this.nodes.push({ type, inputs, outputs, attributes, domain });
  }

  #need(name) {
    const found = this.#source.get(name);
    if (!found) throw new Error(`the checkpoint has no tensor ${name}`);
    return found;
  }
}

export function transposed(data, rows, columns) {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) result[column * rows + row] = data[row * columns + column];
  }
  return result;
}

function stacked(parts) {
  const result = new Float32Array(parts.length * parts[0].length);
  for (const [n, part] of parts.entries()) result.set(part, n * part.length);
  return result;
}

/** Rows of the gate and of the other projection in turns, which is how the operator wants its gated activation. */
export function interleaved(gates, ups, columns) {
  const result = new Float32Array(2 * gates.length * gates[0].length);
  for (const [expert, gate] of gates.entries()) {
    const start = 2 * expert * gate.length;
    for (let at = 0; at < gate.length; at += columns) {
      result.set(gate.subarray(at, at + columns), start + 2 * at);
      result.set(ups[expert].subarray(at, at + columns), start + 2 * at + columns);
    }
  }
  return result;
}
