// The page keeps to its origin and to its policy, and looks right at three widths in both themes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

test('nothing is asked of other hosts and nothing violates the policy', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '12' }, ready: false });
  const asked = [];
  moescope.page.on('request', (request) => asked.push(request.url()));
  await moescope.page.addInitScript(() => {
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  await moescope.page.reload();
  await moescope.modelIsReady();
  await moescope.stillWrites();
  await moescope.token(1).click();
  await moescope.topK.fill('1');
  await moescope.expert(0).click();
  await moescope.losses();
  await moescope.page.getByRole('button', { name: 'Keys' }).click();
  await moescope.page.getByRole('dialog').waitFor();
  assert.deepEqual(await moescope.page.evaluate(() => window.violations), []);
  assert.ok(asked.length > 3);
  const foreign = asked.filter((url) => !url.startsWith(site.url) && !/^(blob|data):/.test(url));
  assert.deepEqual(foreign, []);
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('the page states its policy itself, for hosts that send none', async () => {
  const moescope = await openMoescope(browser, site, { hash: CPU, ready: false });
  const policy = await moescope.page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  for (const part of ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "connect-src 'self'"]) {
    assert.ok(policy.split('; ').includes(part), part);
  }
  await moescope.close();
});

test('nothing overflows on a phone, a tablet and a wide screen, in light and dark', async (t) => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '60' } });
  const { page } = moescope;
  await moescope.stillWrites();
  await moescope.token(3).click();
  await moescope.topK.fill('1');
  await moescope.losses();
  for (const [name, width, height] of [['phone', 360, 740], ['tablet', 800, 1100], ['wide', 1440, 1000]]) {
    for (const colorScheme of ['light', 'dark']) {
      await t.test(`${name}, ${colorScheme}`, async () => {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        await moescope.nextFrame();
        await eventually(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
        await moescope.screenshot(`e2e-${name}-${colorScheme}`);
      });
    }
  }
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('a text from right to left runs so, and a word longer than the screen breaks', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '2' }, context: { viewport: { width: 360, height: 740 } } });
  const { page, text } = moescope;
  await moescope.write('שלום עולם וברוך הבא');
  await eventually(() => text.evaluate((element) => getComputedStyle(element).direction), 'rtl');
  const [first, last] = await text.locator('.token.prompt:not(.special)').evaluateAll((all) => [all[0], all.at(-1)].map((token) => token.getBoundingClientRect()));
  assert.ok(first.left > last.left || first.top < last.top, JSON.stringify([first, last]));
  await moescope.screenshot('e2e-right-to-left');
  await moescope.write('Donaudampfschifffahrt'.repeat(12));
  await eventually(() => text.evaluate((element) => getComputedStyle(element).direction), 'ltr');
  await eventually(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  assertQuiet(moescope.errors);
  await moescope.close();
});

test('the state in a link sets theme and text size', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, theme: 'dark', size: '160' } });
  const look = await moescope.page.evaluate(() => ({
    scheme: getComputedStyle(document.documentElement).colorScheme,
    size: getComputedStyle(document.documentElement).fontSize,
  }));
  assert.deepEqual(look, { scheme: 'dark', size: '25.6px' });
  await moescope.close();
});
