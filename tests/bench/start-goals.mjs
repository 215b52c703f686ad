// How soon the page is to be there, in one place.

/** Goals in milliseconds, for a machine with nothing else to do; the bench says whether they are met. */
export const START_GOALS = { paint: 1000, interactive: 2000 };

/** What the thread's own work may take, which tests hold on any machine (tests/e2e/start.test.mjs). */
export const MAX_START_WORK_MS = 1200;
