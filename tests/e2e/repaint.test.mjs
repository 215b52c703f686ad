// The page answers a touch soon on a long text, drawing it again without a change costs no style, and what is kept of a picture fits it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureRepaint, openLongText, SIZES } from '../bench/repaint.mjs';
import { MAX_FRAME_WORK_MS, MAX_TOUCH_WORK_MS, REPAINT_GOALS } from '../bench/start-goals.mjs';
import { assertQuiet } from '../browser/harness.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

test('a touch of a control on 512 tokens, and a frame of scrolling, are little work for the page\'s thread', async (t) => {
  // Times by the clock depend on what else the machine does: they are printed here, and judged by `npm run bench`.
  const { touches, scroll, errors } = await measureRepaint(browser, site.url, SIZES.nine, 2);
  for (const [name, { ms, work }] of Object.entries(touches)) {
    t.diagnostic(`${name}: ${ms.values.map((value) => value.toFixed(0)).join(', ')} ms by the clock, goal ${REPAINT_GOALS.touch} ms; work ${work.values.map((value) => value.toFixed(0)).join(', ')} ms`);
    assert.ok(work.min < MAX_TOUCH_WORK_MS[name], `${name}: the page's thread worked ${work.min.toFixed(0)} ms at best; allowed are ${MAX_TOUCH_WORK_MS[name]} ms`);
  }
  t.diagnostic(`a frame of scrolling: work ${scroll.work.median.toFixed(1)} ms`);
  assert.ok(scroll.work.min < MAX_FRAME_WORK_MS, `the page's thread worked ${scroll.work.min.toFixed(1)} ms for a frame of scrolling; allowed are ${MAX_FRAME_WORK_MS} ms`);
  assertQuiet(errors);
});

test('drawing the page again without a change recalculates no style', async () => {
  const { page, errors, close } = await openLongText(browser, site.url, SIZES.nine);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const recalculations = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'RecalcStyleCount').value;
  const redraw = () => page.evaluate(async () => {
    dispatchEvent(new Event('resize'));
    await new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });
  });
  await redraw();
  const before = await recalculations();
  for (let n = 0; n < 3; n += 1) await redraw();
  assert.equal(await recalculations(), before);
  assertQuiet(errors);
  await close();
});

test('the grid of layers, scrolled bit by bit, looks as one that is drawn at once', async () => {
  const { page, errors, close } = await openLongText(browser, site.url, SIZES.nine);
  await page.locator('#text .token[data-index="40"]').click();
  for (const left of [5, 133, 300, 250, 5000, 4900, 20_000, 0]) {
    const apart = await page.evaluate(scrolledApart, left);
    // The edge of a letter may be rounded otherwise where its cell was drawn in two parts.
    assert.ok(apart <= 4, `scrolled to ${left}, a colour is ${apart} of 255 off`);
  }
  assertQuiet(errors);
  await close();
});

test('a click in the yard or among the loads of 6144 experts opens the page of the one that is there', async () => {
  const { page, errors, close } = await openLongText(browser, site.url, SIZES.big);
  // In user units: the middle of an expert, in the row of layer 2.
  for (const [side, { expert, left, width, top }] of Object.entries({ yard: { expert: 70, left: 34, width: 720, top: 22 + 2 * 46 }, load: { expert: 71, left: 34, width: 360, top: 2 * 46 + 30 } })) {
    await page.locator(`input[name="side"][value="${side}"]`).check();
    const drawing = page.locator(side === 'yard' ? '.paths.many' : '.loads.many');
    await drawing.waitFor();
    const scale = (await drawing.boundingBox()).width / width;
    await drawing.click({ position: { x: scale * (left + ((expert + 0.5) * (width - left)) / 128), y: scale * top } });
    await page.waitForFunction((found) => /layer=2(&|$)/.test(location.hash) && location.hash.includes(`expert=${found}`), expert);
    await page.locator('.expertpage').waitFor();
  }
  assertQuiet(errors);
  await close();
});

/** Runs in the page: scrolls the grid, and gives how far any colour is then from that of a grid drawn anew. */
async function scrolledApart(left) {
  const canvas = document.querySelector('#grid');
  const pixels = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  canvas.parentElement.parentElement.scrollLeft = left;
  await new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });
  const scrolled = pixels();
  canvas.dispatchEvent(new Event('contextrestored'));
  return pixels().reduce((most, value, n) => Math.max(most, Math.abs(value - scrolled[n])), 0);
}
