// Ties the parts together: state, engine, text, gauge, page. It wires and decides when, never how.

import type { BackendWish } from 'moescope';
import { NO_PIECES, expertRules, render } from 'moescope/views';

import { makeActions } from './actions.js';
import { Adapter } from './adapter.js';
import { Alone } from './alone.js';
import type { AnalysesPart } from './analyses/part.js';
import { shortName } from './catalogue.js';
import { Engine } from './engine.js';
import type { Load, Scope, Wish } from './engine.js';
import { PageError, explain } from './errors.js';
import { EXAMPLES } from './examples.js';
import type { ExampleId } from './examples.js';
import { keyboard } from './keys.js';
import { languageFor, use } from './language.js';
import { Later } from './later.js';
import { showsPictures } from './lessons.js';
import { measuredFor, worksFor } from './measured.js';
import { Measuring } from './measuring.js';
import { applyLook } from './look.js';
import { messages } from './messages.js';
import { lookAtImages, lookAtText } from './outline.js';
import type { ReadFile } from './outline.js';
import { OwnRouter } from './own-router.js';
import { Pace } from './pace.js';
import { aloneSubject } from './page/alone.js';
import { page } from './page/page.js';
import type { Actions, Shown, Ui } from './page/shown.js';
import { Pointer } from './pointer.js';
import { GridPainter } from './grid-painter.js';
import { fetchRecorded, recordedName } from './recorded.js';
import { applyEdits } from './routing.js';
import { Runner, shapeOf } from './runner.js';
import type { Request } from './runner.js';
import { RoutingSender } from './sender.js';
import type { RoutedModel } from './spec.js';
import { Shelf } from './shelf.js';
import type { Keeping } from './shelf.js';
import { decode, encode } from './state.js';
import { Store, mirrorInHash } from './store.js';
import { pictureGestures } from './vision/gestures.js';
import { VisionTab } from './vision/tab.js';
import type { VisionOptions } from './vision/vision.js';

export interface AppOptions {
  readonly root: HTMLElement;
  readonly load: Load;
  readonly store: Store;
  readonly readFile: ReadFile;
  readonly keeping: Keeping;
  /** Names of the recorded runs that this build has. */
  readonly recorded: readonly string[];
  readonly vision: Pick<VisionOptions, 'load' | 'samples'>;
}

/** Who turns a knob has this long before what is out of sight follows. */
const REST_MS = 120;

const CLOSED: Ui = {
  hover: undefined, cursor: undefined, help: false, menu: undefined, sheet: false, modelField: undefined, folderError: undefined,
  bin: undefined, guess: undefined, editor: undefined, switchError: undefined, shared: undefined,
};

export class App {
  readonly store: Store;
  readonly engine: Engine;
  readonly runner: Runner;
  readonly adapter: Adapter;
  readonly alone: Alone;
  readonly own: OwnRouter;
  readonly shelf: Shelf;
  readonly measuring: Measuring;
  readonly analysing: Later<AnalysesPart>;
  readonly vision: VisionTab;
  ui: Ui = CLOSED;
  readonly #options: AppOptions;
  readonly #painter = new GridPainter();
  readonly #pointer: Pointer;
  readonly #actions: Actions;
  readonly #sender: RoutingSender;
  /** Whether the visitor has done anything yet; until then the page may begin by itself. */
  #touched = false;
  #begun = false;
  readonly #pace: Pace;
  /** What is out of sight waits for this, and then the next picture is whole. */
  #rest: ReturnType<typeof setTimeout> | undefined;
  #whole = false;
  #paletteFor = 0;
  #opening: Promise<boolean> = Promise.resolve(false);
  /** The recorded run that was asked for last. */
  #played: string | undefined;

  constructor(options: AppOptions) {
    const now = (): number => performance.now();
    this.#options = options;
    this.#pace = new Pace(() => this.#draw(), now);
    this.store = options.store;
    this.engine = new Engine(options.load, () => this.schedule(), now, () => this.#closing(), lookAtText(options.readFile));
    this.runner = new Runner(() => this.#textChanged(), now);
    this.measuring = new Measuring({ load: options.load, engine: this.engine, store: this.store, runner: this.runner, changed: () => this.schedule(), now });
    this.adapter = new Adapter(this.engine, this.store, () => this.schedule(), now);
    this.alone = new Alone(() => this.schedule());
    this.analysing = new Later(async () => {
      const part = await import('./analyses/part.js');
      return new part.AnalysesPart({ engine: this.engine, runner: this.runner, store: this.store, changed: () => this.schedule() });
    }, () => this.schedule());
    this.shelf = new Shelf(options.keeping, () => this.schedule());
    this.vision = new VisionTab({ ...options.vision, look: lookAtImages(options.readFile), store: this.store, changed: () => this.schedule(), now });
    this.#pointer = new Pointer(this);
    this.#actions = makeActions(this, (event) => this.#pointer.keys(event), now);
    this.#sender = new RoutingSender(this.engine, this.store, () => this.measuring.look());
    this.own = new OwnRouter({
      engine: this.engine, store: this.store, of: 'language', send: () => this.#sender.send(), decides: () => this.measuring.renew(), changed: () => this.schedule(), now,
    });
    this.store.subscribe((state, before) => {
      if (state.tab !== before.tab || state.lesson !== before.lesson) this.#beginLanguage();
      if (state.tab === 'analyses') void this.analysing.ask();
      this.#pace.atOnce();
    });
  }

  start(): void {
    mirrorInHash(this.store);
    addEventListener('hashchange', () => this.#followLink());
    keyboard(this, this.#actions);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.schedule());
    // A window without a size, hidden or while a picture of it is taken, is nothing to draw for.
    addEventListener('resize', () => innerWidth > 1 && this.schedule());
    pictureGestures(this.vision);
    this.schedule();
    if (this.store.state.tab === 'analyses') void this.analysing.ask();
    void this.vision.vision.begin();
    this.#beginLanguage();
  }

  /** Everything about text, once a tab is shown that needs it. */
  #beginLanguage(): void {
    if (this.#begun || showsPictures(this.store.state)) return;
    this.#begun = true;
    void this.#playRecorded();
    void this.openModel(this.#wish(), true);
  }

  /** Draws the page soon. */
  schedule(): void {
    this.#pace.gently();
  }

  show(change: Partial<Ui>): void {
    this.ui = { ...this.ui, ...change };
    this.#pace.atOnce();
  }

  /** The visitor did something: from now on the page begins nothing by itself. */
  touch(): void {
    this.#touched = true;
  }

  /** What the page is drawn from right now. */
  shown(): Shown {
    const { state } = this.store;
    const { layers, nExperts } = shapeOf(this.runner.records, this.engine.opened?.info);
    const layer = state.layer !== undefined && layers.includes(state.layer) ? state.layer : layers[Math.floor((layers.length - 1) / 2)] ?? 0;
    const { records } = this.runner;
    const inspected = [this.ui.hover, state.token, records.length - 1].map((index) => records[index ?? -1]).find((r) => r !== undefined);
    const model = this.model();
    const { gauge, sampler, rivalry, tutor } = this.measuring;
    if (state.tab === 'lessons' && showsPictures(state)) tutor.lookAtPicture(state.lesson, this.vision.evidence());
    else if (state.tab === 'lessons') tutor.look(state, layer, this.runner.text);
    return {
      state, layers, layer, nExperts, inspected, model, sight: undefined, ui: this.ui, engine: this.engine, shelf: this.shelf, runner: this.runner, gauge: gauge.data,
      analyses: gauge.analyses, sample: sampler.state, rivalry, analysing: this.analysing, finding: tutor.finding,
      works: worksFor(gauge.analyses, this.engine.opened?.info.moe_layers ?? [], this.engine.opened?.shape),
      measured: measuredFor(this.runner.records, gauge.analyses),
      pieces: this.engine.opened?.pieces ?? NO_PIECES,
      adapt: this.adapter.state, alone: this.alone.state, own: this.own.shown,
      canUndo: this.store.canUndo(), vision: this.vision.shown(), actions: this.#actions,
      routing: model === undefined ? undefined : applyEdits(model, state.routing),
    };
  }

  /** The model whose routing can be changed: the live one, or that of the recorded run. */
  model(): RoutedModel | undefined {
    const trace = this.runner.records[0]?.trace;
    if (this.engine.opened !== undefined || trace === undefined) return this.engine.opened?.info;
    return {
      moe_layers: trace.layers.map((layer) => layer.layer),
      n_experts: trace.layers[0]?.n_experts ?? 1,
      trained_routing: trace.routing,
    };
  }

  /** Opens a model; where that fails, the state goes back to what is still in use. */
  async openModel(wish: Wish, first = false): Promise<void> {
    this.#begun = true;
    const before = this.engine.opened;
    this.#opening = this.engine.open(wish);
    const opened = await this.#opening;
    if (!opened) {
      if (before !== undefined && this.engine.loading === undefined) this.store.set({ model: before.model, backend: before.backend });
      return;
    }
    void this.shelf.look();
    // Light beside the model; the tab is then there when it is wanted, without a network, too.
    void this.analysing.ask();
    await this.own.modelOpened();
    await this.#sender.modelOpened();
    this.schedule();
    if (first && !this.#touched && this.store.state.auto && !still()) this.generate();
  }

  #draw(): void {
    const language = languageFor(this.store.state.language, navigator.language);
    // Said again, it would cost the style of every element.
    if (use(language, () => this.schedule()) && document.documentElement.lang !== language) document.documentElement.lang = language;
    const shown = { ...this.shown(), sight: this.#sight() };
    applyLook(document.documentElement, shown.state);
    this.#definePalette(Math.max(12, shown.nExperts, shown.model?.n_experts ?? 0, shown.vision.info?.n_experts ?? 0));
    render(this.#options.root, page(shown, this.#pointer.tokenEvents));
    this.#painter.paint(shown);
    this.#pointer.afterDraw(shown);
    this.vision.afterDraw();
    this.alone.ask(aloneSubject(shown));
  }

  /** What is to be drawn first; a picture that leaves something for later is followed by one of everything. */
  #sight(): Shown['sight'] {
    const tokens = this.#whole ? undefined : this.#pointer.inSight();
    this.#whole = false;
    const later = (): void => {
      this.#rest ??= setTimeout(() => {
        [this.#rest, this.#whole] = [undefined, true];
        this.#pace.atOnce();
      }, REST_MS);
    };
    return tokens && { ...tokens, later };
  }

  #definePalette(nExperts: number): void {
    if (nExperts <= this.#paletteFor) return;
    this.#paletteFor = nExperts;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(expertRules(nExperts));
    document.adoptedStyleSheets = [sheet];
  }

  #wish(): Wish {
    return { model: this.store.state.model, backend: this.store.state.backend };
  }

  change(wish: Wish): void {
    this.touch();
    this.store.set(wish);
    this.show({ menu: undefined, folderError: undefined });
    // What is chosen before any tab about text was shown is opened with the first of them.
    if (this.#begun || !showsPictures(this.store.state)) void this.openModel(wish);
  }

  retry(backend: BackendWish | undefined): void {
    const failed = this.engine.failure?.wish ?? this.#wish();
    this.change({ model: failed.model, backend: backend ?? failed.backend });
  }

  cancelLoading(): void {
    this.engine.cancel();
    const { opened } = this.engine;
    if (opened !== undefined) this.store.set({ model: opened.model, backend: opened.backend });
    else this.runner.stop();
  }

  /** Before the model in use is freed: nothing may still ask it. */
  #closing(): void {
    this.runner.stop();
    this.adapter.clear();
    this.alone.ask(undefined);
    this.measuring.clear();
    this.analysing.here?.study.modelCloses();
  }

  takeExample(id: ExampleId): void {
    const prompt = EXAMPLES.find((example) => example.id === id)?.prompt;
    if (prompt === undefined) return;
    this.touch();
    this.store.set({ prompt, token: undefined });
    if (this.engine.opened === undefined) void this.#playRecorded();
    else this.generate();
  }

  #request(): Request {
    const { prompt, maxTokens, temperature, samplerTopK, samplerTopP, seed, contrast } = this.store.state;
    // Unless told otherwise the engine draws from all tokens.
    const cuts = { samplerTopK: samplerTopK > 0 ? samplerTopK : undefined, samplerTopP: samplerTopP < 1 ? samplerTopP : undefined };
    return { prompt, maxTokens, temperature, ...cuts, seed, contrast, router: this.engine.opened?.info.external };
  }

  generate(): void {
    this.#clearForText();
    if (this.store.state.prompt === '') {
      this.runner.refuse(explain(new PageError('prompt_empty', () => messages.errors.prompt_empty)));
      return;
    }
    void this.runner.generate(this.#request(), async () => this.#readyScope());
  }

  /** Writes on where the shown text ends. */
  continue(): void {
    this.#clearForText();
    void this.runner.continue(this.#request(), async () => this.#readyScope());
  }

  #clearForText(): void {
    this.touch();
    this.adapter.clear();
    this.store.set({ token: undefined });
    this.show({ hover: undefined, cursor: undefined });
  }

  /** The model to write with; while the first is on its way, or another in its place, it is waited for. */
  async #readyScope(): Promise<Scope> {
    while (this.engine.opened === undefined && this.engine.loading !== undefined) await this.#opening;
    await this.#sender.send();
    const { opened } = this.engine;
    if (opened === undefined) throw new PageError('no_model', () => messages.errors.noModel);
    return opened.scope;
  }

  /** Before the live model is there, a knob acts where its run was recorded too; the run that stands already is left alone. */
  replay(): void {
    const standing = this.engine.opened === undefined && this.runner.source === 'recorded' && this.runner.records.length > 0;
    if (standing && this.#recordedName() !== this.#played) void this.#playRecorded();
  }

  async #playRecorded(): Promise<void> {
    const name = this.#recordedName();
    this.#played = name;
    if (name === undefined) return;
    try {
      const steps = await fetchRecorded(name, this.#options.recorded, AbortSignal.timeout(10_000));
      const taken = this.engine.opened !== undefined || this.runner.status === 'waiting' || this.#played !== name;
      if (steps !== undefined && !taken) await this.runner.play(steps, shortName(this.store.state.model), this.#request(), still());
    } catch (error) {
      // A recorded run is an extra: without it the page waits for the live model, which says what is wrong if anything is.
      console.warn('recorded run', name, error);
    }
  }

  /** The run of the example that the prompt is, under the routing that is set where it was recorded, else under the trained one. */
  #recordedName(): string | undefined {
    const { model, prompt, routing } = this.store.state;
    const example = EXAMPLES.find((known) => known.prompt === prompt);
    if (example === undefined) return undefined;
    const asSet = recordedName(model, example.id, routing.topK);
    return this.#options.recorded.includes(asSet) ? asSet : recordedName(model, example.id, undefined);
  }

  #textChanged(): void {
    this.measuring.look();
    if (!this.runner.active) this.analysing.here?.study.follow();
    this.schedule();
  }

  /** Someone edited the address, or went to another link of the same page. */
  #followLink(): void {
    if (location.hash === `#${encode(this.store.state)}`) return;
    const before = this.store.state;
    this.store.set(decode(location.hash));
    const { state } = this.store;
    if (state.code !== before.code) for (const own of [this.own, this.vision.own]) own.linked();
    const another = state.model !== before.model || state.backend !== before.backend;
    if (another && (this.#begun || !showsPictures(state))) void this.openModel(this.#wish());
  }
}

/** Whether the visitor asked for no motion. */
function still(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
