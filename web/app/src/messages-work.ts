// The words of what a token costs, and how FLOPs are reckoned.

const formula = 'FLOPs: a multiplication and an addition are two operations, so a matrix of m × n costs 2mn. With width D, H query and G key heads of width h, c positions of context, E experts of hidden width F, n of which act, and V words: attention 2D(2Hh + 2Gh) + 4Hhc a layer, router 2DE, experts 6DFn, head 2DV. Norms and activations are left out. It is what the model needs, not what an engine happens to do.';

export const workMessages = {
  work: {
    caption: { token: 'Work for each token', patch: 'Work for each patch' },
    now: 'now', trained: 'trained', change: 'change',
    experts: 'Experts', flops: 'FLOPs', agreement: 'Same experts',
    parts: 'How FLOPs are reckoned',
    formula: { token: formula, patch: `${formula} For a patch c is the number of patches; the stem and the classes, which no routing changes, are left out.` },
    part: { attention: 'Attention', router: 'Router', experts: 'Experts', shared: 'Shared expert', dense: 'Dense layers', head: 'Head' },
  },
};
