// A vision model in a real browser: the same classes and experts as natively, from images of every kind.
// The model is tests/checkpoints/vit_moe, whose golden results the native engine wrote.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { assertQuiet, needFile, openPage, withCheckout } from './harness.mjs';

const MODEL = '/tests/checkpoints/vit_moe';
const golden = JSON.parse(fs.readFileSync(needFile(`${MODEL.slice(1)}/golden.json`, 'It is in git.'), 'utf8'));
needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
const { browser, server } = await withCheckout();

/** Runs `body` in a page with the model loaded as `window.eyes`; no error may reach the console. */
async function withModel(backend, body) {
  const { page, errors, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
  try {
    await page.evaluate(async ({ url, backend }) => {
      const { Moescope } = await import('/web/packages/moescope/dist/public/index.js');
      window.eyes = await Moescope.loadVision(url, { backend });
      /** The image that the golden results are about. */
      window.image = (width, height) =>
        new ImageData(Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 31) % 251)), width, height);
    }, { url: MODEL, backend });
    await body(page);
    assertQuiet(errors);
  } finally {
    await close();
  }
}

/** What a call in the page rejects with. */
function refusal(page, body) {
  return page.evaluate(`(${body})().then(() => undefined, ({ code, message }) => ({ code, message }))`);
}

for (const [backend, tolerance] of [['cpu', 1e-5], ['webgpu', 1e-4], ['webgpu-burn', 1e-4]]) {
  test(`${backend} sees what the native engine sees`, () => withModel(backend, async (page) => {
    assert.equal(await page.evaluate(() => window.eyes.backend.kind), backend);
    const routings = [
      undefined, { select: { method: 'top_k', top_k: 1 } }, { restrict: { disabled: [0, 2] } },
      { limit: { capacity_factor: 0.5, priority: 'batch_priority' } },
    ];
    for (const [i, { routing, probabilities, offsets, experts }] of golden.cases.entries()) {
      const seen = await page.evaluate(async ({ width, height, routing }) => {
        const { probabilities, layers, pixels } = await window.eyes.classify(window.image(width, height), { routing });
        return {
          probabilities: [...probabilities], pixels: pixels.length,
          offsets: layers.map((layer) => [...layer.offsets]), experts: layers.map((layer) => [...layer.experts]),
        };
      }, { width: golden.width, height: golden.height, routing: routings[i] });
      assert.equal(seen.pixels, 32 * 32 * 3);
      assert.deepEqual(seen.offsets, offsets, routing);
      assert.deepEqual(seen.experts, experts, routing);
      seen.probabilities.forEach((p, n) => assert.ok(Math.abs(p - probabilities[n]) < tolerance, `${routing}, class ${n}: ${p}, not ${probabilities[n]}`));
    }
  }));
}

test('a canvas, a bitmap and a file of one image are seen alike', () => withModel('cpu', async (page) => {
  const seen = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(40, 40);
    canvas.getContext('2d').putImageData(window.image(40, 40), 0, 0);
    const kinds = [window.image(40, 40), canvas, await createImageBitmap(canvas), await canvas.convertToBlob({ type: 'image/png' })];
    const all = [];
    for (const image of kinds) all.push([...(await window.eyes.classify(image)).pixels]);
    return all;
  });
  for (const pixels of seen.slice(1)) assert.deepEqual(pixels, seen[0]);
}));

test('what is no image, no class or no routing is refused, and the model goes on', () => withModel('cpu', async (page) => {
  const text = await refusal(page, "() => window.eyes.classify(new Blob(['hello'], { type: 'text/plain' }))");
  assert.equal(text.code, 'image_unreadable');
  const label = await refusal(page, '() => window.eyes.classify(window.image(4, 4), { label: 30 })');
  assert.deepEqual([label.code, /0 to 29/.test(label.message)], ['class_out_of_range', true]);
  const routing = await refusal(page, "() => window.eyes.setRouting({ select: { method: 'top_k', top_k: 9 } })");
  assert.equal(routing.code, 'top_k_too_large');
  const language = await refusal(page, "() => import('/web/packages/moescope/dist/public/index.js').then(({ Moescope }) => Moescope.loadVision('/tests/checkpoints/olmoe', { backend: 'cpu' }))");
  assert.equal(language.code, 'config_invalid');
  assert.equal(await page.evaluate(() => window.eyes.classify(window.image(4, 4)).then(({ probabilities }) => probabilities.length)), 30);
}));
