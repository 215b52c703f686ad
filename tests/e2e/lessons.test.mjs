// Lessons as a student takes them: predict, turn the knob, read what was measured. On the CPU engine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

/** A link of this version to a lesson brings what that presets. */
const PRESET = { v: '3' };

async function take(lesson, run, link = {}) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '16', tab: 'lessons', lesson, step: '1', ...link } });
  const { page } = moescope;
  await moescope.write('Once upon a time');
  assert.ok(await page.getByRole('button', { name: 'Next', exact: true }).isDisabled(), 'a prediction comes first');
  await page.locator('.question').getByRole('radio').first().check();
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await run(moescope, page);
  const finding = page.locator('.finding');
  await finding.waitFor();
  assert.doesNotMatch(await finding.innerText(), /undefined|NaN/);
  await moescope.screenshot(`e2e-lesson-${lesson}`);
  assertQuiet(moescope.errors);
  await moescope.close();
}

const busiest = (page) => page.getByRole('switch', { name: /^Expert/ })
  .evaluateAll((all) => all.map((row) => Number(row.dataset.load)).reduce((best, load, n, loads) => (load > loads[best] ? n : best), 0));

test('the list has ten lessons, and one that lacks its model says which', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, tab: 'lessons' } });
  const { page } = moescope;
  assert.equal(await page.locator('.overview li').count(), 10);
  await moescope.screenshot('e2e-lessons');
  const missing = page.locator('.overview button[data-missing="true"]');
  for (let n = 0; n < await missing.count(); n += 1) {
    await missing.nth(n).click();
    await page.getByText(/which this site does not have yet/).waitFor();
    await page.getByRole('button', { name: 'All lessons' }).click();
    await page.locator('.overview').waitFor();
  }
  await page.getByRole('button', { name: /^The k knob/ }).click();
  await page.waitForFunction(() => location.hash.includes('lesson=topk'));
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('the k knob: the loss with one expert is measured and decides the answer', () => take('topk', async (moescope) => {
  await moescope.topK.fill('1');
  const { now, trained } = await moescope.losses();
  const answer = now - trained < 0.1 ? 0 : now - trained < 0.5 ? 1 : 2;
  await moescope.page.locator(`.finding[data-answer="${answer}"]`).waitFor();
}));

test('switching off the busiest expert is answered with its control', () => take('ablation', async (moescope, page) => {
  await moescope.losses();
  await moescope.expert(await busiest(page)).click();
  await moescope.losses();
}));

test('what an expert is: the busiest is switched off, and what it worked on is told', () => take('expert', async (moescope, page) => {
  await moescope.losses();
  await moescope.expert(await busiest(page)).click();
  await moescope.losses();
}));

test('expert caches: hits with one expert are counted beside those as trained', () => take('cache', async (moescope) => {
  await moescope.topK.fill('1');
  await moescope.losses();
}));

test('balance: the model that was trained without a balance loss is opened, and the experts that it uses are counted', () => take('balance', async (moescope, page) => {
  await moescope.openModel('models/nine-collapsed');
  await page.waitForFunction(() => location.hash.includes('nine-collapsed'));
  await moescope.modelIsReady();
  await page.getByText('This text was written by another model, first.').waitFor();
  await moescope.write('Once upon a time');
  await page.locator('.mixed[data-shown="false"]').waitFor({ state: 'attached' });
}));

test('shared experts: one expert beside the shared one is measured on the model that has it', () => take('shared', async (moescope, page) => {
  await page.getByRole('button', { name: /^Model: nine-shared/ }).waitFor();
  await moescope.topK.fill('1');
  await moescope.losses();
}, PRESET));

test('sparse beside dense: the fixed sample is read by both models', () => take('dense', async (moescope, page) => {
  const read = page.locator('.sample[data-left="0"][data-trained]');
  await read.waitFor({ timeout: 180_000 });
  await moescope.openModel('models/nine-dense');
  await page.getByRole('button', { name: /^Model: nine-dense/ }).waitFor();
  await read.waitFor({ timeout: 180_000 });
}, PRESET));

test('where patches go: the busiest expert is switched off beside its lesson, and its patches are counted', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, tab: 'lessons', lesson: 'patches', step: '1' }, ready: false });
  const { page } = moescope;
  await page.locator('.verdict[data-answer]').waitFor();
  await page.locator('.question').getByRole('radio').nth(1).check();
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await page.getByText('Waiting for the measurement.').waitFor();
  const expert = await busiest(page);
  await moescope.expert(expert).click();
  const finding = page.locator('.finding');
  await finding.waitFor();
  assert.match(await finding.innerText(), new RegExp(`Expert ${expert} acted on \\d+ patches\\. \\d+ % of them went to expert \\d+`));
  await moescope.screenshot('e2e-lesson-patches');
  await page.getByRole('button', { name: 'Undo what I turned' }).click();
  await finding.waitFor({ state: 'detached' });
  assertQuiet(moescope.errors);
  await moescope.close();
});

for (const [lesson, strategy] of [['hard', 'top_p'], ['nulls', 'adamoe']]) {
  test(`the lesson ${lesson} is answered once the strategy is ${strategy}`, () => take(lesson, async (moescope, page) => {
    await page.getByRole('combobox', { name: 'Strategy' }).selectOption(strategy);
    await moescope.losses();
  }));
}
