// How fast the built page writes: the tokens a second that it shows itself, all of its views drawn meanwhile.

import { assertQuiet } from '../browser/harness.mjs';
import { openMoescope } from '../e2e/moescope-page.mjs';
import { summary } from './figures.mjs';

const TOKENS = 160;

/** Tokens per second of as many texts as `runs`, after one to warm up. */
export async function measureWriting(browser, url, model, runs) {
  const moescope = await openMoescope(browser, { url }, { hash: { v: '3', backend: 'cpu', model, max: String(TOKENS) } });
  const speeds = [];
  for (let run = -1; run < runs; run += 1) {
    await moescope.generateButton.click();
    await moescope.status('waiting', 'running');
    await moescope.status('done');
    if (run >= 0) speeds.push(Number.parseFloat(await moescope.page.locator('.run .num').innerText()));
  }
  assertQuiet(moescope.errors);
  await moescope.close();
  return summary(speeds);
}
