// The words of the tab Analyses: what each analysis asks, its formula and its source, and everything around them.

import type { Missing, TraceFormat } from 'moescope';

import type { AnalysisId, TextSource } from './analyses/catalogue.js';
import { findingMessages } from './messages-findings.js';

export interface AnalysisWords {
  readonly name: string;
  /** What it asks, in one line. */
  readonly question: string;
  readonly formula: string;
  readonly source: string;
  /** The paper, where it is one. */
  readonly link?: string;
}

const arxiv = (id: string): string => `https://arxiv.org/abs/${id}`;

const analysis: Record<AnalysisId, AnalysisWords> = {
  load: {
    name: 'Expert load', question: 'Which experts get how many tokens, and how far is that from an even share?',
    formula: 'N_i / N; even share k / E', source: 'Shazeer et al. 2017', link: arxiv('1701.06538'),
  },
  balance: {
    name: 'Balance', question: 'How even is the load, and what would training say of it?',
    formula: 'E · Σ f_i P_i; (log Σ e^z)²; std / mean of N_i', source: 'Switch Transformers; ST-MoE', link: arxiv('2101.03961'),
  },
  domains: {
    name: 'Domain by expert', question: 'Do experts take more tokens of some kinds of text than of others?',
    formula: 'share of a domain’s tokens that take i, against k / E', source: 'OLMoE', link: arxiv('2409.02060'),
  },
  vocabulary: {
    name: 'Vocabulary by expert', question: 'Does the same token go to the same expert, wherever it stands?',
    formula: 'share of the tokens with id x that take i; ids seen 10 times or more', source: 'OLMoE', link: arxiv('2409.02060'),
  },
  co_activation: {
    name: 'Co-activation', question: 'Which experts act together on a token?',
    formula: 'N_ij / N_i; Jaccard N_ij / (N_i + N_j − N_ij)', source: 'OLMoE; Dynamic-DINO', link: arxiv('2409.02060'),
  },
  tokens: {
    name: 'Router certainty', question: 'How sure is the router, by layer and by place in the text?',
    formula: 'H(p); max p; p_(k) − p_(k+1)', source: 'common',
  },
  flow: {
    name: 'Layer to layer', question: 'Does the expert at one layer tell which expert follows at the next?',
    formula: 'share of i’s tokens that take j at the next layer; all k · k pairs', source: 'OLMoE', link: arxiv('2409.02060'),
  },
  repetition: {
    name: 'Repetition', question: 'Does a token choose like the token before it?',
    formula: 'share of tokens whose first (any) choice is the one before’s; 1 / E', source: 'Mixtral', link: arxiv('2401.04088'),
  },
  segments: {
    name: 'Locality (SRP)', question: 'Could a stretch of text share a few experts?',
    formula: 'max over a of 2 Σ_{f ≥ a} f / (m · #{f ≥ a} + Σ f)', source: 'Liang et al. 2025', link: arxiv('2505.16056'),
  },
  caches: {
    name: 'Expert caches (SCH)', question: 'How often is an expert already in a cache of a few?',
    formula: 'hits / uses, for a cache of ρ · k experts', source: 'Liang et al. 2025', link: arxiv('2505.16056'),
  },
  drops: {
    name: 'Capacity', question: 'Which tokens would lose experts if each took only so many?',
    formula: 'capacity C · N k / E, in order or best first', source: 'V-MoE', link: arxiv('2106.05974'),
  },
  agreement: {
    name: 'Two routings', question: 'How alike do two routings of the same text choose?',
    formula: 'mean |S ∩ S′| / k; Jensen-Shannon divergence of p', source: 'OLMoE (router saturation)', link: arxiv('2409.02060'),
  },
  ablation: {
    name: 'Switch one off', question: 'What does it cost to ban an expert, beside banning others that are as busy?',
    formula: 'mean of loss without i − loss; the same for 3 experts of like load', source: 'common; the control is ours',
  },
};

const missing: Record<Missing, string> = {
  layers: 'a layer with experts, and tokens; this trace has none',
  layer_pairs: 'two layers with experts; this trace has one',
  scores: 'the router’s scores; this trace has only the choices. Files of our own form and of “moescope trace” have them',
  logits: 'the router’s logits; this trace does not have them. Files of our own form and of “moescope trace” have them',
  ids: 'token ids; this trace does not say which tokens it is about',
  predicted: 'what the model expected next; only files of “moescope trace” tell that',
  label_pairs: 'texts of at least two kinds: take the examples of every domain, several files, or a trace of several texts',
  second: 'a second run of the same tokens: choose another strategy, or open a second trace',
  same_tokens: 'two runs of the same tokens; these two differ',
  same_layers: 'two runs with the same layers and numbers of experts; these two differ',
};

const variants: Readonly<Record<string, string>> = {
  losses: 'Losses', evenness: 'Evenness', shares: 'Shares', distance: 'Distance from all',
  input: 'By the token itself', next: 'By the token that follows', predicted: 'By the token that is expected',
  conditional: 'Of the row’s tokens', jaccard: 'Jaccard',
  entropy: 'Entropy', top_share: 'Share of the best', margin: 'Margin',
  choices: 'Choices lost', stranded: 'Tokens that lose all', overlap: 'Overlap of experts', divergence: 'Divergence of scores',
};

const sources: Record<TextSource, string> = {
  current: 'The shown text', domains: 'Examples of every domain', own: 'Your own text', import: 'A trace from a file',
};

const formats: Record<TraceFormat, string> = { moescope: 'Moescope JSON', atlas: 'moe-routing-atlas JSON lines', vllm: 'vLLM array (.npy)', llama: 'llama.cpp CSV' };

export const analysesMessages = {
  found: findingMessages,
  analysis, missing, variants, sources,
  menu: 'Analysis', texts: 'Text', variant: 'Look at', against: 'Second routing', asTrained: 'as trained', layer: 'Layer',
  layerValue: (layer: number, last: number) => `layer ${layer}, last ${last}`,
  run: 'Run', again: 'Run again', cancel: 'Cancel', result: 'Result', progress: 'Running the analysis',
  running: { texts: (done: string) => `reading the texts, ${done}`, layers: (done: number, total: number) => `layer ${done} of ${total}`, bans: (done: number, total: number) => `run ${done} of ${total}`, file: 'reading the file' },
  facts: (model: string, tokens: number, layers: number, experts: number) => `${model}: ${tokens.toLocaleString('en')} tokens, ${layers} MoE layers of ${experts} experts`,
  stale: 'These figures are of other texts, another layer or another routing than are chosen now.',
  empty: 'Nothing has been run yet.',
  writing: 'The text is being written. Its figures come when it is whole.',
  needs: (what: string) => `It needs ${what}.`,
  needsText: 'There is no text yet: write one on the tab Language, or choose another text here.',
  needsModel: 'These texts have to be run through the model, which is not here yet. The shown text and traces from files work without it.',
  needsOwn: 'Paste a text, or open a text file.', needsDomain: 'Choose at least one domain.',
  needsFile: 'Open a trace file.',
  needsModelForBans: 'Switching experts off takes the live model and a text; a trace from a file is not enough.',
  sameRouting: 'Both routings are the same: change the routing on the tab Language, or choose a second strategy here.',
  failed: (message: string) => `Not run: ${message}`,
  own: { label: 'Your text', placeholder: 'Paste a text …', files: 'Open text files', cut: (letters: number) => `Only the first ${letters.toLocaleString('en')} letters are read.` },
  domains: 'Domains',
  import: {
    open: 'Open a trace', second: 'Open a second trace', experts: 'Experts per layer', expertsHelp: 'where the file does not say',
    help: 'moe-routing-atlas JSON or JSON lines, vLLM’s routed experts (JSON or .npy), llama.cpp’s moe-trace CSV, “moescope trace”, or a trace saved here. Nothing is sent anywhere.',
    opened: (name: string) => `Opened: ${name}`, drop: 'or drop a file here',
  },
  columns: { layer: 'layer', next: 'next layer', expert: 'expert', with: 'with', to: 'to', domain: 'domain', token: 'token', seen: 'seen', measure: 'measure', choice: 'choice', window: 'window', size: 'cache', policy: 'policy', factor: 'capacity', order: 'order', figure: 'figure', low: 'from', high: 'to (95 %)', chance: 'chance', standing: 'against chance' },
  standing: { above: 'above', below: 'below', same: 'like chance' },
  table: 'Figures', more: (shown: number, all: number) => `The first ${shown} of ${all.toLocaleString('en')} rows; copies have all.`,
  saveTrace: 'Save trace', traceFormat: 'Trace format',
  formats,
  notes: 'About this trace',
};

export type AnalysesMessages = typeof analysesMessages;
