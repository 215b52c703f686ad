// What goes wrong is said where the cause is, and the model in use goes on working.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

/** Chromium itself reports a file that is not there as a console error. */
const MISSING_FILE = /Failed to load resource.*404/;
const { browser, site } = await withSite({ webgpu: false });

async function withPage(run, expected = [], hash = {}) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8', ...hash } });
  await run(moescope);
  assertQuiet(moescope.errors, expected);
  await moescope.close();
}

async function refused(moescope, prompt, code) {
  await moescope.prompt.fill(prompt);
  await moescope.generateButton.click();
  const error = moescope.page.locator(`#prompt-error[data-code="${code}"]`);
  await error.waitFor();
  return error.innerText();
}

test('an empty prompt is refused beside the prompt, and the text stays', () => withPage(async (moescope) => {
  await moescope.stillWrites();
  const before = (await moescope.tokens()).length;
  assert.match(await refused(moescope, '', 'prompt_empty'), /Write a prompt/);
  assert.equal((await moescope.tokens()).length, before);
  assert.equal(await moescope.prompt.getAttribute('aria-invalid'), 'true');
  await moescope.stillWrites();
}));

test('a prompt of 10,000 characters is refused with what it is, what is allowed and what to do', () => withPage(async (moescope) => {
  const message = await refused(moescope, 'a long story about a fox '.repeat(400), 'prompt_too_long');
  assert.match(message, /\d+.*\d+/s);
  assert.match(message, /Shorten the prompt/);
  await moescope.screenshot('e2e-long-prompt');
  await moescope.stillWrites();
}));

test('markup in a prompt is shown and never run', () => withPage(async (moescope) => {
  const markup = '<img src=x onerror="window.ran=1"><script>window.ran=1</script><b>bold</b>';
  await moescope.write(markup);
  const shown = await moescope.text.locator('.token.prompt:not(.special) .t').allTextContents();
  assert.equal(shown.join(''), markup);
  assert.equal(await moescope.page.locator('#text img, #text script, #text b').count(), 0);
  assert.equal(await moescope.page.evaluate(() => window.ran), undefined);
  await moescope.screenshot('e2e-markup');
}));

const FAULTS = [
  ['truncated', /ends|truncated|bytes|short/i, []],
  ['misshapen', /shape/i, []],
  ['incomplete', /model\.safetensors/, [MISSING_FILE]],
  ['nowhere', /config\.json|tokenizer\.json|model\.safetensors/, [MISSING_FILE]],
];
for (const [folder, message, expected] of FAULTS) {
  test(`a model folder that is ${folder} leaves the model in use working`, () => withPage(async (moescope) => {
    await moescope.stillWrites();
    const before = (await moescope.tokens()).length;
    await moescope.openModel(`models/${folder}`);
    const failure = moescope.page.getByRole('alert').filter({ hasText: `models/${folder}` });
    await failure.waitFor();
    assert.match(await failure.innerText(), message);
    assert.match(await failure.innerText(), /stays in use/);
    assert.equal((await moescope.tokens()).length, before);
    await moescope.screenshot(`e2e-model-${folder}`);
    await moescope.stillWrites();
  }, expected));
}

test('a Chinese page says in Chinese what went wrong, and below it what the engine says', () => withPage(async ({ page, screenshot }) => {
  await page.locator('#prompt').fill('a long story about a fox '.repeat(400));
  await page.getByRole('button', { name: '生成', exact: true }).click();
  const error = page.locator('#prompt-error[data-code="prompt_too_long"]');
  await error.waitFor();
  assert.match(await error.innerText(), /^文本太长：共 (\d+) 个词元，而模型最多读 (\d+) 个。请缩短约 \d+ %。\nthe text is \1 tokens long, but .+ reads at most \2;/);
  await screenshot('e2e-chinese-error');
}, [], { lang: 'zh' }));

test('a first model that cannot be opened leaves a page that can open another', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '12', model: 'models/nowhere' }, ready: false });
  await moescope.page.getByRole('alert').filter({ hasText: 'models/nowhere' }).waitFor();
  await moescope.openModel('models/first');
  await moescope.modelIsReady();
  await moescope.stillWrites();
  assertQuiet(moescope.errors, [MISSING_FILE]);
  await moescope.close();
});

test('a model named by ?model= is opened', async () => {
  const moescope = await openMoescope(browser, { url: `${site.url}?model=models/first/` }, { hash: { ...CPU, max: '12' } });
  await moescope.stillWrites();
  await moescope.close();
});
