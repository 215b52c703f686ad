// Brings the chosen texts through the model, under a routing, and keeps what was read: the next analysis asks for the same.

import type { ModelRouting } from 'moescope';

import type { Engine } from '../engine.js';
import { PageError } from '../errors.js';
import { applyEdits } from '../routing.js';
import type { Runner } from '../runner.js';
import type { Store } from '../store.js';
import { MAX_LETTERS, readPieces } from './texts.js';
import type { LabelledText, Piece } from './texts.js';
import { words } from './words.js';

export interface ReaderOptions {
  readonly engine: Engine;
  readonly runner: Runner;
  readonly store: Store;
  readonly loadExamples: () => Promise<readonly LabelledText[]>;
  /** Hears which share of the letters is read. */
  readonly onShare: (share: number) => void;
}

/** Readings that stay at hand. */
const KEPT = 4;

export class Reader {
  /** Text files that the visitor opened. */
  files: readonly LabelledText[] = [];
  readonly #around: ReaderOptions;
  readonly #kept = new Map<string, readonly Piece[]>();

  constructor(around: ReaderOptions) {
    this.#around = around;
  }

  /** The routing as it is set; none without a model. */
  routing(): ModelRouting | undefined {
    const { engine, store } = this.#around;
    return engine.opened && applyEdits(engine.opened.info, store.state.routing);
  }

  /** Changes with the model, the chosen texts and the routing. */
  key(routing: ModelRouting | undefined): string {
    const { engine, runner, store } = this.#around;
    const { texts, own, without } = store.state.analyses;
    const what = { current: runner.text, domains: without, own: [own, ...this.files.map(({ text }) => text)], import: '' }[texts];
    return JSON.stringify([engine.opened?.model, engine.opened?.info.external, texts, what, routing]);
  }

  has(routing: ModelRouting | undefined): boolean {
    return this.#kept.has(this.key(routing));
  }

  async read(routing: ModelRouting | undefined, signal: AbortSignal): Promise<readonly Piece[]> {
    const key = this.key(routing);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const { opened } = this.#around.engine;
    if (opened === undefined || routing === undefined) throw new PageError('no_model', () => words().needsModel);
    const texts = await this.#texts();
    const letters = texts.reduce((sum, { text }) => sum + text.length, 0);
    const pieces = await readPieces(opened.scope, texts, { routing, signal, onLetters: (done) => this.#around.onShare(done / Math.max(1, letters)) });
    this.#kept.set(key, pieces);
    for (const old of [...this.#kept.keys()].slice(0, -KEPT)) this.#kept.delete(old);
    return pieces;
  }

  async openFiles(files: readonly File[]): Promise<void> {
    this.files = await Promise.all(files.map(async (file) => ({ label: file.name, text: (await file.text()).slice(0, MAX_LETTERS) })));
  }

  /** How many kinds of text are chosen. */
  kinds(nDomains: number): number {
    const { texts, own, without } = this.#around.store.state.analyses;
    if (texts === 'domains') return nDomains - without.length;
    return texts === 'own' ? this.files.length + (own.trim() === '' ? 0 : 1) : 1;
  }

  async #texts(): Promise<LabelledText[]> {
    const { texts, own, without } = this.#around.store.state.analyses;
    if (texts === 'domains') return (await this.#around.loadExamples()).filter(({ label }) => !without.includes(label));
    if (texts === 'own') {
      const pasted = own.trim() === '' ? [] : [{ label: words().own.label, text: own.slice(0, MAX_LETTERS) }];
      return [...pasted, ...this.files];
    }
    return [{ label: '', text: this.#around.runner.text }];
  }
}
