// A stand-in for the engine of images: a gate that is a hash of place, layer and expert, and classes from the pixels' sum.
// Its capacity drops as the real one does, in order or by weight, so that the page has something to hatch.

import { MoescopeError, VERDICTS } from 'moescope';
import type { Classification, ClassifyRequest, ExternalRouter, LayerTrace, ModelRouting, RouterSpec, VisionInfo } from 'moescope';
import { specFor } from 'moescope/views';

import type { Samples } from '../src/vision/samples.js';
import type { Picture } from '../src/vision/sights.js';
import type { Eyes } from '../src/vision/vision.js';
import { topKOf } from '../src/spec.js';
import { TRAINED, fakeTokens } from './fake-scope.js';
import { fakeLayer, noise } from './fake-router.js';

const SIDE = 32;
const LABELS = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

export const VISION_INFO: VisionInfo = {
  name: 'trio', architecture: 'moescope_vit_moe', image_size: SIDE, patch_size: 4, n_layers: 3, moe_layers: [0, 1, 2], n_experts: 8, top_k: 2, d_model: 128,
  n_parameters: 1_630_000, n_active_parameters: 600_000, flops_per_image: 60_000_000, trained_routing: TRAINED,
  classes: [...LABELS.map((label) => ({ set: 'cifar10', label })), ...Array.from({ length: 10 }, (_, digit) => ({ set: 'mnist', label: String(digit) }))],
};

export class FakeEyes implements Eyes {
  readonly model: VisionInfo;
  readonly backend = { kind: 'cpu', reason: 'test', weights: 'f32' } as const;
  routing: ModelRouting = TRAINED;
  freed = false;
  router: ExternalRouter | undefined;
  /** Pictures as they were looked at. */
  readonly looks: { picture: Picture; routing: ModelRouting }[] = [];
  readonly #paceMs: number;

  constructor(paceMs = 0, model = VISION_INFO) {
    this.#paceMs = paceMs;
    this.model = model;
    this.routing = model.trained_routing;
  }

  setRouting(routing: ModelRouting): Promise<void> {
    if (routing.default.restrict.disabled.length > 6) return Promise.reject(new MoescopeError('too_few_experts', 'only 1 expert is left; 2 are needed'));
    this.routing = routing;
    return Promise.resolve();
  }

  setExternalRouter(router: ExternalRouter | undefined): Promise<void> {
    this.router = router;
    return Promise.resolve();
  }

  async classify(picture: Picture, { routing = this.routing, signal }: ClassifyRequest = {}): Promise<Classification> {
    await new Promise((resolve) => setTimeout(resolve, this.#paceMs));
    signal?.throwIfAborted();
    const full = 'default' in routing ? (routing as ModelRouting) : TRAINED;
    this.looks.push({ picture, routing: full });
    const bytes = 'data' in picture ? picture.data : new Uint8ClampedArray(4);
    const seed = bytes.reduce((sum, byte, i) => (i % 4 === 3 ? sum : sum + byte), 0) % 997;
    const topK = topKOf(full.default) ?? 2;
    const layers = this.model.moe_layers.map((layer) => limited(routed(seed, layer, specFor(full, layer)), specFor(full, layer), topK));
    const lost = layers.reduce((sum, { verdicts }) => sum + verdicts.filter((code) => code === OVER_CAPACITY).length, 0);
    const logits = VISION_INFO.classes.map((_, n) => 9 * noise(n, seed, 5) - 2 * noise(n, lost + topK, 7));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return { probabilities: Float32Array.from(logits, (logit) => Math.exp(logit) / total), pixels: scaled(picture), loss: null, layers, routing: full };
  }

  free(): void {
    this.freed = true;
  }
}

const OVER_CAPACITY = VERDICTS.indexOf('over_capacity');
const patches = (seed: number): ReturnType<typeof fakeTokens> => Array.from({ length: 64 }, (_, id) => ({ id: id + seed, text: '', special: false }));

const known = new Map<string, LayerTrace>();

/** The same question has the same answer, and a survey asks it at many capacities. */
function routed(seed: number, layer: number, spec: RouterSpec): LayerTrace {
  const key = JSON.stringify([seed, layer, { ...spec, limit: undefined }]);
  const answer = known.get(key) ?? fakeLayer(patches(seed), layer, 8, spec, seed);
  known.set(key, answer);
  return answer;
}

/** Drops what finds its expert full. */
function limited(layer: LayerTrace, { limit }: RouterSpec, topK: number): LayerTrace {
  if (limit.capacity_factor === null || limit.capacity_factor === undefined) return layer;
  const places = Math.ceil((limit.capacity_factor * 64 * topK) / layer.n_experts);
  const taken = new Array<number>(layer.n_experts).fill(0);
  const kept: { expert: number; weight: number }[][] = Array.from({ length: 64 }, () => []);
  const order = Array.from({ length: 64 }, (_, token) => token);
  if (limit.priority === 'batch_priority') order.sort((a, b) => (layer.weights[layer.offsets[b] ?? 0] ?? 0) - (layer.weights[layer.offsets[a] ?? 0] ?? 0));
  const verdicts = layer.verdicts.slice();
  for (const token of order) {
    for (let n = layer.offsets[token] ?? 0; n < (layer.offsets[token + 1] ?? 0); n += 1) {
      const expert = layer.experts[n] ?? 0;
      if ((taken[expert] ?? 0) < places) {
        taken[expert] = (taken[expert] ?? 0) + 1;
        kept[token]?.push({ expert, weight: layer.weights[n] ?? 0 });
      } else verdicts[token * layer.n_experts + expert] = OVER_CAPACITY;
    }
  }
  let end = 0;
  const flat = kept.flat();
  return {
    ...layer, verdicts, offsets: Uint32Array.from([0, ...kept.map((list) => (end += list.length))]),
    experts: Uint16Array.from(flat, ({ expert }) => expert), weights: Float32Array.from(flat, ({ weight }) => weight),
  };
}

/** The nearest pixels; only for looking at. */
function scaled(picture: Picture): Uint8Array {
  const rgb = new Uint8Array(SIDE * SIDE * 3).fill(90);
  if (!('data' in picture)) return rgb;
  const { data, width, height } = picture;
  for (let i = 0; i < SIDE * SIDE; i += 1) {
    const from = Math.floor((Math.floor(i / SIDE) * height) / SIDE) * width + Math.floor(((i % SIDE) * width) / SIDE);
    for (let c = 0; c < 3; c += 1) rgb[3 * i + c] = data[4 * from + c] ?? 0;
  }
  return rgb;
}

/** Two sets of ten classes with one sample each, whose picture is one pixel of their class. */
export function fakeSamples(): Samples {
  const set = (id: string, labels: string[]) => ({ id, name: id, labels, source: 'test', licence: 'none' });
  const image = ({ set: name, label, index }: { set: string; label: number; index: number }): ImageData =>
    ({ data: new Uint8ClampedArray([10 * label + index, name.length, 0, 255]), width: 1, height: 1, colorSpace: 'srgb' }) as ImageData;
  return { side: 1, perClass: 1, url: 'samples.png', image, sets: [set('cifar10', LABELS), set('mnist', Array.from({ length: 10 }, (_, d) => String(d)))] };
}

export const FAKE_VISION = {
  load: (): Promise<FakeEyes> => Promise.resolve(new FakeEyes()),
  samples: (): Promise<Samples> => Promise.resolve(fakeSamples()),
};
