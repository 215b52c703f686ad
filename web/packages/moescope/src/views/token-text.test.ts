// How tokens are written: signs for what has no shape, bytes for pieces of characters.
import { describe, expect, it } from 'vitest';

import { piecesOf, signedText, spokenText, visibleText } from './token-text.js';

const token = (text: string, id = 0, special = false) => ({ id, text, special });

describe('a token', () => {
  it('has signs for line ends, tabs and what cannot be seen', () => {
    expect([' a\n', '\t', '\u0007', ''].map((text) => visibleText(token(text)))).toEqual([' a⏎', '⇥', '▯', '▯']);
    expect(visibleText(token('<|end|>', 0, true))).toBe('◦');
  });

  it('has signs for its spaces where it stands by itself, and many are counted', () => {
    expect([' a b', '       x'].map((text) => signedText(token(text)))).toEqual(['␣a␣b', '␣×7x']);
  });

  it('that is a piece of a character shows its bytes where they are known, and is called by them', () => {
    const pieces = new Map([[5, 'E4 B8']]);
    for (const write of [visibleText, signedText, spokenText]) {
      expect(write(token('', 5), pieces)).toBe('⟨E4 B8⟩');
      expect(write(token('中', 5), pieces)).toBe('中');
    }
    expect([visibleText(token('', 6), pieces), spokenText(token('', 6), pieces)]).toEqual(['▯', '']);
  });
});

describe('pieces of characters', () => {
  // Ġ is a space, Ċ a line end; ä, ¸ and Ń stand for the bytes E4, B8 and AD of 中.
  const vocab = { a: 0, 'Ġa': 1, 'Ċ': 2, 'ä': 3, 'ä¸': 4, 'ä¸Ń': 5, 'Ń': 6, 'ĠÃ': 7 };
  const decoder = { type: 'ByteLevel' };

  it('are the tokens of a byte-level vocabulary whose bytes are no text', () => {
    expect([...piecesOf({ decoder, model: { vocab } })]).toEqual([[3, 'E4'], [4, 'E4 B8'], [6, 'AD'], [7, '20 C3']]);
  });

  it('are none in another vocabulary, and in what is none', () => {
    for (const other of [{ decoder: { type: 'Metaspace' }, model: { vocab } }, { decoder: null, model: { vocab } }, { decoder, model: { vocab: [['a', -1]] } }, {}, null, undefined]) {
      expect(piecesOf(other).size).toBe(0);
    }
  });
});
