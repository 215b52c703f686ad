// The words of the tab Analyses in the language in use; nobody may keep them at the time of import.

import { EXAMPLES } from '../examples.js';
import { analysesMessages } from '../messages-analyses.js';
import type { AnalysesMessages } from '../messages-analyses.js';
import { messages } from '../messages.js';
import type { Translation } from '../messages.js';

let translated: { readonly by: Translation['analyses']; readonly words: AnalysesMessages } | undefined;

/** The same object as long as the language is. */
export function words(): AnalysesMessages {
  const { analyses: by } = messages;
  if (by === undefined) return analysesMessages;
  if (translated?.by !== by) translated = { by, words: by(analysesMessages) };
  return translated.words;
}

/** What analyses found, in words. */
export const said = (): AnalysesMessages['found'] => words().found;
/** A domain as the examples call it; a label that is none, such as the name of a file, stays. */
export const named = (label: string): string => EXAMPLES.filter(({ id }) => id === label).map(({ id }) => messages.prompt.example[id])[0] ?? label;
