// What analyses found, in words: a sentence for each, and the names within its picture. Numbers come written already.

/** Of so many intervals of 95 %, how many leave out the truth. */
function byChance(all: number): string {
  return `, where about ${Math.round(all / 20)} would by chance`;
}

export const findingMessages = {
  legends: {
    bars: 'Whiskers: interval of 95 %. Dashed: what chance gives.',
    difference: 'Tint: difference to chance, blue above and orange below.', dots: 'Dot: the interval of 95 % leaves chance out.',
    lines: 'Band: interval of 95 %. Dotted: what chance gives.',
    shuffled: 'Chance is that of the same tokens in random order.',
  },
  load: {
    title: 'Share of tokens by expert and layer',
    found: (layer: number, expert: number, share: string, even: string, variation: string, random: string, differ: number, all: number) =>
      `Layer ${layer}: expert ${expert} is the busiest with ${share} of the tokens, where an even share is ${even}. The load varies by ${variation} of its mean; random choices vary by ${random}. Over all layers ${differ} of ${all} experts differ from the even share${byChance(all)}.`,
  },
  balance: {
    losses: ['balance loss', 'first-choice loss', 'importance loss', 'z-loss'], evenness: ['variation', 'busiest over mean', 'effective experts', 'idle experts'],
    titles: { losses: 'Losses by layer', evenness: 'Evenness of the load by layer' },
    foundLosses: (layer: number, loss: string) => `Layer ${layer}: the balance loss is ${loss}; it is 1 where choices do not depend on scores, and training pushes it down to that.`,
    foundEvenness: (layer: number, effective: string, random: string, idle: string) =>
      `Layer ${layer}: ${effective} experts’ worth of load, where random choices give ${random}; ${idle} of the experts never act.`,
  },
  repetition: {
    title: 'Tokens that choose like the one before', axis: 'share of tokens', choices: { first: 'first choice', any: 'any choice' },
    found: (layer: number, share: string, low: string, high: string, chance: string) =>
      `Layer ${layer}: ${share} of the tokens choose first what the token before chose first (95 %: ${low} to ${high}); chance gives ${chance}.`,
  },
  labels: {
    domains: (layer: number) => `Domains by experts, layer ${layer}`,
    tokens: (layer: number) => `Tokens by experts, layer ${layer}`,
    strongest: (name: string, expert: number, share: string, chance: string, differ: number, all: number) =>
      `${name} goes to expert ${expert} for ${share} of its tokens, where chance gives ${chance}. ${differ} of ${all} shares differ from chance${byChance(all)}.`,
    none: 'No token occurs 10 times in these texts; choose more text.',
    vocabulary: (layer: number, ids: number, share: string, even: string) =>
      `Layer ${layer}: ${ids} token ids occur 10 times or more; on average ${share} of a token’s occurrences go to its favourite expert, where an even share is ${even}.`,
    distance: 'Distance of each domain’s choices from everybody’s',
    distanceLegend: 'Half the summed differences of shares: 0 alike, 1 disjoint. Dashed: mean of as many random tokens.',
    largest: 'largest of 39 random draws',
    farthest: (layer: number, name: string, distance: string, chance: string, far: number, all: number) =>
      `Layer ${layer}: ${name} is routed least like the rest, ${distance} apart where as many random tokens are ${chance} apart. ${far} of ${all} are farther than 39 random draws.`,
  },
  pairs: {
    together: (layer: number) => `Experts that act together, layer ${layer}`,
    alone: (layer: number) => `Layer ${layer}: no two experts act on the same token.`,
    conditional: (layer: number, expert: number, share: string, other: number, chance: string) =>
      `Layer ${layer}: of the tokens of expert ${expert}, ${share} have expert ${other} too, where chance gives ${chance}`,
    jaccard: (layer: number, expert: number, share: string, other: number, chance: string) =>
      `Layer ${layer}: of the tokens of experts ${expert} and ${other} together, ${share} have both, where chance gives ${chance}`,
    partners: (count: string) => `; an expert has ${count} partners on average, which act with it more than twice as often as chance.`,
    flow: (layer: number, next: number) => `From layer ${layer} to layer ${next}`,
    layer: (layer: number) => `layer ${layer}`,
    flowLegend: 'All pairs of a token’s experts count, not only those of equal rank.',
    flowFound: (layer: number, next: number, expert: number, share: string, to: number, chance: string, differ: number, all: number) =>
      `From layer ${layer} to ${next}: of the tokens of expert ${expert}, ${share} go on to expert ${to}, where independent layers give ${chance}; ${differ} of ${all} pairs differ from that${byChance(all)}.`,
  },
  tokens: {
    titles: {
      entropy: 'Entropy of the scores in nats, by layer and position', top_share: 'Share of the best score, by layer and position',
      margin: 'Margin between the last chosen and the next score, by layer and position',
    },
    position: (bin: number) => (bin === 1 ? 'position' : `position, ${bin} to a column`),
    equal: (chance: string) => `Equal scores give ${chance}.`,
    measures: { entropy: 'the entropy of the scores, in nats,', top_share: 'the share of the best score', margin: 'the margin of the last that is chosen' },
    found: (layer: number, measure: string, mean: string, low: string, high: string, chance: string) =>
      `Layer ${layer}: ${measure} is ${mean} on average (95 %: ${low} to ${high}); equal scores give ${chance}.`,
  },
  segments: {
    title: (layer: number) => `Segment routing best performance, layer ${layer}`, axis: 'tokens in a window',
    short: 'The text is shorter than 4 tokens; choose a longer one.',
    found: (layer: number, length: number, f1: string, chance: string) =>
      `Layer ${layer}: keeping whole experts for stretches of ${length} tokens serves them with an F1 of ${f1}; the same tokens in random order give ${chance}.`,
  },
  caches: {
    title: (layer: number) => `Hit rate of expert caches, layer ${layer}`, axes: ['experts in the cache', 'hits'],
    policies: { belady: 'best on demand', fixed: 'best set per 16', segment: 'looks 16 ahead', lru: 'LRU', lfu: 'LFU' },
    none: 'A layer of so few experts needs no cache.',
    found: (layer: number, size: number, lru: string, chance: string, best: string) =>
      `Layer ${layer}: a cache of ${size} experts with LRU is right ${lru} of the time; the same tokens in random order give ${chance}, and no cache of that size that fetches on demand can do better than ${best}.`,
  },
  drops: {
    title: (what: string, layer: number) => `${what} by capacity, layer ${layer}`, axes: { factor: 'capacity, in even shares', choices: 'choices lost', stranded: 'tokens without experts' },
    orders: { order: 'in order', batch_priority: 'best first' },
    choices: (layer: number, inOrder: string, best: string, random: string) =>
      `Layer ${layer}: at the balanced capacity ${inOrder} of the choices find their expert full in order, and ${best} with the best first; random choices lose ${random}.`,
    stranded: (layer: number, inOrder: string, best: string, random: string) =>
      `Layer ${layer}: at the balanced capacity ${inOrder} of the tokens lose all their experts in order, and ${best} with the best first; under random choices ${random} do.`,
  },
  agreement: {
    titles: { overlap: 'Overlap of the experts of two routings', divergence: 'Jensen-Shannon divergence of the scores, in nats' },
    found: (layer: number, share: string, low: string, high: string, chance: string) =>
      `Layer ${layer}: the two routings share ${share} of a token’s experts (95 %: ${low} to ${high}); random choices share ${chance}.`,
  },
  ablation: {
    title: (layer: number) => `What it costs to switch an expert off, layer ${layer}`,
    legend: 'Nats per token. Whiskers: interval of 95 % over tokens. Dashed: mean of banning the three experts whose load is nearest.',
    found: (layer: number, expert: number, loss: string, cost: string, low: string, high: string, control: string) =>
      `Layer ${layer}: without expert ${expert} the loss of ${loss} nats changes by ${cost} (95 %: ${low} to ${high}); banning one of three experts of like load costs ${control} on average.`,
  },
};
