// The words of the page, in one place: another language is another value of the same type (messages-zh).
// Words of the views (verdict sentences, table heads) come with the views.

import { ENGLISH } from 'moescope/views';
import type { ViewWords } from 'moescope/views';

import { aloneMessages } from './messages-alone.js';
import { compareMessages } from './messages-compare.js';
import type { AnalysesMessages } from './messages-analyses.js';
import { decodingMessages } from './messages-decoding.js';
import { lessonMessages } from './messages-lessons.js';
import { routerMessages } from './messages-router.js';
import { strategyMessages } from './messages-strategy.js';
import { workMessages } from './messages-work.js';
import { viewMessages } from './messages-views.js';
import { visionMessages } from './vision/messages.js';

export interface ModelFacts {
  readonly name: string;
  readonly layers: number;
  readonly experts: number;
  readonly topK: number;
  readonly parameters: string;
  readonly active: string;
}

const english = {
  views: ENGLISH as ViewWords,
  title: 'Moescope',
  tagline: 'Watch a mixture-of-experts model choose its experts, and change how it chooses.',
  skip: 'Skip to the text',
  clauses: (parts: readonly string[]) => parts.join('; '),

  tabs: { label: 'Places', language: 'Language', vision: 'Vision', analyses: 'Analyses', lessons: 'Lessons' },

  prompt: {
    label: 'Prompt',
    placeholder: 'Write the beginning of something …',
    generate: 'Generate',
    continue: 'Continue',
    continueHelp: 'Writes on where the shown text ends; a link leads to its beginning only.',
    stop: 'Stop',
    examples: 'Examples',
    example: {
      tales: 'Tale', novels: 'Novel', shakespeare: 'Shakespeare', french: 'French', german: 'German', python: 'Python', rust: 'Rust', math: 'Maths',
      wordproblems: 'Word problem',
    },
    settings: 'Sampling',
    temperature: 'Temperature',
    temperatureHelp: '0 always takes the likeliest token',
    seed: 'Seed',
    maxTokens: 'Tokens',
    drawTopK: 'Likeliest tokens to draw from',
    drawTopP: 'Share of probability to draw from',
    drawHelp: 'Of the next token; the router chooses experts by its own top-k.',
    drawAll: 'all',
    summary: (temperature: number, cuts: string, seed: number, tokens: number) => ` T ${temperature}${cuts}, seed ${seed}, ${tokens} tokens`,
    cutTopK: (k: number) => `, top ${k}`,
    cutTopP: (share: string) => `, top ${share}`,
    shortcut: 'Ctrl + Enter',
  },

  run: {
    recorded: 'recorded',
    live: (backend: string) => `live on ${backend}`,
    waiting: 'starts when the model is here',
    speed: (tokensPerSecond: string) => `${tokensPerSecond} tokens/s`,
    count: (prompt: number, generated: number) => `${prompt} prompt + ${generated} generated tokens`,
    empty: 'The text will stand here, each token in the colour of the expert that took it first.',
    label: 'Text, token by token',
    legend: 'Strength by weight. Underline: all its experts, length by weight. Number: first expert.',
  },

  errors: {
    prompt_empty: 'Write a prompt first: the model needs at least one token to go on from.',
    promptTooLong,
    noModel: 'No model is loaded, so nothing can be written: open one with the button Model at the top of the page.',
    /** What the engine says, which is in English. */
    said: (_code: string, message: string) => message,
    load: (model: string) => `The model in ${model} could not be opened.`,
    stays: (model: string) => `${model} stays in use.`,
    none: 'No model is running. Everything else on the page still works.',
    retry: 'Try again',
    useCpu: 'Use the CPU',
    dismiss: 'Dismiss',
    lastExpert: 'At least one expert has to stay on: a token needs somewhere to go.',
  },

  part: {
    coming: 'This part of the page is on its way …',
    failed: (message: string) => `This part of the page could not be fetched: ${message}. Everything else still works.`,
  },

  layer: { label: 'Layer', grid: 'Every token at every layer: colour and number of its first expert.', value: (layer: number, last: number) => `layer ${layer}, last ${last}` },

  routing: {
    heading: 'Routing',
    dense: 'This model has no experts: every token takes the same way, and there is nothing to route. Its loss and its work stand here to be compared with those of a model that routes.',
    topK: 'Top-k',
    topKTerm: 'experts per token',
    ofExperts: (experts: number) => `of ${experts}`,
    temperature: 'Router temperature',
    temperatureHelp: 'below 1 more decided, above 1 less',
    experts: 'Experts',
    expertsHelp: 'Load at the shown layer; the line is the even share. Switch one off to ban it.',
    scope: 'Changes act on',
    all: 'every layer',
    here: 'this layer',
    reset: 'Reset routing',
    undo: 'Undo',
    undoKeys: 'Ctrl + Z',
    asTrained: 'as trained',
    changed: (what: string) => `changed: ${what}`,
    atLayer: (layer: number, what: string) => `${what} at layer ${layer}`,
    list: (changes: readonly string[]) => changes.join(', '),
    forced: (expert: number) => `+${expert} forced`,
    freed: (expert: number) => `${expert} no longer forced`,
    fewer: (allowed: number, topK: number) => `Only ${allowed} experts are on, so each token takes ${allowed} instead of ${topK}.`,
    recorded: 'The recorded run keeps its own routing; your setting acts as soon as the live model is here.',
    load: (expert: number, share: string, even: string) => `Expert ${expert}: ${share} of the shown tokens, even share ${even}`,
    open: 'Strategy, experts and more',
    less: 'Less',
  },

  strategy: strategyMessages,
  vision: visionMessages,
  decoding: decodingMessages,
  ...viewMessages,
  ...aloneMessages,
  ...compareMessages,
  ...lessonMessages,
  ...routerMessages,
  ...workMessages,

  gauge: {
    heading: 'What it costs',
    computing: 'computing …',
    noModel: 'needs the live model',
    noText: 'needs a text',
    failed: (message: string) => `not computed: ${message}`,
    help: 'Loss of the shown text: how surprised the model is by it, lower is better.',
  },

  mixed: {
    notice: (count: number) => `This text was written under ${count} routings, marked where they change.`,
    stale: 'This text was written under another routing than the one set now.',
    byAnother: (model: string) => `This text was written by another model, ${model}.`,
    rerun: 'Re-run prompt',
  },

  inspector: {
    heading: 'Router',
    none: 'Choose a token to open its router: the scores of all experts, which were selected, and why the others were not.',
    close: 'Release',
    where: (position: number, layer: number) => ` token ${position}, layer ${layer}`,
    surprise: (nats: string) => `drawn with −log p = ${nats} nats`,
    previous: 'Previous token',
    next: 'Next token',
  },

  paths: { heading: 'Yard', help: 'Tokens run from their first expert to the next layer’s first expert.' },

  backend: {
    button: (name: string) => `Backend: ${name}`,
    choose: 'Run on',
    chosen: 'Chosen below or in the link.',
    /** Why the engine runs where it does, as the engine says it. */
    reason: (said: string) => said,
    auto: 'Automatic',
    webgpu: 'WebGPU',
    'webgpu-burn': 'WebGPU, stock Burn',
    cpu: 'CPU',
    none: 'no engine',
    loading: 'loading',
    adapter: (name: string) => `Adapter: ${name}`,
    threads: (count: number) => `${count} threads`,
  },

  loading: {
    phase: { backend: 'looking for a GPU', wasm: 'engine', weights: 'weights', kernels: 'kernels of the GPU', load: 'setting up the model' },
    percent: (percent: number) => `The live model is ${percent} % here`,
    start: 'The live model is on its way',
    amount: (loaded: string, total: string) => `${loaded} of ${total} MB`,
    left: (seconds: number) => `about ${seconds} s left`,
    cancel: 'Cancel',
    bar: 'Loading the model',
  },

  model: {
    facts: ({ name, layers, experts, topK, parameters, active }: ModelFacts) =>
      `${name}: ${layers} MoE layers of ${experts} experts, top-${topK}; ${parameters} parameters, ${active} active per token`,
    open: 'Model',
    button: (name: string) => `Model: ${name}`,
    folder: 'Model folder',
    folderHelp: 'An address on this site with config.json, tokenizer.json and model.safetensors.',
    go: 'Open',
    cards: 'Models on this site',
    inUse: 'in use',
    use: (name: string) => `Use ${name}`,
    useShort: 'Use',
    size: (megabytes: string) => `${megabytes} MB`,
    figures: (parameters: string, active: string) => `${parameters} parameters, ${active} active per token`,
    dense: (parameters: string) => `${parameters} parameters, all active`,
    shape: (layers: number, experts: number, topK: number) => `${layers} layers of ${experts} experts, top-${topK}`,
    shapeDense: (layers: number) => `${layers} layers without experts`,
    bitsPerByte: (bits: string) => `${bits} bits per byte on unseen text`,
    kept: 'kept in this browser',
    notKept: 'not downloaded yet',
    forget: (name: string) => `Remove ${name} from this browser`,
    forgetShort: 'Remove',
    card: 'Card and licence',
    own: 'A folder of yours',
    ownHelp: {
      language: 'Choose a folder with config.json, tokenizer.json and model.safetensors; it stays on this device.',
      vision: 'Choose a folder with config.json and model.safetensors; it stays on this device.',
    },
    missing: (files: readonly string[]) => `The folder has no ${files.join(', no ')}.`,
    otherHost: (host: string) =>
      `This page is not allowed to ask ${host} for anything. Download config.json, tokenizer.json and model.safetensors from there, and open their folder with “A folder of yours”, or put it on this site.`,
    elsewhere: (name: string) => `The folder ${name} was opened from somebody’s own disk, so the link cannot bring it along. Choose it here with “A folder of yours”, or take another model.`,
  },

  theme: { label: 'Theme', system: 'System', light: 'Light', dark: 'Dark' },
  share: { button: 'Share', help: 'Copies a link to exactly what is shown', copied: 'Link copied', refused: 'Copy the address' },
  present: { label: 'Present', off: 'End presenting', text: 'Text', layers: 'Layers', yard: 'Yard', router: 'Router', compare: 'Comparison' },
  language: { label: 'Language of the page', auto: 'Auto', en: 'English', zh: '中文' },
  size: { label: 'Text size', smaller: 'A− smaller text', larger: 'A+ larger text' },

  help: {
    button: 'Keys',
    heading: 'Keys',
    close: 'Close',
    keys: [
      ['Ctrl + Enter', 'generate from the prompt'],
      ['← →', 'previous and next token, after choosing one'],
      ['↑ ↓', 'layer above and below'],
      ['Enter', 'choose the token in focus'],
      ['Escape', 'release the token, close what is open'],
      ['Ctrl + Z', 'undo the last change of routing'],
      ['?', 'this list'],
    ],
  },
};

/** What the engine says, as two sentences: what is too long, and by how much to shorten it, where it says so. */
function promptTooLong(message: string): string {
  const [what = '', advice] = message.replace(/\.$/, '').split('; shorten it ');
  const by = advice === undefined ? '' : ` ${advice}`;
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}. Shorten the prompt${by}, or keep only its last part.`;
}

/** The words of a part that is fetched on use come with it in English; a translation is put over them. */
interface Parts {
  readonly analyses?: (english: AnalysesMessages) => AnalysesMessages;
}

export type Messages = typeof english & Parts;

/** A language that says everything, or leaves some sections to English. */
export type Translation = { readonly [Section in keyof Messages]?: Messages[Section] };

/** The words in use; `speak` changes them, so nobody may keep them at the time of import. */
export let messages: Messages = english;

/** Takes a translation; what it leaves out is said in English. */
export function speak(translation: Translation): void {
  messages = { ...english, ...translation };
}
