// Starts workers for one model and remembers what became of the GPU in earlier ones.
// With 'auto', a GPU engine that fails to start, or is lost too often, gives way to the CPU with the reason.

import type { ModelRouting } from '../generated/routing.js';
import { MoescopeError } from '../public/error.js';
import type { ExternalRouter, LoadOptions, ModelFolder } from '../public/types.js';
import { Link } from './link.js';
import { folderUrl, isFolder } from './model-url.js';
import type { Loaded } from './protocol.js';
import { GPU_START_FAILED } from './protocol.js';
import type { WorkerPort } from './spawn.js';

/** After so many losses of a GPU engine, 'auto' means the CPU. */
const MAX_GPU_LOSSES = 2;

/** A worker with the model in it. */
export interface Started {
  readonly link: Link;
  readonly loaded: Loaded;
}

export interface StartOptions {
  /** The trained routing unless given. */
  readonly routing?: ModelRouting;
  readonly external?: ExternalRouter | undefined;
  /** Ends the worker in the making. */
  readonly signal: AbortSignal | undefined;
  readonly onLost: (link: Link) => void;
}

export class Starter {
  readonly #modelUrl: string | ModelFolder;
  readonly #options: LoadOptions;
  readonly #spawn: () => WorkerPort;
  #gpuLosses = 0;
  #gpuRefusal: string | undefined;

  constructor(model: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort) {
    this.#modelUrl = isFolder(model) ? model : folderUrl(model);
    this.#options = options;
    this.#spawn = spawn;
  }

  async start(options: StartOptions): Promise<Started> {
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

  async #startOnce({ routing, external, signal, onLost }: StartOptions): Promise<Started> {
    signal?.throwIfAborted();
    const { backend = 'auto', onProgress } = this.#options;
    let kind: 'webgpu' | 'cpu' | undefined;
    const link: Link = new Link(this.#spawn(), (cause) => {
      this.#countLoss(kind, cause);
      onLost(link);
    });
    link.answerBy(external);
    try {
      const call = { modelUrl: this.#modelUrl, backend, gpuRefusal: this.#gpuRefusal, routing, external: external !== undefined };
      const loaded = await link.load(call, { signal, onProgress });
      kind = loaded.backend.kind;
      return { link, loaded };
    } catch (error) {
      link.close(error);
      throw error;
    }
  }

  #countLoss(kind: 'webgpu' | 'cpu' | undefined, cause: string): void {
    if (kind === 'webgpu' && ++this.#gpuLosses >= MAX_GPU_LOSSES) {
      this.#gpuRefusal = `the GPU engine was lost ${this.#gpuLosses} times, last because ${cause}`;
    }
  }
}
