// Our qwen3_moe checkpoints as GGUF files for llama.cpp, whose architecture `qwen3moe` is the same network.
// Keys and names of tensors are those of llama.cpp's gguf-py; its rotary convention is that of Hugging Face here, so no
// weight is permuted, only the experts of a layer are stacked. Norms and gates stay float32, as llama.cpp keeps them.
//
// llama.cpp knows pre-tokenizers by name only, and none is ours: it cuts plain prose on one line as we do (GPT-2's way),
// other texts not. So a file may also name its tokens by their numbers, `<12>`, and then a text says exact ids.

import fs from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '../../browser/safetensors.mjs';
import { writeGguf } from '../gguf.mjs';

const FILE_TYPES = { f32: 0, f16: 1, q8_0: 7 };
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;

/** The bytes of a GGUF file of a model folder, its matrices in `f32`, `f16` or `q8_0`, its tokens as `text` or `numbers`. */
export function ggufOf(folder, type, vocabulary = 'text') {
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const config = read('config.json');
  checkConfig(config, folder);
  const weights = readSafetensors(path.join(folder, 'model.safetensors'));
  return writeGguf({
    metadata: [...modelKeys(config, path.basename(folder), type), ...tokenizerKeys(config, read('tokenizer.json'), vocabulary)],
    tensors: tensorsOf(config, weights, type),
  });
}

/** Refuses what is not the network that the exports describe. */
export function checkConfig(config, folder) {
  const needed = { model_type: 'qwen3_moe', norm_topk_prob: true, decoder_sparse_step: 1, attention_bias: false, hidden_act: 'silu' };
  for (const [key, value] of Object.entries(needed)) {
    if (config[key] !== value) throw new Error(`${folder}: ${key} is ${config[key]}; an export can be made where it is ${value}`);
  }
  if (config.mlp_only_layers?.length > 0) throw new Error(`${folder}: layers ${config.mlp_only_layers} are dense; an export can be made where none is`);
}

function modelKeys(config, name, type) {
  const numbers = {
    context_length: config.max_position_embeddings,
    embedding_length: config.hidden_size,
    block_count: config.num_hidden_layers,
    feed_forward_length: config.intermediate_size,
    'attention.head_count': config.num_attention_heads,
    'attention.head_count_kv': config.num_key_value_heads,
    'attention.key_length': config.head_dim,
    'attention.value_length': config.head_dim,
    expert_count: config.num_experts,
    expert_used_count: config.num_experts_per_tok,
    expert_feed_forward_length: config.moe_intermediate_size,
  };
  return [
    ['general.architecture', 'string', 'qwen3moe'],
    ['general.name', 'string', name],
    ['general.file_type', 'uint32', FILE_TYPES[type]],
    ['general.quantization_version', 'uint32', 2],
    ...Object.entries(numbers).map(([key, value]) => [`qwen3moe.${key}`, 'uint32', value]),
    ['qwen3moe.attention.layer_norm_rms_epsilon', 'float32', config.rms_norm_eps],
    ['qwen3moe.rope.freq_base', 'float32', config.rope_theta],
  ];
}

function tokenizerKeys(config, { model, added_tokens: added }, vocabulary) {
  const tokens = Array.from({ length: config.vocab_size }, (_, id) => `<${id}>`);
  const types = tokens.map(() => USER_DEFINED);
  if (vocabulary === 'text') {
    for (const [text, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [text, NORMAL];
    for (const { content, id } of added) [tokens[id], types[id]] = [content, CONTROL];
  }
  return [
    ['tokenizer.ggml.model', 'string', 'gpt2'],
    ['tokenizer.ggml.pre', 'string', 'gpt-2'],
    ['tokenizer.ggml.tokens', 'array', ['string', tokens]],
    ['tokenizer.ggml.token_type', 'array', ['int32', types]],
    ['tokenizer.ggml.merges', 'array', ['string', vocabulary === 'text' ? model.merges.map((pair) => pair.join(' ')) : []]],
    ['tokenizer.ggml.bos_token_id', 'uint32', config.bos_token_id],
    ['tokenizer.ggml.eos_token_id', 'uint32', config.eos_token_id],
    ['tokenizer.ggml.add_bos_token', 'bool', vocabulary === 'text'],
  ];
}

function tensorsOf(config, weights, type) {
  const tensor = (name, source, stored) => ({ name: `${name}.weight`, type: stored, ...need(weights, `${source}.weight`) });
  const tensors = [
    tensor('token_embd', 'model.embed_tokens', type),
    tensor('output_norm', 'model.norm', 'f32'),
    // Without `output`, llama.cpp takes the embedding in its place.
    ...(config.tie_word_embeddings ? [] : [tensor('output', 'lm_head', type)]),
  ];
  for (let layer = 0; layer < config.num_hidden_layers; layer += 1) {
    const [to, from] = [`blk.${layer}`, `model.layers.${layer}`];
    tensors.push(
      tensor(`${to}.attn_norm`, `${from}.input_layernorm`, 'f32'),
      tensor(`${to}.attn_q`, `${from}.self_attn.q_proj`, type),
      tensor(`${to}.attn_k`, `${from}.self_attn.k_proj`, type),
      tensor(`${to}.attn_v`, `${from}.self_attn.v_proj`, type),
      tensor(`${to}.attn_output`, `${from}.self_attn.o_proj`, type),
      tensor(`${to}.attn_q_norm`, `${from}.self_attn.q_norm`, 'f32'),
      tensor(`${to}.attn_k_norm`, `${from}.self_attn.k_norm`, 'f32'),
      tensor(`${to}.ffn_norm`, `${from}.post_attention_layernorm`, 'f32'),
      tensor(`${to}.ffn_gate_inp`, `${from}.mlp.gate`, 'f32'),
      ...['gate', 'up', 'down'].map((part) => stack(`${to}.ffn_${part}_exps.weight`, type, weights, (expert) =>
        `${from}.mlp.experts.${expert}.${part}_proj.weight`, config.num_experts)),
    );
  }
  return tensors;
}

/** The same matrix of all experts as one tensor [E, rows, columns]. */
function stack(name, type, weights, source, count) {
  const parts = Array.from({ length: count }, (_, expert) => need(weights, source(expert)));
  const size = parts[0].data.length;
  const data = new Float32Array(size * count);
  for (const [expert, part] of parts.entries()) data.set(part.data, expert * size);
  return { name, type, shape: [count, ...parts[0].shape], data };
}

function need(weights, name) {
  const found = weights.get(name);
  if (!found) throw new Error(`the checkpoint has no tensor ${name}`);
  return found;
}
