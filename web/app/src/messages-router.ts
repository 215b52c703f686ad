// The words of the visitor's own router: its editor, and what can be wrong with a script, as what, got and allowed.

import type { ExampleRouter } from './router-examples.js';
import type { Kind, Problem, ScriptError } from './script/problem.js';

const kinds: Readonly<Record<Kind, string>> = {
  number: 'a number', text: 'a text', truth: 'true or false', null: 'null', nothing: 'nothing (undefined)', list: 'a list', record: 'a record { … }', function: 'a function',
};

const parts: Readonly<Record<string, string>> = { value: 'a value', name: 'a name', ';': 'the end of the line or ;' };

const or = (list: readonly string[]): string => [list.slice(0, -1).join(', '), list.at(-1) ?? ''].filter((part) => part !== '').join(' or ');
const shown = (text: string): string => (text === '' ? 'the end' : `“${text}”`);

function said(problem: Problem): string {
  switch (problem.kind) {
    case 'unexpected': return `${shown(problem.got)} stands where ${or(problem.allowed.map((part) => parts[part] ?? `“${part}”`))} is needed`;
    case 'left_out': return `“${problem.what}” is left out of this JavaScript${problem.instead === undefined ? '' : `; write “${problem.instead}”`}`;
    case 'unknown': return `nothing is called “${problem.name}” here; known are ${problem.known.join(', ')}`;
    case 'twice': return `“${problem.name}” is made twice; take another name for one of them`;
    case 'constant': return `“${problem.name}” is a constant; make it with “let” to change it`;
    case 'too_early': return `“${problem.name}” is used before the line that makes it`;
    case 'operand': return `“${problem.of}” got ${kinds[problem.got]}; it takes ${or(problem.allowed.map((kind) => kinds[kind]))}`;
    case 'no_field': return `“.${problem.name}” is nothing that ${kinds[problem.of]} has${problem.known.length === 0 ? '' : `; there are ${problem.known.join(', ')}`}`;
    case 'sort_by': return '“sort” got no function; it takes one such as (a, b) => b - a, because alone it would compare numbers as texts';
    case 'too_many_steps': return `this has gone on for ${problem.limit} steps, as many as a router may take for one token at one layer; does it ever end?`;
    case 'too_deep': return `functions call one another ${problem.limit} deep, which is as deep as they may`;
    case 'too_nested': return 'parts stand inside of parts, deeper than the browser can follow; write it in steps, with a name for each';
    case 'too_long': return `this list or text is longer than ${problem.limit}, which is as long as they, and the script itself, may be`;
    case 'no_route': return 'there is no function “route”; the script has to name one: function route({ logits, layer, nExperts, tokenId }) { … }';
    case 'answer': return `“route” answered ${kinds[problem.got]}; it has to answer a list such as [{ expert: 0, weight: 1 }]`;
    case 'entry': return `entry ${problem.index} of the answer is ${kinds[problem.got]}; it has to be such as { expert: 0, weight: 1 }`;
    case 'expert': return `entry ${problem.index} of the answer has the expert ${problem.got}; allowed are whole numbers from 0 to ${problem.nExperts - 1}`;
    case 'weight': return `entry ${problem.index} of the answer has the weight ${problem.got}; allowed are finite numbers`;
    case 'same_expert': return `the answer names expert ${problem.expert} twice; each may act once`;
  }
}

const example: Readonly<Record<ExampleRouter, string>> = {
  unsure: 'Two when unsure', topTwo: 'Top-2', tokens: 'By token', layers: 'By layer',
};

export const routerMessages = {
  router: {
    heading: 'Write your own router',
    help: 'A function decides, for one token at one layer, which experts act and how much each weighs. It is written in JavaScript, of which the page runs a small part itself: it sees its question and nothing else.',
    inputs: 'The question: logits (one for each expert; −Infinity for those switched off), layer, nExperts, tokenId (of a patch, its place row by row). The answer: a list of { expert, weight }. Weights act as they are. Math and lists work as in JavaScript; the same text runs as scope.setExternalRouter in a page of yours.',
    foreign: 'This router came with the link. Read it before you run it; until then the model routes as if it were not there.',
    examples: 'Examples of routers',
    example,
    label: 'Your router',
    run: 'Run this router',
    runChanged: 'Run the changed router',
    stop: 'Back to trained routing',
    goTo: (line: number) => `Show line ${line}`,
    idle: 'It does not run. Ctrl + Enter runs it.',
    waiting: 'It acts as soon as the live model is here.',
    everywhere: 'It decides at every layer.',
    at: (layers: readonly number[]) => `It decides at ${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}.`,
    elsewhere: 'It is ready, but another strategy is chosen.',
    stopped: 'An error stopped it; the model routes as trained again.',
    notInLink: (limit: number) => `It is longer than ${limit} letters, so the link leaves it out.`,
    source: 'Your own router, under “Write your own router”.',
    failed: 'Your router stopped with an error, which stands beside it; the model routes as trained again.',
    problem: ({ problem, at }: ScriptError) => (at === undefined ? `${said(problem).charAt(0).toUpperCase()}${said(problem).slice(1)}.` : `Line ${at.line}: ${said(problem)}.`),
  },
};
