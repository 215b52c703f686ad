// The words of the tab Analyses in the language in use; nobody may keep them at the time of import.

import { messages } from '../messages.js';

export const words = (): typeof messages.analyses => messages.analyses;
/** What analyses found, in words. */
export const said = (): typeof messages.analyses.found => messages.analyses.found;
