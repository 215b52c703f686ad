// Which language the page speaks: the one that the link or the visitor says, else that of the browser. The words of every
// language but English are fetched when they are first wanted.

import { speak } from './messages.js';
import type { Translation } from './messages.js';
import type { LanguageWish } from './state.js';

export type Language = Exclude<LanguageWish, 'auto'>;

const known = new Map<Language, Translation>([['en', {}]]);
const asked = new Map<Language, Promise<void>>();

export function languageFor(wish: LanguageWish, browser: string): Language {
  if (wish !== 'auto') return wish;
  return browser.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Fetches the words of a language, once; where that fails the page goes on without them. */
export function learn(language: Language): Promise<void> {
  const already = asked.get(language) ?? (known.has(language) ? Promise.resolve() : fetchWords(language));
  asked.set(language, already);
  return already;
}

/** Speaks a language, or goes on in the former one until its words are here: true where they are, else `arrived` is told. */
export function use(language: Language, arrived: () => void = () => undefined): boolean {
  const words = known.get(language);
  if (words !== undefined) speak(words);
  else void learn(language).then(() => known.has(language) && arrived());
  return words !== undefined;
}

async function fetchWords(language: Language): Promise<void> {
  try {
    known.set(language, (await import('./messages-zh.js')).chinese);
  } catch (error) {
    console.warn('words', language, error);
  }
}
