// For everyone: no serious finding of axe in any place and theme, two languages, hidden controls, a presenter's page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { assertQuiet, eventually, needFile } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';
import { loadState } from './state.mjs';

const axe = fs.readFileSync(needFile('node_modules/axe-core/axe.min.js', 'Run npm install.'), 'utf8');
const { HIDEABLE } = await loadState();
const { browser, site } = await withSite({ webgpu: false });

async function withPage(hash, run, context = {}) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8', ...hash }, context });
  await run(moescope);
  assertQuiet(moescope.errors);
  await moescope.close();
}

/** Findings that axe calls serious or critical, of these rules or of all, with the elements they are about. */
async function findings({ page }, rules) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe);
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) };
  const { violations } = await page.evaluate((given) => window.axe.run(document, given), options);
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n')[1] ?? ''}`).join(' | ')}`);
}

const EYES = { tab: 'vision', 'v.model': 'models/vit_moe' };
const ANALYSES = { v: '3', model: 'models/first', tab: 'analyses' };
const see = (selector) => ({ page }) => page.locator(selector).first().waitFor();
const menu = (name) => async ({ page }) => {
  await page.getByRole('button', { name }).click();
  await page.locator('.menu .panel:not([hidden])').waitFor();
};

/** What the link says, and what is done until everything is there that is to be judged. */
const PLACES = {
  language: [{}, (moescope) => moescope.stillWrites()],
  'language, everything open': [{ k: '1', token: '3', tint: 'entropy', side: 'load', c: '2' }, (moescope) => moescope.stillWrites()],
  'the page of an expert': [{ expert: '2', layer: '1' }, async (moescope) => {
    await see('.expertpage .favourite')(moescope);
    await see('.alone .units')(moescope);
  }],
  'a comparison of A and B': [{ a: 'trained', k: '1' }, async (moescope) => {
    await moescope.stillWrites();
    await see('#compare')(moescope);
  }],
  'a comparison of two models and texts': [{ 'a.model': 'models/nine', 'a.text': 'The king said that' }, async (moescope) => {
    await moescope.stillWrites();
    await see('.compare .side[data-model="nine"]')(moescope);
  }],
  'a presenter': [{ present: 'text' }, see('#text .token')],
  'the picker of models': [{}, menu(/^Model:/)],
  'the choice of the backend': [{}, menu(/^Backend:/)],
  'the list of keys': [{}, async ({ page }) => {
    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByRole('dialog').waitFor();
  }],
  'a menu of copies': [{}, ({ page }) => page.locator('details.keep summary').first().click()],
  vision: [EYES, see('.verdict[data-answer]')],
  'vision, entropy and capacity': [{ ...EYES, 'v.tint': 'entropy', 'v.cf': '0.5', 'v.patch': '9' }, see('.verdict[data-answer]')],
  'a comparison of two pictures': [{ ...EYES, 'v.a.image': 'cifar10.1.0', 'v.a.k': '1' }, see('.compare .side')],
  'an analysis with its bars': [ANALYSES, see('.result[data-status="done"] .figure-table')],
  'an analysis with a matrix': [{ ...ANALYSES, analysis: 'co_activation' }, see('.result[data-status="done"] .figure-table')],
  'an analysis before it runs': [{ ...ANALYSES, analysis: 'domains', texts: 'domains' }, see('.result[data-status="idle"]')],
  'list of lessons': [{ tab: 'lessons' }, see('.overview')],
  lesson: [{ tab: 'lessons', lesson: 'topk', step: '1' }, see('.question')],
  'a lesson about pictures': [{ tab: 'lessons', lesson: 'patches', step: '2', 'v.model': 'models/vit_moe' }, see('.lesson')],
  'a router of a link': [{ code: 'function route() { return []; }', s: 'external' }, (moescope) => moescope.stillWrites()],
  'a router with a mistake': [{ code: 'function route( {' }, async ({ page }) => {
    await page.getByRole('button', { name: 'Run this router', exact: true }).click();
    await page.getByRole('button', { name: 'Show line 1' }).waitFor();
  }],
};
const SCREENS = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
/** Every rule on both screens and in both themes; what a theme changes are colours, so that the second looks at contrast alone. */
const LOOKS = [['desktop', 'light'], ['desktop', 'dark', ['color-contrast']], ['phone', 'dark']];

for (const [name, [hash, prepare]] of Object.entries(PLACES)) {
  test(`axe finds nothing serious: ${name}, in light and dark, on a desktop and on a phone`, () => withPage(hash, async (moescope) => {
    const { page } = moescope;
    await prepare(moescope);
    for (const [screen, colorScheme, rules] of LOOKS) {
      await page.setViewportSize(SCREENS[screen]);
      await page.emulateMedia({ colorScheme });
      await moescope.nextFrame();
      assert.deepEqual(await findings(moescope, rules), [], `${screen}, ${colorScheme}`);
      if (rules === undefined) await moescope.screenshot(`e2e-axe-${name.replaceAll(/\W+/g, '-')}-${screen}-${colorScheme}`);
    }
  }, { reducedMotion: 'reduce' }));
}

test('axe finds nothing serious in the knobs that a phone folds away', () => withPage({}, async (moescope) => {
  await moescope.page.getByRole('button', { name: 'Strategy, experts and more' }).click();
  await moescope.page.locator('.routing[data-open="true"]').waitFor();
  assert.deepEqual(await findings(moescope), []);
}, { viewport: SCREENS.phone, reducedMotion: 'reduce' }));

test('the page is Chinese where the link says so, and English again by its menu', () => withPage({ lang: 'zh' }, async ({ page, screenshot }) => {
  await page.getByRole('button', { name: '生成', exact: true }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh');
  await screenshot('e2e-chinese');
  await page.getByRole('combobox', { name: 'Language of the page' }).selectOption('en');
  await page.getByRole('button', { name: 'Generate', exact: true }).waitFor();
  await eventually(() => page.evaluate(() => location.hash), /^#v=3.*lang=en/);
}));

test('a link hides controls, and they are hidden from everybody', () => withPage({ hide: 'strategy,experts,router' }, async ({ page, topK }) => {
  assert.equal(await page.getByRole('combobox', { name: 'Strategy' }).count(), 0);
  assert.equal(await page.getByRole('switch', { name: /^Expert/ }).count(), 0);
  assert.equal(await page.getByRole('region', { name: 'Router' }).count(), 0);
  assert.ok(await topK.isVisible());
}));

/** Names and classes of what can be used on the page and is no part of a view. */
const usable = ({ page }) => page.locator('.topbar, #place').locator('button, input, select, textarea, summary, a').evaluateAll((all) => all
  .filter((control) => control.checkVisibility() && control.closest('#text') === null)
  .map((control) => `${control.tagName} ${control.getAttribute('aria-label') ?? control.textContent}`));

for (const [tab, ready, least] of [['language', '#text .token.generated', 30], ['vision', '.verdict[data-answer]', 30], ['analyses', '.result .headline', 20]]) {
  test(`a link hides every control of the tab ${tab}, one by one or all`, () => withPage({ v: '3', model: 'models/first', ...EYES, tab, hide: HIDEABLE.join(',') }, async (moescope) => {
    const { page } = moescope;
    await page.locator(ready).first().waitFor({ state: 'attached' });
    await moescope.modelIsReady();
    await eventually(() => usable(moescope), []);
    await page.goto(`${site.url}#${new URLSearchParams({ v: '3', ...CPU, model: 'models/first', ...EYES, tab, auto: '0' })}`);
    await eventually(() => usable(moescope), (controls) => controls.length > least);
  }, { reducedMotion: 'reduce' }));
}

test('share copies a link that opens what is shown', () => withPage({ model: 'models/first' }, async (moescope) => {
  const { page } = moescope;
  await moescope.topK.fill('1');
  const share = page.getByRole('button', { name: 'Share', exact: true });
  await share.click();
  await page.getByRole('button', { name: 'Link copied' }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#v=3.*&k=1/);
  await moescope.topK.fill('2');
  await share.waitFor();
  await page.goto('about:blank');
  await page.goto(link);
  await eventually(() => moescope.topK.inputValue(), '1');
}, { permissions: ['clipboard-read', 'clipboard-write'] }));

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

test('a presented grid of layers is larger, with the name of each layer beside its row', () => withPage({}, async (moescope) => {
  const { page } = moescope;
  await moescope.stillWrites();
  const heights = () => page.evaluate(() => {
    const box = (part) => document.querySelector(part).getBoundingClientRect();
    return [box('.grid .rows li:last-child').bottom - box('.grid .rows li').top, box('#grid').height];
  });
  const alike = async (atLeast) => {
    const [names, rows] = await heights();
    return Math.abs(names - rows) < 1 && rows > atLeast;
  };
  await eventually(() => alike(1), true);
  const [, usual] = await heights();
  await page.getByRole('button', { name: 'Present', exact: true }).click();
  await page.locator('#menu-present').getByRole('button', { name: 'Layers' }).click();
  await eventually(() => alike(2 * usual), true);
}));
