// What one expert does to one token, on the page of an expert: on the CPU engine, which can look inside.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

/** What the part says of a token, once it is answered. */
async function answered({ page }, position) {
  const part = page.locator(`.alone[data-position="${position}"]`);
  await part.locator('.units tbody tr').first().waitFor();
  return part.evaluate((section) => {
    const numbers = (selector, name) => [...section.querySelectorAll(selector)].map((cell) => Number(cell.dataset[name]));
    return {
      name: section.getAttribute('aria-label'),
      sentence: section.querySelector('.answer p').textContent,
      weight: section.querySelector('.answer p').dataset.weight,
      mixture: numbers('.predictions td.mixture', 'share'),
      alone: numbers('.predictions td.only', 'share'),
      units: [...section.querySelectorAll('.units tbody tr')].map(({ dataset }) => dataset.unit),
      activations: numbers('.units .activation', 'activation'),
      words: section.querySelectorAll('.units .up code, .units .down code').length,
    };
  });
}

test('the page of an expert shows what it makes of a token alone, and changes with the token', async () => {
  const context = { permissions: ['clipboard-read', 'clipboard-write'] };
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8', layer: '1', expert: '2' }, context });
  const { page } = moescope;
  await moescope.write('Once upon a time');
  const last = (await moescope.tokens()).length - 1;
  const end = await answered(moescope, last);
  for (const shares of [end.mixture, end.alone]) {
    assert.ok(shares.length >= 6 && shares.every((share) => share >= 0 && share <= 1), String(shares));
    assert.ok(shares.reduce((sum, share) => sum + share, 0) <= 1.0001, String(shares));
  }
  assert.notDeepEqual(end.mixture, end.alone);
  assert.equal(end.units.length, 6);
  assert.ok(end.activations.every((activation) => activation !== 0));
  assert.equal(end.words, 6 * 8);

  await moescope.token(2).click();
  const second = await answered(moescope, 2);
  assert.match(second.name, /^Alone at token 3, “.+”$/);
  assert.notDeepEqual(second.mixture, end.mixture);
  assert.notDeepEqual([second.units, second.activations], [end.units, end.activations]);
  await moescope.screenshot('e2e-alone');

  // The sentence agrees with the trace: who was chosen at this layer has a weight, who was not has none.
  const { experts } = (await moescope.tokens())[2];
  for (const expert of [experts[0], [0, 1, 2, 3].find((other) => !experts.includes(other))]) {
    await page.getByRole('button', { name: `About expert ${expert}`, exact: true }).click();
    await page.locator(`.expertpage[data-expert="${expert}"]`).waitFor();
    await eventually(async () => (await answered(moescope, 2)).sentence, (sentence) => sentence.startsWith('The router chose it here') === experts.includes(expert));
  }

  // Asked again under the routing that is set, which is said.
  const [banned] = experts;
  await page.getByRole('button', { name: `About expert ${banned}`, exact: true }).click();
  await eventually(async () => (await answered(moescope, 2)).sentence, /^The router chose it here/);
  await moescope.expert(banned).click();
  await eventually(async () => (await answered(moescope, 2)).sentence, /^The router did not choose it here/);
  await page.locator('.alone').getByText(`routed as it is set now (−${banned})`).waitFor();

  await page.locator('details.keep summary').and(page.getByLabel('Copy or save: Alone at this token')).click();
  const menu = page.getByRole('group', { name: 'Copy or save: Alone at this token' });
  await menu.getByRole('button', { name: 'Copy CSV' }).click();
  await menu.getByText(/rows copied/).waitFor();
  const csv = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(csv, /^kind,token_id,text,mixture,alone,unit,activation,strength,up,down\r\ntoken,\d+,/);
  assert.equal(csv.match(/^unit,/gm)?.length, 6);
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('a recorded run is asked about once the live model is there, in Chinese too', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, model: 'models/first', expert: '3', token: '1', lang: 'zh' } });
  const { name, sentence } = await answered(moescope, 1);
  assert.match(name, /^在第 2 个词元“.+”上单独作用$/);
  assert.match(sentence, /余弦/);
  assertQuiet(moescope.errors);
  await moescope.close();
});
