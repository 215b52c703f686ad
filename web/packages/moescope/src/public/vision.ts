// A loaded vision model: classify images, change its routing, free it.
// It holds no logic, as Moescope does not; Moescope.loadVision makes it.

import type { VisionSession } from '../internal/vision-session.js';
import type { Backend, Classification, ClassifyRequest, ExternalRouter, ImageInput, ModelRouting, RoutingInput, VisionInfo } from './types.js';

export class VisionScope {
  readonly #session: VisionSession;

  /** @internal Use Moescope.loadVision. */
  constructor(session: VisionSession) {
    this.#session = session;
  }

  get model(): VisionInfo {
    return this.#session.model;
  }

  /** Where the engine runs; may change when a lost engine was rebuilt. */
  get backend(): Backend {
    return this.#session.backend;
  }

  /** The routing that the engine acknowledged last. */
  get routing(): ModelRouting {
    return this.#session.routing;
  }

  /**
   * The probability of each class, the image as the model saw it, and the routing of its patches at every MoE layer.
   *
   * An image may have any size: the model sees the square in its middle, scaled to its own size, over white.
   */
  classify(image: ImageInput, request: ClassifyRequest = {}): Promise<Classification> {
    return this.#session.classify(image, request);
  }

  /** Changes the routing from the next image on. The former routing stays on error. */
  setRouting(routing: RoutingInput): Promise<void> {
    return this.#session.setRouting(routing);
  }

  /**
   * Sets the function that decides where a spec's select.method is 'external', or removes it; see Moescope.setExternalRouter.
   *
   * It is asked about all patches of an image at once, whose places, row by row, stand in for token ids.
   */
  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    return this.#session.setExternalRouter(router);
  }

  /** Ends the worker and everything that runs in it; later calls reject with the code 'freed'. */
  free(): void {
    this.#session.free();
  }
}
