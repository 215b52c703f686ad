// How soon the built page is there: first paint, first word of the recorded run, and the first answer to a press.
// Times are the browser's, in milliseconds since the navigation began, each in a browser without anything kept. Beside
// them stands how long the page's thread itself worked until then, which other work on the machine hardly changes.

import { openPage } from '../browser/harness.mjs';
import { summary } from './figures.mjs';

const PATIENCE_MS = 60_000;

/**
 * First visits to the page. `paint`: anything is painted. `word`: the recorded run has begun. `interactive`: a button
 * pressed then was answered. `work`: processor time of the page's thread up to there.
 */
export async function measureStart(browser, url, runs) {
  const times = { paint: [], word: [], interactive: [], work: [] };
  for (let run = 0; run < runs; run += 1) {
    for (const [name, ms] of Object.entries(await startOnce(browser, url))) times[name].push(ms);
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, summary(values)]));
}

async function startOnce(browser, url) {
  const { page, close } = await openPage(browser, 'about:blank');
  try {
    const browserSide = await page.context().newCDPSession(page);
    await browserSide.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.addInitScript(watchStart);
    await page.goto(url, { waitUntil: 'commit' });
    const start = await (await page.waitForFunction(() => window.start, undefined, { timeout: PATIENCE_MS })).jsonValue();
    const { metrics } = await browserSide.send('Performance.getMetrics');
    return { ...start, work: 1000 * metrics.find(({ name }) => name === 'TaskDuration').value };
  } finally {
    await close();
  }
}

/** Runs in the page: presses the button `Keys` as soon as the first word stands, and waits until its list is painted. */
function watchStart() {
  const nextFrame = () => new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });
  const until = async (found) => {
    for (let value = found(); ; value = found()) {
      if (value) return value;
      await nextFrame();
    }
  };
  void (async () => {
    await until(() => document.querySelector('#text .token.generated'));
    const word = performance.now();
    document.querySelector('button[aria-label="Keys"]').click();
    await until(() => document.querySelector('dialog.help[open]'));
    await nextFrame();
    const interactive = performance.now();
    const [paint] = await until(() => { const found = performance.getEntriesByName('first-contentful-paint'); return found.length > 0 && found; });
    window.start = { paint: paint.startTime, word, interactive };
  })();
}
