// The page is there soon, and nothing in it moves when the model arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_START_WORK_MS, START_GOALS } from '../bench/start-goals.mjs';
import { measureStart } from '../bench/start.mjs';
import { assertQuiet } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

/** Layout shift; below 0.1 is what web.dev/articles/cls calls good. */
const LIMITS = { all: 0.1, late: 0.02 };

const { browser, site } = await withSite({ webgpu: false });

test('the first visit is little work for the page\'s thread', async (t) => {
  // Times by the clock depend on what else the machine does: they are printed here, and judged by `npm run bench`.
  const { work, ...times } = await measureStart(browser, `${site.url}#backend=cpu`, 3);
  for (const [name, { values }] of Object.entries(times)) {
    t.diagnostic(`${name}: ${values.map((ms) => ms.toFixed(0)).join(', ')} ms by the clock${START_GOALS[name] ? `, goal ${START_GOALS[name]} ms` : ''}`);
  }
  t.diagnostic(`work: ${work.values.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  assert.ok(work.min < MAX_START_WORK_MS, `the page's thread worked ${work.min.toFixed(0)} ms at best; allowed are ${MAX_START_WORK_MS} ms`);
});

/** Runs in the page: notes what moves and when, and when the recorded run was painted. */
function watchShifts() {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, startTime, sources } of list.getEntries()) {
      window.shifts.push({ value, startTime, what: sources.map(({ node }) => node?.outerHTML?.slice(0, 100) ?? node?.nodeName) });
    }
  }).observe({ type: 'layout-shift', buffered: true });
  const wait = () => {
    const isThere = document.querySelector('#text .token.generated') !== null;
    requestAnimationFrame(isThere ? () => requestAnimationFrame(() => { window.settled = performance.now(); }) : wait);
  };
  wait();
}

for (const [name, width, height] of [['phone', 360, 740], ['tablet', 800, 1100], ['wide', 1440, 1000]]) {
  test(`nothing moves when the model arrives on a ${name} screen`, async (t) => {
    // Without motion the recorded run stands at once, so that what moves afterwards is moved by the model.
    const context = { viewport: { width, height }, reducedMotion: 'reduce' };
    const moescope = await openMoescope(browser, site, { hash: CPU, ready: false, context });
    await moescope.page.addInitScript(watchShifts);
    await moescope.page.reload();
    await moescope.modelIsReady();
    await moescope.losses();
    await moescope.page.waitForFunction(() => window.settled !== undefined);
    const { shifts, settled } = await moescope.page.evaluate(() => ({ shifts: window.shifts, settled: window.settled }));
    const sum = (list) => list.reduce((total, { value }) => total + value, 0);
    const late = shifts.filter(({ startTime }) => startTime > settled);
    t.diagnostic(`layout shift: ${sum(shifts).toFixed(4)} in all, ${sum(late).toFixed(4)} once the recorded run stood`);
    assert.ok(sum(late) < LIMITS.late, `the model moved things by ${sum(late).toFixed(4)}; allowed is less than ${LIMITS.late}: ${JSON.stringify(late, undefined, 1)}`);
    assert.ok(sum(shifts) < LIMITS.all, `things moved by ${sum(shifts).toFixed(4)} in all; allowed is less than ${LIMITS.all}: ${JSON.stringify(shifts, undefined, 1)}`);
    assertQuiet(moescope.errors);
    await moescope.close();
  });
}
