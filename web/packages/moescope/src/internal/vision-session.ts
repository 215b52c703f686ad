// A model of images: its calls, on whichever worker serves it now.

import type { Classification, VisionInfo } from '../generated/engine.js';
import type { ModelRouting } from '../generated/routing.js';
import type { Backend, ClassifyRequest, ExternalRouter, ImageInput, LoadOptions, ModelFolder, RoutingInput } from '../public/types.js';
import { LiveModel } from './live.js';
import { pixelsOf } from './pixels.js';
import { toModelRouting } from './routing.js';
import type { WorkerPort } from './spawn.js';
import { Starter } from './starter.js';

export class VisionSession {
  readonly #live: LiveModel<VisionInfo>;

  private constructor(live: LiveModel<VisionInfo>) {
    this.#live = live;
  }

  static async open(model: string | URL | ModelFolder, options: LoadOptions, spawn: () => WorkerPort): Promise<VisionSession> {
    const starter = new Starter<VisionInfo>(model, options, spawn, (link, source, how) => link.loadVision(source, how));
    return new VisionSession(await LiveModel.open(starter, options.signal));
  }

  get model(): VisionInfo {
    return this.#live.model;
  }

  get backend(): Backend {
    return this.#live.backend;
  }

  get routing(): ModelRouting {
    return this.#live.routing;
  }

  setRouting(routing: RoutingInput): Promise<void> {
    return this.#live.setRouting(routing);
  }

  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    return this.#live.setExternalRouter(router);
  }

  async classify(image: ImageInput, { label, routing, signal }: ClassifyRequest): Promise<Classification> {
    const pixels = await pixelsOf(image);
    const link = await this.#live.link(signal);
    return link.classify({ ...pixels, label, routing: routing && toModelRouting(routing) }, { signal });
  }

  free(): void {
    this.#live.free('Moescope.loadVision');
  }
}
