// The trained model writes the same 32 greedy tokens in the browser, on either engine, as natively.
// The native tokens are a fixture, rewritten only by `node tests/browser/bless-first.mjs`.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { continueGreedily, loadEngine } from './engine-page.mjs';
import { assertQuiet, launch, needFile, openPage, serveCheckout } from './harness.mjs';

let browser;
let server;
let fixture;
before(async () => {
  needFile('models/first/model.safetensors', 'Train it with `npm run moescope -- train models/first/recipe.toml`.');
  const file = needFile('tests/browser/fixtures/first-greedy.json', 'Write it with `node tests/browser/bless-first.mjs`.');
  fixture = JSON.parse(fs.readFileSync(file, 'utf8'));
  server = await serveCheckout();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

for (const kind of ['cpu', 'webgpu', 'webgpu-burn']) {
  test(`models/first writes the native greedy tokens on the ${kind} engine`, async () => {
    const { page, errors, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
    await loadEngine(page, kind, '/models/first');
    assert.equal(fixture.ids.length, 32);
    assert.deepEqual(await continueGreedily(page, fixture.prompt, 32), fixture.ids);
    assertQuiet(errors);
    await close();
  });
}
