// The measurements, each in pages of its own; all times in milliseconds by the browser's clock.
// Loading and generating go through the package as a page would; the cost of tracing is taken on the engine itself.

import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { loadEngine } from '../browser/engine-page.mjs';
import { assertQuiet, needFile, openPage, root } from '../browser/harness.mjs';
import { summary } from './figures.mjs';

const PACKAGE = '/web/packages/moescope/dist/public/index.js';
const PROMPT = 'Once upon a time';

/** Bytes of both wasm files, as they are and compressed as a good host would. */
export async function measureWasm() {
  const sizes = {};
  for (const kind of ['cpu', 'gpu']) {
    const file = needFile(`web/packages/moescope/wasm/moescope_${kind}_bg.wasm`, 'Run `npm run build`.');
    const bytes = fs.readFileSync(file);
    const gzip = await promisify(zlib.gzip)(bytes, { level: 9 });
    sizes[kind] = { raw: bytes.length, gzip: gzip.length, brotli: await brotliSize(bytes) };
  }
  return sizes;
}

/** Weight of a first visit to the built page, and its load event cold and warm. */
export async function measurePage(browser, url, runs) {
  const coldMs = [];
  const warmMs = [];
  let weight;
  for (let run = 0; run < runs; run += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const finished = [];
    page.on('requestfinished', (request) => finished.push(request));
    await page.goto(url, { waitUntil: 'networkidle' });
    coldMs.push(await loadEvent(page));
    weight ??= await weigh(finished);
    await page.reload({ waitUntil: 'networkidle' });
    warmMs.push(await loadEvent(page));
    await context.close();
  }
  return { ...weight, coldMs: summary(coldMs), warmMs: summary(warmMs) };
}

function loadEvent(page) {
  return page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd);
}

async function weigh(requests) {
  let transferred = 0;
  let brotli = 0;
  for (const request of requests) {
    const sizes = await request.sizes();
    transferred += sizes.responseBodySize + sizes.responseHeadersSize;
    const { pathname } = new URL(request.url());
    const compressible = /\.(html|js|css|json|svg|wasm)$|\/$/.test(pathname);
    // From the folder that is served: a browser does not keep large bodies for an observer.
    const file = path.join(root, 'dist', pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    brotli += compressible ? await brotliSize(fs.readFileSync(file)) : sizes.responseBodySize;
  }
  return { transferred, brotli, files: requests.length };
}

/** Time of Moescope.load in an empty browser and again with its caches full. */
export async function measureLoad(browser, blank, backend, model, runs) {
  const coldMs = [];
  const warmMs = [];
  for (let run = 0; run < runs; run += 1) {
    const { page, errors, close } = await openPage(browser, blank);
    for (const list of [coldMs, warmMs]) {
      await page.goto(blank);
      list.push(await page.evaluate(async ({ PACKAGE, model, backend }) => {
        const start = performance.now();
        const { Moescope } = await import(PACKAGE);
        await Moescope.load(model, { backend });
        return performance.now() - start;
      }, { PACKAGE, model, backend }));
    }
    assertQuiet(errors);
    await close();
  }
  return { coldMs: summary(coldMs), warmMs: summary(warmMs) };
}

/** Tokens per second after the first token, and the time to it, as a page sees them. */
export async function measureGenerate(browser, blank, backend, model, { runs, tokens }) {
  const { page, errors, close } = await openPage(browser, blank);
  const { adapter } = await page.evaluate(async ({ PACKAGE, model, backend }) => {
    const { Moescope } = await import(PACKAGE);
    window.scope = await Moescope.load(model, { backend });
    return window.scope.backend;
  }, { PACKAGE, model, backend });
  const firstTokenMs = [];
  const tokensPerSecond = [];
  for (let run = -1; run < runs; run += 1) {
    const { first, last, count } = await page.evaluate(timeGeneration, { prompt: PROMPT, tokens, seed: Math.max(run, 0) });
    if (count < 2) throw new Error(`the model ended after ${count} tokens; choose another prompt`);
    if (run < 0) continue; // The first run warms caches and compilers.
    firstTokenMs.push(first);
    tokensPerSecond.push(((count - 1) * 1000) / (last - first));
  }
  assertQuiet(errors);
  await close();
  return { adapter, firstTokenMs: summary(firstTokenMs), tokensPerSecond: summary(tokensPerSecond) };
}

/** Runs in the page: times of the first and the last token since the call. */
async function timeGeneration({ prompt, tokens, seed }) {
  const start = performance.now();
  let first;
  let last;
  let count = 0;
  for await (const step of window.scope.generate(prompt, { maxTokens: tokens, temperature: 1, seed })) {
    if (step.kind !== 'token') continue;
    last = performance.now() - start;
    first ??= last;
    count += 1;
  }
  return { first, last, count };
}

/** Milliseconds per token with tracing on and off, taken in turns so that a busy machine harms both alike. */
export async function measureTracing(browser, blank, kind, model, { runs, tokens }) {
  const { page, errors, close } = await openPage(browser, blank);
  await loadEngine(page, kind, model);
  const times = { on: [], off: [] };
  for (let run = -1; run < runs; run += 1) {
    for (const tracing of ['on', 'off']) {
      const ms = await page.evaluate(timeTokens, { prompt: PROMPT, tokens, tracing: tracing === 'on', seed: Math.max(run, 0) });
      if (run >= 0) times[tracing].push(ms);
    }
  }
  assertQuiet(errors);
  await close();
  const [onMs, offMs] = [summary(times.on), summary(times.off)];
  return { onMs, offMs, costPercent: (onMs.median / offMs.median - 1) * 100 };
}

/** Runs in the page: milliseconds per token of one generation. */
async function timeTokens({ prompt, tokens, tracing, seed }) {
  const { engine } = window;
  engine.set_tracing(tracing);
  await engine.begin(prompt, { max_tokens: tokens, temperature: 1, seed });
  const start = performance.now();
  let count = 0;
  while ((await engine.next()) !== undefined) count += 1;
  return (performance.now() - start) / count;
}

async function brotliSize(bytes) {
  const params = { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return (await promisify(zlib.brotliCompress)(bytes, { params })).length;
}
