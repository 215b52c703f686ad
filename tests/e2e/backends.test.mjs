// Where the engine runs: WebGPU where there is one, the CPU with the reason where there is none, and by choice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, openPage, workerPreludes } from '../browser/harness.mjs';
import { PATIENCE_MS, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const SHORT = { max: '6' };
const { browser, site } = await withSite();

test('with an adapter the page runs on WebGPU, and can be told to use the CPU', async () => {
  const moescope = await openMoescope(browser, site, { hash: SHORT });
  assert.equal((await moescope.backend()).kind, 'webgpu');
  await moescope.stillWrites();
  await moescope.page.getByText('live on WebGPU').waitFor();
  await moescope.chooseBackend('CPU');
  await moescope.page.locator('.reason[data-backend="cpu"]').waitFor({ state: 'attached' });
  await moescope.modelIsReady();
  await moescope.stillWrites();
  await moescope.page.getByText('live on CPU').waitFor();
  await moescope.screenshot('e2e-forced-cpu');
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('what an expert does inside, the plan on WebGPU cannot tell, and the page offers the CPU, which can', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...SHORT, model: 'models/first', expert: '2', token: '1' } });
  assert.equal((await moescope.backend()).kind, 'webgpu');
  const part = moescope.page.locator('.alone');
  await part.locator('[data-code="plan_cannot_tell"]').waitFor();
  await part.getByRole('button', { name: 'Use the CPU' }).click();
  await part.locator('.units').waitFor();
  assert.equal((await moescope.backend()).kind, 'cpu');
  await part.locator('.problem').waitFor({ state: 'hidden' });
  assertQuiet(moescope.errors);
  await moescope.close();
});

for (const [what, workerPrelude] of [['no WebGPU', workerPreludes.noWebGpu], ['no adapter', workerPreludes.noAdapter]]) {
  test(`with ${what} the page runs on the CPU and says why`, async () => {
    const moescope = await openMoescope(browser, site, { hash: SHORT, workerPrelude });
    const { kind, reason } = await moescope.backend();
    assert.equal(kind, 'cpu');
    assert.match(reason, /WebGPU|GPU|adapter/i);
    await moescope.stillWrites();
    await moescope.page.getByRole('button', { name: 'Backend: CPU' }).click();
    await moescope.page.locator('.reason[data-backend="cpu"]').waitFor({ state: 'visible' });
    await moescope.screenshot(`e2e-${what.replaceAll(' ', '-').toLowerCase()}`);
    assertQuiet(moescope.errors);
    await moescope.close();
  });
}

test('asking for WebGPU where there is none says so and keeps the CPU engine', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...SHORT, backend: 'cpu' }, workerPrelude: workerPreludes.noWebGpu });
  await moescope.chooseBackend('WebGPU');
  await moescope.page.locator('.failure[data-code="no_gpu"]').waitFor();
  assert.equal((await moescope.backend()).kind, 'cpu');
  await moescope.stillWrites();
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('an adapter without timestamp-query runs the page on WebGPU, and refuses only stock Burn, with the reason', async () => {
  const moescope = await openMoescope(browser, site, { hash: SHORT, workerPrelude: workerPreludes.noTimestampQuery });
  assert.equal((await moescope.backend()).kind, 'webgpu');
  await moescope.stillWrites();
  await moescope.chooseBackend('WebGPU, stock Burn');
  const failure = moescope.page.locator('.failure[data-code="no_gpu"]');
  await failure.waitFor();
  assert.match(await failure.textContent(), /timestamp-query/);
  await moescope.stillWrites();
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('an analysis of two routings and a lesson are measured on WebGPU too', async () => {
  const hash = { ...SHORT, backend: 'webgpu', model: 'models/first', tab: 'analyses', texts: 'own', own: 'A fox.', analysis: 'agreement', against: 'switch' };
  const moescope = await openMoescope(browser, site, { hash });
  const { page } = moescope;
  page.setDefaultTimeout(2 * PATIENCE_MS);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.result[data-status="done"] .figure-table').waitFor();
  await page.getByRole('tab', { name: 'Lessons' }).click();
  await page.getByRole('button', { name: /^The k knob/ }).click();
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await page.locator('.question').getByRole('radio').first().check();
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await moescope.write('A fox');
  await moescope.topK.fill('1');
  await page.locator('.finding').waitFor();
  assert.equal((await moescope.backend()).kind, 'webgpu');
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('pictures run on the CPU unless WebGPU is chosen, and there their patches go to the same experts', async () => {
  const experts = [];
  for (const [backend, expected] of [['auto', 'cpu'], ['webgpu', 'webgpu']]) {
    const state = new URLSearchParams({ v: '3', tab: 'vision', 'v.model': 'models/vit_moe', backend });
    const { page, errors, close } = await openPage(browser, `${site.url}#${state}`);
    page.setDefaultTimeout(120_000);
    await page.locator('.verdict[data-answer]').waitFor();
    await page.locator(`.note[data-backend="${expected}"]`).waitFor();
    experts.push(await page.locator('.patch').evaluateAll((all) => all.map(({ dataset }) => dataset.experts)));
    assertQuiet(errors);
    await close();
  }
  assert.equal(experts[0].length, 3 * 64);
  assert.deepEqual(experts[1], experts[0]);
});
