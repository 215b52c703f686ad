// A hundred generations take no more memory than twenty: the heap of the page's script, the objects in it, nodes of the
// document, and the memory of the engine.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertQuiet } from '../browser/harness.mjs';
import { CPU, PATIENCE_MS, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const RUNS = { warm: 20, all: 100 };
/**
 * What the second reading may be above the first. The browser's own records of frames and tasks and compiled code come and
 * go by a megabyte or two; eighty texts that are still held would be some thousand objects and nodes.
 */
const ALLOWED = { heap: 3e6, objects: 1000, nodes: 300, engine: 0 };

/** Runs at the top of the engine's worker: its memory is where a test can ask for it. */
const KEEP_MEMORY = `
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const made = await original(...given);
      self.engineMemory = (made.instance ?? made).exports.memory;
      return made;
    };
  }`;

const { browser, site } = await withSite({ webgpu: false });

/** Writes so many texts, each from a prompt of its own, one after the other. */
function write(page, from, to) {
  return page.evaluate(async ({ from, to }) => {
    const frame = () => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
    const prompt = document.querySelector('#prompt');
    const text = document.querySelector('#text');
    for (let n = from; n < to; n += 1) {
      prompt.value = `The king said ${n}`;
      prompt.dispatchEvent(new Event('input', { bubbles: true }));
      document.querySelector('button.primary').click();
      do await frame(); while (text.dataset.status !== 'done');
    }
  }, { from, to });
}

/** Bytes of the heap, objects and nodes after a collection, and bytes of the engine, once nothing is being read any more. */
async function measure(page, devtools) {
  await page.locator('.sample[data-left="0"][data-now]').waitFor();
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes } = await devtools.send('Memory.getDOMCounters');
  const objects = await countObjects(devtools);
  const sizes = await Promise.all(page.workers().map((worker) => worker.evaluate(() => self.engineMemory?.buffer.byteLength ?? 0)));
  return { heap: usedSize, objects, nodes, engine: Math.max(...sizes) };
}

/** Everything that descends from Object.prototype, which is every object of the page. */
async function countObjects(devtools) {
  const objectGroup = 'counted';
  const { result: { objectId: prototypeObjectId } } = await devtools.send('Runtime.evaluate', { expression: 'Object.prototype', objectGroup });
  const { objects: { objectId } } = await devtools.send('Runtime.queryObjects', { prototypeObjectId, objectGroup });
  const { result } = await devtools.send('Runtime.callFunctionOn', { objectId, functionDeclaration: 'function () { return this.length; }', returnByValue: true });
  await devtools.send('Runtime.releaseObjectGroup', { objectGroup });
  return result.value;
}

test('memory is flat over a hundred generations', async (t) => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '3' }, workerPrelude: KEEP_MEMORY });
  const { page } = moescope;
  page.setDefaultTimeout(4 * PATIENCE_MS);
  const devtools = await page.context().newCDPSession(page);
  await write(page, 0, RUNS.warm);
  await moescope.losses();
  const early = await measure(page, devtools);
  await write(page, RUNS.warm, RUNS.all);
  await moescope.losses();
  const late = await measure(page, devtools);
  assert.ok(early.engine > 1e6 && early.objects > 1000, `measured were ${JSON.stringify(early)}`);
  for (const [what, allowed] of Object.entries(ALLOWED)) {
    t.diagnostic(`${what}: ${early[what]} after ${RUNS.warm} generations, ${late[what]} after ${RUNS.all}`);
    assert.ok(late[what] <= early[what] + allowed, `${what} grew from ${early[what]} to ${late[what]}; allowed are ${allowed} more`);
  }
  assertQuiet(moescope.errors);
  await moescope.close();
});
