// Routers to begin with, as a visitor would write them. They are JavaScript and run unchanged in a page of one's own.

export type ExampleRouter = 'topTwo' | 'unsure' | 'tokens' | 'layers';

const TOP_TWO = `// For one token at one layer: which experts act, and with which weights?
function route({ logits, layer, nExperts, tokenId }) {
  const peak = Math.max(...logits);
  const scores = logits.map((logit) => Math.exp(logit - peak));
  const best = scores
    .map((score, expert) => ({ expert, weight: score }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, 2);
  const sum = best.reduce((total, { weight }) => total + weight, 0);
  return best.map(({ expert, weight }) => ({ expert, weight: weight / sum }));
}
`;

const UNSURE = `// A second expert only where the first has less than 60 % of the score.
function route({ logits }) {
  const peak = Math.max(...logits);
  const odds = logits.map((logit) => Math.exp(logit - peak));
  const total = odds.reduce((a, b) => a + b, 0);
  const ranked = odds
    .map((odd, expert) => ({ expert, weight: odd / total }))
    .sort((a, b) => b.weight - a.weight);
  const kept = ranked.slice(0, ranked[0].weight < 0.6 ? 2 : 1);
  const sum = kept.reduce((a, { weight }) => a + weight, 0);
  return kept.map(({ expert, weight }) => ({ expert, weight: weight / sum }));
}
`;

const TOKENS = `// The same token always goes to the same expert, whatever the gate says.
function route({ tokenId, nExperts }) {
  return [{ expert: tokenId % nExperts, weight: 1 }];
}
`;

const LAYERS = `// One expert in the first layers, three from layer 2 on.
function route({ logits, layer }) {
  const count = layer < 2 ? 1 : 3;
  const experts = logits
    .map((logit, expert) => ({ logit, expert }))
    .sort((a, b) => b.logit - a.logit)
    .slice(0, count);
  return experts.map(({ expert }) => ({ expert, weight: 1 / experts.length }));
}
`;

export const EXAMPLE_ROUTERS: Readonly<Record<ExampleRouter, string>> = { topTwo: TOP_TWO, unsure: UNSURE, tokens: TOKENS, layers: LAYERS };
