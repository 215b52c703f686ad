// The words of what sits above the router: self-contrast, and a routing adapted to the text.

const ORDINALS = ['Best', 'Second best', 'Third best', 'Fourth best', 'Fifth best', 'Sixth best', 'Seventh best', 'Eighth best'];

export const decodingMessages = {
  contrast: {
    heading: 'Self-contrast',
    toggle: 'Push away from a weak routing',
    help: 'What a weak routing expects too is pushed down. Takes two passes for each token, and acts from the next text on.',
    weak: 'Weak routing',
    rank: (rank: number) => `${ORDINALS[rank] ?? `Rank ${rank + 1}`} expert alone`,
    alpha: 'Plausible from',
    alphaHelp: 'share of the best probability that a token needs (alpha)',
    beta: 'Push',
    betaHelp: 'how far scores move away from the weak routing (beta)',
    table: 'What self-contrast did',
    token: 'Token',
    strong: 'strong',
    weakColumn: 'weak',
    score: 'score',
    valid: 'stays in',
    invalid: 'too implausible for the strong routing, so that it cannot win',
    taken: 'drawn',
    instead: 'what the strong routing alone would have drawn',
    differs: (text: string) => `Without contrast the same draw takes “${text}”.`,
    agrees: 'Without contrast the same draw takes it too.',
    divergence: (nats: string) => `The weak routing is ${nats} nats away (KL).`,
  },
  adapt: {
    heading: 'Adapt to this text',
    help: 'Looks for offsets of the router that predict the shown text better. A lower loss here need not make the next words better.',
    start: 'Adapt routing',
    again: 'Adapt further',
    cancel: 'Stop adapting',
    remove: 'Remove offsets',
    running: (before: string, now: string, step: number, steps: number) => `Loss ${before} → ${now}, step ${step} of ${steps}`,
    method: { gradient: 'along the gradient', search: 'by random steps' },
    done: (how: string, before: string, after: string, percent: string) =>
      `Loss ${before} → ${after} ${how}; experts changed for ${percent} of the tokens.`,
    noGain: (loss: string) => `Nothing better was found; the loss stays at ${loss}.`,
    failed: (message: string) => `Not adapted: ${message}`,
    needs: 'Needs the live model and a text.',
    edit: 'adapted',
    removed: 'not adapted',
  },
};
