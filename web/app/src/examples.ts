// Prompts to begin with, one for each domain that the bundled model was trained on.
// A recorded run has the same id: public/recorded/<id>.json.

export const EXAMPLES = [
  { id: 'tales', prompt: 'Once upon a time there was a' },
  { id: 'french', prompt: 'Il était une fois' },
  { id: 'python', prompt: 'def read(self, size=-1):\n    """' },
  { id: 'math', prompt: 'Q: What is 17 + 25?\nA:' },
] as const;

export type ExampleId = (typeof EXAMPLES)[number]['id'];
