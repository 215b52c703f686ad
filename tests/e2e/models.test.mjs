// The picker of models: cards, what the browser keeps, removing it, a folder of the visitor's own, recorded runs before the model.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { assertQuiet, eventually, root } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

test('a model that was opened is kept, comes back without its download, and can be removed', async () => {
  const moescope = await openMoescope(browser, site, { hash: CPU });
  const { page } = moescope;
  const card = page.locator('.card[data-model="first"]');
  await page.getByRole('button', { name: /^Model:/ }).click();
  await card.and(page.locator('[data-kept="true"]')).waitFor();
  const asked = [];
  page.on('request', (request) => { if (request.url().endsWith('first/model.safetensors')) asked.push(request.method()); });
  await page.reload();
  await moescope.modelIsReady();
  assert.deepEqual(asked.filter((method) => method === 'GET'), [], 'the weights are not fetched again');
  await page.getByRole('button', { name: /^Model:/ }).click();
  await moescope.screenshot('e2e-models');
  await page.getByRole('button', { name: 'Remove first from this browser' }).click();
  await card.and(page.locator('[data-kept="false"]')).waitFor();
  await page.keyboard.press('Escape');
  await moescope.stillWrites();
  assertQuiet(moescope.errors);
  await moescope.close();
});

/** Passes requests on to a site, and cuts the first answer with weights off in the middle. */
async function leakyHost(target) {
  const asked = [];
  const server = http.createServer((request, response) => {
    const { pathname, search } = new URL(request.url, target);
    const weights = pathname.endsWith('model.safetensors') && request.method === 'GET';
    if (weights) asked.push(request.headers.range ?? 'all');
    const cutAt = weights && asked.length === 1 ? 1_000_000 : Infinity;
    http.request(new URL(pathname + search, target), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      let sent = 0;
      answer.on('data', (chunk) => {
        sent += chunk.length;
        if (sent > cutAt) response.write(chunk, () => response.destroy());
        else response.write(chunk);
      });
      answer.on('end', () => response.end());
    }).end();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close };
}

test('a download that breaks goes on where it broke, and the model opens', async (t) => {
  const host = await leakyHost(site.url);
  t.after(host.close);
  const moescope = await openMoescope(browser, host, { hash: { ...CPU, max: '4' } });
  // The browser's own cache may ask for a byte first, to see whether the rest is still that of the same file.
  const [first, ...rest] = host.asked;
  assert.equal(first, 'all');
  const starts = new Set(rest.map((range) => /^bytes=([1-9]\d+)-/.exec(range)?.[1]));
  assert.ok(starts.size === 1 && !starts.has(undefined), host.asked.join());
  await moescope.stillWrites();
  assertQuiet(moescope.errors, [/ERR_CONTENT_LENGTH_MISMATCH|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION|net::ERR/]);
  await moescope.close();
});

test('a folder of the visitor opens, and one without weights says what is missing', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '6' } });
  const { page } = moescope;
  await page.getByRole('button', { name: /^Model:/ }).click();
  const empty = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-no-weights-'));
  fs.copyFileSync(path.join(root, 'models/first/recipe.toml'), path.join(empty, 'recipe.toml'));
  await page.getByLabel('A folder of yours').setInputFiles(empty);
  await page.getByRole('alert').filter({ hasText: 'config.json' }).waitFor();
  fs.rmSync(empty, { recursive: true });
  await page.getByLabel('A folder of yours').setInputFiles(path.join(root, 'models/first'));
  await page.waitForFunction(() => location.hash.includes('folder%3Afirst'));
  await moescope.modelIsReady();
  await moescope.stillWrites();
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('a folder with a vision model opens where pictures are looked at', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, tab: 'vision' }, ready: false });
  const { page } = moescope;
  await page.locator('.verdict[data-answer]').first().waitFor();
  await page.getByRole('button', { name: /^Model:/ }).click();
  await page.getByLabel('A folder of yours').setInputFiles(path.join(root, 'models/trio-small'));
  await page.waitForFunction(() => location.hash.includes('v.model=folder%3Atrio-small'));
  await page.getByRole('button', { name: /^Model: trio-small/ }).waitFor();
  await page.locator('.verdict[data-answer]').first().waitFor();
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('a model without experts writes and is read, and says that nothing is routed', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, model: 'models/nine-dense', max: '6' }, ready: false });
  const { page } = moescope;
  await moescope.modelIsReady();
  await page.getByText('This model has no experts').waitFor();
  await moescope.stillWrites();
  await page.locator('.sample[data-left="0"][data-trained]').waitFor();
  for (const label of ['Top-k', 'Strategy', 'Layer']) assert.equal(await page.getByLabel(label, { exact: true }).count(), 0, label);
  await moescope.screenshot('e2e-dense');
  await page.setViewportSize({ width: 360, height: 740 });
  await eventually(async () => (await page.locator('.routing').boundingBox()).height, (height) => height < 370);
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('before the model is there a recorded run moves, says so, and follows the knob where that was recorded', async () => {
  const moescope = await openMoescope(browser, site, { hash: { v: '3', auto: '1', backend: 'cpu' }, ready: false, context: { reducedMotion: 'reduce' } });
  const { page } = moescope;
  // On a fast machine the model would be there before this test looks: its weights do not come until then.
  let letThrough;
  const looked = new Promise((resolve) => { letThrough = resolve; });
  await page.route('**/nine/model.safetensors', async (route) => { await looked; await route.continue(); });
  await page.reload();
  await page.locator('#text[data-source="recorded"] .token.generated').first().waitFor();
  await page.getByText('recorded', { exact: true }).waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Tint by' }).isEnabled(), true);
  const counts = async () => [...new Set((await moescope.tokens()).map(({ experts }) => experts.length))];
  await eventually(counts, [2]);
  await moescope.topK.fill('1');
  await eventually(counts, [1]);
  letThrough();
  await moescope.modelIsReady();
  assertQuiet(moescope.errors);
  await moescope.close();
});
