// Prompts to begin with, one for each domain that the bundled models have read.
// A recorded run is called after its model and its example: public/recorded/<model>/<example>.json.

import { cardFor } from './catalogue.js';

export const EXAMPLES = [
  { id: 'tales', prompt: 'Once upon a time there was a' },
  { id: 'novels', prompt: 'She put the letter down and looked at' },
  { id: 'shakespeare', prompt: 'KING.\nWhat news, my lord, from the north?\n\n' },
  { id: 'french', prompt: 'Il était une fois' },
  { id: 'german', prompt: 'Es war einmal ein König, der hatte' },
  { id: 'python', prompt: 'def read(self, size=-1):\n    """' },
  { id: 'rust', prompt: '    /// Returns the number of\n    pub fn ' },
  { id: 'math', prompt: 'Q: What is 17 + 25?\nA:' },
  { id: 'wordproblems', prompt: 'Q: Anna has 12 apples and gives 5 of them to Ben. How many apples does she have left?\nA:' },
] as const;

export type ExampleId = (typeof EXAMPLES)[number]['id'];
export type Example = (typeof EXAMPLES)[number];

/** Those that a model can go on from; all of them where it does not say what it has read. */
export function examplesFor(model: string): readonly Example[] {
  const domains = cardFor(model)?.domains ?? [];
  const known = EXAMPLES.filter(({ id }) => domains.includes(id));
  return known.length > 0 ? known : EXAMPLES;
}
