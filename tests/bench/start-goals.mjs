// How soon the page is to be there, and how soon it is to answer, in one place.

/** Goals in milliseconds, for a machine with nothing else to do; the bench says whether they are met. */
export const START_GOALS = { paint: 1000, interactive: 2000 };

/** What the thread's own work may take, which tests hold on any machine (tests/e2e/start.test.mjs). */
export const MAX_START_WORK_MS = 1200;

/** From a touch to the next picture on a text of 512 tokens, and the thread's work for a frame of scrolling at 60 a second. */
export const REPAINT_GOALS = { touch: 100, frame: 1000 / 60 };

/**
 * What the thread may work for a touch at best, on a machine three times as slow as one that meets the goals
 * (tests/e2e/repaint.test.mjs): what touches all tokens takes longer.
 */
export const MAX_TOUCH_WORK_MS = { expert: 100, layer: 350, token: 150, tint: 350, side: 150 };
/** And for a frame of scrolling through the grid of a big model. */
export const MAX_FRAME_WORK_MS = 25;
