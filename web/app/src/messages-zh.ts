// The words of the page in Chinese. What a section says here replaces the English one; names of strategies and papers stay.

import { CHINESE } from 'moescope/views';

import type { Translation } from './messages.js';
import { chineseAlone } from './messages-alone.js';
import { chineseAnalyses } from './messages-zh-analyses.js';
import { chineseLessons } from './messages-zh-lessons.js';
import { chineseRouter } from './messages-zh-router.js';
import { chineseStrategy } from './messages-zh-strategy.js';
import { chineseWork } from './messages-zh-work.js';
import { chineseViews } from './messages-zh-views.js';
import { chineseVision } from './vision/messages-zh.js';

export const chinese: Translation = {
  vision: chineseVision,
  views: CHINESE,
  tagline: '看混合专家模型如何挑选专家，并改变它的挑选方式。',
  skip: '跳到文本',
  tabs: { label: '页面', language: '语言', vision: '视觉', analyses: '分析', lessons: '课程' },
  prompt: {
    label: '提示', placeholder: '写一个开头……', generate: '生成', continue: '续写', continueHelp: '从显示的文本末尾接着写；链接只带到它的开头。', stop: '停止', examples: '示例',
    example: {
      tales: '童话', novels: '小说', shakespeare: '莎士比亚', french: '法语', german: '德语', python: 'Python', rust: 'Rust', math: '算术', wordproblems: '应用题',
    },
    settings: '采样', temperature: '温度', temperatureHelp: '0 总是取最可能的词元', seed: '种子', maxTokens: '词元数',
    drawTopK: '从最可能的多少个词元中抽取', drawTopP: '从多大的概率份额中抽取', drawHelp: '针对下一个词元；路由器按自己的 top-k 挑选专家。', drawAll: '全部',
    summary: (temperature, cuts, seed, tokens) => ` T ${temperature}${cuts}，种子 ${seed}，${tokens} 个词元`,
    cutTopK: (k) => `，前 ${k} 个`, cutTopP: (share) => `，前 ${share}`,
    shortcut: 'Ctrl + Enter',
  },
  run: {
    recorded: '录制',
    live: (backend) => `在 ${backend} 上实时运行`,
    waiting: '模型到达后开始',
    speed: (tokensPerSecond) => `${tokensPerSecond} 词元/秒`,
    count: (prompt, generated) => `提示 ${prompt} + 生成 ${generated} 个词元`,
    empty: '文本将出现在这里，每个词元的颜色是最先接手它的专家。',
    label: '逐词元的文本',
    legend: '颜色深浅为权重。下划线：全部专家，长度为权重。数字：第一专家。',
  },
  errors: {
    prompt_empty: '请先写提示：模型至少需要一个词元才能往下写。',
    promptTooLong: (message) => `提示太长，请缩短或只留最后一部分。（${message}）`,
    noModel: '没有载入模型，无法生成：请用页面上方的“模型”按钮打开一个。',
    generic: (message) => message,
    load: (model) => `无法打开 ${model} 中的模型。`,
    stays: (model) => `继续使用 ${model}。`,
    none: '没有模型在运行，页面的其他部分仍可使用。',
    retry: '再试一次', useCpu: '使用 CPU', dismiss: '关闭',
    lastExpert: '至少要留一个专家：词元总得有去处。',
  },
  layer: { label: '层', grid: '每个词元在每一层：第一专家的颜色和编号。', value: (layer, last) => `第 ${layer} 层，最后一层 ${last}` },
  routing: {
    heading: '路由', topK: 'Top-k', topKTerm: '每个词元的专家数', ofExperts: (experts) => `共 ${experts}`,
    temperature: '路由温度', temperatureHelp: '小于 1 更果断，大于 1 更平均',
    experts: '专家', expertsHelp: '所示层的负载；竖线是平均份额。关掉一个就是禁用它。',
    scope: '更改作用于', all: '所有层', here: '这一层',
    reset: '重置路由', undo: '撤销', undoKeys: 'Ctrl + Z',
    dense: '这个模型没有专家：每个词元走同一条路，没有可路由的。这里列出它的损失和计算量，以便与有路由的模型比较。',
    asTrained: '训练时的设置', changed: (what) => `已更改：${what}`, atLayer: (layer, what) => `${what}（第 ${layer} 层）`,
    forced: (expert) => `+${expert} 强制`, freed: (expert) => `${expert} 不再强制`,
    fewer: (allowed, topK) => `只有 ${allowed} 个专家开着，所以每个词元用 ${allowed} 个而不是 ${topK} 个。`,
    recorded: '录制的运行保持自己的路由；实时模型到达后你的设置才生效。',
    load: (expert, share, even) => `专家 ${expert}：占所示词元的 ${share}，平均份额 ${even}`,
    open: '策略、专家等', less: '收起',
  },
  gauge: {
    heading: '代价', computing: '计算中……', noModel: '需要实时模型', noText: '需要文本', failed: (message) => `未能计算：${message}`,
    help: '所示文本的损失：模型对它有多惊讶，越低越好。',
  },
  mixed: { notice: (count) => `这段文本是在 ${count} 种路由下写成的，变化处有标记。`, stale: '这段文本是在另一种路由下写成的。', rerun: '重新生成' },
  inspector: {
    heading: '路由器', none: '选一个词元，看它的路由：所有专家的得分，谁被选中，其他为什么没有。', close: '放开',
    where: (position, layer) => ` 词元 ${position}，第 ${layer} 层`, surprise: (nats) => `抽取时 −log p = ${nats} 奈特`,
    previous: '上一个词元', next: '下一个词元',
  },
  paths: { heading: '站场', help: '词元从一层的第一专家驶向下一层的第一专家。' },
  backend: {
    button: (name) => `后端：${name}`, choose: '运行在', auto: '自动', webgpu: 'WebGPU', 'webgpu-burn': 'WebGPU，原装 Burn', cpu: 'CPU', none: '无引擎', loading: '载入中',
    adapter: (name) => `适配器：${name}`,
  },
  loading: {
    phase: { backend: '寻找 GPU', wasm: '引擎', weights: '权重', kernels: 'GPU 内核', load: '建立模型' },
    percent: (percent) => `实时模型已到 ${percent} %`, start: '实时模型正在路上', amount: (loaded, total) => `${loaded} / ${total} MB`,
    left: (seconds) => `约剩 ${seconds} 秒`, cancel: '取消', bar: '正在载入模型',
  },
  model: {
    facts: ({ name, layers, experts, topK, parameters, active }) => `${name}：${layers} 个专家层，每层 ${experts} 个专家，top-${topK}；${parameters} 参数，每个词元用 ${active}`,
    open: '模型', folder: '模型文件夹', folderHelp: '本站的一个地址，内有 config.json、tokenizer.json 和 model.safetensors。', go: '打开',
    cards: '本站的模型', inUse: '使用中', use: (name) => `使用 ${name}`, useShort: '使用', size: (megabytes) => `${megabytes} MB`,
    figures: (parameters, active) => `${parameters} 参数，每个词元用 ${active}`, dense: (parameters) => `${parameters} 参数，全部使用`,
    shape: (layers, experts, topK) => `${layers} 层，每层 ${experts} 个专家，top-${topK}`, shapeDense: (layers) => `${layers} 层，没有专家`,
    bitsPerByte: (bits) => `未见文本上 ${bits} 比特/字节`, kept: '已存于此浏览器', notKept: '尚未下载',
    forget: (name) => `从此浏览器移除 ${name}`, forgetShort: '移除', card: '模型卡与许可', own: '你自己的文件夹',
    ownHelp: '选择内有 config.json、tokenizer.json 和 model.safetensors 的文件夹；它不会离开这台设备。',
    missing: (files) => `文件夹里没有 ${files.join('、')}。`,
    otherHost: (host) => `本页不向其他主机请求任何内容，而 ${host} 是其他主机。请从那里下载 config.json、tokenizer.json 和 model.safetensors，再用“你自己的文件夹”打开，或放到本站。`,
    elsewhere: (name) => `文件夹 ${name} 在别人的磁盘上，链接带不过来。请在“你自己的文件夹”中选择它，或换一个模型。`,
  },
  theme: { label: '主题', system: '跟随系统', light: '浅色', dark: '深色' },
  share: { button: '分享', help: '复制指向当前所示内容的链接', copied: '已复制链接', refused: '请复制地址栏' },
  present: { label: '演示', off: '结束演示', text: '文本', layers: '各层', yard: '站场', router: '路由器', compare: '比较' },
  size: { label: '字号', smaller: 'A− 缩小文字', larger: 'A+ 放大文字' },
  help: {
    button: '按键', heading: '按键', close: '关闭',
    keys: [
      ['Ctrl + Enter', '从提示生成'], ['← →', '选定后的上一个、下一个词元'], ['↑ ↓', '上一层、下一层'], ['Enter', '选定焦点处的词元'],
      ['Escape', '放开词元，关闭打开的东西'], ['Ctrl + Z', '撤销上一次路由更改'], ['?', '这张表'],
    ],
  },
  ...chineseStrategy,
  ...chineseRouter,
  ...chineseWork,
  ...chineseAlone,
  ...chineseViews,
  ...chineseLessons,
  ...chineseAnalyses,
};
