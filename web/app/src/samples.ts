// The fixed sample: a short text of each domain, written for this page, so that two routings are compared on the same words
// whatever stands in the prompt. No model has read them.

import type { ExampleId } from './examples.js';

export const SAMPLES: Readonly<Record<ExampleId, string>> = {
  tales: 'There was once a miller who had three daughters, and the youngest could talk with the birds. One morning a white crow came to her window and said: "Your father has lost his ring in the well; let me in, and I will tell you how to find it."',
  novels: 'Mr. Hale had not expected to find the house empty. He stood in the hall with his hat in his hand, listening to the clock, and it seemed to him that nobody had lived there for years, though he had dined at that table only on Thursday.',
  shakespeare: 'DUKE.\nWhat light is this that trembles at the gate?\nSpeak, fellow, ere my patience find its end.\n\nSERVANT.\nMy lord, it is your brother, come from France,\nWith all his train, and sorrow in his eyes.',
  french: 'Le vieux pêcheur ne répondit pas tout de suite. Il regardait la mer, qui était calme ce matin-là, et ses mains tenaient encore le filet déchiré. Puis il dit à voix basse que son fils ne reviendrait pas avant l’hiver.',
  german: 'Als der junge Mann am Abend in das Dorf kam, saß der Wirt vor der Tür und rauchte. »Sie suchen gewiß ein Zimmer«, sagte er, ohne aufzustehen, »aber es ist nur noch die Kammer unter dem Dach frei, und dort zieht es.«',
  python: 'class Counter:\n    """Counts how often each word was seen."""\n\n    def __init__(self, words=None):\n        self._counts = {}\n        for word in words or []:\n            self.add(word)\n\n    def add(self, word):\n        self._counts[word] = self._counts.get(word, 0) + 1\n',
  rust: '/// A queue that forgets its oldest entry when it is full.\npub struct Ring<T> {\n    items: Vec<T>,\n    start: usize,\n}\n\nimpl<T> Ring<T> {\n    pub fn len(&self) -> usize {\n        self.items.len()\n    }\n}\n',
  math: 'Q: What is 38 + 54?\nA: 92\n\nQ: Work out 7 * 13.\nA: 91\n\nQ: What is the product of -4 and 0.5?\nA: -2\n\nQ: Total of 120 and -45.\nA: 75\n',
  wordproblems: 'Q: A baker makes 24 rolls in the morning and 18 in the afternoon. He sells 30 of them. How many rolls does he have left?\nA: He makes 24 + 18 = 42 rolls. After selling 30 he has 42 - 30 = 12 rolls left.\nThe answer is 12.',
};
