// Which language the page speaks: the one that the link or the visitor says, else that of the browser.

import { speak } from './messages.js';
import { chinese } from './messages-zh.js';
import type { LanguageWish } from './state.js';

export type Language = Exclude<LanguageWish, 'auto'>;

export function languageFor(wish: LanguageWish, browser: string): Language {
  if (wish !== 'auto') return wish;
  return browser.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export function use(language: Language): void {
  speak(language === 'zh' ? chinese : undefined);
}
