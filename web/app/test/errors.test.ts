// Errors of the engine and the package, read from their sources: the Chinese page has a sentence for each code, with its numbers.
import { readFileSync, readdirSync } from 'node:fs';

import { MoescopeError } from 'moescope';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { explain } from '../src/errors.js';
import { learn, use } from '../src/language.js';
import { chineseErrors } from '../src/messages-zh-errors.js';

const ROOT = new URL('../../../', import.meta.url);
const ENUMS = ['crate/routing/src/error.rs', 'crate/model/src/error.rs'].map((file) => readFileSync(new URL(file, ROOT), 'utf8')).join('\n');

/** All sources below a folder that end in `ending`, as one text. */
function sources(folder: string, ending: string): string {
  const files = readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending));
  expect(files.length, folder).toBeGreaterThan(0);
  return files.map((file) => readFileSync(new URL(`${folder}/${file}`, ROOT), 'utf8')).join('\n');
}

const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, code]) => code ?? '');

/** Every code that can reach the page. */
function codes(): string[] {
  const bindings = ['crate/wasm/src', 'crate/wasm-analyses/src'].map((folder) => sources(folder, '.rs')).join('\n');
  const own = sources('web/packages/moescope/src', '.ts');
  return [...new Set([
    ...found(ENUMS, /=> "([a-z_]+)"/g),
    ...found(bindings, /js_error\(\s*"([a-z_]+)"/g), ...found(bindings, /parse\(\w+, "([a-z_]+)"\)/g),
    ...found(own, /new MoescopeError\(\s*'([a-z_]+)'/g), ...found(own, /^ {2}\| '([a-z_]+)'/gm), ...found(own, /GPU_START_FAILED = '([a-z_]+)'/g),
  ])];
}

/** What the engine may say, as patterns: `{name}` can be anything. */
const FORMATS = found(ENUMS, /#\[error\(\s*"((?:[^"\\]|\\.)*)"/g).map((format) =>
  new RegExp(`^${format.replaceAll('\\"', '"').split(/\{[^}]*\}/).map((part) => part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')).join('.+')}$`));

/** Sentences of the engine, and what is said of them. */
const SAID: readonly (readonly [code: string, english: string, chinese: string])[] = [
  ['prompt_too_long', 'the text is 640 tokens long, but first-2 reads at most 512; shorten it by about 20 %', '共 640 个词元，而模型最多读 512 个。请缩短约 20 %'],
  ['token_out_of_range', 'token id 9000 is outside the vocabulary; allowed are 0 to 4095', '编号 9000 不在词表中；可用 0 到 4095'],
  ['image_size', 'the image is 640 x 480 pixels; this model reads 32 x 32, resize it first', '640 × 480 像素，而模型只读 32 × 32'],
  ['class_out_of_range', 'class 12 does not exist; allowed are 0 to 9', '类别 12 不存在；可用 0 到 9'],
  ['not_an_moe_layer', 'the routing has a spec for layer 7, but the MoE layers of this model are [0, 1]', '第 7 层'],
  ['no_experts', 'layer 5 has no experts; allowed are [1, 3]', '第 5 层没有专家'],
  ['expert_out_of_range', 'expert 9 does not exist; allowed are 0 to 7', '最大编号为 7'],
  ['expert_out_of_range', 'restrict.disabled names expert 9; this layer has experts 0 to 7', '最大编号为 7'],
  ['position_out_of_range', 'position 30 is outside the text; allowed are 0 to 19', '位置 30 超出文本；可用 0 到 19'],
  ['expert_count_invalid', 'number of experts is 0; it must be from 1 to 65535', '专家数为 0'],
  ['logits_shape', 'got 12 logits for 2 tokens and 8 experts; expected 2 x 8', '得到 12 个 logit'],
  ['logit_nan', 'the logit of token 3 for expert 4 is NaN; logits must be numbers', '词元 3 对专家 4'],
  ['token_ids_shape', 'got 3 token ids for 4 tokens; give one per token or none', '得到 3 个词元编号，而词元有 4 个'],
  ['top_k_zero', 'top_k is 0; it must be from 1 to the number of experts, 8', '专家数 8 之间'],
  ['top_k_too_large', 'top_k is 9; it must be from 1 to the number of experts, 8', 'top-k 为 9；必须在 1 到专家数 8 之间'],
  ['forced_and_disabled', 'expert 2 is both forced and disabled; choose one', '专家 2 既被强制又被禁用'],
  ['all_disabled', 'all 8 experts are disabled; leave at least one enabled', '全部 8 个专家'],
  ['list_length', 'bias has 3 numbers; give one for each of the 8 experts, or none', '共 8 个'],
  ['groups_do_not_divide', 'n_groups is 3; it must divide the number of experts, 8', '组数为 3，不能整除专家数 8'],
  ['topk_groups_invalid', 'topk_groups is 5; it must be from 1 to n_groups, 4', '为 5；必须在 1 到组数 4 之间'],
  ['min_above_max', 'min_experts is 4; it must be at most max_experts, 2', '最少专家数 4 大于最多专家数 2'],
  ['importance_length', 'prune.layer_importance has 5 numbers; give the same number for each of the 2 thresholds', '有 5 个数，不能平均分给 2 个阈值'],
  ['modality_out_of_range', 'a token has modality 3; there are 2 thresholds, counted from 0', '模态为 3，而阈值只有 2 个'],
  ['layer_out_of_range', 'layer 6 has no importance; there are 4, counted from 0', '第 6 层没有重要性；共有 4 个'],
  ['context_shape', 'previous_scores has 5 entries; expected 8', '长度为 5，应为 8'],
  ['replay_too_short', 'the recorded plan has 4 tokens; token 9 was asked for', '只有 4 个词元，没有词元 9'],
  ['packed_invalid', 'the packed spec is not valid at word 17: it is too short', '第 17 个字'],
];

beforeAll(() => learn('zh'));
afterEach(() => void use('en'));

describe('in Chinese', () => {
  it('every code of the engine and the package has a sentence, and no other has', () => {
    expect(Object.keys(chineseErrors).sort()).toEqual(codes().sort());
  });

  it.each(SAID)('%s is said with its numbers, and the engine’s words stay below', (code, english, chinese) => {
    expect(FORMATS.some((format) => format.test(english)), 'the engine says it in these words').toBe(true);
    use('zh');
    const [said, detail] = explain(new MoescopeError(code, english)).message.split('\n');
    expect(said).toContain(chinese);
    expect(said).not.toMatch(/[{}？]/);
    expect(detail).toBe(english);
  });

  it('every sentence that holds numbers is among those', () => {
    const numbered = Object.entries(chineseErrors).flatMap(([code, sentence]) => (sentence.includes('{') ? [code] : []));
    expect([...new Set(SAID.map(([code]) => code))].sort()).toEqual(numbered.sort());
  });

  it('the layer that a routing error is about comes first and shifts no number', () => {
    use('zh');
    expect(explain(new MoescopeError('top_k_too_large', 'MoE layer 3: top_k is 9; it must be from 1 to the number of experts, 8')).message).toMatch(/^第 3 层：top-k 为 9；/);
  });

  it('what has no code of the engine stays as it is', () => {
    use('zh');
    expect(explain(new MoescopeError('other_host', 'words of the page')).message).toBe('words of the page');
    expect(explain(new Error('words of the page'))).toEqual({ code: 'internal', message: 'words of the page' });
  });
});

it('in English the engine speaks for itself', () => {
  expect(explain(new MoescopeError('top_k_too_large', 'top_k is 9')).message).toBe('top_k is 9');
});
