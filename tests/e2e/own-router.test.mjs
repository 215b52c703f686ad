// A router of the visitor's own: written, run, stopped by an error, brought by a link. On the CPU, and on WebGPU in software.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { artifactsDir, assertQuiet } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const SAME_TOKEN = 'function route({ tokenId, nExperts }) {\n  return [{ expert: tokenId % nExperts, weight: 1 }];\n}';
const { browser, site } = await withSite();

async function withEditor(hash, run, options = {}) {
  const moescope = await openMoescope(browser, site, { hash: { max: '8', temp: '0', ...hash }, ...options });
  const { page } = moescope;
  const own = {
    box: page.locator('details.ownrouter'),
    editor: page.getByRole('textbox', { name: 'Your router' }),
    run: page.getByRole('button', { name: 'Run this router', exact: true }),
    stop: page.getByRole('button', { name: 'Back to trained routing', exact: true }),
    is: (status) => page.locator(`details.ownrouter[data-status="${status}"]`).waitFor(),
    open: () => page.getByText('Write your own router', { exact: true }).click(),
  };
  await run(moescope, own);
  assertQuiet(moescope.errors);
  await moescope.close();
}

/** Writes anew and waits until the text is that of the routing as it is set. */
async function write(moescope) {
  await moescope.write('Once upon a time');
  await moescope.page.locator('.mixed[data-shown="false"]').waitFor({ state: 'attached' });
}

const experts = async (moescope) => (await moescope.tokens()).map((token) => token.experts.join(','));
const words = (moescope) => moescope.text.locator('.token').allTextContents();

for (const [name, hash] of [['the CPU', CPU], ['WebGPU', { backend: 'webgpu', max: '3' }]]) {
  test(`on ${name} the example of top-2 decides as the trained routing does, and another decides otherwise`, () => withEditor(hash, async (moescope, own) => {
    const { page } = moescope;
    await write(moescope);
    const trained = { experts: await experts(moescope), words: await words(moescope) };
    await own.open();
    await page.getByRole('group', { name: 'Examples of routers' }).getByRole('button', { name: 'Top-2' }).click();
    await own.run.click();
    await own.is('running');
    await page.getByText('It decides at every layer.').waitFor();
    await write(moescope);
    assert.deepEqual({ experts: await experts(moescope), words: await words(moescope) }, trained);
    await own.editor.fill(SAME_TOKEN);
    await own.editor.press('Control+Enter');
    await page.getByText('under another routing than the one set now').waitFor();
    await write(moescope);
    const found = await experts(moescope);
    assert.ok(found.every((list) => /^\d+$/.test(list)), `one expert a token: ${found}`);
    const { now, trained: before } = await moescope.losses();
    assert.notEqual(now, before);
    await moescope.screenshot(`e2e-own-router-${hash.backend}`);
    await own.stop.click();
    await own.is('idle');
    await write(moescope);
    assert.deepEqual(await experts(moescope), trained.experts);
  }));
}

test('a mistake is shown with its line while it is written, and running it changes nothing', () => withEditor(CPU, async (moescope, own) => {
  const { page } = moescope;
  await own.open();
  await own.editor.fill('function route({ logits }) {\n  const best = logits.sort((a, b) => b - a;\n  return [];\n}');
  await page.getByText('Line 2: “;” stands where “,” or “)” is needed.').waitFor();
  await own.run.click();
  await own.is('failed');
  assert.equal(await page.getByRole('combobox', { name: 'Strategy' }).inputValue(), '');
  await page.getByRole('button', { name: 'Show line 2' }).click();
  assert.match(await own.editor.evaluate((field) => field.value.slice(field.selectionStart, field.selectionEnd)), /^;/);
  await moescope.screenshot('e2e-own-router-mistake');
}));

test('an error of a running router stops it and not the page, and one button brings the trained routing back', () => withEditor({ ...CPU, max: '30' }, async (moescope, own) => {
  const { page } = moescope;
  await own.open();
  await own.editor.fill('let asked = 0;\nfunction route({ logits, layer }) {\n  asked += 1;\n  if (asked > 60) while (true) asked += 1;\n  return [{ expert: 0, weight: 1 }];\n}');
  await own.run.click();
  await own.is('running');
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await own.is('failed');
  await page.getByRole('alert').filter({ hasText: /^Line 4: this has gone on for/ }).waitFor();
  await page.getByText('An error stopped it; the model routes as trained again.').waitFor();
  await moescope.screenshot('e2e-own-router-stopped');
  await write(moescope);
  assert.ok((await experts(moescope)).every((list) => list.split(',').length === 2));
  await own.stop.click();
  await page.locator('.routing .summary').getByText('as trained', { exact: true }).waitFor();
}));

test('a router from a link is shown, and runs only after the visitor says so', () => withEditor({ ...CPU, code: SAME_TOKEN, s: 'external' }, async (moescope, own) => {
  const { page } = moescope;
  await page.getByText('This router came with the link.').waitFor();
  assert.equal(await own.editor.inputValue(), SAME_TOKEN);
  await own.is('idle');
  await write(moescope);
  assert.ok((await experts(moescope)).every((list) => list.split(',').length === 2), 'the router ran by itself');
  await moescope.screenshot('e2e-own-router-link');
  await own.run.click();
  await own.is('running');
  await moescope.expert(3).click();
  await write(moescope);
  assert.ok((await experts(moescope)).every((list) => /^\d*$/.test(list) && list !== '3'), 'a banned expert acts');
  assert.ok(await own.editor.isVisible(), 'the editor folded up when its router ran');
  assert.match(page.url(), /s=external/);
  assert.match(page.url(), /code=function/);
}));

for (const [width, colorScheme] of [[360, 'light'], [1440, 'dark']]) {
  test(`the editor fits a screen of ${width}, ${colorScheme}`, () => withEditor({ ...CPU, code: SAME_TOKEN }, async (moescope, own) => {
    const { page } = moescope;
    const handle = page.getByRole('button', { name: 'Strategy, experts and more' });
    if (await handle.isVisible()) await handle.click();
    await own.editor.scrollIntoViewIfNeeded();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0);
    await page.screenshot({ path: path.join(artifactsDir(), `e2e-own-router-${width}-${colorScheme}.png`) });
  }, { context: { viewport: { width, height: 800 }, colorScheme } }));
}
