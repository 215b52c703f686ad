// The words of the ten lessons. A lesson asks before it tells: `look` is read first, then comes the question with its options,
// then what to do, and `found` says what was measured, from figures that are handed in.

import type { LessonId } from './lessons.js';

export interface LessonWords {
  readonly title: string;
  readonly about: string;
  readonly look: readonly string[];
  readonly ask: string;
  readonly options: readonly string[];
  readonly task: string;
  readonly found: (figures: readonly string[]) => string;
}

const cost = ['Less than 0.1 nats per token', '0.1 to 0.5 nats per token', 'More than 0.5 nats per token'];

const each: Readonly<Record<LessonId, LessonWords>> = {
  expert: {
    title: 'What an expert is',
    about: 'One layer, many small networks, and a router that picks a few of them for each token.',
    look: [
      'A layer of this model has many small networks, the experts, and a router. For each token the router gives every expert a score, and only the best few work.',
      'Each token here has the colour of its first expert. Move the slider Layer: the same words are shared out differently at every layer. Open an expert with the arrow at the end of its row to see which tokens it likes.',
    ],
    ask: 'The bars under Experts show the load at this layer. On how many of the tokens does the busiest expert work?',
    options: ['Less than a quarter', 'A quarter to a half', 'More than a half'],
    task: 'Switch off the busiest expert of this layer, the one with the longest bar. Its tokens have to go elsewhere.',
    found: ([expert, share, loss]) => `Expert ${expert} worked on ${share} of the tokens. With it switched off the loss moved by ${loss} nats per token.`,
  },
  topk: {
    title: 'The k knob',
    about: 'How many experts work on a token is one number, and it can be turned while the model runs.',
    look: [
      'Top-k is the number of experts that work on each token. Twice the experts is twice the work in these layers, and nothing has to be trained again to change it.',
      'The model was trained with the number that carries the small triangle. Its loss says how surprised it is by the text: lower is better.',
    ],
    ask: 'The model has never worked with a single expert. How much does it lose if you leave it one?',
    options: cost,
    task: 'Turn Top-k to 1 and wait for the two figures under “What it costs”.',
    found: ([before, after, difference]) => `From ${before} to ${after}: ${difference} nats per token on this text.`,
  },
  balance: {
    title: 'Balance and collapse',
    about: 'Without a push towards balance, a router may send everything to a few experts.',
    look: [
      'A router that finds one expert useful sends it more tokens, so it learns more, so it becomes more useful still. Training usually adds a small loss that pushes towards an even load.',
      'The model nine was trained with that loss, nine-collapsed without, and both are otherwise the same. The number of experts in use can be told from the entropy of the load.',
    ],
    ask: 'What share of its experts does the model without the balance loss still use?',
    options: ['Less than 30 %', '30 to 60 %', 'More than 60 %'],
    task: 'Open nine-collapsed with the button Model. Then press Generate, and look at its bars under Load.',
    found: ([used, all]) => `On this text its layers use ${used} of ${all} experts (the exponential of the entropy of the load, a mean over layers).`,
  },
  shared: {
    title: 'Shared and fine-grained experts',
    about: 'Many small experts, and one that always works.',
    look: [
      'The model nine-shared has twice as many experts of less than half the size, takes four of them, and has one more that works on every token, whatever the router says.',
      'What all tokens need can sit in the shared expert, and the small ones are free to differ.',
    ],
    ask: 'It is trained with four small experts for each token. How much does it lose with one?',
    options: cost,
    task: 'Turn Top-k to 1. The shared expert goes on working.',
    found: ([before, after, difference]) => `From ${before} to ${after}: ${difference} nats per token, with the shared expert still there.`,
  },
  hard: {
    title: 'Hard tokens take more experts',
    about: 'Top-p takes experts until they hold a share of the whole score, so the number varies.',
    look: [
      'Top-p does not fix the number of experts. It takes the best ones until together they hold a given share of the score: a router that is sure takes few, one that hesitates takes many.',
      'The paper behind it found that harder tasks take more experts in a model trained that way. This model was not. The tint shows how many experts each token takes.',
    ],
    ask: 'Here, does the quarter of tokens with the highest loss take more experts than the quarter with the lowest?',
    options: ['Fewer', 'About the same, within 0.1', 'More'],
    task: 'Choose the strategy top_p. Press Generate to see in the tint which tokens take more.',
    found: ([hard, easy, difference]) => `The hardest quarter takes ${hard} experts a token and layer, the easiest ${easy}: a difference of ${difference}.`,
  },
  patches: {
    title: 'Where image patches go',
    about: 'A picture is cut into patches, and each patch is routed like a token.',
    look: [
      'A vision model cuts an image into patches and routes every patch. Often it is the place and texture of a patch, rather than the thing it shows, that decides.',
      'Choose a few samples, and look at the first and at the last layer with experts: each patch has the colour and number of its first expert.',
    ],
    ask: 'The bars under Experts show the load at the layer whose name is underlined. If its busiest expert is switched off, which part of its patches goes to one and the same other expert?',
    options: ['Less than a third', 'A third to two thirds', 'More than two thirds'],
    task: 'Switch off the expert with the longest bar, and look where the colour of its patches turns to.',
    found: ([expert, patches, heir, share, loss]) => `Expert ${expert} acted on ${patches} patches. ${share} of them went to expert ${heir}, the others elsewhere. The loss moved by ${loss} nats.`,
  },
  ablation: {
    title: 'Switch one off, and a control',
    about: 'Whether an expert matters can only be said against another one that is as busy.',
    look: [
      'Switching an expert off makes the text less likely. That alone says little: it would be so with any expert that is as busy.',
      'So there is a control. While you switch off the busiest expert, the page also measures what happens when the expert whose load comes closest is switched off instead.',
    ],
    ask: 'Compared with the control, switching off the busiest expert hurts …',
    options: ['less', 'as much, within 0.02 nats', 'more'],
    task: 'Switch off the expert with the longest bar.',
    found: ([expert, mine, control]) => `Without expert ${expert} the loss moves by ${mine}, in the control by ${control} nats per token.`,
  },
  nulls: {
    title: 'Null experts and skipping',
    about: 'An expert that does nothing lets a token skip work.',
    look: [
      'AdaMoE adds null experts, which do nothing and cost nothing. A token that sends one of its places there is done with fewer real experts.',
      'Their logit is a constant here, because this model was trained without them. The tint shows how many real experts each token takes.',
    ],
    ask: 'How much of the experts’ work does it save on this text?',
    options: ['Less than 20 %', '20 to 50 %', 'More than 50 %'],
    task: 'Choose the strategy adamoe. Then lower Null logit, and watch what is still saved and what it costs.',
    found: ([before, after, saved, loss]) => `From ${before} to ${after} experts a token and layer: ${saved} saved, for ${loss} nats per token.`,
  },
  cache: {
    title: 'Expert caches',
    about: 'A device that cannot hold all experts wants tokens to stay with those it has.',
    look: [
      'On a small device most experts lie on disk, and a cache holds those used last. It pays off when a token wants the experts of the tokens before it: the local consistency of the routing.',
      'The page counts how often a wanted expert is in a cache that has room for a quarter of the experts of each layer, and drops the one unused for longest.',
    ],
    ask: 'With one expert for each token instead of two, does the cache hit …',
    options: ['less often', 'as often, within 3 points', 'more often'],
    task: 'Turn Top-k to 1.',
    found: ([size, before, after]) => `A cache of ${size} experts a layer hits for ${before} of the choices as trained, and for ${after} with one expert.`,
  },
  dense: {
    title: 'When sparse beats dense',
    about: 'The same work for each token, with and without experts to choose from.',
    look: [
      'The model nine-dense has no experts. It does the same work for each token as nine, has read the same text, and has far fewer parameters.',
      'The page compares their loss on the fixed sample, which neither has read.',
    ],
    ask: 'Compared with the dense model, is the loss of nine …',
    options: ['higher', 'the same, within 0.02 nats', 'lower'],
    task: 'Open nine, wait until the fixed sample has been read, then open nine-dense and wait again.',
    found: ([sparse, dense, difference]) => `nine ${sparse}, nine-dense ${dense}: a difference of ${difference} nats per token.`,
  },
};

export const lessonMessages = {
  lessons: {
    heading: 'Ten lessons',
    help: 'Each asks for a prediction, has you turn one knob, and answers with what the engine measures on your text.',
    each,
    number: (n: number) => `Lesson ${n}`,
    all: 'All lessons',
    steps: ['Look', 'Predict', 'Turn and see'],
    next: 'Next',
    back: 'Back',
    nextLesson: 'Next lesson',
    choose: 'Choose one before you go on.',
    waitingForPicture: 'Waiting for the measurement. It comes when the knob is turned and the model has looked at the picture.',
    waiting: 'Waiting for the measurement. It comes when the knob is turned and the text has been read.',
    needsModel: 'The live model has to be here to measure: it is on its way, or choose one with the button Model.',
    right: 'Your prediction was right.',
    wrong: (mine: string, right: string) => `You said “${mine}”; it is “${right}”.`,
    noGuess: (right: string) => `The answer is “${right}”.`,
    missing: (models: readonly string[]) => `This lesson needs ${models.map((name) => (name === 'vision' ? 'a vision model' : `the model ${name}`)).join(' and ')}, which this site does not have yet. It becomes live when ${models.length === 1 ? 'its folder is' : 'their folders are'} under models/.`,
    missingShort: 'needs another model',
    reset: 'Undo what I turned',
  },
};
