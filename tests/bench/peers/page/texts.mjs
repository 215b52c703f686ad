// What the engines read: plain prose of our own for the clock, and a beginning for each domain that `nine` has read.
// The prose is one line of words, spaces, commas and full stops: llama.cpp cuts it into tokens as we do.

export const PROSE = [
  'Once upon a time there was a miller who lived by a slow river at the edge of a great forest, and he had two children, a boy and a girl, who helped him every day with the sacks and the stones.',
  'In the morning the girl went down to the water to see whether the wheel was free, and in the evening the boy swept the floor and shut the door against the wind.',
  'One winter the river froze, the wheel stood still, and there was no flour in the house and no bread on the table.',
  'The miller said that they must wait for the spring, but the girl took her coat and said that she would walk into the forest and ask the old woman who was said to know the names of all the rivers.',
  'She walked all day under the dark trees, and when the night came she saw a light between the branches and a small house of stone.',
  'The old woman opened the door before she could knock, gave her a bowl of soup and a chair by the fire, and asked what she wanted.',
  'I want the river to run again, said the girl, because my father has nothing to do and my brother has nothing to eat.',
  'Then you must carry something heavy, said the old woman, and she put a little white stone into her hand, which was as cold as ice and seemed to grow with every step on the way home.',
  'The girl carried it in her left hand and in her right hand, in her coat and on her back, and she did not put it down when she was tired, and she did not put it down when it snowed.',
  'When she came to the river it was as large as a house, and she let it fall, and the ice broke with a sound like a bell, and the water began to move.',
  'The wheel turned slowly at first and then faster, and in the morning there was flour in the house and bread on the table, and the boy laughed and ran to tell the people of the village.',
  'The old woman was never seen again, but every year on the same day the girl went to the river and threw a little white stone into the water, and the river has never stood still since then.',
  'People who came from far away to see the mill asked her whether the story was true, and she said that she did not know, but that the bread was good and that they should sit down and eat.',
  'So they sat down and ate, and some of them stayed for the night, and some of them stayed for the winter, and one of them, a quiet young man with a grey horse, stayed for good.',
].join(' ');

/** Beginnings whose continuations are compared token by token. */
export const BEGINNINGS = {
  tales: 'Once upon a time there was a',
  novels: 'She put the letter down and looked at',
  shakespeare: 'KING.\nWhat news, my lord, from the north?\n\n',
  french: 'Il était une fois',
  german: 'Es war einmal ein König, der hatte',
  python: 'def read(self, size=-1):\n    """',
  rust: '    /// Returns the number of\n    pub fn ',
  math: 'Q: What is 17 + 25?\nA:',
  wordproblems: 'Q: Anna has 12 apples and gives 5 of them to Ben. How many apples does she have left?\nA:',
};
