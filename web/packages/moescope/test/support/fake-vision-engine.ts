// A vision engine without a model: the first pixel's red says the class, and the first experts take every patch unless a router outside decides.

import type { Classification, LayerTrace, VisionInfo } from '../../src/generated/engine.js';
import type { ModelRouting } from '../../src/generated/routing.js';
import type { ModelRoutingInput } from '../../src/public/types.js';
import type { WirePlan } from '../../src/internal/plan.js';
import type { DecideFunction, VisionEngine } from '../../src/worker/engine.js';
import { complete } from './fake-engine.js';

const [N_EXPERTS, N_PATCHES, N_CLASSES] = [4, 16, 3];
const QUESTION = {
  layer: 0, n_tokens: N_PATCHES, n_experts: N_EXPERTS, logits: new Float32Array(N_PATCHES * N_EXPERTS),
  token_ids: Uint32Array.from({ length: N_PATCHES }, (_, patch) => patch),
};

export class FakeVisionEngine implements VisionEngine {
  /** Images as they arrived. */
  readonly images: { rgba: Uint8Array; width: number; height: number }[] = [];
  #routing: ModelRouting = complete({});
  #external: DecideFunction | undefined;

  info(): VisionInfo {
    return {
      name: 'fake', architecture: 'fake', image_size: 16, patch_size: 4, n_layers: 1, moe_layers: [0], n_experts: N_EXPERTS, top_k: 2, d_model: 1,
      n_parameters: 1, n_active_parameters: 1, flops_per_image: 1, trained_routing: complete({}),
      classes: ['a', 'b', 'c'].map((label) => ({ set: 'letters', label })),
    };
  }

  set_routing(routing: ModelRoutingInput): void {
    const { select } = complete(routing).default;
    if (select.method === 'top_k' && select.top_k > N_EXPERTS) {
      throw Object.assign(new Error('top_k is 5, allowed: 1 to 4'), { code: 'top_k_too_large' });
    }
    this.#routing = complete(routing);
  }

  set_external_router(decide: DecideFunction | undefined): void {
    this.#external = decide;
  }

  routing(): ModelRouting {
    return this.#routing;
  }

  async classify(rgba: Uint8Array, width: number, height: number, label?: number, routing?: ModelRoutingInput): Promise<Classification> {
    this.images.push({ rgba, width, height });
    if (label !== undefined && label >= N_CLASSES) {
      throw Object.assign(new Error(`class ${label} is not one of the model's: 0 to 2`), { code: 'class_out_of_range' });
    }
    const probabilities = new Float32Array(N_CLASSES).fill(0.1);
    probabilities[(rgba[0] ?? 0) % N_CLASSES] = 0.8;
    const used = routing === undefined ? this.#routing : complete(routing);
    const plan = used.default.select.method === 'external' ? await this.#external?.(QUESTION) : firstExperts(used);
    if (plan === undefined) throw Object.assign(new Error('none is set'), { code: 'no_external_router' });
    return {
      probabilities, pixels: new Uint8Array(16 * 16 * 3), layers: [layer(plan)], routing: used,
      loss: label === undefined ? null : -Math.log(probabilities[label] ?? 0),
    };
  }

  free(): void {}
}

function firstExperts({ default: { select } }: ModelRouting): WirePlan {
  const count = select.method === 'top_k' ? select.top_k : 1;
  return {
    offsets: Uint32Array.from({ length: N_PATCHES + 1 }, (_, patch) => patch * count),
    experts: Uint16Array.from({ length: N_PATCHES * count }, (_, i) => i % count),
    weights: new Float32Array(N_PATCHES * count).fill(1 / count),
  };
}

function layer(plan: WirePlan): LayerTrace {
  const cells = N_PATCHES * N_EXPERTS;
  return {
    layer: 0, n_experts: N_EXPERTS, logits: new Float32Array(cells), scores: new Float32Array(cells), selection_scores: new Float32Array(cells),
    verdicts: new Uint8Array(cells), ...plan,
  };
}
