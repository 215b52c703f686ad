// For everyone: no serious finding of axe in any place and theme, two languages, hidden controls, a presenter's page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { assertQuiet, eventually, launch, needFile } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { openSite } from './site.mjs';

const axe = fs.readFileSync(needFile('node_modules/axe-core/axe.min.js', 'Run npm install.'), 'utf8');
let browser;
let site;
before(async () => {
  site = await openSite();
  browser = await launch({ webgpu: false });
});
after(async () => {
  await browser?.close();
  await site?.close();
});

async function withPage(hash, run, context = {}) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8', ...hash }, context });
  await run(moescope);
  assertQuiet(moescope.errors);
  await moescope.close();
}

/** Findings that axe calls serious or critical, with the elements they are about. */
async function findings({ page }) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n')[1] ?? ''}`).join(' | ')}`);
}

const PLACES = {
  language: {},
  'language, everything open': { 'a': 'trained', k: '1', expert: '2', token: '3', tint: 'entropy', side: 'load', c: '2' },
  vision: { tab: 'vision', 'v.model': 'models/vit_moe' },
  'vision, entropy and capacity': { tab: 'vision', 'v.model': 'models/vit_moe', 'v.tint': 'entropy', 'v.cf': '0.5', 'v.patch': '9' },
  'list of lessons': { tab: 'lessons' },
  lesson: { tab: 'lessons', lesson: 'topk', step: '1' },
  'lesson about pictures': { tab: 'lessons', lesson: 'patches', step: '2', 'v.model': 'models/vit_moe' },
  'router of a link': { code: 'function route() { return []; }', s: 'external' },
};
for (const [name, hash] of Object.entries(PLACES)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`axe finds nothing serious: ${name}, ${colorScheme}`, () => withPage(hash, async (moescope) => {
      if (hash.tab === undefined) await moescope.stillWrites();
      await moescope.nextFrame();
      assert.deepEqual(await findings(moescope), []);
      await moescope.screenshot(`e2e-axe-${name.replaceAll(/\W+/g, '-')}-${colorScheme}`);
    }, { colorScheme, reducedMotion: 'reduce' }));
  }
}

test('axe finds nothing serious in a router with a mistake', () => withPage({ code: 'function route( {' }, async (moescope) => {
  await moescope.page.getByRole('button', { name: 'Run this router', exact: true }).click();
  await moescope.page.getByRole('button', { name: 'Show line 1' }).waitFor();
  assert.deepEqual(await findings(moescope), []);
}));

test('axe finds nothing serious in the picker of models', () => withPage({}, async (moescope) => {
  await moescope.page.getByRole('button', { name: /^Model:/ }).click();
  await moescope.page.locator('#menu-model').waitFor({ state: 'visible' });
  assert.deepEqual(await findings(moescope), []);
}));

test('the page is Chinese where the link says so, and English again by its menu', () => withPage({ lang: 'zh' }, async ({ page, screenshot }) => {
  await page.getByRole('button', { name: '生成', exact: true }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh');
  await screenshot('e2e-chinese');
  await page.getByRole('combobox', { name: 'Language of the page' }).selectOption('en');
  await page.getByRole('button', { name: 'Generate', exact: true }).waitFor();
  await eventually(() => page.evaluate(() => location.hash), /^#v=2.*lang=en/);
}));

test('a link hides controls, and they are hidden from everybody', () => withPage({ hide: 'strategy,experts,router' }, async ({ page, topK }) => {
  assert.equal(await page.getByRole('combobox', { name: 'Strategy' }).count(), 0);
  assert.equal(await page.getByRole('switch', { name: /^Expert/ }).count(), 0);
  assert.equal(await page.getByRole('region', { name: 'Router' }).count(), 0);
  assert.ok(await topK.isVisible());
}));

test('a presenter shows one view and the knob, and gets the page back', () => withPage({}, async (moescope) => {
  const { page } = moescope;
  await moescope.stillWrites();
  await page.getByRole('button', { name: 'Present', exact: true }).click();
  await page.locator('#menu-present').getByRole('button', { name: 'Text' }).click();
  await moescope.prompt.waitFor({ state: 'hidden' });
  assert.ok(await moescope.text.isVisible() && await moescope.topK.isVisible());
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  await moescope.screenshot('e2e-presenter');
  await page.getByRole('button', { name: 'End presenting' }).click();
  await moescope.prompt.waitFor({ state: 'visible' });
}));
