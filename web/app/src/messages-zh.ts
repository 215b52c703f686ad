// The words of the page in Chinese. What a section says here replaces the English one; names of strategies and papers stay.

import { CHINESE } from 'moescope/views';

import type { Translation } from './messages.js';
import { chineseAlone } from './messages-alone.js';
import { chineseAnalyses } from './messages-zh-analyses.js';
import { chineseError } from './messages-zh-errors.js';
import { chineseLessons } from './messages-zh-lessons.js';
import { chineseRouter } from './messages-zh-router.js';
import { chineseStrategy } from './messages-zh-strategy.js';
import { chineseWork } from './messages-zh-work.js';
import { chineseViews } from './messages-zh-views.js';
import { chineseVision } from './vision/messages-zh.js';

/** Why the engine runs where it does; what is newer than these words is said in English. */
const reasons: Readonly<Record<string, string>> = {
  'This browser offers no WebGPU': '此浏览器不支持 WebGPU', 'WebGPU gave no adapter': 'WebGPU 没有给出适配器', 'WebGPU gave an adapter': 'WebGPU 可用',
};

export const chinese: Translation = {
  vision: chineseVision,
  views: CHINESE,
  tagline: '看混合专家（MoE）模型怎样选择专家，再亲手改变它的选法。',
  skip: '跳到正文',
  clauses: (parts) => parts.join('；'),
  tabs: { label: '页面', language: '语言', vision: '视觉', analyses: '分析', lessons: '课程' },
  prompt: {
    label: '提示词', placeholder: '写个开头……', generate: '生成', continue: '续写', continueHelp: '从所示文本的末尾接着写；链接只包含它的开头。', stop: '停止', examples: '示例',
    example: {
      tales: '童话', novels: '小说', shakespeare: '莎士比亚', french: '法语', german: '德语', python: 'Python', rust: 'Rust', math: '数学', wordproblems: '应用题',
    },
    settings: '采样', temperature: '温度', temperatureHelp: '为 0 时总是取概率最高的词元', seed: '随机种子', maxTokens: '词元数',
    drawTopK: '候选词元数', drawTopP: '候选词元的累计概率', drawHelp: '用于采样下一个词元；路由器用它自己的 top-k 选专家。', drawAll: '全部',
    summary: (temperature, cuts, seed, tokens) => ` T ${temperature}${cuts}，随机种子 ${seed}，${tokens} 个词元`,
    cutTopK: (k) => `，前 ${k} 个`, cutTopP: (share) => `，前 ${share}`,
    shortcut: 'Ctrl + Enter',
  },
  part: {
    coming: '页面的这一部分正在载入……',
    failed: (message) => `页面的这一部分没能载入：${message}。页面的其他部分照常可用。`,
  },
  run: {
    recorded: '预录',
    live: (backend) => `在 ${backend} 上实时运行`,
    waiting: '模型载入后开始',
    speed: (tokensPerSecond) => `${tokensPerSecond} 词元/秒`,
    count: (prompt, generated) => `提示词 ${prompt} + 生成 ${generated} 个词元`,
    empty: '文本将显示在这里，每个词元的颜色代表它的首选专家。',
    label: '逐个词元显示的文本',
    legend: '颜色深浅表示权重。下划线：用到的所有专家，长度表示权重。数字：首选专家。',
  },
  errors: {
    prompt_empty: '请先写提示词：模型至少需要一个词元才能往下写。',
    promptTooLong: (message) => message,
    noModel: '还没有载入模型，无法生成：请用页面上方的“模型”按钮打开一个。',
    said: chineseError,
    load: (model) => `无法打开 ${model} 中的模型。`,
    stays: (model) => `将继续使用 ${model}。`,
    none: '没有模型在运行；页面的其他功能仍可使用。',
    retry: '重试', useCpu: '使用 CPU', dismiss: '关闭',
    lastExpert: '至少要留一个专家：词元总得有地方可去。',
  },
  layer: { label: '层', grid: '每个词元在每一层的首选专家：颜色和编号。', value: (layer, last) => `第 ${layer} 层，最后一层是第 ${last} 层` },
  routing: {
    heading: '路由', topK: 'Top-k', topKTerm: '每个词元的专家数', ofExperts: (experts) => `/ ${experts} 个`,
    temperature: '路由温度', temperatureHelp: '小于 1 时选择更集中，大于 1 时更分散',
    experts: '专家', expertsHelp: '当前层的负载；竖线为平均份额。关掉开关即禁用该专家。',
    scope: '更改作用于', all: '所有层', here: '当前层',
    reset: '重置路由', undo: '撤销', undoKeys: 'Ctrl + Z',
    dense: '这个模型没有专家：所有词元走同一条路，不存在路由。这里列出它的损失和计算量，供与有路由的模型比较。',
    asTrained: '训练时的设置', changed: (what) => `已更改：${what}`, atLayer: (layer, what) => `${what}（第 ${layer} 层）`, list: (changes) => changes.join('、'),
    forced: (expert) => `强制 +${expert}`, freed: (expert) => `${expert} 不再强制`,
    fewer: (allowed, topK) => `只剩 ${allowed} 个专家可用，所以每个词元用 ${allowed} 个，而不是 ${topK} 个。`,
    recorded: '预录的结果保持它自己的路由；实时模型载入后，你的设置才会生效。',
    load: (expert, share, even) => `专家 ${expert}：处理所示词元的 ${share}，平均份额为 ${even}`,
    open: '策略、专家及更多设置', less: '收起',
  },
  gauge: {
    heading: '代价', computing: '计算中……', noModel: '需要实时模型', noText: '需要一段文本', failed: (message) => `未能计算：${message}`,
    help: '所示文本的损失：模型对它感到多意外，越低越好。',
  },
  mixed: { notice: (count) => `这段文本先后用了 ${count} 种路由生成，切换处有标记。`, stale: '这段文本是用另一种路由生成的，与现在的设置不同。', byAnother: (model) => `这段文本由另一个模型 ${model} 生成。`, rerun: '重新生成' },
  inspector: {
    heading: '路由器', none: '选定一个词元，查看它的路由：每个专家的得分、哪些被选中、其余为何落选。', close: '取消选定',
    where: (position, layer) => ` 词元 ${position}，第 ${layer} 层`, surprise: (nats) => `采样时 −log p = ${nats} 奈特`,
    previous: '上一个词元', next: '下一个词元',
  },
  paths: { heading: '路径图', help: '每个词元从一层的首选专家走向下一层的首选专家。' },
  backend: {
    button: (name) => `后端：${name}`, choose: '运行于', chosen: '由下面的选项或链接指定。', reason: (said) => reasons[said] ?? said, auto: '自动', webgpu: 'WebGPU', 'webgpu-burn': 'WebGPU，原装 Burn', cpu: 'CPU', none: '无引擎', loading: '正在载入',
    adapter: (name) => `适配器：${name}`, threads: (count) => `${count} 个线程`,
  },
  loading: {
    phase: { backend: '正在查找 GPU', wasm: '引擎', weights: '权重', kernels: 'GPU 内核', load: '正在装配模型' },
    percent: (percent) => `实时模型已载入 ${percent} %`, start: '正在载入实时模型', amount: (loaded, total) => `${loaded} / ${total} MB`,
    left: (seconds) => `约剩 ${seconds} 秒`, cancel: '取消', bar: '正在载入模型',
  },
  model: {
    facts: ({ name, layers, experts, topK, parameters, active }) => `${name}：${layers} 个 MoE 层，每层 ${experts} 个专家，top-${topK}；参数量 ${parameters}，每个词元激活 ${active}`,
    open: '模型', button: (name) => `模型：${name}`, folder: '模型文件夹', folderHelp: '本站上的一个地址，其中有 config.json、tokenizer.json 和 model.safetensors。', go: '打开',
    cards: '本站的模型', inUse: '使用中', use: (name) => `使用 ${name}`, useShort: '使用', size: (megabytes) => `${megabytes} MB`,
    figures: (parameters, active) => `参数量 ${parameters}，每个词元激活 ${active}`, dense: (parameters) => `参数量 ${parameters}，全部激活`,
    shape: (layers, experts, topK) => `${layers} 层，每层 ${experts} 个专家，top-${topK}`, shapeDense: (layers) => `${layers} 层，没有专家`,
    bitsPerByte: (bits) => `在未见过的文本上 ${bits} 比特/字节`, kept: '已保存在此浏览器', notKept: '尚未下载',
    forget: (name) => `从此浏览器中移除 ${name}`, forgetShort: '移除', card: '模型卡与许可证', own: '你自己的文件夹',
    ownHelp: {
      language: '选择含有 config.json、tokenizer.json 和 model.safetensors 的文件夹；文件不会离开这台设备。',
      vision: '选择含有 config.json 和 model.safetensors 的文件夹；文件不会离开这台设备。',
    },
    missing: (files) => `文件夹里没有 ${files.join('、')}。`,
    otherHost: (host) => `本页不得向 ${host} 请求任何内容。请从那里下载 config.json、tokenizer.json 和 model.safetensors，再用“你自己的文件夹”打开，或放到本站。`,
    elsewhere: (name) => `文件夹 ${name} 是从别人的磁盘上打开的，链接无法带上它。请用“你自己的文件夹”重新选择，或换一个模型。`,
  },
  theme: { label: '主题', system: '跟随系统', light: '浅色', dark: '深色' },
  share: { button: '分享', help: '复制指向当前所示内容的链接', copied: '已复制链接', refused: '请复制地址栏' },
  present: { label: '演示', off: '结束演示', text: '文本', layers: '各层', yard: '路径图', router: '路由器', compare: '比较' },
  size: { label: '字号', smaller: 'A− 缩小文字', larger: 'A+ 放大文字' },
  help: {
    button: '快捷键', heading: '快捷键', close: '关闭',
    keys: [
      ['Ctrl + Enter', '由提示词生成'], ['← →', '选定词元后，移到上一个、下一个'], ['↑ ↓', '上一层、下一层'], ['Enter', '选定焦点所在的词元'],
      ['Escape', '取消选定，关闭弹出的面板'], ['Ctrl + Z', '撤销上一次路由更改'], ['?', '显示本表'],
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
