// The trained model writes the same 32 greedy tokens in the browser, on either engine, as natively.
// The native tokens are a fixture, rewritten only by `node tests/browser/bless-first.mjs`.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { continueGreedily, loadEngine } from './engine-page.mjs';
import { assertQuiet, needFile, openPage, withCheckout } from './harness.mjs';

needFile('models/first/model.safetensors', 'Train it with `npm run moescope -- train models/first/recipe.toml`.');
const file = needFile('tests/browser/fixtures/first-greedy.json', 'Write it with `node tests/browser/bless-first.mjs`.');
const fixture = JSON.parse(fs.readFileSync(file, 'utf8'));
const { browser, server } = await withCheckout();

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
