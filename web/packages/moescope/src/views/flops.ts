// What a forward pass costs for one token, in floating-point operations (FLOPs), reckoned from a model's config.json and from how
// many experts acted. A multiplication and an addition are two operations, so a matrix of m x n costs 2 m n for each token
// (Kaplan et al. 2020, arXiv:2001.08361, section 2.1).
//
// With D the width of the model, H query and G key heads of width h, V the vocabulary, E experts of hidden width F, n of which act,
// and c positions in the context, the FLOPs of one token are
//   attention, each layer   2 D (2 H h + 2 G h)  projections q, o, k, v    +  4 H h c  scores and the mixture of values
//   router, each MoE layer  2 D E
//   experts, each MoE layer 6 D F n              gate, up and down
//   shared, each MoE layer  6 D F' + 2 D         with F' the width of the shared expert, and its gate
//   dense, each other layer 6 D F''              with F'' the width of the feed-forward network
//   head                    2 D V
// Norms, biases, rotary embedding, softmax and activations grow with a width and not with a product of two, and are left out.
// It is what the model needs, not what an engine happens to do.

/** Sizes of a model, as its config.json says them. */
export interface ModelShape {
  readonly nLayers: number;
  readonly moeLayers: readonly number[];
  readonly dModel: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  /** 0 where tokens are patches of an image. */
  readonly vocabSize: number;
  readonly nExperts: number;
  /** Hidden widths; 0 where there is nothing of the kind. */
  readonly dExpert: number;
  readonly dShared: number;
  readonly dDense: number;
}

/** FLOPs of one token. */
export interface Flops {
  readonly attention: number;
  readonly router: number;
  readonly experts: number;
  readonly shared: number;
  readonly dense: number;
  readonly head: number;
  readonly total: number;
}

export interface Workload {
  /** Experts that act on a token at each MoE layer, in the order of the layers; means need not be whole. */
  readonly experts: readonly number[];
  /** Positions that a token attends to, itself among them; a mean over a text of T tokens is (T + 1) / 2. */
  readonly context: number;
}

export function flopsPerToken(shape: ModelShape, { experts, context }: Workload): Flops {
  const { nLayers, moeLayers, dModel: d, nHeads, nKvHeads, headDim, vocabSize, nExperts, dExpert, dShared, dDense } = shape;
  const perExpert = 6 * d * dExpert;
  const parts = {
    attention: nLayers * (2 * d * (2 * nHeads + 2 * nKvHeads) * headDim + 4 * nHeads * headDim * context),
    router: moeLayers.length * 2 * d * nExperts,
    experts: experts.reduce((sum, acting) => sum + acting * perExpert, 0),
    shared: dShared === 0 ? 0 : moeLayers.length * (6 * d * dShared + 2 * d),
    dense: (nLayers - moeLayers.length) * 6 * d * dDense,
    head: 2 * d * vocabSize,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

/**
 * Reads the config.json of olmoe, qwen2_moe, qwen3_moe and qwen3, as the engine does, and of our vision models, whose patches are
 * routed like tokens: their stem and their classes, which no routing changes, are left out. Undefined where sizes are missing.
 */
export function shapeOfConfig(config: unknown): ModelShape | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(config));
  const number = (...names: readonly string[]): number | undefined => names.map((name) => fields.get(name)).find((value) => typeof value === 'number');
  const [nLayers, dModel, nHeads, vocabSize] = [number('num_hidden_layers'), number('hidden_size'), number('num_attention_heads'), fields.has('patch_size') ? 0 : number('vocab_size')];
  const dense = number('intermediate_size', 'moe_intermediate_size');
  if (nLayers === undefined || dModel === undefined || nHeads === undefined || vocabSize === undefined || dense === undefined) return undefined;
  const nExperts = number('num_experts', 'num_local_experts') ?? 0;
  return {
    nLayers, dModel, nHeads, vocabSize, nExperts,
    moeLayers: nExperts === 0 ? [] : moeLayersOf(nLayers, number('decoder_sparse_step') ?? 1, fields.get('mlp_only_layers')),
    nKvHeads: number('num_key_value_heads') ?? nHeads,
    headDim: number('head_dim') ?? Math.floor(dModel / nHeads),
    dExpert: nExperts === 0 ? 0 : number('moe_intermediate_size') ?? dense,
    dShared: number('shared_expert_intermediate_size') ?? 0,
    dDense: dense,
  };
}

/** Every `step`-th layer but those that are named as dense. */
function moeLayersOf(nLayers: number, step: number, dense: unknown): number[] {
  const without = new Set<unknown>(Array.isArray(dense) ? dense : []);
  return Array.from({ length: nLayers }, (_, layer) => layer).filter((layer) => step > 0 && (layer + 1) % step === 0 && !without.has(layer));
}
