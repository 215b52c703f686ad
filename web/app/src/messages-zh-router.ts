// Chinese: the visitor's own router.

import type { Translation } from './messages.js';
import type { Kind, Problem } from './script/problem.js';

const kinds: Readonly<Record<Kind, string>> = {
  number: '一个数', text: '一段文字', truth: '真或假', null: 'null', nothing: '空（undefined）', list: '一个列表', record: '一个记录 { … }', function: '一个函数',
};

const parts: Readonly<Record<string, string>> = { value: '一个值', name: '一个名字', ';': '行尾或 ;' };

const or = (list: readonly string[]): string => list.join('或');

function said(problem: Problem): string {
  switch (problem.kind) {
    case 'unexpected': return `这里是${problem.got === '' ? '结尾' : `“${problem.got}”`}，而需要${or(problem.allowed.map((part) => parts[part] ?? `“${part}”`))}`;
    case 'left_out': return `这里的 JavaScript 没有“${problem.what}”${problem.instead === undefined ? '' : `，请写“${problem.instead}”`}`;
    case 'unknown': return `这里没有叫“${problem.name}”的东西；有的是 ${problem.known.join('、')}`;
    case 'twice': return `“${problem.name}”声明了两次，请给其中一个换个名字`;
    case 'constant': return `“${problem.name}”是常量；要改变它请用“let”声明`;
    case 'too_early': return `“${problem.name}”在声明它的那一行之前就用了`;
    case 'operand': return `“${problem.of}”得到${kinds[problem.got]}，而它要${or(problem.allowed.map((kind) => kinds[kind]))}`;
    case 'no_field': return `${kinds[problem.of]}没有“.${problem.name}”${problem.known.length === 0 ? '' : `；有的是 ${problem.known.join('、')}`}`;
    case 'sort_by': return '“sort”没有得到函数；请给它一个，例如 (a, b) => b - a，否则它会把数当作文字来比较';
    case 'too_many_steps': return `已经走了 ${problem.limit} 步，这是路由器为一个词元在一层最多可走的步数；它会结束吗？`;
    case 'too_deep': return `函数互相调用了 ${problem.limit} 层，最多只能这么深`;
    case 'too_nested': return '嵌套太深，浏览器跟不上；请分成几步来写，每步取一个名字';
    case 'too_long': return `这个列表或文字超过 ${problem.limit}；它们和脚本本身最多只能这么长`;
    case 'no_route': return '没有函数“route”；脚本必须有一个：function route({ logits, layer, nExperts, tokenId }) { … }';
    case 'answer': return `“route”回答了${kinds[problem.got]}；它必须回答一个列表，例如 [{ expert: 0, weight: 1 }]`;
    case 'entry': return `回答的第 ${problem.index} 项是${kinds[problem.got]}；它必须像 { expert: 0, weight: 1 }`;
    case 'expert': return `回答的第 ${problem.index} 项的专家是 ${problem.got}；允许的是 0 到 ${problem.nExperts - 1} 的整数`;
    case 'weight': return `回答的第 ${problem.index} 项的权重是 ${problem.got}；允许的是有限的数`;
    case 'same_expert': return `回答两次提到专家 ${problem.expert}；每个只能起作用一次`;
  }
}

export const chineseRouter: Pick<Translation, 'router'> = {
  router: {
    heading: '写你自己的路由器',
    help: '一个函数为一个词元在一层决定哪些专家起作用、各占多少权重。它用 JavaScript 写成，页面自己运行其中的一小部分：它只看到自己的问题，别的什么也看不到。',
    inputs: '问题：logits（每个专家一个；关掉的为 −Infinity）、layer、nExperts、tokenId（图像块则是它逐行的位置）。回答：{ expert, weight } 的列表。权重原样起作用。Math 和列表与 JavaScript 中一样；同样的文字可以在你自己的网页里用作 scope.setExternalRouter。',
    foreign: '这个路由器随链接而来。运行之前请先读一读；在那之前模型就像没有它一样路由。',
    examples: '路由器示例',
    example: { unsure: '没把握时用两个', topTwo: 'Top-2', tokens: '按词元', layers: '按层' },
    label: '你的路由器',
    run: '运行这个路由器', runChanged: '运行改过的路由器', stop: '回到训练时的路由',
    goTo: (line) => `显示第 ${line} 行`,
    idle: '它没有运行。Ctrl + Enter 运行。', waiting: '实时模型到达后它就起作用。',
    everywhere: '它在每一层做决定。', at: (layers) => `它在第 ${layers.join('、')} 层做决定。`,
    elsewhere: '它准备好了，但选的是另一个策略。', stopped: '一个错误使它停下；模型又按训练时的方式路由。',
    notInLink: (limit) => `它超过 ${limit} 个字符，所以链接里没有它。`,
    source: '你自己的路由器，见“写你自己的路由器”。',
    failed: '你的路由器因错误而停下，错误写在它旁边；模型又按训练时的方式路由。',
    problem: ({ problem, at }) => (at === undefined ? `${said(problem)}。` : `第 ${at.line} 行：${said(problem)}。`),
  },
};
