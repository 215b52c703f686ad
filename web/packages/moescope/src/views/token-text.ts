// How a token is written wherever one is shown, in one place: line ends and special tokens as signs, a piece of a character as
// its bytes where the vocabulary tells them.

import type { Token } from '../generated/engine.js';

/** Bytes of the tokens that are no whole characters, such as "E4 B8", by id. */
export type Pieces = ReadonlyMap<number, string>;

export const NO_PIECES: Pieces = new Map();

/** Of a token that adds nothing to the text, where its bytes are not known. */
const UNKNOWN = '▯';

/** As in running text: spaces as they are, everything that has no shape of its own as a sign. */
export function visibleText(token: Token, pieces: Pieces = NO_PIECES): string {
  if (token.special) return '◦';
  if (token.text === '') return bytesOf(token, pieces) ?? UNKNOWN;
  return token.text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(/[\u0000-\u001f\u007f]/g, UNKNOWN);
}

/** As in a table, where a token stands by itself: spaces have a sign, because it may be nothing else; many are counted. */
export function signedText(token: Token, pieces: Pieces = NO_PIECES): string {
  // The bytes of a piece have spaces between them, which are none of its own.
  if (token.text === '') return visibleText(token, pieces);
  return visibleText(token).replaceAll(/ {4,}/g, (run) => `␣×${run.length}`).replaceAll(' ', '␣');
}

/** What a token is called: its text or, where it has none, its bytes. */
export function spokenText(token: Token, pieces: Pieces = NO_PIECES): string {
  return token.text === '' ? bytesOf(token, pieces) ?? '' : token.text;
}

function bytesOf({ id }: Token, pieces: Pieces): string | undefined {
  const bytes = pieces.get(id);
  return bytes === undefined ? undefined : `⟨${bytes}⟩`;
}

/**
 * Pieces of characters in a tokenizer.json. Only a byte-level vocabulary has them: it writes each byte as one character, the
 * printable ones of Latin-1 as themselves and the others, in order, from U+0100 on (GPT-2, Radford et al. 2019).
 */
export function piecesOf(tokenizer: unknown): Pieces {
  const { decoder, model } = (tokenizer ?? {}) as { decoder?: { type?: unknown } | null; model?: { vocab?: unknown } };
  const vocab = model?.vocab;
  if (decoder?.type !== 'ByteLevel' || typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) return NO_PIECES;
  const alphabet = byteAlphabet();
  const pieces = new Map<number, string>();
  for (const [written, id] of Object.entries(vocab)) {
    const bytes = Array.from(written, (character) => alphabet.get(character) ?? 0);
    if (typeof id === 'number' && !isText(bytes)) pieces.set(id, bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' '));
  }
  return pieces;
}

function byteAlphabet(): Map<string, number> {
  const printable = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let others = 0x100;
  return new Map(Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(printable(byte) ? byte : others++), byte]));
}

const strict = new TextDecoder('utf-8', { fatal: true });

function isText(bytes: readonly number[]): boolean {
  // Most tokens are ASCII.
  if (bytes.every((byte) => byte < 0x80)) return true;
  try {
    strict.decode(Uint8Array.from(bytes));
    return true;
  } catch {
    return false;
  }
}
