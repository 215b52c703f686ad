// Chinese: what went wrong, by the code of the error. The engine's own English sentence stays below as the detail, since
// it holds the names of files, fields and tensors.
//
// `{0}` is the first number of that sentence, `{-1}` the last, not counting the layer in front of it.

export const chineseErrors: Readonly<Record<string, string>> = {
  // The package.
  engine_lost: '引擎已停止。请重试，它会重新启动。',
  fetch_failed: '有一个文件未能下载。请检查地址和网络连接。',
  freed: '它已被释放。请重新载入模型，或再次运行。',
  gpu_start_failed: 'GPU 上的引擎未能启动。',
  image_invalid: '图片的数据不完整，或没有像素。',
  image_unreadable: '浏览器无法把它读成图片。请使用 PNG、JPEG、WebP 或 GIF。',
  input_invalid: '交给路由器的数据有误。',
  internal: '程序内部出错。',
  no_gpu: '这里无法使用 WebGPU。请选择 CPU，或换用支持 WebGPU 的浏览器。',
  question_invalid: '分析无法读懂它的设置。',
  routing_invalid: '引擎无法读懂这种路由。',
  superseded: '已开始另一次生成，这一次因此结束。',
  trace_invalid: '这不是可以读取的轨迹文件。',
  trace_part_missing: '这份轨迹缺少该分析所需的数据。',
  weights_truncated: '权重文件不完整或已损坏，请重新下载。',
  worker_failed: '后台线程未能运行。请重新载入本页。',
  // Models.
  config_invalid: 'config.json 缺少内容，或要求了这里没有的功能。',
  tokenizer_invalid: '无法读取 tokenizer.json。',
  tensor_missing: '权重文件中缺少 config.json 所要求的张量。',
  shape_mismatch: '权重文件中有张量的形状与 config.json 不符。',
  dtype_unsupported: '有张量的存储类型不受支持；可用 F32、F16 和 BF16。',
  prompt_empty: '提示词是空的，至少要有一个字符。',
  prompt_too_long: '文本太长：共 {0} 个词元，而模型最多读 {-2} 个。请缩短约 {-1} %。',
  text_too_short: '文本只有 1 个词元，重新路由至少需要 2 个。',
  token_out_of_range: '词元编号 {0} 不在词表中；可用 0 到 {-1}。',
  option_invalid: '有一个选项的值不被允许。',
  not_generating: '当前没有正在进行的生成。',
  image_size: '图片为 {0} × {1} 像素，而模型只读 {-1} × {-1}。',
  class_out_of_range: '类别 {0} 不存在；可用 0 到 {-1}。',
  not_an_moe_layer: '路由指定了第 {0} 层，但它不是 MoE 层。',
  no_experts: '第 {0} 层没有专家。',
  expert_out_of_range: '指定的专家不存在；最大编号为 {-1}。',
  position_out_of_range: '位置 {0} 超出文本；可用 0 到 {-1}。',
  plan_cannot_tell: '预先录制的计算步骤看不到专家内部；请改用 CPU。',
  need_unmet: '模型没有这种策略所需的数据，请换一种策略。',
  no_external_router: '这种策略要用自己写的路由器，而现在没有。请先运行一个，或换一种策略。',
  not_differentiable: '这种策略的权重没有已知的梯度，请改用搜索。',
  device: '设备未能读回结果。',
  // Routings.
  expert_count_invalid: '专家数为 {0}；必须在 1 到 65535 之间。',
  logits_shape: '得到 {0} 个 logit，与词元数和专家数不符。',
  logit_nan: '词元 {0} 对专家 {1} 的 logit 不是数字。',
  token_ids_shape: '得到 {0} 个词元编号，而词元有 {1} 个。',
  number_invalid: '有一个数值超出范围。',
  top_k_zero: 'top-k 为 0；必须在 1 到专家数 {-1} 之间。',
  top_k_too_large: 'top-k 为 {0}；必须在 1 到专家数 {-1} 之间。',
  forced_and_disabled: '专家 {0} 既被强制又被禁用，只能选一样。',
  all_disabled: '全部 {0} 个专家都被禁用，至少要留一个。',
  conflict: '有两项设置不能同时使用。',
  list_length: '列表的长度不对；应为每个专家一个数，共 {-1} 个，或不写。',
  groups_do_not_divide: '组数为 {0}，不能整除专家数 {1}。',
  topk_groups_invalid: '选用的组数为 {0}；必须在 1 到组数 {-1} 之间。',
  min_above_max: '最少专家数 {0} 大于最多专家数 {1}。',
  capacity_invalid: '容量必须是大于 0 的有限数；不写则没有上限。',
  importance_length: 'prune.layer_importance 有 {0} 个数，不能平均分给 {-1} 个阈值。',
  modality_out_of_range: '有词元的模态为 {0}，而阈值只有 {1} 个，从 0 数起。',
  layer_out_of_range: '第 {0} 层没有重要性；共有 {1} 个，从 0 数起。',
  context_shape: '附带数据的长度为 {-2}，应为 {-1}。',
  context_nan: '附带数据中有一项不是数字。',
  need_missing: '缺少这种策略所需的数据。',
  replay_too_short: '录制的路由只有 {0} 个词元，没有词元 {1}。',
  external_failed: '自己写的路由器出错了。',
  weight_not_finite: '有专家的权重不是有限数。',
  unknown_field: '没有这个名字的字段。',
  field_invalid: '有一个字段的值不被允许。',
  packed_invalid: '打包的路由在第 {0} 个字处无效。',
  unknown_preset: '没有这个名字的策略。',
  plan_invalid: '路由的结果自相矛盾。',
};

/** Of a routing error that names the layer it is about. */
const LAYER = /^MoE layer (\d+): /;

export function chineseError(code: string, english: string): string {
  const sentence = chineseErrors[code];
  if (sentence === undefined) return english;
  const layer = LAYER.exec(english);
  const numbers = english.slice(layer?.[0].length ?? 0).match(/\d+(?:\.\d+)?/g) ?? [];
  const filled = sentence.replace(/\{(-?\d+)\}/g, (_, at) => numbers.at(Number(at)) ?? '？');
  return `${layer === null ? '' : `第 ${layer[1]} 层：`}${filled}\n${english}`;
}
