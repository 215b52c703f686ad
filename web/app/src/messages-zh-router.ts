// Chinese: the visitor's own router.

import type { Translation } from './messages.js';
import type { Kind, Problem } from './script/problem.js';

const kinds: Readonly<Record<Kind, string>> = {
  number: '数值', text: '字符串', truth: '布尔值', null: 'null', nothing: '空值（undefined）', list: '列表', record: '对象 { … }', function: '函数',
};

const parts: Readonly<Record<string, string>> = { value: '一个值', name: '一个名称', ';': '行尾或 ;' };

const or = (list: readonly string[]): string => list.join('或');

function said(problem: Problem): string {
  switch (problem.kind) {
    case 'unexpected': return `这里是${problem.got === '' ? '结尾' : `“${problem.got}”`}，应为${or(problem.allowed.map((part) => parts[part] ?? `“${part}”`))}`;
    case 'left_out': return `这里的 JavaScript 不支持“${problem.what}”${problem.instead === undefined ? '' : `，请改写为“${problem.instead}”`}`;
    case 'unknown': return `找不到“${problem.name}”；可用的有 ${problem.known.join('、')}`;
    case 'twice': return `“${problem.name}”声明了两次，请给其中一个改名`;
    case 'constant': return `“${problem.name}”是常量；要改变它请用“let”声明`;
    case 'too_early': return `“${problem.name}”在声明之前就被使用了`;
    case 'operand': return `“${problem.of}”得到的是${kinds[problem.got]}，应为${or(problem.allowed.map((kind) => kinds[kind]))}`;
    case 'no_field': return `${kinds[problem.of]}没有“.${problem.name}”${problem.known.length === 0 ? '' : `；可用的有 ${problem.known.join('、')}`}`;
    case 'sort_by': return '“sort”缺少比较函数；请传入一个，例如 (a, b) => b - a，否则它会把数值当作字符串来比较';
    case 'too_many_steps': return `已经执行了 ${problem.limit} 步，达到路由器在一层处理一个词元的上限；它会结束吗？`;
    case 'too_deep': return `函数调用嵌套了 ${problem.limit} 层，已达上限`;
    case 'too_nested': return '表达式嵌套太深，浏览器无法处理；请拆成几步来写，给每一步取个名称';
    case 'too_long': return `这个列表或字符串的长度超过 ${problem.limit}，这是它们以及脚本本身的长度上限`;
    case 'no_route': return '没有函数“route”；脚本必须有一个：function route({ logits, layer, nExperts, tokenId }) { … }';
    case 'answer': return `“route”返回的是${kinds[problem.got]}；它必须返回列表，例如 [{ expert: 0, weight: 1 }]`;
    case 'entry': return `返回值的第 ${problem.index} 项是${kinds[problem.got]}；应形如 { expert: 0, weight: 1 }`;
    case 'expert': return `返回值的第 ${problem.index} 项中，专家是 ${problem.got}；应为 0 到 ${problem.nExperts - 1} 的整数`;
    case 'weight': return `返回值的第 ${problem.index} 项中，权重是 ${problem.got}；应为有限的数值`;
    case 'same_expert': return `返回值中专家 ${problem.expert} 出现了两次；每个专家只能出现一次`;
  }
}

export const chineseRouter: Pick<Translation, 'router'> = {
  router: {
    heading: '写你自己的路由器',
    help: '用一个函数决定：某个词元在某一层由哪些专家处理，各占多少权重。函数用 JavaScript 写，页面只支持其中一小部分语法并自行解释执行：它只能看到传入的参数，别的什么也看不到。',
    inputs: '参数：logits（每个专家一个；已关掉的为 −Infinity）、layer、nExperts、tokenId（对图像块则是它逐行排列的序号）。返回值：由 { expert, weight } 组成的列表，权重原样使用。Math 和列表的用法与 JavaScript 相同；同一段代码也能在你自己的网页里传给 scope.setExternalRouter。',
    foreign: '这个路由器来自链接。运行之前请先读一遍代码；在你运行它之前，模型的路由不受它影响。',
    examples: '路由器示例',
    example: { unsure: '不确定时用两个', topTwo: 'Top-2', tokens: '按词元', layers: '按层' },
    label: '你的路由器',
    run: '运行这个路由器', runChanged: '运行修改后的路由器', stop: '恢复训练时的路由',
    goTo: (line) => `转到第 ${line} 行`,
    idle: '尚未运行。按 Ctrl + Enter 运行。', waiting: '实时模型载入后它就会生效。',
    everywhere: '它决定每一层的路由。', at: (layers) => `它决定第 ${layers.join('、')} 层的路由。`,
    elsewhere: '它已就绪，但现在选用的是另一种策略。', stopped: '它因出错而停止；模型已恢复训练时的路由。',
    notInLink: (limit) => `它超过 ${limit} 个字符，所以不包含在链接里。`,
    source: '你自己的路由器，见“写你自己的路由器”。',
    failed: '你的路由器因出错而停止，错误信息显示在它旁边；模型已恢复训练时的路由。',
    problem: ({ problem, at }) => (at === undefined ? `${said(problem)}。` : `第 ${at.line} 行：${said(problem)}。`),
  },
};
