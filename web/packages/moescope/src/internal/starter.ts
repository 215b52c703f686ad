// Starts workers for one model and remembers what became of the GPU in earlier ones.
// With 'auto', a GPU engine that fails to start, or is lost too often, gives way to the CPU with the reason.

import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type { BackendKind, ExternalRouter, LoadOptions, ModelFolder } from '../public/types.js';
import { Link } from './link.js';
import type { CallOptions } from './link.js';
import { folderUrl, isFolder } from './model-url.js';
import type { Loaded, LoadSource } from './protocol.js';
import { GPU_START_FAILED } from './protocol.js';
import type { WorkerPort } from './spawn.js';

/** After so many losses of a GPU engine, 'auto' means the CPU. */
const MAX_GPU_LOSSES = 2;

/** A worker with the model in it. */
export interface Started<Info> {
  readonly link: Link;
  readonly loaded: Loaded<Info>;
}

/** Loads one kind of model into a worker. */
export type LoadInto<Info> = (link: Link, source: LoadSource, options: CallOptions) => Promise<Loaded<Info>>;

export interface StartOptions {
  /** The trained routing unless given. */
  readonly routing?: ModelRouting;
  /** Ends the worker in the making. */
  readonly signal: AbortSignal | undefined;
  readonly onLost: (link: Link) => void;
}

export class Starter<Info> {
  /** Who answers for layers that ask outside the engine; workers to come are told as they start. */
  router: ExternalRouter | undefined;
  readonly #modelUrl: string | ModelFolder;
  readonly #options: LoadOptions;
  readonly #spawn: () => WorkerPort;
  readonly #load: LoadInto<Info>;
  #gpuLosses = 0;
  #gpuRefusal: string | undefined;

  constructor(model: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort, load: LoadInto<Info>) {
    this.#modelUrl = isFolder(model) ? model : folderUrl(model);
    this.#options = options;
    this.#spawn = spawn;
    this.#load = load;
  }

  async start(options: StartOptions): Promise<Started<Info>> {
    try {
      return await this.#startOnce(options);
    } catch (error) {
      if (!(error instanceof MoescopeError) || error.code !== GPU_START_FAILED) {
        throw error;
      }
      // A fresh worker: nothing of the failed engine can disturb the next one.
      this.#gpuRefusal = error.message;
      return await this.#startOnce(options);
    }
  }

  async #startOnce({ routing, signal, onLost }: StartOptions): Promise<Started<Info>> {
    signal?.throwIfAborted();
    const { backend = 'auto', weights, onProgress } = this.#options;
    let kind: BackendKind | undefined;
    const link: Link = new Link(this.#spawn(), (cause) => {
      this.#countLoss(kind, cause);
      onLost(link);
    });
    link.answerBy(this.router);
    try {
      const source = { modelUrl: this.#modelUrl, backend, weights, gpuRefusal: this.#gpuRefusal, routing, external: this.router !== undefined };
      const loaded = await this.#load(link, source, { signal, onProgress });
      kind = loaded.backend.kind;
      return { link, loaded };
    } catch (error) {
      link.close(error);
      throw error;
    }
  }

  #countLoss(kind: BackendKind | undefined, cause: string): void {
    if (kind !== 'cpu' && kind !== undefined && ++this.#gpuLosses >= MAX_GPU_LOSSES) {
      this.#gpuRefusal = `the GPU engine was lost ${this.#gpuLosses} times, last because ${cause}`;
    }
  }
}
