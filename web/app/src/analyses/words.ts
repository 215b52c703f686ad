// The words of the tab Analyses in the language in use; nobody may keep them at the time of import.

import { EXAMPLES } from '../examples.js';
import { messages } from '../messages.js';

export const words = (): typeof messages.analyses => messages.analyses;
/** What analyses found, in words. */
export const said = (): typeof messages.analyses.found => messages.analyses.found;
/** A domain as the examples call it; a label that is none, such as the name of a file, stays. */
export const named = (label: string): string => EXAMPLES.filter(({ id }) => id === label).map(({ id }) => messages.prompt.example[id])[0] ?? label;
