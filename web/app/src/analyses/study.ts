// Runs the analyses of the page, one at a time: brings the texts to traces, asks the analyser, and keeps what came of it.
// What can be told without the model (the shown text, a trace from a file) never waits for it.

import { missingFor, writeTrace } from 'moescope';
import type { Analyser, LayerAnswer, Missing, RoutingTrace, TraceFormat } from 'moescope';

import { PageError, explain } from '../errors.js';
import type { Said } from '../errors.js';
import type { Engine } from '../engine.js';
import { save } from '../keep.js';
import { words } from './words.js';
import { applyEdits } from '../routing.js';
import type { Runner } from '../runner.js';
import { sameRouting } from '../spec.js';
import type { State } from '../state.js';
import type { Store } from '../store.js';
import { banCosts } from './ablation.js';
import { CATALOGUE, DOMAINS, MIN_TOKENS, labelsFor, variantOf } from './catalogue.js';
import type { AnalysisId } from './catalogue.js';
import { findingOf } from './findings/index.js';
import { ablationFinding } from './findings/curves.js';
import type { Finding } from './findings/finding.js';
import { Imports } from './imports.js';
import type { AnalysesState } from './link.js';
import { Reader } from './reader.js';
import { againstRouting } from './second.js';
import { joinPieces, traceOfRecords } from './texts.js';
import type { LabelledText } from './texts.js';

export interface Progress {
  readonly what: string;
  /** 0 to 1. */
  readonly share: number;
}

/** What came of a run. */
interface Outcome {
  readonly id: AnalysisId;
  /** What it was made from; another key means that it is of earlier texts, or of another routing. */
  readonly key: string;
  readonly trace: RoutingTrace | undefined;
  readonly layers: readonly number[];
  readonly finding: (layer: number, variant: string) => Finding;
}

export interface Surroundings {
  readonly analyser: Pick<Analyser, 'run' | 'read'>;
  readonly engine: Engine;
  readonly runner: Runner;
  readonly store: Store;
  readonly loadExamples: () => Promise<readonly LabelledText[]>;
  readonly changed: () => void;
}

export class Study {
  progress: Progress | undefined;
  failure: Said | undefined;
  outcome: Outcome | undefined;
  readonly imports: Imports;
  readonly reader: Reader;
  /** What a trace is saved as. */
  format: TraceFormat = 'moescope';
  readonly #around: Surroundings;
  #abort: AbortController | undefined;
  #runningKey: string | undefined;
  #memo: { readonly of: readonly unknown[]; readonly finding: Finding } | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.imports = new Imports(around.analyser, () => {
      around.changed();
      this.follow();
    });
    this.reader = new Reader({
      ...around, onShare: (share) => this.#show({ what: words().running.texts(`${Math.round(100 * share)} %`), share: share / 2 }),
    });
    around.store.subscribe((state, before) => {
      if (state.tab !== before.tab || state.analyses !== before.analyses) this.follow();
    });
  }

  /** Why the chosen analysis cannot be run now. */
  problem(state: State = this.#around.store.state): string | undefined {
    const { analysis: id, texts, against } = state.analyses;
    const { engine, runner } = this.#around;
    if (texts === 'import' && this.imports.first === undefined) return words().needsFile;
    if (texts === 'current' && runner.records.length === 0) return words().needsText;
    if (this.reader.kinds(DOMAINS.length) === 0) return texts === 'domains' ? words().needsDomain : words().needsOwn;
    const lacking = this.lacks(id, state);
    if (lacking !== undefined) return lacking;
    if (this.#needsModel(id, texts) && engine.opened === undefined) return words().needsModel;
    const { opened } = engine;
    if (id !== 'agreement' || texts === 'import' || opened === undefined) return undefined;
    return sameRouting(applyEdits(opened.info, state.routing), againstRouting(opened.info, against)) ? words().sameRouting : undefined;
  }

  /** What an analysis lacks, whatever else is chosen; it stands greyed in the menu. */
  lacks(id: AnalysisId, { analyses }: State = this.#around.store.state): string | undefined {
    const { texts } = analyses;
    const say = (missing: Missing | undefined): string | undefined => missing && words().needs(words().missing[missing]);
    if (texts === 'import') return this.#lacksInFile(id, analyses, say);
    if (id === 'domains' && this.reader.kinds(DOMAINS.length) < 2) return say('label_pairs');
    return id === 'vocabulary' && id === analyses.analysis && analyses.variant === 'predicted' ? say('predicted') : undefined;
  }

  #lacksInFile(id: AnalysisId, { variant, analysis }: AnalysesState, say: (missing: Missing | undefined) => string | undefined): string | undefined {
    const { first, second } = this.imports;
    const { asks } = CATALOGUE[id];
    if (asks === undefined) return words().needsModelForBans;
    const by = labelsFor(id, variantOf(id, id === analysis ? variant : undefined));
    return first && say(missingFor(asks, first.trace, { by, second: second?.trace }));
  }

  /** Whether a run has to ask the model. */
  #needsModel(id: AnalysisId, texts: AnalysesState['texts']): boolean {
    if (texts === 'import') return false;
    return texts !== 'current' || id === 'agreement' || id === 'ablation';
  }

  /** Runs by itself what takes no model, once the tab is open; of a text that is being written not before it is whole. */
  follow(): void {
    const { state } = this.#around.store;
    const { analysis: id, texts } = state.analyses;
    if (state.tab !== 'analyses' || this.fresh(state) || this.#running(state) || this.waits(state)) return;
    const atHand = !this.#needsModel(id, texts) || (id !== 'ablation' && this.reader.has(this.reader.routing()));
    if (atHand && this.problem(state) === undefined) void this.run();
  }

  /** Whether the text that is chosen is still being written. */
  waits({ analyses }: State = this.#around.store.state): boolean {
    return analyses.texts === 'current' && this.#around.runner.status === 'running';
  }

  /** Whether the figures shown are those of what is chosen. */
  fresh(state: State = this.#around.store.state): boolean {
    return this.outcome?.key === this.#key(state);
  }

  #running(state: State): boolean {
    return this.#abort !== undefined && this.#runningKey === this.#key(state);
  }

  async run(): Promise<void> {
    this.cancel();
    const { state } = this.#around.store;
    const abort = new AbortController();
    [this.#abort, this.#runningKey, this.failure] = [abort, this.#key(state), undefined];
    this.#show({ what: '', share: 0 });
    try {
      const outcome = await this.#outcome(state, abort.signal);
      if (this.#abort === abort) this.outcome = outcome;
    } catch (error) {
      const problem = explain(error);
      if (this.#abort === abort) this.failure = () => words().failed(problem.message);
    } finally {
      if (this.#abort === abort) {
        this.#abort = undefined;
        this.#show(undefined);
      }
    }
  }

  cancel(): void {
    const abort = this.#abort;
    this.#abort = undefined;
    abort?.abort();
    this.#show(undefined);
  }

  /** Before the model in use is freed: what waits for it ends. */
  modelCloses(): void {
    const { analysis, texts } = this.#around.store.state.analyses;
    if (this.#needsModel(analysis, texts)) this.cancel();
  }

  chooseFormat(format: TraceFormat | undefined): void {
    this.format = format ?? this.format;
    this.#around.changed();
  }

  saveTrace(trace: RoutingTrace): void {
    this.failure = undefined;
    try {
      const { name, type, content } = writeTrace(trace, this.format, new Date().toISOString());
      save(new Blob([content], { type }), name);
    } catch (error) {
      const problem = explain(error);
      this.failure = () => problem.message;
    }
    this.#around.changed();
  }

  async openFiles(files: readonly File[]): Promise<void> {
    await this.reader.openFiles(files);
    this.#around.changed();
  }

  /** What the outcome shows at a layer; the same until something of it changes. */
  finding(layer: number): Finding | undefined {
    const { outcome } = this;
    if (outcome === undefined) return undefined;
    const variant = variantOf(outcome.id, this.#around.store.state.analyses.variant);
    const of = [outcome, layer, variant, words()];
    if (this.#memo === undefined || !this.#memo.of.every((part, place) => part === of[place])) this.#memo = { of, finding: outcome.finding(layer, variant) };
    return this.#memo.finding;
  }

  async #outcome(state: State, signal: AbortSignal): Promise<Outcome> {
    const { analysis: id } = state.analyses;
    const key = this.#key(state);
    if (id === 'ablation') return this.#ablation(state, key, signal);
    const variant = variantOf(id, state.analyses.variant);
    const { trace, second } = await this.#input(state, signal);
    const answers: LayerAnswer[] = await this.#around.analyser.run(CATALOGUE[id].asks, trace, {
      by: labelsFor(id, variant), minTokens: id === 'vocabulary' ? MIN_TOKENS : 1, second, signal,
      onProgress: (done, total) => this.#show({ what: words().running.layers(done, total), share: 0.5 + (0.5 * done) / total }),
    });
    return {
      id, key, trace, layers: answers.map(({ layer }) => layer),
      finding: (layer, shown) => findingOf(id, { trace, answers, layer, variant: shown }),
    };
  }

  /** The trace that is chosen, and for an agreement that of the second run. */
  async #input({ analyses, model }: State, signal: AbortSignal): Promise<{ trace: RoutingTrace; second?: RoutingTrace | undefined }> {
    const { engine, runner } = this.#around;
    if (analyses.texts === 'import') {
      if (this.imports.first === undefined) throw new PageError('no_file', () => words().needsFile);
      return { trace: this.imports.first.trace, second: this.imports.second?.trace };
    }
    const name = engine.opened?.info.name ?? model.replace(/^.*\//, '');
    if (analyses.texts === 'current' && analyses.analysis !== 'agreement') {
      const trace = traceOfRecords(runner.records, name);
      if (trace === undefined) throw new PageError('no_text', () => words().needsText);
      return { trace };
    }
    const trace = joinPieces(await this.reader.read(this.reader.routing(), signal), name);
    const { opened } = engine;
    if (analyses.analysis !== 'agreement' || opened === undefined) return { trace };
    return { trace, second: joinPieces(await this.reader.read(againstRouting(opened.info, analyses.against), signal), name) };
  }

  async #ablation({ layer: wanted }: State, key: string, signal: AbortSignal): Promise<Outcome> {
    const { opened } = this.#around.engine;
    const routing = this.reader.routing();
    if (opened === undefined || routing === undefined) throw new PageError('no_model', () => words().needsModel);
    const layer = wanted !== undefined && opened.info.moe_layers.includes(wanted) ? wanted : opened.info.moe_layers[Math.floor((opened.info.moe_layers.length - 1) / 2)] ?? 0;
    const pieces = await this.reader.read(routing, signal);
    const trace = joinPieces(pieces, opened.info.name);
    const [load] = await this.#around.analyser.run('load', { ...trace, layers: trace.layers.filter((each) => each.layer === layer) }, { signal });
    const { costs, loss } = await banCosts(opened, routing, layer, pieces, load, {
      signal, onProgress: (done, total) => this.#show({ what: words().running.bans(done, total), share: done / total }),
    });
    const finding = ablationFinding(costs, layer, loss);
    return { id: 'ablation', key, trace, layers: opened.info.moe_layers, finding: () => finding };
  }

  #key(state: State): string {
    const { analysis: id, texts, variant, against } = state.analyses;
    const current = texts === 'current' && id !== 'agreement' && id !== 'ablation';
    const asked = id === 'vocabulary' ? variantOf(id, variant) : '';
    // What comes from a file stays what it is, whatever model and routing are chosen.
    const input = texts === 'import' ? `import ${this.imports.version}`
      : current ? this.#around.runner.records.length + this.#around.runner.text : this.reader.key(this.reader.routing());
    return JSON.stringify([id, asked, id === 'agreement' && texts !== 'import' ? against ?? '' : '', id === 'ablation' ? state.layer ?? '' : '', input]);
  }

  #show(progress: Progress | undefined): void {
    this.progress = progress;
    this.#around.changed();
  }
}
