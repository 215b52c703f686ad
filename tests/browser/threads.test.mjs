// The CPU engine on a page that is cross-origin isolated, where it has threads, beside the same on a page that is not:
// the same numbers, in one format of weights and the other, for text and for pictures.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertQuiet, needFile, openPage, serveCheckout, withCheckout } from './harness.mjs';

needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
needFile('web/packages/moescope/wasm/moescope_threads_bg.wasm', 'Run `npm run build`.');
const { browser, server } = await withCheckout();
const isolated = await serveCheckout({ isolated: true });
after(() => isolated.close());

/** Long enough that its products are shared out. */
const TEXT = 'Once upon a time there was a fox who lived in a wood. '.repeat(24);

/** Calls `body` in a page of a server, with the package and one argument; resolves to what it returns. */
async function inPage({ url }, body, argument) {
  const { page, errors, close } = await openPage(browser, `${url}tests/browser/blank.html`);
  try {
    await page.evaluate(async () => { window.moescope = await import('/web/packages/moescope/dist/public/index.js'); });
    const found = await page.evaluate(body, argument);
    assertQuiet(errors);
    return found;
  } finally {
    await close();
  }
}

/** The same in both; the number of threads is right, and taken off. */
async function alone(body, argument) {
  const [one, many] = [await inPage(server, body, argument), await inPage(isolated, body, argument)];
  assert.equal(one.threads, undefined);
  assert.equal(many.threads, many.cores > 1 ? Math.min(many.cores, 8) : undefined);
  return [one, many];
}

for (const weights of ['f32', 'q8']) {
  test(`a text in ${weights} has the same losses, and goes on in the same words`, async () => {
    const [one, many] = await alone(async ({ text, weights }) => {
      const scope = await window.moescope.Moescope.load('/models/first', { backend: 'cpu', weights });
      const { losses } = await scope.analyse(text);
      let written = '';
      for await (const step of scope.generate('Once upon a time', { maxTokens: 24, temperature: 0 })) written += step.text;
      const { threads, weights: kept } = scope.backend;
      scope.free();
      return { threads, cores: navigator.hardwareConcurrency, kept, losses: Array.from(losses).slice(1), written };
    }, { text: TEXT, weights });
    assert.deepEqual([one.kept, many.kept], [weights, weights]);
    assert.ok(one.losses.length > 300, `${one.losses.length} losses`);
    const apart = Math.max(...one.losses.map((loss, at) => Math.abs(loss - many.losses[at])));
    assert.ok(apart < 1e-3, `losses differ by ${apart}`);
    assert.equal(many.written, one.written);
    assert.ok(one.written.length > 20, one.written);
  });
}

test('a picture has the same probabilities', async () => {
  const [one, many] = await alone(async () => {
    const scope = await window.moescope.Moescope.loadVision('/models/trio-small', { backend: 'cpu' });
    const side = 32;
    const pixels = Uint8ClampedArray.from({ length: side * side * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37 + (i >> 7) * 11) % 256));
    const { probabilities } = await scope.classify(new ImageData(pixels, side, side));
    const { threads } = scope.backend;
    scope.free();
    return { threads, cores: navigator.hardwareConcurrency, probabilities: Array.from(probabilities) };
  });
  const apart = Math.max(...one.probabilities.map((p, at) => Math.abs(p - many.probabilities[at])));
  assert.ok(apart < 1e-4, `probabilities differ by ${apart}`);
});
