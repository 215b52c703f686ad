// The built page on a static host: from a path of its own, with and without isolation, and without the host.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually, withBrowser } from '../browser/harness.mjs';
import { CPU, openMoescope, PATIENCE_MS } from './moescope-page.mjs';
import { openSite } from './site.mjs';

const BASE = '/some/path/';
const context = { serviceWorkers: 'allow' };

const browser = await withBrowser({ webgpu: false });

/** Serves dist below a path for one test. */
async function siteFor(t, options = {}) {
  const site = await openSite({ base: BASE, ...options });
  t.after(() => site.close());
  return site;
}

/** Waits until the service worker has what a visit needs: the weights keep themselves. */
async function isKept(page, engine) {
  await page.waitForFunction(async (name) => {
    const names = (await caches.keys()).filter((key) => key.startsWith('moescope-page '));
    const kept = (await Promise.all(names.map(async (key) => (await caches.open(key)).keys()))).flat().map(({ url }) => url);
    return [name, 'models/first/tokenizer.json'].every((part) => kept.some((url) => url.includes(part)));
  }, engine, { timeout: PATIENCE_MS });
}

test('after one visit the page opens and writes without its host', async (t) => {
  const site = await siteFor(t);
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8' }, context });
  await moescope.stillWrites();
  const before = await moescope.tokens();
  await isKept(moescope.page, 'moescope_cpu_bg');
  assertQuiet(moescope.errors);
  await site.goAway();
  await assert.rejects(fetch(site.url), 'the host is away');
  await moescope.page.reload();
  await moescope.modelIsReady();
  await moescope.stillWrites();
  assert.deepEqual(await moescope.tokens(), before);
  await moescope.close();
});

test('without its host the recorded run is there, also under a link with a state', async (t) => {
  const site = await siteFor(t);
  const moescope = await openMoescope(browser, site, { hash: CPU, context });
  await isKept(moescope.page, 'moescope_cpu_bg');
  await site.goAway();
  const again = await moescope.page.context().newPage();
  await again.goto(`${site.url}index.html?from=mail#v=1&auto=0&theme=dark`);
  await again.locator('#text .token.generated').first().waitFor();
  assert.equal(await again.locator('html').getAttribute('data-theme'), 'dark');
  await moescope.close();
});

for (const isolated of [false, true]) {
  test(`the page writes below a path ${isolated ? 'with' : 'without'} cross-origin isolation`, async (t) => {
    const site = await siteFor(t, { isolated });
    const asked = [];
    const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8' }, ready: false, context });
    moescope.page.on('request', (request) => asked.push(request.url()));
    await moescope.page.reload();
    await moescope.modelIsReady();
    await moescope.stillWrites();
    const [found, cores] = await moescope.page.evaluate(() => [crossOriginIsolated, navigator.hardwareConcurrency]);
    assert.equal(found, isolated);
    const threads = moescope.page.locator('.note.threads:not([hidden])').filter({ hasText: `${Math.min(cores, 8)} threads` });
    assert.equal(await threads.count(), isolated && cores > 1 ? 1 : 0);
    assert.deepEqual(asked.filter((url) => !url.startsWith(site.url) && !/^(blob|data):/.test(url)), []);
    assertQuiet(moescope.errors);
    await moescope.close();
  });
}

test('the title follows what is shown', async (t) => {
  const site = await siteFor(t);
  const moescope = await openMoescope(browser, site, { hash: CPU });
  assert.equal(await moescope.page.title(), 'as trained · first · Language · Moescope');
  await moescope.topK.fill('1');
  await moescope.expert(3).click();
  await eventually(() => moescope.page.title(), 'top-1, −3 · first · Language · Moescope');
  await moescope.close();
});

test('what messengers ask for is there', async (t) => {
  const site = await siteFor(t);
  const html = await (await fetch(site.url)).text();
  const picture = /property="og:image" content="([^"]+)"/.exec(html)?.[1];
  const answer = await fetch(new URL(picture, site.url));
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/png']);
  assert.match(html, /property="og:title" content="[^"]+"/);
  assert.match(html, /property="og:description" content="[^"]+"/);
});
