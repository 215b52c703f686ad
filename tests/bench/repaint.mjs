// How long the built page takes from a touch of a control to the next picture, on a text of 512 tokens, and how smoothly the
// grid of layers scrolls. The text is a recorded run made here, of any size, and no model is loaded: what is measured is the page.
// Times are the browser's; beside them stands how long the page's thread itself worked, which other work on the machine
// hardly changes.

import fs from 'node:fs';
import { needFile, openPage } from '../browser/harness.mjs';
import { generator } from '../browser/random.mjs';
import { summary } from './figures.mjs';

const PATIENCE_MS = 120_000;
/** The size that is talked of: `models/nine` with a full context, and a big model. */
export const SIZES = {
  nine: { tokens: 512, layers: 8, experts: 16 },
  big: { tokens: 512, layers: 48, experts: 128 },
};
const SCROLL_FRAMES = 60;
const QUIET_MS = 400;

/** What is touched: what to find, and what to do with it; each a second time brings it back. */
const TOUCHES = {
  expert: ['.routing .expert', 'click'],
  layer: ['#layer', 'step'],
  token: ['#text .token[data-index="200"]', 'click'],
  tint: ['#tint', 'option'],
  side: ['input[name="side"]:not(:checked)', 'click'],
};

/** For each touch the time to the next picture and the thread's work; for the grid the same for one frame of scrolling. */
export async function measureRepaint(browser, url, size, runs) {
  const { page, errors, close } = await openLongText(browser, url, size);
  try {
    const thread = await threadClock(page);
    const touches = {};
    for (const [name, touch] of Object.entries(TOUCHES)) touches[name] = await timed(thread, 2 * runs, () => page.evaluate(touchOnce, touch));
    const scroll = await timed(thread, runs, () => page.evaluate(scrollGrid, SCROLL_FRAMES), SCROLL_FRAMES);
    return { touches, scroll, errors };
  } finally {
    await close();
  }
}

/** The page with a text of this size, and without a model, which never comes. */
export async function openLongText(browser, url, size) {
  const opened = await openPage(browser, 'about:blank', { context: { viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce' } });
  const { page } = opened;
  page.setDefaultTimeout(PATIENCE_MS);
  const body = JSON.stringify(recordedRun(size));
  await page.route('**/recorded/nine/tales*.json', (route) => route.fulfill({ contentType: 'application/json', body }));
  await page.route('**/model.safetensors', () => undefined);
  await page.goto(`${url}#v=3&auto=0&backend=cpu&model=models/nine`);
  await page.locator(`#text .token[data-index="${size.tokens - 1}"]`).waitFor({ state: 'attached' });
  return opened;
}

/** Runs so often, after once to warm up, and gives the times that came back and the thread's work for each of `parts`. */
async function timed(thread, runs, once, parts = 1) {
  const [times, work] = [[], []];
  for (let run = -1; run < runs; run += 1) {
    await quiet();
    const before = await thread();
    const ms = await once();
    const worked = (await thread()) - before;
    if (run < 0) continue;
    times.push(ms);
    work.push(worked / parts);
  }
  return { ms: summary(times), work: summary(work) };
}

/** What of a long text is out of sight follows a touch a little later: it is no part of the answer to it, nor of that to the next. */
function quiet() {
  return new Promise((resolve) => { setTimeout(resolve, QUIET_MS); });
}

/** Milliseconds that the page's thread has worked. */
async function threadClock(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1000 * metrics.find(({ name }) => name === 'TaskDuration').value;
  };
}

/** Runs in the page: touches a control, and resolves to the milliseconds until the next frame was drawn. */
async function touchOnce([selector, how]) {
  const painted = () => new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });
  const control = document.querySelector(selector);
  await painted();
  const start = performance.now();
  if (how === 'click') control.click();
  else {
    const way = how === 'step' ? 'input' : 'change';
    if (how === 'step') control.value = String(Number(control.value) === Number(control.min) ? Number(control.min) + 1 : Number(control.min));
    else control.value = control.value === 'count' ? 'expert' : 'count';
    control.dispatchEvent(new Event(way, { bubbles: true }));
  }
  await painted();
  return performance.now() - start;
}

/** Runs in the page: scrolls the grid frame by frame through the text; resolves to the milliseconds of a frame. */
async function scrollGrid(frames) {
  const scroller = document.querySelector('#grid').parentElement.parentElement;
  const step = (scroller.scrollWidth - scroller.clientWidth) / frames;
  scroller.scrollLeft = 0;
  await new Promise((resolve) => { requestAnimationFrame(resolve); });
  const start = performance.now();
  for (let frame = 0; frame < frames; frame += 1) {
    scroller.scrollLeft += step;
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
  }
  return (performance.now() - start) / frames;
}

/** A recorded run of this size in the page's format (web/app/src/recorded.ts): words and experts from a small generator. */
function recordedRun({ tokens, layers, experts }) {
  const file = needFile('web/app/public/recorded/nine/tales.json', 'It is in git.');
  const { routing } = JSON.parse(fs.readFileSync(file, 'utf8'))[0].trace;
  const random = generator(7);
  const words = Array.from({ length: tokens }, (_, id) => ({ id, text: ` ${'word'.slice(0, 1 + Math.floor(random() * 4))}`, special: false }));
  const trace = (part) => ({ tokens: part, routing, layers: Array.from({ length: layers }, (_, layer) => layerOf(layer, part.length, experts, random)) });
  const last = words[tokens - 1];
  return [
    { kind: 'prompt', text: '', trace: trace(words.slice(0, -1)) },
    { kind: 'token', text: last.text, token: last, logProb: -1, trace: trace([last]) },
  ];
}

function layerOf(layer, tokens, experts, random) {
  const zeros = new Array(tokens * experts).fill(0);
  const chosen = Array.from({ length: tokens }, () => Math.floor(random() * experts)).flatMap((first) => [first, (first + 1) % experts]);
  return {
    layer, n_experts: experts, logits: zeros, scores: zeros, verdicts: zeros, offsets: Array.from({ length: tokens + 1 }, (_, t) => 2 * t),
    experts: chosen, weights: chosen.map((_, n) => (n % 2 === 0 ? 0.7 : 0.3)),
  };
}
