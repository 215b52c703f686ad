// The page of the bench beside other engines, as far as it needs none of them: it knows our backends, cuts its prompts to
// the token and times a turn. The others are installed, and asked whether they agree, by the bench itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, needFile, openPage, withCheckout } from './harness.mjs';

const FILES = { folder: '/models/first' };
needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
const { browser, server } = await withCheckout({ isolated: true });

test('the page of the bench lists every backend, cuts prompts to the token and times a turn of ours', async () => {
  const { page, errors, close } = await openPage(browser, `${server.url}tests/bench/peers/page/index.html`);
  await page.waitForFunction(() => window.peers !== undefined);
  const { engines, prompts, first, again, missing } = await page.evaluate(async (files) => {
    const { list, cutPrompts, setUp, load, turn } = window.peers;
    const prompts = await cutPrompts(files);
    setUp({ files, prompts });
    await load('cpu');
    const [first, again] = [await turn('cpu', 6, [128]), await turn('cpu', 6, [])];
    return { engines: await list(), prompts, first, again, missing: await load('wllama-f32') };
  }, FILES);
  const ids = engines.map(({ id }) => id);
  for (const id of ['cpu', 'cpu-q8', 'cpu-threads', 'cpu-threads-q8', 'webgpu', 'webgpu-untraced', 'webgpu-burn', 'wllama-q8_0', 'onnx']) assert.ok(ids.includes(id), `${id} is not among ${ids}`);
  assert.deepEqual(Object.entries(prompts).map(([count, cut]) => [Number(count), cut.ids.length]), [[16, 16], [128, 128], [511, 511]]);
  assert.equal(first.written, 6);
  assert.ok(first.decode > 0 && first.prompt[128] > 0 && first.firstMs > 0);
  assert.deepEqual(again.ids, first.ids);
  assert.match(missing.reason, /./);
  assertQuiet(errors, [/\.moescope\/peers/, /404/]);
  await close();
});

test('the button of the page says what is missing where the address does not name the weights', async () => {
  const { page, errors, close } = await openPage(browser, `${server.url}tests/bench/peers/page/index.html`);
  await page.waitForFunction(() => window.peers !== undefined);
  await page.locator('#run').click();
  await page.locator('#state', { hasText: 'does not say where the weights lie' }).waitFor();
  await page.locator('#run:enabled').waitFor();
  assertQuiet(errors);
  await close();
});
